"""Deemed energy: ordered intervals alone, the free allowance first, the tax credit on top."""

from decimal import Decimal

import pytest

from poweroptix.kernel.errors import Refused
from tests.contracts.cases import example
from tests.contracts.charges.terms import event, priced

KEY = "deemed_energy@1"
AGREED = {
    "ordered_by": "BUYER",
    "price": "41.00",
    "tax_credit": "30.00",
    "gross_up": "NONE",
    "allowance_unit": "MWH",
    "allowance": "50",
    "allowance_per": "CONTRACT_YEAR",
}
POTENTIAL = ["12.10", "12.40", "12.60", "12.55", "12.00", "11.70"]
METERED = ["12.10", "6.00", "0.00", "3.15", "12.05", "8.20"]
ORDERS = ["", "BUYER", "BUYER", "GRID", "BUYER", "BUYER"]
ANCHOR = {"anchor_date": "2025-09-15"}


def series(mwh, start=720):
    """Values of the first hours of April, nothing in the others."""
    values = [None if one is None else f"{Decimal(one) * 1000:f}" for one in mwh]
    return {"values": values + ["0"] * (start - len(mwh)), "minutes": 60}


def orders(names):
    return [
        event("curtailment@1", f"1 {hour:02d}:00", f"1 {hour + 1:02d}:00", ordered_by=name)
        for hour, name in enumerate(names)
        if name
    ]


def of(potential=POTENTIAL, metered=METERED, names=ORDERS, used="40", **more):
    document = {
        "series": {"potential": series(potential), "delivered": series(metered)},
        "events": orders(names),
        "carry_in": {"50": {"year": 1, "used": used}} if used else {},
        **ANCHOR,
    }
    return priced(KEY, AGREED | more, document)


def test_a30_from_potential_metered_and_orders():
    case = example("A30")
    said, wanted = case["inputs"], case["expected"]
    assert said["free_allowance_left"] == "10.00 MWh of 50 a contract year"
    sheet, carry = of(said["potential_mwh"], said["metered"], said["order"])
    [row] = sheet.rows
    deemed, free = row.quantity.inputs
    assert deemed.value == Decimal(wanted["deemed_mwh"])
    assert row.quantity.value == Decimal(wanted["compensated_mwh"])
    assert str(sheet.amount_usd) == wanted["amount"]
    assert sheet.figures[0].value == Decimal(wanted["allowance_left_after"])
    assert (free.value, carry) == (10, {"year": 1, "used": "50"})


def test_the_tax_credit_is_grossed_up_by_choice():
    """41 + 30 / (1 - 0.21) = 78.9747; 12.5 MWh of it are 987.18."""
    sheet, _ = of(gross_up="BY_TAX_RATIO", tax_ratio="0.21")
    assert sheet.rows[0].rate.value == Decimal("78.9747")
    assert str(sheet.amount_usd) == "987.18"
    with pytest.raises(Refused, match="tax_ratio: give it exactly when the credit is grossed up"):
        of(gross_up="BY_TAX_RATIO")


def test_orders_of_the_grid_are_paid_where_the_contract_says_so():
    sheet, _ = of(ordered_by="BUYER_AND_GRID")
    assert sheet.quantity == Decimal("21.9")


def test_hours_are_free_in_order_of_time_and_end_inside_an_interval():
    """Free are 6.40, 12.60, 0.00 and half of 3.50."""
    hours = {"allowance_unit": "HOURS", "allowance": "3.5", "allowance_per": "MONTH"}
    sheet, carry = of(used="", **hours)
    assert (sheet.quantity, carry) == (Decimal("1.75"), {})
    assert of(used="", **hours | {"allowance": "1.5"})[0].quantity == Decimal("9.8")


def test_a_new_contract_year_begins_inside_the_month():
    """The year turns on 15 April: what was used before does not count after."""
    document = {
        "series": {"potential": {"flat": "1000", "minutes": 60}, "delivered": {"flat": "0"}},
        "events": [event("curtailment@1", "14", "16", ordered_by="BUYER")],
        "anchor_date": "2025-04-15",
        "carry_in": {"50": {"year": 1, "used": "45"}},
    }
    sheet, carry = priced(KEY, AGREED, document)
    assert [row.quantity.value for row in sheet.rows] == [Decimal(19), Decimal(0)]
    assert carry == {"year": 2, "used": "24"}


def test_a_missing_potential_of_an_ordered_hour_leaves_the_amount_empty():
    potential = ["12.10", None, *POTENTIAL[2:]]
    sheet, carry = of(potential)
    assert sheet.amount_usd is None
    [found] = sheet.findings
    assert found.message == (
        "'potential' or 'delivered' has no value in 1 curtailed intervals, the first begins "
        "2026-04-01 07:00 UTC"
    )
    assert carry == {"year": 1, "used": None}
    after, _ = priced(
        KEY,
        AGREED,
        {
            "series": {"potential": series(POTENTIAL), "delivered": series(METERED)},
            "events": orders(ORDERS),
            "carry_in": {"50": carry},
            **ANCHOR,
        },
    )
    assert after.amount_usd is None
    assert "an earlier month lacks readings" in after.findings[0].message
    assert of([None, *POTENTIAL[1:]])[0].amount_usd == Decimal("887.50")


def test_what_contradicts_itself_is_refused():
    with pytest.raises(Refused, match="allowance: give it exactly when it has a unit"):
        of(allowance="0")
    with pytest.raises(Refused, match="no first day of contract year 1"):
        priced(
            KEY, AGREED, {"series": {"potential": series(POTENTIAL), "delivered": series(METERED)}}
        )
