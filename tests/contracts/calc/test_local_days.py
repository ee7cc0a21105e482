"""A daily price holds for its local date, in every charge that reads one."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from contracts.calc.local_days import prices_on
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import Period
from poweroptix.kernel.price_series import PriceSeries
from tests.contracts.builders import CHICAGO, amount, inputs, micro_series

#: Two local days, the second of 23 hours: the clocks go forward on 8 March 2026.
FIRST = Period.day(CHICAGO, date(2026, 3, 7)).start_utc
PERIOD = Period(FIRST, FIRST + timedelta(hours=47), CHICAGO, "2026-03")
HOURS = PERIOD.grid(60)
#: One MWh in every hour.
FLAT = micro_series(HOURS, [10**9] * HOURS.count)


def daily(*numbers, unit="USD/MWh", first=7):
    grid = Grid(datetime(2026, 3, first, tzinfo=UTC), 1440, len(numbers))
    return PriceSeries.of(grid, [None if one is None else Decimal(one) for one in numbers], unit)


def given(prices):
    return inputs(period=PERIOD, series=FLAT, prices={"DAY": prices})


def formula(take):
    return {
        "formula": "price * energy" if take == "EACH" else "price * 1",
        "names": [
            {"name": "price", "kind": "INDEX", "of": "DAY", "take": take,
             "unit": "USD/MWh" if take == "EACH" else "USD"},
            *([{"name": "energy", "kind": "SERIES", "of": "delivered", "take": "EACH",
                "unit": "MWh"}] if take == "EACH" else []),
        ],
    }  # fmt: skip


def test_hours_have_the_price_of_their_local_date():
    found = prices_on(daily("10", "20"), HOURS, CHICAGO)
    assert found.tolist() == [10 * 10**8] * 24 + [20 * 10**8] * 23
    outside = prices_on(daily("20", first=8), HOURS, CHICAGO)
    assert outside.tolist() == [MISSING] * 24 + [20 * 10**8] * 23


@pytest.mark.parametrize(
    ("key", "terms"),
    [("formula@1", formula("EACH")), ("index_adder@1", {"index": "DAY"})],
)
def test_two_dates_price_two_local_days(key, terms):
    # 24 MWh at 10 and 23 at 20; by days of UTC it would be 18 at 10, 24 at 20, and 5 at nothing.
    assert amount(key, given(daily("10", "20")), terms) == "700.00"


def test_numbers_are_taken_over_the_dates_that_are_billed():
    prices = daily("10", "20", unit="USD")
    assert amount("formula@1", given(prices), formula("AVERAGE")) == "15.00"
    assert amount("formula@1", given(prices), formula("MAX")) == "20.00"
