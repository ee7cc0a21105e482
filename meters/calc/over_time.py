"""What the readings of a range say together: an energy adds up, a level has a mean."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from poweroptix.kernel import rounding
from poweroptix.kernel.series import Series

#: Quantities of a moment (`Quantity`): their sum over time means nothing.
LEVELS = frozenset({"KW", "VOLT", "AMPERE", "RATIO", "SOC", "IRRADIANCE", "WIND_SPEED", "RUNNING"})


def over_time(series: Series, quantity: str) -> tuple[str, Decimal | None]:
    """Return the word and the figure of a range, in the unit of the series.

    Missing readings are left out; a level without any reading has no mean. Means are rounded to
    three decimals, half away from zero; totals are exact.

    >>> from datetime import UTC, datetime
    >>> from poweroptix.kernel.grid import Grid
    >>> grid = Grid(datetime(2026, 10, 1, tzinfo=UTC), 15, 3)
    >>> over_time(Series.of(grid, [Decimal(8), Decimal(1), Decimal(1)], "W/m2"), "IRRADIANCE")
    ('Mean', Decimal('3.333'))
    >>> over_time(Series.of(grid, [Decimal(8), Decimal(1), Decimal(1)], "kWh"), "KWH")
    ('Total', Decimal('10'))
    """
    total = series.total_present()
    if quantity not in LEVELS:
        return "Total", total
    present = series.grid.count - series.missing_count
    return "Mean", rounding.quantity(Fraction(total) / present) if present else None
