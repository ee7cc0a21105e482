"""By the kW of each member in the block in which all members together took the most."""

from __future__ import annotations

from typing import Any

import numpy as np

from settlement.sharing._base import Claims, MoneyKey, Weighing, money_keys, unread
from settlement.sharing._peaks import PeakParameters, blocks, kw


@money_keys.register("coincident_peak@1")
class CoincidentPeak(MoneyKey):
    """kW in the campus peak; of equal peaks the earliest counts."""

    title = "By coincident peak"
    Parameters = PeakParameters

    def weigh(self, claims: Claims, parameters: Any) -> Weighing:
        """Weigh by kW at the common peak of the members."""
        minutes = parameters.window_minutes
        found = {code: blocks(claims, code, minutes) for code in claims.present()}
        lacking = [code for code, taken in found.items() if taken is None]
        if lacking or not found:
            findings = (unread(code, parameters.quantity, claims.period.label) for code in lacking)
            unknown = dict.fromkeys(found, "not known")
            return Weighing("kW", dict.fromkeys(found), unknown, tuple(findings))
        at = int(np.argmax(sum(values for _grid, values in found.values())))
        start = next(iter(found.values()))[0].start_of(at)
        weights = {code: kw(values[at], minutes) for code, (_grid, values) in found.items()}
        words = f"kW in the {minutes} minutes from {start:%Y-%m-%d %H:%M} UTC"
        return Weighing("kW", weights, dict.fromkeys(found, words))
