"""An energy adds up over a month, a level has a mean."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from meters.calc.over_time import LEVELS, over_time
from meters.models import Quantity
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.series import Series

GRID = Grid(datetime(2026, 10, 1, tzinfo=UTC), 15, 3)


@pytest.mark.parametrize(
    ("quantity", "said"),
    [("KWH", ("Total", Decimal(21))), ("SOC", ("Mean", Decimal("10.5"))),
     ("IRRADIANCE", ("Mean", Decimal("10.5")))],
)  # fmt: skip
def test_missing_readings_are_left_out(quantity, said):
    assert over_time(Series.of(GRID, [Decimal(20), None, Decimal(1)], "x"), quantity) == said


def test_a_level_without_readings_has_no_mean():
    assert over_time(Series.absent(GRID, "W/m2"), "IRRADIANCE") == ("Mean", None)


def test_every_level_is_a_quantity():
    assert set(Quantity.values) >= LEVELS
