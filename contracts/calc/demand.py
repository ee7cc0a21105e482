"""Peak kW of a window, and what earlier peaks and contract kW make of it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import numpy as np

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import from_micro
from poweroptix.kernel.plain import WRITTEN_DIGITS, plain_decimal
from poweroptix.kernel.series import Series

MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Windows:
    """Average kW of every window in micro-kW, the index of its first interval, and their number."""

    kw_micro: np.ndarray
    first: np.ndarray
    minutes: int
    size: int


def windows(series: Series, minutes: int, rolling: bool) -> Windows:
    """Block or rolling windows of a kWh series; kW = kWh x 60 / minutes, exact.

    Blocks start at whole multiples of their length in UTC, a rolling window at every interval and
    lies within the period as a whole. Refused when the readings do not fit the window.
    """
    if series.unit != "kWh":
        raise Refused(
            "contracts.unit_mismatch", f"demand needs kWh, the series is in {series.unit}"
        )
    if series.missing_count:
        raise Refused("contracts.quantity_missing", "demand needs every interval")
    size, rest = divmod(minutes, series.grid.minutes)
    if rest or size < 1:
        raise Refused(
            "contracts.window",
            f"readings of {series.grid.minutes} minutes do not make windows of {minutes} minutes",
        )
    if rolling:
        if size == 1:
            raise Refused(
                "contracts.window",
                f"a rolling window of {minutes} minutes needs readings shorter than that",
            )
        running = np.concatenate(([0], np.cumsum(series.values)))
        sums = running[size:] - running[:-size]
        first = np.arange(sums.size)
    else:
        lead = _lead(series, minutes)
        whole = (series.values.size - lead) // size
        sums = series.values[lead : lead + whole * size].reshape(whole, size).sum(axis=1)
        first = lead + np.arange(whole) * size
    return Windows(sums * (60 // minutes), first, minutes, size)


def _lead(series: Series, minutes: int) -> int:
    """Intervals before the first window that starts on a multiple of its length in UTC."""
    start = series.grid.start_utc
    past = (start.hour * 60 + start.minute) % minutes
    return ((minutes - past) % minutes) // series.grid.minutes


def highest(found: Windows, chosen: np.ndarray | None) -> int:
    """Return the place of the highest window that starts in a chosen interval (the earliest one).

    Refused when no window starts in one.
    """
    places = np.arange(found.first.size)
    if chosen is not None:
        places = places[chosen[found.first]]
    if places.size == 0:
        raise Refused("contracts.no_window", "no whole demand window lies in the period")
    return int(places[np.argmax(found.kw_micro[places])])


def window_at(found: Windows, series: Series, place: int) -> tuple[Decimal, datetime]:
    """Return the kW of a window, and when it starts."""
    return from_micro(int(found.kw_micro[place])), series.grid.start_of(int(found.first[place]))


def check_same_windows(own: Windows, other: Windows, name: str) -> None:
    """Refuse a quantity whose windows are not those of the one that is billed."""
    if own.size != other.size or not np.array_equal(own.first, other.first):
        text = f"'{name}' has readings of another length; the highest window cannot be compared"
        raise Refused("contracts.window", text)


@lru_cache(maxsize=4096)
def month_before(label: str, count: int) -> str:
    """Return the label of the month that lies `count` months earlier.

    >>> month_before("2026-02", 3)
    '2025-11'
    """
    number = int(label[:4]) * 12 + int(label[5:7]) - 1 - count
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def lookback_months(label: str, months: int, counts: str) -> list[str]:
    """Months whose peaks a ratchet of k months reads, newest first.

    EXACTLY_K is the usual wording "the preceding k months"; K_PLUS_1 also keeps the one before,
    as NREL's SAM does (with k = 11 the same month of the year before still counts).
    """
    reach = months + (counts == "K_PLUS_1")
    return [month_before(label, step) for step in range(1, reach + 1)]


def known_peaks(carry: Mapping[str, Any]) -> dict[str, Decimal | None]:
    """Peaks of earlier months from a carry; None says that there was no service in that month.

    Refused when a peak is not a plain decimal of kW.
    """
    found: dict[str, Decimal | None] = {}
    peaks = carry.get("peaks", {})
    if not isinstance(peaks, Mapping):
        raise Refused("contracts.carry", f"peaks: {peaks!r} is not an object of months and kW")
    for month, text in peaks.items():
        if not MONTH.fullmatch(str(month)):
            raise Refused("contracts.carry", f"'{month}' is not a month such as 2025-12")
        if text is None:
            found[month] = None
            continue
        value = plain_decimal(text, digits=WRITTEN_DIGITS)
        if value is None or value < 0:
            raise Refused("contracts.carry", f"peak of {month}: '{text}' is not a number of kW")
        found[month] = value
    return found


def kept_peaks(
    peaks: Mapping[str, Decimal | None], label: str, now_kw: Decimal, reach: int
) -> dict[str, str | None]:
    """Peaks that later months can still read, this month's included, as decimal text."""
    wanted: Sequence[str] = [month_before(label, step) for step in range(max(reach, 12), -1, -1)]
    merged = dict(peaks) | {label: max(now_kw, peaks.get(label) or Decimal(0))}
    return {
        month: None if merged[month] is None else f"{merged[month]:f}"
        for month in wanted
        if month in merged
    }
