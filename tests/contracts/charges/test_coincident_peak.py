"""Coincident peaks: of the month, of the season before, carried, missing, preliminary."""

import doctest
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from contracts.calc import system_peaks
from contracts.charges import Event, charge_type
from contracts.events import check_together
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import Period
from poweroptix.kernel.series import Series
from tests.contracts.builders import CHICAGO, charge, inputs, term

KEY = "coincident_peak@1"
MONTHLY = {
    "system": "ERCOT 4CP",
    "rate": "4.75",
    "counts": "SAME_MONTH",
    "peaks": 1,
    "kw_rounding": "NEAREST",
    "proration": "BY_DAYS",
}
SEASON = MONTHLY | {
    "counts": "SEASON_BEFORE",
    "peaks": 4,
    "season_months": [6, 7, 8, 9],
    "billed_from_month": 1,
}
#: kW in the four peaks of the summer of 2026; their average is 41,250.
SUMMER = {
    "2026-06-18T22:00:00Z": "40000",
    "2026-07-21T22:15:00Z": "43000",
    "2026-08-12T22:00:00Z": "42000",
    "2026-09-02T21:45:00Z": "40000",
}


def peak(start, minutes=15, **more):
    values = {
        "system": "ERCOT 4CP",
        "published_at": "2026-10-02T14:00:00-05:00",
        "source": "Notice of 2 October 2026",
        "finality": "FINAL",
    } | more
    return Event("system_peak@1", start, start + timedelta(minutes=minutes), values, "event 12")


def at(month, day, hour=22, minute=0):
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def month(label="2026-06", *events, at_peak="10000", when=None, minutes=15, **more):
    """Return a month at 5,000 kWh an interval but in the one of `when`."""
    grid = Period.month(CHICAGO, label).grid(minutes)
    values = [Decimal(5000)] * grid.count
    if when is not None:
        place = (when - grid.start_utc) // timedelta(minutes=minutes)
        values[place] = None if at_peak is None else Decimal(at_peak)
    series = Series.of(grid, values, "kWh")
    line = term("Transmission", 22)
    return inputs(label, series, events=tuple(events), term=line, **more)


def test_the_month_is_billed_by_its_own_peak():
    when = at(6, 18)
    given = month("2026-06", peak(when), when=when)
    sheet, carry = charge(KEY, given, MONTHLY)
    assert str(sheet.amount_usd) == "190000.00"  # 10,000 kWh in a quarter-hour: 40,000 kW x 4.75
    assert carry == {"kw": {"2026-06-18T22:00:00Z": "40000"}}
    kw = sheet.figures[0].inputs[0].inputs[0]
    assert kw.sentence() == "10000 kWh x 60 / 15 minutes"
    assert kw.inputs[0].source.label == (
        "delivered in the peak of ERCOT 4CP, begins 2026-06-18 17:00 CDT, Notice of 2 October 2026"
    )
    part = replace(given, in_force=(date(2026, 6, 21), date(2026, 6, 30)))
    assert str(charge(KEY, part, MONTHLY)[0].amount_usd) == "63333.33"
    whole = MONTHLY | {"proration": "FULL_MONTH", "kw_rounding": "NONE"}
    losses = whole | {"loss_ratio": "0.02", "loss_share_of": "SENT"}
    assert str(charge(KEY, part, whole)[0].amount_usd) == "190000.00"
    assert str(charge(KEY, given, losses)[0].amount_usd) == "193877.55"


def test_a_peak_that_is_not_published_or_not_metered_leaves_no_amount():
    other = peak(at(6, 18), system="PJM")
    sheet, carry = charge(KEY, month("2026-06", other, peak(at(7, 2))), MONTHLY)
    assert (sheet.amount_usd, carry) == (None, {})
    assert sheet.findings[0].message == "0 of 1 peaks of ERCOT 4CP are known of 2026-06"
    gap = month("2026-06", peak(at(6, 18)), when=at(6, 18), at_peak=None)
    sheet, carry = charge(KEY, gap, MONTHLY)
    assert (sheet.amount_usd, carry) == (None, {"kw": {"2026-06-18T22:00:00Z": None}})
    assert "the kW in the peak of ERCOT 4CP of 2026-06-18T22:00:00Z" in sheet.findings[0].message
    two = month("2026-06", peak(at(6, 18)), peak(at(6, 19)))
    sheet, _ = charge(KEY, two, MONTHLY)
    assert (sheet.amount_usd, sheet.findings[0].fix) == (None, "Withdraw what was no peak.")


