"""What is wrong in a form is said in its own words, for every parameter of every charge type."""

import re
from copy import deepcopy
from dataclasses import is_dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from types import SimpleNamespace
from typing import get_args, get_origin, get_type_hints

import pytest

from contracts.charges import charge_type, charge_types
from contracts.forms.wording import NAME, _bare, place_of, worded
from contracts.forms.workspace import workspace_form
from contracts.models import Term
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.parameters import describe
from tests.contracts.charges.samples import settings_of

WRONG = {Decimal: "abc", int: "many", date: "2026-13-01", bool: "perhaps"}
CODE = re.compile(r"\[\d|\w\.\d|\w\.[a-z_]")


def bad_inputs(described, path=()):
    """Yield (path, value): every field below a dataclass with a value that does not fit it."""
    hints = get_type_hints(described)
    for entry in describe(described):
        hint, at = _bare(hints[entry["name"]]), (*path, entry["name"])
        items = _bare(get_args(hint)[0]) if get_origin(hint) is list else None
        if is_dataclass(hint):
            yield from bad_inputs(hint, at)
        elif is_dataclass(items):
            yield at, 7
            yield from bad_inputs(items, (*at, 0))
        elif items in WRONG:
            yield at, [WRONG[items]]
        elif entry["choices"]:
            yield at, "NOPE"
        elif hint in WRONG:
            yield at, WRONG[hint]
        elif hint is not str:
            yield at, 7


def put(document, path, value):
    """Return a document with one value at a path; rows and objects on the way are made."""
    document = deepcopy(document)
    holder = document
    for name, after in pairwise(path):
        empty = [] if isinstance(after, int) else {}
        if isinstance(name, int):
            while len(holder) <= name:
                holder.append({})
        elif not isinstance(holder.get(name), type(empty)):
            holder[name] = empty
        holder = holder[name]
    holder[path[-1]] = value
    return document


@pytest.mark.parametrize("key", charge_types.keys())
def test_a_wrong_value_is_said_with_its_label_its_row_what_was_found_and_what_to_do(key):
    described, sample = charge_type(key).Parameters, settings_of(key, Decimal(50))
    for path, value in bad_inputs(described):
        where = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in path)[1:]
        with pytest.raises(Refused) as refused:
            charge_type(key).parse(put(sample, path, value))
        [finding] = [one for one in refused.value.findings if one.where == where]
        place, text = worded(described, finding)
        assert place.field == path[0], where
        assert place.row == next((one for one in path if isinstance(one, int)), None), where
        assert (", row 1, " in text) == any(isinstance(one, int) for one in path), text
        label = next(row["label"] for row in describe(described) if row["name"] == path[0])
        assert text.startswith(label), text
        assert not CODE.search(text.replace("12.50", "")), text
        assert not NAME.search(text), text
        found = value[0] if isinstance(value, list) else value
        assert repr(found) in text or "must be" in text, text
        assert re.search(r"Write|Give|Choose|is not one of|must be", text), text


@pytest.mark.parametrize("key", charge_types.keys())
def test_what_is_not_written_is_asked_for(key):
    described, sample = charge_type(key).Parameters, settings_of(key, Decimal(50))
    for entry in describe(described):
        if not entry["required"]:
            continue
        with pytest.raises(Refused) as refused:
            charge_type(key).parse({k: v for k, v in sample.items() if k != entry["name"]})
        [finding] = [one for one in refused.value.findings if one.where == entry["name"]]
        _place, text = worded(described, finding)
        assert "nothing is written here. " in text
        assert re.search(r"(Write|Give|Choose) .+\.$", text), text


def test_nested_entries_unknown_fields_and_names_in_messages_are_said():
    demand = charge_type("demand@1").Parameters
    place, text = worded(
        demand, Finding("parameters.wrong", "'x' is not a plain decimal number.",
                        where="prices[1].blocks[0].up_to_kw"),
    )  # fmt: skip
    assert (place.field, place.row, place.column) == ("prices", 1, "blocks")
    assert text.startswith("Prices, row 2, blocks, entry 1, up to kW: 'x' is not a plain")
    unknown = Finding("parameters.unknown", "unknown field; known: up_to_kw, rate.",
                      where="prices[0].blocks[0].rat")  # fmt: skip
    assert worded(demand, unknown)[1] == (
        "Prices, row 1, blocks, entry 1, 'rat': unknown field; known: up_to_kw, rate."
    )
    index = charge_type("index_adder@1").Parameters
    both = Finding("c", "basis_index and basis_share_ratio stand together", where="basis_index")
    assert worded(index, both)[1] == (
        "Basis index: 'Basis index' and 'Basis share ratio' stand together."
    )
    assert place_of(index, "line 10").field == ""


def test_the_wrong_cell_of_a_table_is_marked_described_and_focused():
    nothing = SimpleNamespace(exists=lambda: False, first=lambda: None)
    no_rows = SimpleNamespace(filter=lambda **_: nothing, exclude=lambda **_: no_rows)
    version = SimpleNamespace(terms=no_rows)
    described = describe(charge_type("block_energy@1").Parameters)
    data = {f"p_{one['name']}": one["default"] for one in described if one["choices"]} | {
        "line_code": "10", "label": "Energy", "quantity_name": "delivered",
        "p_counts": "MONTH", "p_volume": "MARGINAL", "p_part_month": "DAYS", "p_blocks-rows": "3",
        "p_blocks-0-up_to": "100", "p_blocks-0-price": "50",
        "p_blocks-2-price": "62,50", "p_price_unit": "USD/MWh",
    }  # fmt: skip
    form = workspace_form("block_energy@1")(data, instance=Term(), version=version)
    assert not form.is_valid()
    assert list(form.errors) == ["p_blocks"]
    [text] = form.errors["p_blocks"]
    assert text.startswith("Blocks, row 2, price")
    assert "'62,50' is not a plain decimal number. Write a number with a point" in text
    html = str(form["p_blocks"])
    [cell] = re.findall(r"<input[^>]*aria-invalid[^>]*>", html)
    assert 'id="id_p_blocks-1-price"' in cell
    assert "id_p_blocks_error" in re.search(r'aria-describedby="([^"]*)"', cell)[1]
    assert cell.endswith(" autofocus>")
    assert 'value="62,50"' in cell
    assert form["p_blocks"].id_for_label == "id_p_blocks-1-price"
