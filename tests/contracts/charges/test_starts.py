"""Starts: fee and fuel at the price of the day, beyond the free ones."""

import re

import pytest

from poweroptix.kernel.errors import Refused
from tests.contracts.cases import example
from tests.contracts.charges.terms import event, priced

KEY = "starts@1"
AGREED = {
    "table": [
        {"state": "HOT", "fee": "12500", "fuel_mmbtu": "900"},
        {"state": "WARM", "fee": "16000", "fuel_mmbtu": "1350"},
        {"state": "COLD", "fee": "24500", "fuel_mmbtu": "2100"},
    ],
    "gas_index": "GAS",
    "paid": "BUYER",
    "free_starts": 2,
    "free_per": "MONTH",
    "free_order": "TIME",
}
STARTS = [("02", "HOT", "3.30"), ("07", "WARM", "3.42"), ("15", "HOT", "3.42")]
STARTS += [("21", "COLD", "3.55"), ("28", "HOT", "3.61")]


def gas(starts):
    """Hourly prices: those of the named days, nothing on the others."""
    known = {int(day): price for day, _, price in starts}
    values = [known.get(day) for day in range(1, 31) for _ in range(24)]
    return {"GAS": {"values": values, "unit": "USD/MMBtu"}}


def of(starts=STARTS, caused=None, carry=None, prices=None, **more):
    caused = caused or {}
    events = [
        event("start@1", f"{day} 06:30", state=state, caused_by=caused.get(day, "BUYER"))
        for day, state, _ in starts
    ]
    document = {"events": events, "prices": gas(prices or starts), "anchor_date": "2025-01-01"}
    document |= {"carry_in": {"50": carry}} if carry else {}
    return priced(KEY, AGREED | more, document)


def test_a32_two_free_starts_in_order_of_time():
    case = example("A32")
    table = case["inputs"]["table"]
    for row in AGREED["table"]:
        fee, fuel = re.search(rf"{row['state']} ([\d,]+)[^+]*\+ ([\d,]+)", table).groups()
        assert (fee, fuel) == (f"{int(row['fee']):,}", f"{int(row['fuel_mmbtu']):,}")
    sheet, carry = of([tuple(one) for one in case["inputs"]["starts"]])
    assert str(sheet.amount_usd) == case["expected"]["amount"]
    assert carry == {}
    shown = [f"{row.exact_usd:,.2f}" for row in sheet.rows]
    assert shown == ["0.00", "0.00", "15,578.00", "31,955.00", "15,749.00"]
    assert sheet.rows[2].label == "2026-04-15 06:30 hot"
    assert sheet.rows[2].rate.sentence() == "12500 USD + 900 MMBtu x 3.42 USD/MMBtu"


@pytest.mark.parametrize(
    ("order", "free"),
    [("DEAREST_FIRST", ["WARM", "COLD"]), ("CHEAPEST_FIRST", ["HOT", "HOT"])],
)
def test_the_contract_says_which_starts_are_free(order, free):
    sheet, _ = of(free_order=order)
    spared = [row.label.split()[-1].upper() for row in sheet.rows if not row.quantity.value]
    assert spared == free


def test_a_start_of_the_seller_is_neither_paid_nor_free():
    sheet, _ = of(caused={"02": "SELLER"})
    assert len(sheet.rows) == 4
    assert [row.quantity.value for row in sheet.rows] == [0, 0, 1, 1]
    assert len(of(caused={"02": "SELLER"}, paid="ALL")[0].rows) == 5


def test_free_starts_of_a_contract_year_go_on_from_month_to_month():
    sheet, carry = of(free_per="CONTRACT_YEAR", carry={"year": 2, "used": "1"})
    assert [row.quantity.value for row in sheet.rows] == [0, 1, 1, 1, 1]
    assert carry == {"year": 2, "used": "2"}


def test_a_missing_gas_price_leaves_the_amount_empty_but_a_free_start_needs_none():
    assert of(prices=STARTS[1:])[0].amount_usd == of()[0].amount_usd
    sheet, _ = of(prices=STARTS[:-1])
    assert sheet.amount_usd is None
    assert sheet.findings[0].message == "'GAS' has no price at 2026-04-28 12:30 UTC"
    assert of(prices=STARTS[:-1], free_order="CHEAPEST_FIRST")[0].amount_usd is None


def test_a_month_without_starts_bills_nothing():
    assert of([], prices=STARTS)[0].amount_usd == 0


def test_what_contradicts_itself_is_refused():
    with pytest.raises(Refused, match="no price for a cold start, and there is one: start of 2026"):
        of(table=AGREED["table"][:2])
    with pytest.raises(Refused, match="the table has fuel, so name its prices"):
        of(gas_index="")
    with pytest.raises(Refused, match="table: name every state once"):
        of(table=AGREED["table"][:1] * 2)
