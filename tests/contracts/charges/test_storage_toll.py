"""Storage toll: availability takes points off, efficiency lessens the payment, tests step it."""

from decimal import Decimal

import pytest

from poweroptix.kernel.errors import Refused
from tests.contracts.cases import example
from tests.contracts.charges.terms import event, priced, spread

KEY = "storage_toll@1"
AGREED = {
    "capacity_kw": "50000",
    "rate": "12.85",
    "tested": "EVENTS",
    "availability": "FACT",
    "excused": "PLANNED",
    "guaranteed_ratio": "0.98",
    "points_per_point": "2",
    "zero_below_ratio": "0.70",
    "efficiency": "FACTOR",
    "guaranteed_rte": "0.86",
}
STORED = event("state_of_charge@1", "1", "05-01", start_mwh="40.0", end_mwh="62.5")
SERIES = {"charge": spread(5912400), "discharge": spread(5018700)}
FACTS = {"availability_ratio": "0.964"}


def of(*events, series=SERIES, facts=FACTS, **more):
    document = {"series": series, "facts": facts, "events": [*events]}
    return priced(KEY, AGREED | more, document, code=20)


def test_a31_capacity_payment():
    wanted = example("A31")["expected"]
    sheet, carry = of(STORED)
    adjustment, factor = sheet.figures
    assert adjustment.value * 100 == Decimal(wanted["availability_adjustment_pct"])
    assert str(factor.inputs[0].value) == wanted["rte"]
    assert str(factor.value) == wanted["rte_factor"]
    assert str(sheet.amount_usd) == wanted["capacity_payment"]
    assert carry == {}
    assert sheet.rows[0].sentence() == "48000.09 kW x 12.85 USD/kW-month".replace(
        "48000.09", str(sheet.quantity)
    )


def test_below_the_least_availability_nothing_is_paid():
    sheet, _ = of(STORED, facts={"availability_ratio": "0.6999"})
    assert sheet.amount_usd == 0
    assert sheet.figures[0].note == "0.6999 ratio is below 0.70"
    assert of(STORED, facts={"availability_ratio": "0.70"})[0].amount_usd > 0
    assert of(STORED, facts={"availability_ratio": "1"}, efficiency="NONE", guaranteed_rte=None)[
        0
    ].amount_usd == Decimal("642500.00")


def test_an_efficiency_above_the_guarantee_earns_nothing():
    full = event("state_of_charge@1", "1", "05-01", start_mwh="0", end_mwh="400")
    assert of(full)[0].figures[1].value == 1
    idle = {"charge": spread(0), "discharge": spread(0)}
    flat = event("state_of_charge@1", "1", "05-01", start_mwh="40", end_mwh="40")
    assert of(flat, series=idle)[0].figures[1].note == "nothing was charged"


def test_the_availability_may_come_from_outages():
    trip = event("outage@1", "10", "11 06:00", category="FORCED", caused_by="SELLER")
    sheet, _ = of(STORED, trip, availability="OUTAGES", facts={})
    assert sheet.figures[0].inputs[-1].value == Decimal("0.958333")


def test_a_capacity_test_inside_the_month_is_prorated_by_days():
    """15 days of 50,000 kW and 15 of 48,000 kW."""
    whole = of(STORED, efficiency="NONE", guaranteed_rte=None)[0].amount_usd
    before = event("capacity_test@1", "03-02", capacity_kw="50000")
    after = event("capacity_test@1", "16 09:00", capacity_kw="48000")
    sheet, _ = of(before, after, efficiency="NONE", guaranteed_rte=None)
    assert [row.label for row in sheet.rows] == ["Line, 15 days"] * 2
    assert sheet.amount_usd == whole * 49 / 50


def test_what_is_missing_leaves_the_amount_empty_and_says_so():
    sheet, _ = of(facts={})
    assert sheet.amount_usd is None
    assert [one.message for one in sheet.findings] == [
        "availability_ratio of 2026-04 is not known",
        "the state of charge at both ends of 2026-04 is not recorded",
    ]
    gap = {"charge": {"runs": [[1, None], [719, "0"]], "minutes": 60}, "discharge": spread(1)}
    sheet, _ = of(STORED, series=gap)
    assert sheet.amount_usd is None
    assert "'charge' has no value in 1 intervals" in sheet.findings[0].message


def test_what_contradicts_itself_is_refused():
    half = event("state_of_charge@1", "1", "16", start_mwh="40", end_mwh="40")
    with pytest.raises(Refused, match="record it from 2026-04-01 06:00 to 2026-05-01 06:00 UTC"):
        of(half)
    with pytest.raises(Refused, match="guaranteed_rte: give it exactly when efficiency is a"):
        of(STORED, efficiency="DAMAGES")
