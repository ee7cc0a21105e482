"""Which of two readings of one interval stays: the replacement ranking of vee.md 10.3."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.quality import Status

KEPT_AGAINST_ESTIMATES = [
    int(s)
    for s in (
        Status.VALIDATED,
        Status.VERIFIED,
        Status.CALCULATED,
        Status.SUBSTITUTED_FINAL,
        Status.EDITED,
        Status.ESTIMATED,
    )
]


@dataclass(frozen=True)
class Side:
    """Readings of one side: values in 10^-6, statuses, methods, all of one shape."""

    values: np.ndarray
    status: np.ndarray
    method: np.ndarray


@dataclass(frozen=True)
class Verdict:
    """What happens per interval: at most one of take, same and ignored is true.

    `replaced` are those taken over a reading that was there; `large` those of them by more than
    0.1 %.
    """

    take: np.ndarray
    same: np.ndarray
    replaced: np.ndarray
    ignored: np.ndarray
    large: np.ndarray


def rank(current: Side, incoming: Side, final_status: np.ndarray | None) -> Verdict:
    """Compare what is there with what arrives.

    An actual reading replaces anything. An estimate of the source replaces an estimate by a better
    method (lower number), or where that one is doubted (a forward estimate is), and an actual
    one only while the final reading is not yet fit for billing. `final_status` holds the statuses
    of the final layer, None where there is none.
    Equal values with equal status and method are the same reading; a null changes nothing.

    >>> now = Side(np.array([5, 5]), np.array([75, 60]), np.array([0, 20]))
    >>> new = Side(np.array([6, 7]), np.array([60, 75]), np.array([20, 0]))
    >>> rank(now, new, np.array([10, 60])).take.tolist()
    [False, True]
    """
    arrives = incoming.values != MISSING
    both = arrives & (current.values != MISSING)
    same = (
        both
        & (current.values == incoming.values)
        & (current.status == incoming.status)
        & (current.method == incoming.method)
    )
    differ = both & ~same
    guess = incoming.status == Status.ESTIMATED
    over_guess = current.status == Status.ESTIMATED
    better = incoming.method < current.method
    if final_status is None:
        fit = doubted = np.zeros(both.shape, bool)
    else:
        fit = np.isin(final_status, KEPT_AGAINST_ESTIMATES)
        doubted = np.isin(final_status, [Status.SUSPECT, Status.REJECTED])
    locked = fit | np.isin(current.status, [Status.SUBSTITUTED_FINAL, Status.EDITED])
    replaced = differ & (~guess | np.where(over_guess, better | doubted, ~locked))
    change = np.abs(incoming.values - np.where(both, current.values, 0))
    large = replaced & ~over_guess & (change > np.abs(np.where(both, current.values, 0)) // 1000)
    return Verdict(
        take=(arrives & ~both) | replaced,
        same=same,
        replaced=replaced,
        ignored=differ & ~replaced,
        large=large,
    )
