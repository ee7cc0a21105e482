"""Which meter best explains that a campus day does not balance.

Every leg of the balance is a signed contribution (a source adds, a sink takes), so the residual is
their sum, and its change against like days is the sum of their changes. A real change of load
moves another leg the other way; the meter that errs moves the residual alone. A hint for people:
it decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from poweroptix.kernel.fixed import MISSING, from_micro

Values = NDArray[np.int64]


@dataclass(frozen=True)
class Suspect:
    """How well one leg explains the residual of a day.

    `change_kwh` is its energy less that of like days; `explained_ratio` the share of the residual's
    change that its own change takes away (1 all of it, below 0 it makes it worse); `correlation`
    how its curve goes with the residual's over the day (-1 to 1).
    """

    name: str
    change_kwh: Decimal | None
    explained_ratio: Decimal | None
    correlation: Decimal | None

    @property
    def explains(self) -> bool:
        """Whether its change takes anything of the residual's change away."""
        return self.explained_ratio is not None and self.explained_ratio > 0

    @property
    def weight(self) -> tuple[Decimal, Decimal]:
        """The key of the ranking: the share explained, then how closely the curves go."""
        least = Decimal(-(10**9))
        share = least if self.explained_ratio is None else self.explained_ratio
        return share, Decimal(0) if self.correlation is None else abs(self.correlation)


def ranked(day: Mapping[str, Values], like: Sequence[Mapping[str, Values]]) -> list[Suspect]:
    """Return the legs of a day, the best explanation first.

    `day` and each of `like` hold the signed contributions in micro-kWh by leg, all of one length.
    Without like days only the correlation speaks.
    """
    names = sorted(day)
    table = np.array([day[name] for name in names])
    usual = _usual(names, like)
    present = (table != MISSING).all(axis=0)
    if usual is not None:
        present &= (usual != MISSING).all(axis=0)
    table = table[:, present]
    residual = table.sum(axis=0)
    changes = None if usual is None else table - usual[:, present]
    suspects = []
    for row, name in enumerate(names):
        change = None if changes is None else changes[row]
        suspects.append(
            Suspect(
                name,
                None if change is None else from_micro(int(change.sum())),
                None if changes is None else _explained(changes.sum(axis=0), changes[row]),
                _correlation(table[row].tolist(), residual.tolist()),
            )
        )
    return sorted(suspects, key=lambda one: one.weight, reverse=True)


def _usual(names: Sequence[str], like: Sequence[Mapping[str, Values]]) -> Values | None:
    """Return the mean of the like days by leg; MISSING where one of them has no value."""
    if not like:
        return None
    days = np.array([[one[name] for name in names] for one in like])
    gaps = (days == MISSING).any(axis=0)
    return np.where(gaps, MISSING, np.where(gaps, 0, days).sum(axis=0) // len(like))


def _explained(whole: Values, own: Values) -> Decimal | None:
    moved = int(np.abs(whole).sum())
    return None if moved == 0 else 1 - Decimal(int(np.abs(whole - own).sum())) / moved


def _correlation(xs: list[int], ys: list[int]) -> Decimal | None:
    """Return Pearson's coefficient in exact integers up to the root; None where one is flat."""
    count, sum_x, sum_y = len(xs), sum(xs), sum(ys)
    spread_x = count * sum(x * x for x in xs) - sum_x * sum_x
    spread_y = count * sum(y * y for y in ys) - sum_y * sum_y
    if not spread_x or not spread_y:
        return None
    together = count * sum(x * y for x, y in zip(xs, ys, strict=True)) - sum_x * sum_y
    return Decimal(together) / (Decimal(spread_x).sqrt() * Decimal(spread_y).sqrt())
