"""The capacity of a point while it is commissioned in steps."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from meters.validation._base import ValidationContext
from poweroptix.kernel.series import Series


def capacity_steps(
    series: Series, context: ValidationContext
) -> list[tuple[int, int, Decimal | None]]:
    """Return the capacities in force as index ranges, in kW; None where none is known.

    An interval in which the capacity changes has the larger one.
    """
    step = timedelta(minutes=series.grid.minutes)
    pieces = [(0, context.capacity_kw)]
    for each in sorted(context.circumstances.capacities, key=lambda one: one.from_utc):
        at, rest = divmod(each.from_utc - series.grid.start_utc, step)
        before = pieces[-1][1]
        falls = before is not None and each.capacity_kw < before
        first = max(0, int(at) + (1 if rest and falls else 0))
        if first >= series.grid.count:
            break
        if first <= pieces[-1][0]:
            pieces.pop()
        pieces.append((first, each.capacity_kw))
    ends = [first for first, _ in pieces[1:]] + [series.grid.count]
    return [(first, end, kw) for (first, kw), end in zip(pieces, ends, strict=True)]
