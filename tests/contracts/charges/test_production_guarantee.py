"""Production guarantee: gathered over contract years, lessened by what was deemed or excused."""

from decimal import Decimal

import pytest

from poweroptix.kernel.errors import Refused
from tests.contracts.charges.terms import event, flat, priced, spread

KEY = "production_guarantee@1"
AGREED = {
    "expected_mwh": "210000",
    "degradation_ratio": "0.005",
    "guaranteed_ratio": "0.85",
    "test_years": 1,
    "price": "41.00",
    "damages_ratio": "0.5",
    "deemed": "NONE",
}
YEAR_1 = {"year": 1, "produced_mwh": "150000", "deemed_mwh": "5000", "excused_mwh": "1000"}


def of(kwh=12_000_000, events=(), carry=YEAR_1, anchor="2025-05-01", **more):
    document = {
        "series": {"delivered": spread(kwh), "potential": flat(20000)},
        "events": list(events),
        "anchor_date": anchor,
        "carry_in": {"50": carry} if carry else {},
    }
    return priced(KEY, AGREED | more, document)


def test_the_last_month_of_the_year_bills_half_the_price_of_what_is_missing():
    """0.85 x 210,000 - 162,000 - 5,000 - 1,000 = 10,500 MWh x 20.50 = 215,250.00."""
    sheet, carry = of()
    assert sheet.quantity == Decimal("10500")
    assert str(sheet.amount_usd) == "-215250.00"
    assert carry == {}
    assert of(30_000_000)[0].amount_usd == 0


def test_a_month_inside_the_year_only_gathers():
    sheet, carry = of(anchor="2025-09-01")
    assert sheet.amount_usd == 0
    assert carry == YEAR_1 | {"produced_mwh": "162000"}
    assert sheet.rows[0].quantity.note == "the test goes on"


def test_later_years_are_expected_to_give_less():
    """Year 3: 210,000 x 0.995^2 = 207,905.25."""
    sheet, _ = of(anchor="2023-05-01", carry=YEAR_1 | {"year": 3})
    assert sheet.rows[0].quantity.inputs[1].value == Decimal("207905.250")


def test_two_years_are_tested_together():
    both = YEAR_1 | {"produced_mwh": "330000"}
    sheet, _ = of(anchor="2024-05-01", carry=both, test_years=2)
    # 0.85 x (210,000 + 208,950) - 342,000 - 5,000 - 1,000
    assert sheet.quantity == Decimal("8107.5")
    mid, carry = of(anchor="2025-05-01", test_years=2)
    assert (mid.amount_usd, carry["produced_mwh"]) == (0, "162000")


def test_curtailed_and_excused_energy_lessen_what_is_missing():
    order = event("curtailment@1", "2", "3", ordered_by="BUYER")
    grid = event("curtailment@1", "4", "5", ordered_by="GRID")
    excuse = event("excuse@1", "6", "7", excused="SELLER", energy_mwh="300", cause="storm")
    theirs = event("excuse@1", "6", "7", excused="BUYER", energy_mwh="999", cause="storm")
    sheet, _ = of(events=[order, grid, excuse, theirs], deemed="BUYER")
    assert sheet.quantity == 10_500 - 480 - 300
    assert of(events=[order, grid], deemed="BUYER_AND_GRID")[0].quantity == 10_500 - 960


def test_a_missing_reading_leaves_the_year_empty():
    document = {
        "series": {"delivered": {"runs": [[1, None], [719, "1"]], "minutes": 60}},
        "anchor_date": "2025-09-01",
    }
    sheet, carry = priced(KEY, AGREED, document)
    assert carry["produced_mwh"] is None
    assert "'delivered' has no value in 1 intervals" in sheet.findings[0].message
    last, _ = of(carry=YEAR_1 | {"produced_mwh": None})
    assert last.amount_usd is None
    assert last.findings[0].message.startswith("produced_mwh of the tested years is not known")


def test_a_carry_that_is_no_number_is_refused():
    with pytest.raises(Refused, match="produced_mwh: 'lots' is not a plain number"):
        of(carry=YEAR_1 | {"produced_mwh": "lots"})