def test_a_preliminary_peak_is_billed_with_a_warning():
    given = month("2026-06", peak(at(6, 18), finality="PRELIMINARY"))
    sheet, _ = charge(KEY, given, MONTHLY)
    assert sheet.amount_usd is not None
    assert [(one.code, one.severity.name) for one in sheet.findings] == [
        ("contracts.peak_preliminary", "WARN")
    ]


def test_the_season_is_carried_month_by_month_into_its_billing_year():
    carry = {}
    peaks = {6: at(6, 18), 7: at(7, 21, 22, 15), 8: at(8, 12), 9: at(9, 2, 21, 45)}
    taken = {6: "10000", 7: "10750", 8: "10500", 9: "10000"}
    for number, when in peaks.items():
        given = month(f"2026-{number:02d}", peak(when), when=when, at_peak=taken[number])
        sheet, carry = charge(KEY, given, SEASON, carry)
        assert sheet.amount_usd is None  # nobody has said what was taken in the summer of 2025
    assert carry == {"kw": SUMMER}
    sheet, carry = charge(KEY, month("2027-01"), SEASON, carry)
    assert str(sheet.amount_usd) == "195937.50"
    assert sheet.rows[0].quantity.sentence() == "41250 kW"
    assert carry == {"kw": SUMMER}
    later, carry = charge(KEY, month("2027-12"), SEASON, carry)
    assert later.amount_usd == sheet.amount_usd
    silent, _ = charge(KEY, month("2028-01"), SEASON, carry)
    assert silent.findings[0].message == (
        "0 of 4 peaks of ERCOT 4CP are known of 2027-06, 2027-07, 2027-08 and 2027-09"
    )
    assert charge(KEY, month("2029-01"), SEASON, carry)[1] == {}


def test_a_summer_counts_from_june_on_where_the_year_begins_in_june():
    terms = SEASON | {"billed_from_month": 6}
    before, _ = charge(KEY, month("2027-05"), terms, {"kw": SUMMER})
    after, _ = charge(KEY, month("2027-06"), terms, {"kw": SUMMER})
    assert (before.amount_usd, str(after.amount_usd)) == (None, "195937.50")


def test_a_corrected_month_replaces_what_it_carried():
    wrong = {"kw": {"2026-06-11T22:00:00Z": "1", "2026-05-11T22:00:00Z": "2"}}
    when = at(6, 18)
    _, carry = charge(KEY, month("2026-06", peak(when), when=when), MONTHLY, wrong)
    assert carry == {"kw": {"2026-05-11T22:00:00Z": "2", "2026-06-18T22:00:00Z": "40000"}}


def test_an_hour_of_quarter_hours_is_averaged_and_coarse_readings_are_refused():
    hour = month("2026-06", peak(at(6, 18), minutes=60), when=at(6, 18))
    assert charge(KEY, hour, MONTHLY)[0].figures[0].value == 25000
    for given in (
        month("2026-06", peak(at(6, 18)), minutes=60),
        month("2026-06", peak(at(6, 18, 22, 5))),
    ):
        with pytest.raises(Refused, match="do not give the 15 minutes of the system peak of"):
            charge(KEY, given, MONTHLY)
    with pytest.raises(Refused, match="overlaps the system peak"):
        charge(KEY, month("2026-06", peak(at(6, 18)), peak(at(6, 18), 30)), MONTHLY)
    check_together([peak(at(6, 18)), peak(at(6, 18), system="PJM")])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"system": " "}, "name the system"),
        ({"season_months": [6]}, "give them exactly with SEASON_BEFORE"),
        ({"billed_from_month": 1}, "give it exactly with SEASON_BEFORE"),
        ({"counts": "SEASON_BEFORE", "billed_from_month": 1, "season_months": [13]}, "named once"),
    ],
)
def test_a_contradiction_is_refused(more, said):
    with pytest.raises(Refused, match=said):
        charge_type(KEY).parse(MONTHLY | more)


@pytest.mark.parametrize(
    ("kw", "said"),
    [
        (["1"], "is not an object of instants and kW"),
        ({"June": "1"}, "'June' is not an instant"),
        ({"2026-06-18T22:00:00": "1"}, "has no offset"),
        ({"2026-06-18T22:00:00Z": "many"}, "is not a plain decimal"),
    ],
)
def test_a_carry_that_cannot_be_read_is_refused(kw, said):
    with pytest.raises(Refused, match=said):
        charge(KEY, month(), SEASON, {"kw": kw})


def test_examples_in_docstrings():
    assert doctest.testmod(system_peaks).failed == 0
