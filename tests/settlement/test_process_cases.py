"""Cases C01 and C02, replayed with the terms of a contract and runs of one month."""

import re
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from settlement.calc.causes import METER, PRICE, causes_between
from settlement.calc.delta import billed_of, compare
from settlement.calc.inputs import from_document
from settlement.calc.settle import settle
from settlement.models import SettlementRun
from tests.contracts.cases import example

ROOT = Path(__file__).resolve().parents[2]


def month(mwh, price, **more):
    """Return August 2026 at a fixed price, the whole quantity in its first interval."""
    rest = 744 - 1
    quantity = {"minutes": 60, "runs": [[1, format(Decimal(mwh) * 1000, "f")], [rest, "0"]]}
    energy = {"line_code": 10, "charge_type": "fixed_energy@1", "label": "Energy"}
    document = {
        "contract": "C-1001",
        "zone": "America/Chicago",
        "period": "2026-08",
        "versions": [{"terms": [{**energy, "parameters": {"price": price}}]}],
        "series": {"delivered": quantity},
        **more,
    }
    return from_document(document)


def numbers(text):
    return [found.replace(",", "") for found in re.findall(r"[\d,]+\.\d+", text)]


def test_case_c01_each_run_bills_the_difference_to_what_was_last_billed():
    case = example("C01")
    runs = [
        settle(month(mwh, case["inputs"]["price"])) for mwh in numbers(case["inputs"]["quantities"])
    ]
    kinds = ("PRELIMINARY", "FINAL", "TRUE_UP")
    for kind, run in zip(kinds, runs, strict=True):
        assert format(run.total_usd, "f") == case["expected"][kind]["amount"]
    billed, deltas = runs[0].total_usd, [runs[0].total_usd]
    for at, (old, new) in enumerate(pairwise(runs), 1):
        found = [one.document() for one in compare(billed_of(old.lines), billed_of(new.lines))]
        entry = {"period": "2026-08", "runs": {"before_run": at, "after_run": at + 1}}
        later = settle(month("0", "0", adjustments=[{**entry, "deltas": found}]))
        [correction] = [line for line in later.lines if line.line_code == 70]
        deltas.append(correction.amount_usd)
        billed += correction.amount_usd
    assert [format(usd, "f") for usd in deltas] == [
        case["expected"][kind]["delta"] for kind in kinds
    ]
    assert format(billed, "f") == case["expected"]["sum_of_deltas"]


def test_case_c02_volume_and_price_effect_and_the_causes_behind_them():
    case = example("C02")
    before, after = (month(*numbers(case["inputs"][name])) for name in ("run1", "run2"))
    [delta] = compare(billed_of(settle(before).lines), billed_of(settle(after).lines))
    expected = case["expected"]
    assert format(delta.amount_usd, "f") == expected["delta"]
    assert format(delta.volume_usd, "f") == expected["volume_effect"]
    assert format(delta.price_usd, "f") == expected["price_effect"]
    [caused] = causes_between(before, after)
    assert caused.by_cause == {
        METER.key: Decimal(expected["volume_effect"]),
        "CONTRACT_AMENDMENT": Decimal(expected["price_effect"]),
    }
    assert PRICE.key not in caused.by_cause


@pytest.mark.parametrize(
    ("kind", "state", "after"),
    [
        ("PRELIMINARY", "CALCULATED", "PRELIMINARY"),
        ("PRELIMINARY", "APPROVED", "FINAL"),
        ("FINAL", "INVOICED", "TRUE_UP"),
        ("TRUE_UP", "APPROVED", "TRUE_UP"),
        ("AD_HOC", "APPROVED", "TRUE_UP"),
        ("AD_HOC", "REJECTED", "AD_HOC"),
    ],
)
def test_which_kind_of_run_follows_which(kind, state, after):
    assert SettlementRun(kind=kind, state=state).kind_after == after


def test_the_example_of_the_page_about_causes_adds_up():
    text = (ROOT / "docs" / "causes.md").read_text()
    rows = re.findall(r"^\| [A-Z][a-z ]+\|[^|]*\| ([\d.]+) \|$", text, re.MULTILINE)
    *parts, difference = map(Decimal, rows)
    assert len(parts) == 4
    assert sum(parts) == difference == Decimal("828.00")
