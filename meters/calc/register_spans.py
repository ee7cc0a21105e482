"""Estimates between two exact reads of a register, set to what it counted; measured ones never.

All estimates between the reads move together, by one factor and one running sum, however many gaps
they lie in. What another meter told (check meter, node, SCADA), what is certain (an outage) and
what people agreed on stays: vee.md 4.4 scales methods E05 to E10 and the average daily load.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from meters.calc.scaling import Scaled, scale_series
from meters.estimation import Estimate
from meters.estimation._base import RUNNING, stamp, text_of
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import from_micro
from poweroptix.kernel.quality import Method
from poweroptix.kernel.series import Series

MOVABLE = frozenset(
    {
        Method.INTERPOLATE,
        Method.LIKE_DAY,
        Method.AVG_LIKE_DAY,
        Method.PREV_YEAR,
        Method.PROFILE,
        Method.PLANT_MODEL,
        Method.ADL,
    }
)
SUM_CHECK = "V20"
UNSURE = "an interval between the reads has no sure value: not scaled to the register"


@dataclass(frozen=True)
class RegisterSpan:
    """The intervals between two exact reads, what the register advanced, and who says so.

    `energy`: in the unit of the series. `tolerance`: the sum check's allowance, same unit.
    `sheet`: the reads as a worksheet names them.
    """

    first: int
    end: int
    energy: Decimal
    tolerance: Decimal
    sheet: Mapping[str, Any]

    @property
    def window(self) -> slice:
        """Return the intervals as a slice."""
        return slice(self.first, self.end)


@dataclass(frozen=True)
class SpanResult:
    """The estimates, those between the reads scaled, and what was found wrong about the sums."""

    estimates: tuple[Estimate, ...]
    finding: Finding | None = None


def scale_span(series: Series, estimates: Sequence[Estimate], span: RegisterSpan) -> SpanResult:
    """Return the estimates with those inside a span scaled to its register.

    `series`: the readings, missing where they are doubtful; `estimates`: all of the channel, on the
    grid of the series. Nothing is scaled where an interval of the span has neither reading nor
    estimate. More measured than counted: the estimates stay, with a finding (HOLD).
    """
    given = tuple(estimates)
    inside = [e for e in given if e.gap.start < span.end and span.first < e.gap.stop]
    moving = [e for e in inside if e.method in MOVABLE]
    if not moving:
        return SpanResult(given)
    filled, mask = _filled(series, inside)
    if filled.missing[span.window].any():
        return SpanResult(tuple(_told(e, moving, UNSURE) for e in given))
    try:
        scaled_series, scaled = scale_series(filled, mask, span.window, span.energy, span.tolerance)
    except Refused as refused:
        finding = _held(series, span, refused) if refused.code == "scaling.sum_check" else None
        return SpanResult(tuple(_told(e, moving, refused.message) for e in given), finding)
    places = span.first + np.flatnonzero(mask[span.window])
    own = {id(e): _moved(e, filled, scaled_series, span, scaled, places) for e in moving}
    return SpanResult(tuple(own.get(id(e), e) for e in given))


def _filled(series: Series, estimates: Sequence[Estimate]) -> tuple[Series, np.ndarray]:
    """Return the series with the estimates in it, and where they may move."""
    values, status = series.values.copy(), series.status.copy()
    mask = np.zeros(series.grid.count, bool)
    for estimate in estimates:
        values[estimate.gap] = estimate.values
        status[estimate.gap] = int(estimate.status)
        mask[estimate.gap] = estimate.method in MOVABLE
    return Series(series.grid, values, status, series.unit), mask


def _told(estimate: Estimate, moving: Sequence[Estimate], words: str) -> Estimate:
    """Return an estimate with a remark, if it is one of those that should have moved."""
    if not any(estimate is each for each in moving):
        return estimate
    return replace(estimate, warnings=(*estimate.warnings, words))


def _moved(
    estimate: Estimate,
    before: Series,
    after: Series,
    span: RegisterSpan,
    scaled: Scaled,
    places: np.ndarray,
) -> Estimate:
    """Return an estimate with its part inside the span scaled, and how."""
    part = slice(max(estimate.gap.start, span.first), min(estimate.gap.stop, span.end))
    values = estimate.values.copy()
    here = slice(part.start - estimate.gap.start, part.stop - estimate.gap.start)
    values[here] = after.values[part]
    earlier = places[places < part.start]
    whole = before.values[places].sum(dtype=object)
    sheet = {
        "formula": scaled.worksheet["formula"],
        "rounding": RUNNING,
        **span.sheet,
        "between": [stamp(before, span.first), stamp(before, span.end)],
        "register": f"{span.energy:f}",
        "measured": scaled.worksheet["measured"],
        "rest": f"{scaled.need:f}",
        "factor": "" if scaled.factor is None else text_of(scaled.factor),
        "sum_of_estimates": f"{from_micro(int(whole)):f}",
        "count": len(places),
        "part": [stamp(before, part.start), stamp(before, part.stop)],
        "estimates_before": f"{from_micro(int(before.values[earlier].sum(dtype=object))):f}",
        "count_before": len(earlier),
    }
    head = {name: value for name, value in estimate.worksheet.items() if name != "values"}
    head.setdefault("estimated", estimate.worksheet.get("values", []))
    head["scaled"] = [*head.get("scaled", []), sheet]
    head["values"] = [_text(value) for value in values.tolist()]
    warnings = estimate.warnings
    if Fraction(span.tolerance) * 10**6 > abs(Fraction(int(whole))):
        told = f"the register tells no more than {span.tolerance:f} apart"
        warnings = (*warnings, told)
    return replace(estimate, values=values, worksheet=head, warnings=warnings)


def _text(value: int) -> str:
    """Return a value with the decimals it needs, at least three."""
    whole = f"{from_micro(value):.6f}"
    return whole[:-3] + whole[-3:].rstrip("0")


def _held(series: Series, span: RegisterSpan, refused: Refused) -> Finding:
    """Return the finding that holds a span: more was measured than its register counted."""
    return Finding(
        SUM_CHECK,
        refused.message,
        Severity.HOLD,
        metric=abs(Decimal(refused.data["need"])),
        threshold=span.tolerance,
        start_utc=series.grid.start_of(span.first),
        end_utc=series.grid.start_of(span.end),
        fix="Compare multiplier, register reads and missing or doubled intervals.",
    )
