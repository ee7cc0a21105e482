"""A register that was not read: the last exact read and the intervals since, over the dials.

Only forward: a register before its first read is not estimated. Intervals lead, such registers are
for display and for comparison, never a base of further estimates. Vee.md 4.7.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from meters.calc.registers import Dial
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.quality import Status
from poweroptix.kernel.rounding import Mode, to_places
from poweroptix.kernel.series import Series


@dataclass(frozen=True)
class EstimatedRegister:
    """What the dial would show, whether it went round, and how sure the intervals are."""

    dial: Dial
    at: datetime
    rolled: bool
    status: Status
    worksheet: dict[str, Any]


def estimate_register(
    last: Dial, last_at: datetime, energy: Series, multiplier: Decimal
) -> EstimatedRegister:
    """Return the register at the end of a series of energy that begins at the last exact read.

    The dial shows what it has passed: decimals beyond its own are cut. Raises Refused
    `register.gap` when the series does not begin at the read, `register.multiplier` for a factor
    that is not above zero, `register.backward` for negative energy, `series.missing` for a gap.
    """
    if energy.grid.start_utc != last_at:
        text = (
            f"The intervals begin at {energy.grid.start_utc:%Y-%m-%dT%H:%MZ}, the register was "
            f"read at {last_at:%Y-%m-%dT%H:%MZ}; take the intervals from the read on."
        )
        raise Refused("register.gap", text)
    if multiplier <= 0:
        raise Refused("register.multiplier", f"A multiplier of {multiplier} counts nothing.")
    used = energy.total()
    if used < 0:
        text = f"The intervals sum to {used:f}; a register is estimated forward only."
        raise Refused("register.backward", text)
    around = 10**last.digits
    exact = Fraction(last.value) + Fraction(used) / Fraction(multiplier)
    value = to_places(exact % around, last.decimals, Mode.DOWN)
    sheet = {
        "formula": "(last read + energy / multiplier) modulo 10^dials, cut to its decimals",
        "last": f"{last.value:f}",
        "energy": f"{used:f}",
        "multiplier": f"{multiplier:f}",
        "dials": last.digits,
        "value": f"{value:f}",
    }
    status = max(Status.ESTIMATED, energy.worst_status) if energy.grid.count else Status.ESTIMATED
    return EstimatedRegister(
        Dial(value, last.digits, last.decimals), energy.grid.end_utc, exact >= around, status, sheet
    )
