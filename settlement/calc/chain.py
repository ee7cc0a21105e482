"""What a corrected month does to the months behind it: those that read what it hands on.

Blocks of a contract year, ratchets, make-up banks and caps go from month to month as the carry. A
month is settled again when the carry that it is given differs from the one it read; the chain ends
where a month hands on the same as before. Each difference stays on the month that it corrects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from poweroptix.kernel.canonical import canonical_json
from settlement.calc.delta import Delta, billed_of, compare, total
from settlement.calc.inputs import Inputs
from settlement.calc.settle import Outcome, settle

Carry = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class FollowingMonth:
    """A later month that is settled again: what it gives now, and how its lines differ."""

    inputs: Inputs
    outcome: Outcome
    deltas: tuple[Delta, ...]

    @property
    def amount_usd(self) -> Decimal:
        """What the month owes more (or less) than before, in printed cents."""
        return total(self.deltas).amount_usd


def following(carry_out: Carry, later: Sequence[Inputs]) -> list[FollowingMonth]:
    """Return the later months that change, in order, when a month hands on `carry_out`.

    `later` are the consecutive months behind it as they were settled. Months behind the first one
    that reads the same as before are left alone.
    """
    found: list[FollowingMonth] = []
    for inputs in later:
        if canonical_json(inputs.carry_in) == canonical_json(carry_out):
            break
        before = settle(replace(inputs, adjustments=()))
        again = replace(inputs, carry_in=carry_out, adjustments=())
        outcome = settle(again)
        deltas = compare(billed_of(before.lines), billed_of(outcome.lines))
        found.append(FollowingMonth(again, outcome, tuple(deltas)))
        carry_out = outcome.carry_out
    return found
