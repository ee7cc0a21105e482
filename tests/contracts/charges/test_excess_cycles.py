"""Excess cycles: only what a month adds beyond the year's allowance is billed."""

from decimal import Decimal

from tests.contracts.cases import example
from tests.contracts.charges.terms import event, priced, spread

KEY = "excess_cycles@1"
AGREED = {
    "counted_by": "DISCHARGE",
    "capacity_mwh": "200",
    "allowed_cycles": "365",
    "rate": "9.50",
}


def of(before, kwh=5018700, events=(), anchor="2025-06-01", **more):
    document = {
        "series": {"discharge": spread(kwh)},
        "events": list(events),
        "anchor_date": anchor,
        "carry_in": {"50": {"year": 1, "cycles": before}},
    }
    return priced(KEY, AGREED | more, document)


def test_a31_cycles_of_the_year():
    case = example("A31")
    assert "372 full-equivalent in the year, 365 allowed" in case["inputs"]["cycles"]
    sheet, carry = of("346.9065")
    assert str(sheet.amount_usd) == case["expected"]["excess_cycle_charge"]
    assert carry == {"year": 1, "cycles": "372"}


def test_what_was_billed_before_is_not_billed_again():
    assert of("372", 2000)[0].amount_usd == Decimal("19.00")
    assert of("300")[0].amount_usd == 0


def test_the_control_system_may_count():
    counts = [
        event("cycle@1", "03-31", "1", cycles="5"),  # ends in March's last instant: counted there
        event("cycle@1", "1", "8", cycles="1.5"),
        event("cycle@1", "28", "05-01", cycles="0.5"),
    ]
    sheet, carry = of("365", events=counts, counted_by="EVENTS")
    assert (sheet.quantity, carry["cycles"]) == (Decimal(400), "367")


def test_the_count_begins_anew_with_the_contract_year():
    sheet, carry = of("372", 600000, anchor="2025-04-11")
    assert [row.quantity.value for row in sheet.rows] == [600, 0]
    assert carry == {"year": 2, "cycles": "0"}


def test_an_unknown_month_leaves_later_ones_empty():
    sheet, carry = of(None)
    assert sheet.amount_usd is None
    assert "cycles of the contract year so far are not known" in sheet.findings[0].message
    assert carry["cycles"] is None
