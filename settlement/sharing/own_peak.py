"""By the highest kW that each member took by itself, whenever that was."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from settlement.sharing._base import Claims, MoneyKey, Weighing, money_keys, unread
from settlement.sharing._peaks import PeakParameters, blocks, kw


@money_keys.register("own_peak@1")
class OwnPeak(MoneyKey):
    """Highest block of the member's own energy, in kW; of equal peaks the earliest is named."""

    title = "By own peak"
    Parameters = PeakParameters

    def weigh(self, claims: Claims, parameters: Any) -> Weighing:
        """Weigh by each member's own highest block."""
        minutes = parameters.window_minutes
        weights: dict[str, Fraction | None] = {}
        said, findings = {}, []
        for code in claims.present():
            taken = blocks(claims, code, minutes)
            if taken is None:
                weights[code], said[code] = None, "not known"
                findings.append(unread(code, parameters.quantity, claims.period.label))
                continue
            grid, values = taken
            at = int(np.argmax(values))
            weights[code] = kw(values[at], minutes)
            start = grid.start_of(at)
            said[code] = f"kW in the {minutes} minutes from {start:%Y-%m-%d %H:%M} UTC"
        return Weighing("kW", weights, said, tuple(findings))
