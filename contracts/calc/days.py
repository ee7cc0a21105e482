"""Parts of a month: days in force over days of the month, and other day counts."""

from calendar import monthrange
from datetime import date
from decimal import Decimal

from contracts.charges._base import ChargeInputs
from poweroptix.kernel.figure import Figure, Source


def in_month(inputs: ChargeInputs) -> tuple[int, int]:
    """Days in force and days of the period."""
    return len(inputs.days_in_force()), len(inputs.period.days())


def days_figure(inputs: ChargeInputs, days: int) -> Figure:
    """Return days in force as a factor of a formula, with the days of the month as its source."""
    text = f"days in force of {in_month(inputs)[1]}"
    return Figure("days", Decimal(days), "count", Source("input", inputs.period.label, text))


def thirty_360(first: date, last: date) -> int:
    """Days from first to last, both included, with every month taken as 30 days.

    The last day of a month counts as its 30th.

    >>> thirty_360(date(2026, 5, 18), date(2026, 5, 31))
    13
    >>> thirty_360(date(2026, 2, 1), date(2026, 2, 28))
    30
    """
    end = 30 if last.day == monthrange(last.year, last.month)[1] else min(last.day, 30)
    return max(end - min(first.day, 30) + 1, 0)
