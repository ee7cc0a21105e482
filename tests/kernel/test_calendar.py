"""Time of use: coverage, holidays, the clock change, and the hours of example A06."""

from collections import Counter
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poweroptix.kernel.calendar import TouSchedule
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import Period

CHICAGO = "America/Chicago"


def row(period, start, end, *day_types, months=None):
    document = {"period": period, "start": start, "end": end, "day_types": list(day_types)}
    return {**document, "months": months} if months else document


def schedule(*rows):
    return TouSchedule.from_json({"zone": CHICAGO, "rows": list(rows)})


def hours_of(tou, label, holidays=(), minutes=15):
    names, index = tou.periods(Period.month(CHICAGO, label).grid(minutes), set(holidays))
    return {names[at]: Decimal(n * minutes) / 60 for at, n in Counter(index.tolist()).items()}


A06 = (
    row("OFF", "00:00", "08:00", "weekday"),
    row("MID", "08:00", "16:00", "weekday"),
    row("ON", "16:00", "21:00", "weekday"),
    row("OFF", "21:00", "24:00", "weekday"),
    row("OFF", "00:00", "24:00", "weekend", "holiday"),
)


class TestA06Hours:
    """settlement.md, example A06: September 2026, Labor Day on the 7th."""

    def test_each_period_has_the_hours_of_the_example(self):
        hours = hours_of(schedule(*A06), "2026-09", [date(2026, 9, 7)])

        assert hours == {"ON": 105, "MID": 168, "OFF": 447}

    def test_amounts_follow(self):
        hours = hours_of(schedule(*A06), "2026-09", [date(2026, 9, 7)])
        prices = {"ON": Decimal("98.40"), "MID": Decimal("61.25"), "OFF": Decimal("44.10")}

        assert sum(hours[name] * 40 * prices[name] for name in prices) == Decimal("1613388.00")

    def test_a_holiday_is_a_monday_when_no_row_names_holidays(self):
        plain = (*A06[:4], row("OFF", "00:00", "24:00", "weekend"))

        hours = hours_of(schedule(*plain), "2026-09", [date(2026, 9, 7)])

        assert hours["ON"] == 110


class TestTheClockChange:
    def test_march_has_743_hours_and_the_walks_peak_hours(self):
        peak = (
            row("peak", "07:00", "22:00", "weekday"),
            row("off", "00:00", "07:00", "weekday"),
            row("off", "22:00", "24:00", "weekday"),
            row("off", "00:00", "24:00", "weekend"),
        )
        names, index = schedule(*peak).periods(Period.month(CHICAGO, "2026-03").grid(15), ())

        assert Counter(names[at] for at in index.tolist()) == {"peak": 1320, "off": 1652}

    def test_the_repeated_hour_is_counted_twice(self):
        night = (
            row("night", "01:00", "02:00", "all"),
            row("rest", "00:00", "01:00", "all"),
            row("rest", "02:00", "24:00", "all"),
        )

        assert hours_of(schedule(*night), "2026-11")["night"] == 31


