"""What every estimator shares: the context, the estimate with its worksheet, the registry.

An estimator is a class with a ``Parameters`` dataclass and
``estimate(series, gap, context) -> Estimate | None``; None means "not applicable here, try the
next step of the ladder". Estimates are in 0.001 of the unit (half-even) and deterministic.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from meters.calc.evidence import Evidence
from meters.calc.reference_days import History, Reference, clock_of
from poweroptix.kernel.exact import total
from poweroptix.kernel.fixed import MICRO, from_micro, micro
from poweroptix.kernel.quality import Method, Status
from poweroptix.kernel.registry import Registry
from poweroptix.kernel.rounding import Mode, cumulative, in_words
from poweroptix.kernel.rounding import estimate as round_estimate
from poweroptix.kernel.series import Series

Flag = tuple[int, int, str, Mapping[str, str]]


@dataclass(frozen=True)
class EstimationContext:
    """What an estimator may know beside the series.

    The series should reach beyond the gap (neighbours, reference days); statuses decide what is
    usable. ``zone``: IANA zone of the campus. ``holidays``: its local holidays. ``flags``: device
    events as index ranges of the series (POWER_FAIL ... bar an end point or a reference day).
    ``barriers``: indices at which another installation begins; no line and no ratio reaches across.
    ``ratio_changes``: those at which the transformer ratio changes; no reference day lies beyond
    (None: all barriers).
    ``parameters``: the estimator's ``Parameters`` instance; None means the defaults. ``facts``:
    ``technology``, ``kind``, ``quantity``, ``direction`` of the point (only NET may be negative).
    ``evidence``: other series and totals of the point.
    """

    zone: str = "UTC"
    holidays: frozenset[date] = frozenset()
    flags: Sequence[Flag] = ()
    barriers: Sequence[int] = ()
    ratio_changes: Sequence[int] | None = None
    parameters: Any = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    evidence: Evidence = field(default_factory=Evidence)


@dataclass(frozen=True)
class Estimate:
    """Values for one gap and how they came about.

    ``gap``: index range of the series. ``values``: int64 in 10^-6 of the unit. ``worksheet``:
    plain JSON (numbers as text): method, rule, inputs, per-interval steps; enough to compute the
    values again. ``used``: what it rests on (neighbour instants or reference days, ISO text).
    ``warnings``: remarks for the reviewer. ``status``: CALCULATED where nothing is guessed.
    """

    gap: slice
    values: np.ndarray
    method: Method
    worksheet: dict[str, Any]
    used: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    status: Status = Status.ESTIMATED

    def decimals(self) -> list[Decimal]:
        """Return the values as Decimals of the unit."""
        return [Decimal(int(v)).scaleb(-6) for v in self.values]


class Estimator(Protocol):
    """An estimator: one class, registered under a versioned key."""

    title: str
    method: Method
    Parameters: type

    @staticmethod
    def estimate(series: Series, gap: slice, context: EstimationContext) -> Estimate | None:
        """Estimate the intervals of ``gap``; None when the method does not apply."""


estimators: Registry[Estimator] = Registry("estimator", "meters.estimation")

USABLE = (Status.VALIDATED, Status.VERIFIED, Status.EDITED)
#: Flag of intervals that an interruption on record touches (not a device's flag).
INTERRUPTED = "INTERRUPTED"
END_POINT_BARS = ("POWER_FAIL", "LONG", "SHORT", "TEST_MODE", INTERRUPTED)


def usable(series: Series) -> np.ndarray:
    """Return a mask of readings an estimate may rest on: never another estimate."""
    return np.isin(series.status, [int(status) for status in USABLE]) & ~series.missing


def flagged(series: Series, flags: Sequence[Flag], codes: tuple[str, ...]) -> np.ndarray:
    """Return a mask of intervals that carry one of some device flags."""
    mask = np.zeros(series.grid.count, dtype=bool)
    for first, end, code, _ in flags:
        if code in codes:
            mask[first:end] = True
    return mask


def blocked(series: Series, flags: Sequence[Flag]) -> np.ndarray:
    """Return a mask of intervals that may not be an end point of an interpolation."""
    return flagged(series, flags, END_POINT_BARS)


def stamp(series: Series, index: int) -> str:
    """Return the start of an interval as text (``index == count`` gives the end of the series).

    >>> from datetime import UTC, datetime
    >>> from poweroptix.kernel.grid import Grid
    >>> stamp(Series.absent(Grid(datetime(2026, 3, 2, tzinfo=UTC), 15, 4), "kWh"), 1)
    '2026-03-02T00:15Z'
    """
    return series.grid.start_of(index).strftime("%Y-%m-%dT%H:%MZ")


# -- what several estimators do ------------------------------------------------------------------

PLACES = 3
EACH = in_words(Mode.HALF_EVEN, PLACES)
RUNNING = f"{EACH}, cumulative"


def fits(series: Series, other: Series, gap: slice) -> bool:
    """Tell whether another series lies on the same grid and is usable all over the gap."""
    if other.grid != series.grid:
        return False
    good = np.isin(other.status[gap], [int(status) for status in USABLE])
    return bool((good & ~other.missing[gap]).all())


def exact_at(series: Series, index: int) -> Fraction:
    """Return a value that is there, as an exact number of the unit."""
    return Fraction(int(series.values[index]), MICRO)


def text_of(number: Decimal | Fraction) -> str:
    """Return an exact number for a worksheet: decimal where it ends, else as a fraction.

    >>> text_of(Fraction(1, 4)), text_of(Fraction(200, 199)), text_of(Decimal("1.50"))
    ('0.25', '200/199', '1.50')
    """
    if isinstance(number, Decimal):
        return f"{number:f}"
    for places in range(13):
        if (number * 10**places).denominator == 1:
            return f"{Decimal(int(number * 10**places)).scaleb(-places):f}"
    return f"{number.numerator}/{number.denominator}"


def texts(series: Series, window: slice | np.ndarray) -> list[str]:
    """Return values of a series as text."""
    return [f"{from_micro(value):f}" for value in series.values[window].tolist()]


def made(
    series: Series,
    gap: slice,
    key: str,
    method: Method,
    formula: str,
    numbers: Iterable[Fraction | Decimal],
    *,
    inputs: Mapping[str, Any],
    used: Sequence[str] = (),
    warnings: Sequence[str] = (),
    running: bool = False,
) -> Estimate:
    """Return the estimate with its worksheet: exact numbers in, rounded ones out.

    ``running``: round the running sum, so that the values add up to the rounded whole.
    """
    exact = list(numbers)
    values = cumulative(exact, PLACES) if running else [round_estimate(n) for n in exact]
    sheet = {
        "method": key,
        "formula": formula,
        "rounding": RUNNING if running else EACH,
        "unit": series.unit,
        "gap": [stamp(series, gap.start), stamp(series, gap.stop)],
        **inputs,
        "values": [f"{value:f}" for value in values],
    }
    array = np.array([micro(value) for value in values], dtype=np.int64)
    return Estimate(gap, array, method, sheet, tuple(used), tuple(warnings))


def allowed(numbers: Sequence[Fraction], context: EstimationContext) -> bool:
    """Tell whether no number is negative, or the channel may be."""
    return context.facts.get("direction") == "NET" or all(number >= 0 for number in numbers)


@dataclass(frozen=True)
class Ratio:
    """Sum of this channel over the sum of another, where both were good before the gap."""

    value: Fraction
    intervals: int
    main: Fraction
    other: Fraction

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "k": text_of(self.value),
            "intervals": self.intervals,
            "sum": text_of(self.main),
            "other_sum": text_of(self.other),
        }


def ratio_before(
    series: Series, other: Series, gap: slice, context: EstimationContext, hours: int
) -> Ratio | None:
    """Return the ratio over the hours before the gap; None when the other sums to nothing.

    The window begins at the latest change of installation.
    """
    reach = timedelta(hours=hours) // timedelta(minutes=series.grid.minutes)
    start = max([0, gap.start - reach, *(b for b in context.barriers if b <= gap.start)])
    both = usable(series)[start : gap.start] & usable(other)[start : gap.start]
    main = Fraction(total(series.values[start : gap.start][both]), MICRO)
    beside = Fraction(total(other.values[start : gap.start][both]), MICRO)
    if beside == 0:
        return None
    return Ratio(main / beside, int(both.sum()), main, beside)


def near_one(ratio: Ratio, limit_pct: Decimal) -> bool:
    """Tell whether a ratio is off one by no more than a limit (inclusive)."""
    return abs(ratio.value - 1) * 100 <= Fraction(limit_pct)


def history_of(series: Series, context: EstimationContext) -> History:
    """Return the series as days that may serve as references."""
    failing = flagged(series, context.flags, ("POWER_FAIL", INTERRUPTED))
    ordinals = clock_of(series.grid, context.zone).date_ordinal
    outages = frozenset(np.unique(ordinals[failing]).tolist())
    good = usable(series)
    reach = context.barriers if context.ratio_changes is None else context.ratio_changes
    return History(series, context.zone, context.holidays, good, outages, reach)


def local_days(ordinals: np.ndarray, gap: slice) -> list[tuple[int, np.ndarray]]:
    """Return the local days (ordinals) of a gap, each with its places in the series."""
    days = np.unique(ordinals[gap]).tolist()
    return [(day, gap.start + np.flatnonzero(ordinals[gap] == day)) for day in days]


def day_sheet(
    history: History, day: int, slots: np.ndarray, references: Sequence[Reference]
) -> dict[str, Any]:
    """Return the worksheet of one day: its slots, and what the reference days have there."""
    return {
        "day": date.fromordinal(day).isoformat(),
        "slots": [f"{slot // 60:02d}:{slot % 60:02d}" for slot in slots.tolist()],
        "references": [
            {"day": each.iso, "values": texts(history.series, each.places)} for each in references
        ],
    }


def mean_of(history: History, references: Sequence[Reference]) -> list[Fraction]:
    """Return the exact mean of the reference days, slot by slot."""
    picked = np.array([each.places for each in references])
    sums = history.series.values[picked].sum(axis=0, dtype=object)
    return [Fraction(int(each), len(references) * MICRO) for each in sums]


def device_sum(series: Series, index: int, context: EstimationContext) -> Fraction | None:
    """Return what the devices below the meter had in an interval; None when one is not good."""
    devices = context.evidence.devices
    if not devices or not all(fits(series, d.series, slice(index, index + 1)) for d in devices):
        return None
    return sum((exact_at(device.series, index) for device in devices), Fraction(0))
