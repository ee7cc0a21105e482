"""By the kW of a peak: in the block in which all together took the most, or in each one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

import numpy as np

from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.fixed import MICRO, from_micro
from poweroptix.kernel.series import Series
from settlement.weighing._base import Weighing

Use = Mapping[str, Series | None]


def coincident_peak(use: Use, minutes: int) -> Weighing:
    """Weigh by kW in the block in which all together took the most; the first of equals counts.

    One member whose use is not known leaves every weight unknown. Refused when the block is not a
    whole multiple of the intervals.
    """
    blocks = _blocks(use, minutes)
    if None in blocks.values():
        return Weighing("kW", dict.fromkeys(blocks), {})
    together = sum(one.values for one in blocks.values())
    at = {code: int(np.argmax(together)) for code in blocks}

    def figure(code: str, block: Series, at: int) -> tuple[str, Source]:
        label = f"{minutes}-minute window from {block.grid.start_of(at)}"
        return f"use of {code} at the peak", Source("readings", "", label)

    return _weighing(blocks, at, minutes, figure)


def own_peak(use: Use, minutes: int) -> Weighing:
    """Weigh by the kW of each member's own highest block, whenever it was; the first of equals.

    A member whose use is not known has no weight. Refused as above.
    """
    blocks = _blocks(use, minutes)
    at = {code: int(np.argmax(one.values)) for code, one in blocks.items() if one is not None}

    def figure(code: str, block: Series, at: int) -> tuple[str, Source]:
        return f"peak use of {code}", Source("readings", code, f"highest {minutes}-minute window")

    return _weighing(blocks, at, minutes, figure)


def _blocks(use: Use, minutes: int) -> dict[str, Series | None]:
    """Return each member's use by block, none below zero; None where an interval is missing."""
    found: dict[str, Series | None] = {}
    for code in sorted(use):
        block = None if use[code] is None else use[code].to_minutes(minutes)
        known = block is not None and not block.missing_count
        drawn = np.maximum(block.values, 0) if known else None
        found[code] = Series(block.grid, drawn, block.status, block.unit) if known else None
    return found


def _weighing(
    blocks: Use,
    at: Mapping[str, int],
    minutes: int,
    figure: Callable[[str, Series, int], tuple[str, Source]],
) -> Weighing:
    """Return the kW of each member in its block, with the block as words and as a figure."""
    weights, said, figures = {}, {}, []
    for code, block in blocks.items():
        if block is None:
            weights[code] = None
            continue
        kwh_micro, start = int(block.values[at[code]]), block.grid.start_of(at[code])
        weights[code] = Fraction(kwh_micro * 60, minutes * MICRO)
        said[code] = f"kW in the {minutes} minutes from {start:%Y-%m-%d %H:%M} UTC"
        name, source = figure(code, block, at[code])
        figures.append(Figure(name, from_micro(kwh_micro), "kWh", source))
    return Weighing("kW", weights, said, figures=tuple(figures))