class TestCoverage:
    def test_names_the_day_and_hours_without_a_price(self):
        with pytest.raises(Refused, match=r"Mon 16:00–17:00 has no price\. \(4 more\)") as refused:
            schedule(
                row("a", "00:00", "16:00", "weekday"),
                row("b", "17:00", "24:00", "weekday"),
                row("a", "00:00", "24:00", "weekend"),
            )

        assert [finding.where[:3] for finding in refused.value.findings] == [
            "Mon",
            "Tue",
            "Wed",
            "Thu",
            "Fri",
        ]
        assert {finding.code for finding in refused.value.findings} == {"tou.gap"}

    def test_names_the_season_and_hours_with_two_prices(self):
        with pytest.raises(Refused, match=r"Sat 20:00–22:00 in Jun, Jul has 2 prices"):
            schedule(
                row("a", "00:00", "24:00", "all"),
                row("b", "20:00", "22:00", "saturday", months=[6, 7]),
            )

    def test_a_named_holiday_has_to_be_covered_too(self):
        with pytest.raises(Refused, match=r"Holiday 00:00–12:00 has no price"):
            schedule(
                row("a", "00:00", "24:00", "weekday", "weekend"),
                row("a", "12:00", "24:00", "holiday"),
            )

    @given(st.lists(st.integers(1, 1439), unique=True, max_size=6), st.data())
    def test_any_cut_of_the_day_covers_it_and_no_cut_can_be_left_out(self, cuts, data):
        edges = [0, *sorted(cuts), 1440]
        rows = [(range(1, 13), ("all",), a, b, f"p{a}") for a, b in pairwise(edges)]

        tou = TouSchedule(CHICAGO, tuple(rows))
        _, index = tou.periods(Period.day(CHICAGO, date(2026, 3, 2)).grid(1), ())

        assert index.tolist() == [i for i, r in enumerate(rows) for _ in range(r[2], r[3])]
        if len(rows) > 1:
            rows.pop(data.draw(st.integers(0, len(rows) - 1)))
            with pytest.raises(Refused, match="has no price"):
                TouSchedule(CHICAGO, tuple(rows))


class TestReading:
    def test_a_schedule_survives_the_way_through_json(self):
        tou = schedule(*A06)

        assert TouSchedule.from_json(tou.to_json()) == tou

    def test_12x24_tables_become_windows(self):
        weekday = [[0] * 7 + [1] * 15 + [0] * 2] * 12

        tou = TouSchedule.from_12x24(weekday, [[0] * 24] * 12, ["off", "peak"], zone=CHICAGO)

        assert hours_of(tou, "2026-03")["peak"] == 330

    @pytest.mark.parametrize(
        ("document", "message"),
        [
            ({"rows": [row("a", "00:00", "24:00", "all")]}, "names no time zone"),
            ({"zone": "CST", "rows": [row("a", "00:00", "24:00", "all")]}, "give an IANA zone"),
            ({"zone": CHICAGO, "rows": []}, "has no rows"),
            ({"zone": CHICAGO, "rows": ["x"]}, "Row 1 of the schedule is not an object"),
            ({"zone": CHICAGO, "rows": [{"prcie": 1}]}, "unknown field 'prcie'"),
            ({"zone": CHICAGO, "rows": [row("", "00:00", "24:00", "all")]}, "names no period"),
            ({"zone": CHICAGO, "rows": [row("a", "0:00", "24:00", "all")]}, "start must be a time"),
            (
                {"zone": CHICAGO, "rows": [row("a", "22:00", "06:00", "all")]},
                "split a window at mid",
            ),
            (
                {"zone": CHICAGO, "rows": [row("a", "00:00", "24:30", "all")]},
                "split a window at mid",
            ),
            (
                {"zone": CHICAGO, "rows": [row("a", "00:00", "24:00", "moonday")]},
                "moonday is no day",
            ),
            (
                {"zone": CHICAGO, "rows": [row("a", "00:00", "24:00", "all", months=[13])]},
                "months are 1 to 12",
            ),
        ],
    )
    def test_says_which_row_is_wrong(self, document, message):
        with pytest.raises(Refused, match=message):
            TouSchedule.from_json(document)

    def test_a_table_of_the_wrong_shape_or_position_is_refused(self):
        with pytest.raises(Refused, match="12 months of 24 hours"):
            TouSchedule.from_12x24([[0] * 24], [[0] * 24] * 12, ["a"], zone=CHICAGO)
        with pytest.raises(Refused, match="there is no period 3"):
            TouSchedule.from_12x24([[3] * 24] * 12, [[0] * 24] * 12, ["a"], zone=CHICAGO)


def test_periods_of_a_grid_are_found_once_and_cannot_be_changed():
    rows = [{"start": "00:00", "end": "24:00", "period": "ALL"}]
    grid = Period.day("UTC", date(2026, 3, 1)).grid(60)
    first, again = (
        TouSchedule.from_json({"zone": "UTC", "rows": rows}).periods(grid, set())[1]
        for _ in range(2)
    )
    assert first is again
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 1
