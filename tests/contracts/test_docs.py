"""The pages of docs/charges say what the charges do: their examples are priced here."""

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest

from contracts.calc.documents import pricing_inputs
from contracts.calc.price_terms import PricedTerm, PricingInputs, price_terms
from contracts.charges import charge_types
from poweroptix.kernel.parameters import describe
from poweroptix.kernel.period import Period

PAGES = Path(__file__).resolve().parents[2] / "docs" / "charges"
BLOCK = re.compile(r"```json example\n(.*?)```", re.DOTALL)
DEFAULTS = PricingInputs(
    "PPA-ALFA", 1, Period.month("America/Chicago", "2026-03"), "America/Chicago", "USD"
)


#: Pages of what several charge types share: parameters of a mixin and what they do.
SHARED = ("price_growth", "losses", "energy_share")


def page_of(key):
    return (PAGES / f"{key.split('@')[0]}.md").read_text()


def examples():
    for key in (*charge_types.keys(), *SHARED):
        for number, text in enumerate(BLOCK.findall(page_of(key)), start=1):
            yield pytest.param(key, json.loads(text), id=f"{key}-{number}")


@pytest.mark.parametrize(("key", "case"), list(examples()))
def test_the_example_is_priced_as_the_page_says(key, case):
    code = case["term"].get("line_code", 10)
    term = PricedTerm(10, code, case["term"]["charge_type"], "Line", **parameters(case))
    assert term.charge_type == key or key in SHARED
    priced, _carry = price_terms([term], pricing_inputs(case["inputs"], DEFAULTS))
    assert str(priced[0][1].amount_usd) == case["expected"]
    assert f"{Decimal(case['expected']):,.2f}" in BLOCK.sub("", page_of(key))


def parameters(case):
    return {"parameters": case["term"]["parameters"]}


@pytest.mark.parametrize("key", charge_types.keys())
def test_every_charge_type_has_a_page_that_names_its_parameters(key):
    page = page_of(key)
    assert page.startswith(f"# {key} — ")
    shared = {"price_unit", "quantity_places", "line_per", "availability_ratio"}
    shared |= set(re.findall(r"`(\w+)`", "".join(page_of(name) for name in SHARED)))
    for row in describe(charge_types.get(key).Parameters):
        assert f"`{row['name']}`" in page or row["name"] in shared, row["name"]
    assert BLOCK.search(page)
