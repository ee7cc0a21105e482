"""The interval in which a meter was exchanged: what both meters counted, and the dead time between.

Measured is what the registers tell of the old meter until its removal and of the new one from its
installation; the time without a meter runs at their mean rate. Vee.md 9.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

from meters.calc.registers import straddling
from meters.estimation._base import Estimate, EstimationContext, estimators, made, text_of
from poweroptix.kernel.quality import Method, Status
from poweroptix.kernel.series import Series

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class ExchangeParameters:
    """Nothing to set: the parts come with the evidence."""


@estimators.register("exchange@1")
class MeterExchange:
    """Both measured parts and the dead time of the one interval that is missing."""

    title = "Meter exchange"
    method = Method.PROFILE
    Parameters = ExchangeParameters

    @staticmethod
    def estimate(series: Series, gap: slice, context: EstimationContext) -> Estimate | None:
        """Return the interval; None for longer gaps, or where no exchange lies in it."""
        here = [each for each in context.evidence.exchanges if each.index == gap.start]
        if gap.stop - gap.start != 1 or not here:
            return None
        one = here[0]
        length = timedelta(minutes=series.grid.minutes)
        if not timedelta(0) <= one.dead < length:
            return None
        measured, dead = straddling(one.old_kwh, one.new_kwh, one.dead, length)
        inputs = {
            "old": text_of(one.old_kwh),
            "new": text_of(one.new_kwh),
            "measured": text_of(measured),
            "dead_s": one.dead // timedelta(seconds=1),
            "interval_s": length // timedelta(seconds=1),
            "dead_part": text_of(dead),
            "registers": [dict(sheet) for sheet in one.sheets],
        }
        estimate = made(
            series, gap, "exchange@1", Method.PROFILE,
            "(old + new) x interval / (interval - dead time)",
            [Fraction(measured) * (length // _SECOND) / ((length - one.dead) // _SECOND)],
            inputs=inputs, used=tuple(_meters(sheet) for sheet in one.sheets),
        )  # fmt: skip
        return estimate if one.dead else replace(estimate, status=Status.CALCULATED)


def _meters(sheet: Mapping[str, Any]) -> str:
    first, last = sheet["reads"]
    return f"register {first['register']} to {last['register']}, read {last['read_at']}"
