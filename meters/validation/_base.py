"""What every validation rule shares: the context, the registry.

A rule is a class with a ``Parameters`` dataclass, a V-code, a stage and
``check(series, context) -> list[Finding]``. It judges one channel over the range of the series; a
metric equal to its threshold passes, only ``>`` fails. Rules are pure and vectorised; statistics
may use floats, what is compared and printed is exact. A rule that cannot judge for want of
something says what it lacks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from meters.calc.circumstances import Circumstances
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.fixed import MICRO
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.registry import Registry
from poweroptix.kernel.series import Series

Flag = tuple[int, int, str, Mapping[str, str]]
ENERGY_UNITS = frozenset({"kWh", "kVArh", "kVAh"})
POWER_UNITS = frozenset({"kW", "kVAr", "kVA"})


class Stage(IntEnum):
    """When a rule judges, in this order; STRUCTURE to CROSS whenever readings change."""

    STRUCTURE = 2
    DEVICE = 3
    VALUE = 4
    CROSS = 5
    PERIOD = 9  # when a period is about to close


@dataclass(frozen=True)
class ValidationContext:
    """What a rule may know beside the series.

    ``zone``: IANA zone of the campus (local days). ``direction``: DELIVERED, RECEIVED or NET.
    ``capacity_kw``: nameplate or contracted capacity of the delivery point. ``high_limit_kw``:
    limit of the channel itself (instrument transformers); the smaller limit counts. ``expected``:
    grid that should be covered (None: the grid of the series). ``flags``: device events as index
    ranges of the series. ``failed``: True where an earlier rule already failed the interval.
    ``duplicates``: starts delivered more than once with their values, as the merge found them.
    ``circumstances``: other channels, registers, clocks, plant, past periods. ``parameters``: the
    rule's ``Parameters`` instance; None means the defaults.
    """

    zone: str = "UTC"
    direction: str = "DELIVERED"
    capacity_kw: Decimal | None = None
    high_limit_kw: Decimal | None = None
    expected: Grid | None = None
    flags: Sequence[Flag] = ()
    failed: np.ndarray | None = None
    duplicates: Sequence[tuple[datetime, Sequence[Decimal]]] = ()
    parameters: Any = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    circumstances: Circumstances = field(default_factory=Circumstances)


class Rule(Protocol):
    """A validation rule: one class, registered under a versioned key.

    ``stage``: when it judges; within a stage rules judge in the order of their codes.
    ``default_on``: whether it judges without a setting. ``after_estimates``: whether it looks once
    more at intervals that were estimated. ``looks_back``: whether it wants the readings before the
    range as well, back to the register read before it. ``measures``: what the metric of a finding
    is and its limit bounds, in words, and ``measured_in`` its unit (empty for a plain count).
    """

    code: str
    title: str
    stage: Stage
    default_on: bool
    after_estimates: bool
    looks_back: bool
    measures: str
    measured_in: str
    Parameters: type

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return what it would need in order to judge, in words; empty when it can judge."""

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return what the rule finds; an empty list means pass (or not applicable)."""


class BaseRule:
    """What most rules have in common: on by default, judging all that is there."""

    default_on = True
    after_estimates = False
    looks_back = False
    measures = ""
    measured_in = ""

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return nothing: the readings are enough."""
        return ""


#: What a metric is in whose unit is that of the channel it was found on.
OWN_UNIT = "unit of the channel"

rules: Registry[Rule] = Registry("rule", "meters.validation")


def instant(grid: Grid, index: int) -> datetime:
    """Return the start of interval ``index`` of a grid (``index == count`` gives its end)."""
    return grid.start_utc.astimezone(UTC) + timedelta(minutes=grid.minutes * int(index))


def runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """Return maximal runs of True as half-open index pairs.

    >>> runs(np.array([True, True, False, True]))
    [(0, 2), (3, 4)]
    """
    padded = np.concatenate(([False], np.asarray(mask, dtype=bool), [False]))
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def limit_micro(
    series: Series, context: ValidationContext, factor: Decimal = Decimal(1)
) -> Fraction | None:
    """Return the most one interval may show, in 10^-6 of the series' unit; None without a limit.

    The smaller of capacity x factor and the channel's own limit, as energy of one interval (or as
    power for a channel in kW).
    """
    limits = []
    if context.capacity_kw is not None:
        limits.append(Fraction(context.capacity_kw) * Fraction(factor))
    if context.high_limit_kw is not None:
        limits.append(Fraction(context.high_limit_kw))
    if not limits or series.unit not in ENERGY_UNITS | POWER_UNITS:
        return None
    hours = Fraction(1) if series.unit in POWER_UNITS else Fraction(series.grid.minutes, 60)
    return min(limits) * hours * MICRO
