"""What the rules of plants share: which plant stands behind a channel, and runs above a limit."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import numpy as np

from meters.calc.circumstances import Companion, Relation
from meters.validation._base import ValidationContext, instant, runs
from meters.validation._compare import number, trusted, usable
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.series import Series


def technology(context: ValidationContext) -> str:
    """Return how the unit behind the point makes power; empty where unknown."""
    told = context.facts.get("technology")
    return context.circumstances.plant.technology if told is None else str(told)


def kind(context: ValidationContext) -> str:
    """Return what stands behind the delivery point; empty where unknown."""
    return str(context.facts.get("kind", ""))


def makes_power(series: Series, context: ValidationContext) -> bool:
    """Return whether the channel shows active output of a generator."""
    return (
        kind(context) == "GENERATOR"
        and series.unit in ("kWh", "kW")
        and context.direction != "RECEIVED"
    )


def wanting(*needs: tuple[object, str]) -> str:
    """Return the words of what is None or empty, joined; empty when all is there.

    >>> wanting((1, "a capacity"), (None, "the sun's elevation"), ((), "a clock"))
    "the sun's elevation and a clock"
    """
    return " and ".join(text for there, text in needs if there is None or there in ("", (), []))


def first(series: Series, context: ValidationContext, relation: Relation) -> Companion | None:
    """Return the first companion of a relation on the grid of the series."""
    for each in context.circumstances.companions:
        if each.relation == relation and each.series.grid == series.grid:
            return each
    return None


def stands_still(series: Series, context: ValidationContext, running: Companion) -> np.ndarray:
    """Return where the series may be judged and the plant is said to stand still."""
    state = running.series
    return (state.values == 0) & trusted(state) & usable(series, context)


def over(values: np.ndarray, limit: Fraction, where: np.ndarray) -> np.ndarray:
    """Return where integers exceed a limit: exactly when they exceed its floor."""
    return (values > int(limit // 1)) & where


def run_findings(
    code: str,
    series: Series,
    bad: np.ndarray,
    text: Callable[[Decimal, int, int], str],
    limit: Fraction | None,
    severity: Severity,
    fix: str,
) -> list[Finding]:
    """Return one finding per run, told by its largest value: `text(largest, first, end)`."""
    found = []
    for a, b in runs(bad) if bad.any() else ():
        largest = number(int(series.values[a:b].max()))
        found.append(
            Finding(
                code,
                text(largest, a, b),
                severity,
                metric=largest,
                threshold=None if limit is None else number(limit),
                start_utc=instant(series.grid, a),
                end_utc=instant(series.grid, b),
                fix=fix,
            )
        )
    return found


def below(values: np.ndarray, limit: Fraction, where: np.ndarray) -> np.ndarray:
    """Return where integers lie below a limit: exactly when they lie below its ceiling."""
    return (values < int(-(-limit // 1))) & where
