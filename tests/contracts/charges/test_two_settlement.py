"""Day-ahead schedule and real-time deviation."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import Period
from poweroptix.kernel.price_series import PriceSeries
from poweroptix.kernel.series import Series
from tests.contracts.builders import CHICAGO, charge, inputs
from tests.contracts.cases import example

KEY = "two_settlement@1"
START = datetime(2026, 3, 1, 6, tzinfo=UTC)
TERMS = {"schedule": "scheduled", "day_ahead_index": "DA", "index": "RT", "customer": "BUYS"}


def two_hours(schedule, ahead, metered, real_time, *, start=START):
    grid = Grid(start, 60, len(metered))

    def energy(values):
        return Series.of(grid, [None if v is None else Decimal(v) * 1000 for v in values], "kWh")

    def prices(values):
        return PriceSeries.of(grid, [None if v is None else Decimal(v) for v in values], "USD/MWh")

    given = inputs(
        period=Period(start, grid.end_utc, CHICAGO, "2026-03-01"),
        series=energy(metered),
        prices={"DA": prices(ahead), "RT": prices(real_time)},
    )
    given.series["scheduled"] = energy(schedule)
    return given


def case_e01():
    case = example("E01")
    schedule, ahead = zip(*case["inputs"]["day_ahead"], strict=True)
    metered, real_time = zip(*case["inputs"]["metered_and_rt_price"], strict=True)
    return (schedule, ahead, metered, real_time), case["expected"]


def test_e01_two_settlements_of_a_generator():
    columns, expected = case_e01()
    sheet, _ = charge(KEY, two_hours(*columns), TERMS)
    assert str(sheet.amount_usd) == expected["total"]
    assert [row.exact_usd for row in sheet.rows] == [
        sum(map(Decimal, expected["day_ahead"])),
        sum(map(Decimal, expected["real_time"])),
    ]
    assert sheet.quantity == sum(map(Decimal, columns[2]))
    paid, _ = charge(KEY, two_hours(*columns), {**TERMS, "customer": "SELLS"})
    assert str(-paid.amount_usd) == expected["total"]


@pytest.mark.parametrize("hour", [0, 1])
def test_e01_hour_by_hour(hour):
    columns, expected = case_e01()
    sheet, _ = charge(KEY, two_hours(*([column[hour]] for column in columns)), TERMS)
    assert [f"{row.exact_usd:.2f}" for row in sheet.rows] == [
        expected["day_ahead"][hour],
        expected["real_time"][hour],
    ]


def test_the_rows_name_what_they_price():
    columns, _expected = case_e01()
    sheet, _ = charge(KEY, two_hours(*columns), TERMS)
    assert [row.quantity.inputs[0].source.label for row in sheet.rows] == [
        "scheduled, 2 intervals of 60 minutes",
        "delivered less scheduled, 2 intervals of 60 minutes",
    ]


@pytest.mark.parametrize(
    ("at", "message"),
    [
        (0, "no schedule 'scheduled' in 1 intervals, the first begins 2026-03-01 07:00 UTC"),
        (1, "no price of DA for 2026-03-01 07:00 UTC and later (1 intervals)"),
        (2, "'delivered' has no value in 1 intervals, the first begins 2026-03-01 07:00 UTC"),
        (3, "no price of RT for 2026-03-01 07:00 UTC and later (1 intervals)"),
    ],
)
def test_what_is_missing_blocks(at, message):
    columns = [["1", "1"] for _ in range(4)]
    columns[at][1] = None
    sheet, _ = charge(KEY, two_hours(*columns), TERMS)
    assert sheet.amount_usd is None
    assert [one.message for one in sheet.findings] == [message]


def test_a_ladder_of_the_real_time_price_may_fall_back_on_day_ahead():
    given = two_hours(["1", "1"], ["30", "30"], ["2", "2"], ["50", None])
    terms = {**TERMS, "ladder": [{"take": "SERIES", "series": "DA"}]}
    sheet, _ = charge(KEY, given, terms)
    assert str(sheet.amount_usd) == "140.00"  # 60 + 50 + 30
    assert sheet.findings[0].code == "contracts.price_provisional"


def test_a_schedule_has_to_fit_the_meter():
    given = two_hours(*[["1", "1"]] * 4)
    with pytest.raises(Refused, match="no schedule named 'plan'; known: delivered, scheduled"):
        charge(KEY, given, {**TERMS, "schedule": "plan"})
    given.series["scheduled"] = Series.of(Grid(START, 15, 8), [Decimal(1)] * 8, "kWh")
    with pytest.raises(Refused, match="'scheduled' has intervals of 15 minutes, the meter of 60"):
        charge(KEY, given, TERMS)
