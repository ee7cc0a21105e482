"""Ranges of intervals for findings: long runs, device flags, outages, and how they are worded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

import numpy as np

from meters.validation._base import ValidationContext, instant
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series

#: Kinds of point that always take something: only there silence is suspicious.
LOAD_KINDS = frozenset({"TENANT_LOAD", "HOUSE"})
#: Statuses of readings that a meter made; all others were put there by somebody.
METERED = (Status.VALIDATED, Status.VERIFIED, Status.SUSPECT, Status.RAW)
_MARKS = 62

T = TypeVar("T")
Texts = Iterable[tuple[int, int, str, Mapping[str, str]]]


@dataclass(frozen=True)
class NoParameters:
    """The rule has nothing to set."""


def finding(
    code: str,
    severity: Severity,
    grid: Grid,
    span: tuple[int, int],
    message: str,
    fix: str,
    metric: Decimal | None = None,
    threshold: Decimal | None = None,
    data: Mapping[str, Any] | None = None,
) -> Finding:
    """Return a finding on a range of intervals."""
    first, end = span
    return Finding(
        code,
        message,
        severity,
        metric=metric,
        threshold=threshold,
        start_utc=instant(grid, first),
        end_utc=instant(grid, end),
        data=data or {},
        fix=fix,
    )


def long_runs(mask: np.ndarray, longer_than: int) -> list[tuple[int, int]]:
    """Return the runs of True of more than so many intervals as half-open index pairs.

    >>> long_runs(np.array([True, False, True, True, True]), 2)
    [(2, 5)]
    """
    if mask.size <= longer_than or not mask.any():
        return []
    padded = np.zeros(mask.size + 2, dtype=np.int8)
    padded[1:-1] = mask
    edges = np.flatnonzero(np.diff(padded)).reshape(-1, 2)
    wanted = edges[edges[:, 1] - edges[:, 0] > longer_than]
    return [(int(first), int(end)) for first, end in wanted]


def marked(
    ranges: Iterable[tuple[int, int, T]], where: np.ndarray
) -> list[tuple[int, int, tuple[T, ...]]]:
    """Return the stretches on which the same marks stand, each with its marks; ranges may overlap.

    `where`: intervals that count. More than 62 different marks share the last ones.

    >>> marked([(0, 3, "A"), (2, 4, "B")], np.ones(5, dtype=bool))
    [(0, 2, ('A',)), (2, 3, ('A', 'B')), (3, 4, ('B',))]
    """
    places: dict[T, int] = {}
    table = np.zeros(where.size + 2, dtype=np.int64)
    for first, end, mark in ranges:
        bit = places.setdefault(mark, min(len(places), _MARKS))
        table[max(first, 0) + 1 : max(0, min(end, where.size)) + 1] |= 1 << bit
    table[1:-1][~where] = 0
    edges = np.flatnonzero(np.diff(table))
    found = []
    for first, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        bits = int(table[first + 1])
        if bits:
            found.append((first, end, tuple(m for m, bit in places.items() if bits >> bit & 1)))
    return found


def spells(
    flags: Texts, code: str, where: np.ndarray, words: Callable[[Mapping[str, str]], str]
) -> list[tuple[int, int, tuple[str, ...]]]:
    """Return the stretches under a flag with what its details say, in words."""
    mine = ((a, b, words(detail)) for a, b, name, detail in flags if name == code)
    return marked(mine, where)


def without_power(series: Series, context: ValidationContext) -> np.ndarray:
    """Return where the point had no power: a known outage, or the device said POWER_FAIL."""
    mask = np.zeros(series.grid.count, dtype=bool)
    for first, end in context.circumstances.outages:
        mask[max(first, 0) : max(end, 0)] = True
    for first, end, code, _ in context.flags:
        if code == "POWER_FAIL":
            mask[max(first, 0) : max(end, 0)] = True
    return mask


def metered(series: Series) -> np.ndarray:
    """Return where a value is a meter's own reading, not a substitute, an estimate or an edit."""
    status = series.status
    if status.size and status.max() <= Status.VERIFIED:
        return np.ones(status.shape, dtype=bool)
    return np.isin(status, METERED)


def duration(minutes: int) -> str:
    """Return a length of time in words.

    >>> duration(45), duration(135), duration(2880), duration(1500)
    ('45 min', '2 h 15 min', '48 h', '25 h')
    """
    hours, rest = divmod(minutes, 60)
    parts = [f"{hours} h"] if hours else []
    return " ".join([*parts, f"{rest} min"]) if rest or not hours else parts[0]


def intervals(count: int, minutes: int) -> str:
    """Return a number of intervals in words.

    >>> intervals(1, 15), intervals(3, 30)
    ('1 interval of 15 minutes', '3 intervals of 30 minutes')
    """
    return f"{count} interval{'' if count == 1 else 's'} of {minutes} minutes"
