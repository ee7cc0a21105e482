"""Availability guarantee: hours of outages, points below, damages and their caps."""

import re
from decimal import Decimal

import pytest

from poweroptix.kernel.errors import Refused
from tests.contracts.cases import example
from tests.contracts.charges.terms import event, priced

KEY = "availability_guarantee@1"
AGREED = {
    "guaranteed_ratio": "0.97",
    "rate": "18500",
    "points": "PRO_RATA",
    "tested": "MONTH",
    "cap": "TEST",
    "cap_usd": "50000",
    "excused": "PLANNED",
}
FORCED = {"category": "FORCED", "caused_by": "SELLER"}
PLANNED = event("outage@1", "3", "4", category="PLANNED", caused_by="SELLER")
TRIP = event("outage@1", "10 00:30", "11 08:00", **FORCED)
DERATED = event(
    "outage@1", "20", "20 18:00", category="DERATING", caused_by="SELLER", lost_ratio="0.25"
)


def of(*events, carry=None, **more):
    document = {"events": list(events), "anchor_date": "2025-05-01"}
    if carry:
        document["carry_in"] = {"50": carry}
    if "period" in more:
        document["period"] = more.pop("period")
    return priced(KEY, AGREED | more, document)


def test_a28_from_the_outages_of_the_month():
    case = example("A28")
    said = case["inputs"]
    hours = [re.search(r"[\d.]+", said[name])[0] for name in ("planned_excused", "forced")]
    assert hours == ["24", "31.5"]
    assert said["derating"] == "18 h at 25 %"
    sheet, carry = of(PLANNED, TRIP, DERATED)
    assert str(sheet.figures[0].value) == case["expected"]["availability"]
    assert sheet.quantity == Decimal(case["expected"]["points"])
    assert str(sheet.amount_usd) == case["expected"]["liquidated_damages"]
    assert carry == {}
    assert sheet.figures[0].sentence() == ("(720 h - 24 h - 0 h - 31.5 h - 4.5 h) / 696 h")


def test_a_cap_takes_back_what_is_above_it():
    long = event("outage@1", "10", "20", **FORCED)
    sheet, _ = of(long)
    assert [row.label for row in sheet.rows] == ["Line", "above the cap"]
    assert sheet.amount_usd == Decimal("-50000.00")
    assert of(long, cap="NONE", cap_usd=None)[0].amount_usd < -500_000


def test_a_derating_in_kw_is_measured_by_the_plant():
    kw = event(
        "outage@1", "20", "20 18:00", category="DERATING", caused_by="SELLER", lost_kw="15000"
    )
    assert of(PLANNED, TRIP, kw, plant_kw="60000")[0].amount_usd == Decimal("-40189.40")
    with pytest.raises(Refused, match="the term needs plant_kw to measure it by"):
        of(kw)
    with pytest.raises(Refused, match="lost 15000 kW, more than the plant's 10000"):
        of(kw, plant_kw="10000")


def test_what_others_caused_is_excused_only_where_the_contract_says_so():
    grid = event("outage@1", "10", "12", category="FORCED", caused_by="GRID")
    assert of(grid)[0].rows[0].quantity.value > 3
    assert of(grid, excused="PLANNED_AND_NOT_SELLER")[0].amount_usd == 0


def test_planned_hours_beyond_their_limit_lower_the_availability():
    """(720 - 24) / (720 - 12) = 0.983051; under a guarantee of 99 % that is 0.6949 points."""
    sheet, _ = of(PLANNED, planned_limit_h="12", guaranteed_ratio="0.99")
    assert sheet.quantity == Decimal("0.6949")
    assert of(PLANNED, guaranteed_ratio="0.99")[0].quantity == 0


def test_full_points_forgive_the_part_of_one():
    assert of(PLANNED, TRIP, DERATED, points="FULL_POINTS")[0].amount_usd == Decimal("-37000.00")


def test_a_month_that_was_planned_out_is_not_tested():
    away = event("outage@1", "1", "05-01", category="PLANNED", caused_by="SELLER")
    sheet, _ = of(away)
    assert sheet.amount_usd == 0
    assert sheet.figures[0].note == "no hour is tested"


def test_a_contract_year_gathers_hours_and_is_judged_with_its_last_month():
    first = "2026-03", event("outage@1", "03-05", "03-06", **FORCED)
    sheet, carry = of(first[1], period=first[0], tested="CONTRACT_YEAR")
    assert sheet.amount_usd == 0
    assert carry["year"] == 1
    assert (carry["period_h"], carry["forced_h"]) == ("744", "24")
    sheet, carry = of(TRIP, carry=carry, tested="CONTRACT_YEAR")
    assert carry == {}
    # (744 + 720 - 24 - 31.5) / 1464 = 0.962090
    assert sheet.quantity == Decimal("0.7910")


def test_a_yearly_cap_counts_what_the_year_has_paid():
    sheet, carry = of(
        event("outage@1", "03-05", "03-06 12:00", **FORCED), period="2026-03", cap="CONTRACT_YEAR"
    )
    paid = -sheet.amount_usd
    assert (Decimal(carry["paid_usd"]), paid) == (paid, Decimal("34015.95"))
    long, _ = of(event("outage@1", "10", "20", **FORCED), cap="CONTRACT_YEAR", carry=carry)
    assert long.exact_usd == paid - 50_000


def test_what_contradicts_itself_is_refused():
    with pytest.raises(Refused, match="cap_usd: give it exactly when there is a cap"):
        of(cap="NONE")
    with pytest.raises(Refused, match="outage of 2026-04-10 06:00 UTC overlaps the outage"):
        of(event("outage@1", "9", "11", **FORCED), event("outage@1", "10", "12", **FORCED))
    with pytest.raises(Refused, match="points: is required"):
        priced(KEY, {"guaranteed_ratio": "0.97", "rate": "1", "excused": "PLANNED"}, {})
