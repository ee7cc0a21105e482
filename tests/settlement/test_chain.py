"""A corrected month and those behind it: blocks and ratchets, each difference on its month."""

from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.calc.price_terms import PricedTerm
from contracts.charges import ChargeType, charge_types
from poweroptix.kernel.figure import Figure
from poweroptix.kernel.parameters import param
from poweroptix.kernel.period import Period
from poweroptix.kernel.series import Series
from poweroptix.kernel.worksheet import Row, Worksheet
from settlement.calc.chain import following
from settlement.calc.delta import billed_of, compare
from settlement.calc.inputs import Inputs
from settlement.calc.settle import settle
from settlement.calc.version_inputs import VersionInputs
from tests.contracts.cases import example

ZONE = "Etc/GMT+6"
MONTHS = [Period.month(ZONE, label) for label in ("2026-01", "2026-02", "2026-03", "2026-04")]
RATCHET = PricedTerm(
    1,
    20,
    "demand@1",
    "Demand",
    parameters={
        "window_minutes": 60,
        "prices": [{"period": "ALL", "blocks": [{"rate": "10"}]}],
        "ratchet_ratio": "0.8",
        "ratchet_months": 2,
        "lookback_counts": "EXACTLY_K",
    },
)


class YearBlock(ChargeType):
    """Energy at one price up to a quantity of the contract year, at another beyond it."""

    title = "Block of the year"

    @dataclass(frozen=True, kw_only=True)
    class Parameters:
        """Two prices and where they meet."""

        limit_mwh: Decimal = param(unit="MWh", help="Up to here")
        first: Decimal = param(unit="USD/MWh", help="Price before")
        then: Decimal = param(unit="USD/MWh", help="Price behind")

    def sentence(self, parameters, context=None):
        return "Blocks."

    def charge(self, inputs, parameters, carry_in):
        used = Decimal(carry_in.get("mwh", "0"))
        mwh = inputs.quantity().total() / 1000
        low = min(mwh, max(Decimal(0), parameters.limit_mwh - used))
        rows = tuple(
            Row(label, Figure("q", quantity, "MWh"), Figure("p", price, "USD/MWh"))
            for label, quantity, price in (
                ("first", low, parameters.first),
                ("then", mwh - low, parameters.then),
            )
        )
        return Worksheet("Blocks", rows), {"mwh": format(used + mwh, "f")}


def month(period, kwh, term, carry=None):
    """Return a month whose energy is all in its first hour."""
    grid = period.grid(60)
    series = Series.of(grid, [Decimal(kwh)] + [Decimal(0)] * (grid.count - 1), "kWh")
    version = VersionInputs(1, period.first_date, period.last_date, None, {}, (term,))
    return Inputs(
        "C-1", "USD", ZONE, period, (version,), series={"delivered": series}, carry_in=carry or {}
    )


def settled(kwh, term):
    """Return consecutive months, each given what the one before hands on."""
    found, carry = [], {}
    for period, energy in zip(MONTHS, kwh, strict=False):
        found.append(month(period, energy, term, carry))
        carry = settle(found[-1]).carry_out
    return found


def amounts(months):
    return [settle(one).total_usd for one in months]


def test_case_c09_a_late_correction_goes_through_a_block_of_the_contract_year():
    expected = example("C09")["expected"]
    parameters = {"limit_mwh": "90000", "first": "59.00", "then": "51.50"}
    term = PricedTerm(1, 10, "year_block@1", "Energy", parameters=parameters)
    with charge_types.temporarily("year_block@1", YearBlock):
        months = settled(["81500000", "6500000", "7200000"], term)
        corrected = month(MONTHS[0], "82300000", term)
        again = settle(corrected)
        first = compare(billed_of(settle(months[0]).lines), billed_of(again.lines))
        later = following(again.carry_out, months[1:])
        assert [format(usd, "f") for usd in amounts(months)] == expected["original"]
        found = [again.total_usd, *(one.outcome.total_usd for one in later)]
        deltas = [first[0].amount_usd, *(one.amount_usd for one in later)]
    assert [format(usd, "f") for usd in found] == expected["corrected"]
    assert [format(usd, "f") for usd in deltas] == expected["deltas"]
    assert format(sum(deltas), "f") == expected["total_delta"]
    assert [one.inputs.period.label for one in later] == ["2026-02", "2026-03"]


def test_the_chain_ends_where_a_month_hands_on_the_same():
    """A ratchet that looks back two months: the fourth month does not see the first."""
    months = settled([1000, 900, 100, 900], RATCHET)
    again = settle(month(MONTHS[0], 1100, RATCHET))
    later = following(again.carry_out, months[1:])
    assert [one.amount_usd for one in later][:2] == [0, 800]
    assert later[1].outcome.total_usd == Decimal("8800.00")
    assert following(settle(months[0]).carry_out, months[1:]) == []


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 5000), min_size=4, max_size=4), st.integers(0, 5000))
def test_original_and_deltas_of_all_months_are_one_settlement_of_the_final_data(kwh, corrected):
    months = settled(kwh, RATCHET)
    again = settle(month(MONTHS[0], corrected, RATCHET))
    own = compare(billed_of(settle(months[0]).lines), billed_of(again.lines))
    later = following(again.carry_out, months[1:])
    deltas = sum((one.amount_usd for one in own), Decimal(0))
    deltas += sum((one.amount_usd for one in later), Decimal(0))
    final = settled([corrected, *kwh[1:]], RATCHET)
    assert sum(amounts(months)) + deltas == sum(amounts(final))


@pytest.mark.parametrize("bills", [(), ({"period": "2025-12", "runs": {}, "deltas": []},)])
def test_corrections_that_a_month_bills_do_not_count_as_its_change(bills):
    months = [replace(one, adjustments=bills) for one in settled([1000, 900], RATCHET)]
    again = settle(month(MONTHS[0], 1000, RATCHET))
    assert following(again.carry_out, months[1:]) == []
