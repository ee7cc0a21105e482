"""Splits in which nobody gets more than a cap; what one cannot take goes to the others.

Everybody is offered a share by weight. Whoever reaches the cap keeps the cap, and the rest is
offered again to the others by weight, until nobody reaches a cap any more.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from poweroptix.kernel.splits import split_in_units

#: Products up to here are compared in 64 bits; larger ones as Python integers.
_PRODUCT_LIMIT = 2**62
#: Cells that are worked on at once, so that they stay in the cache.
_CELLS = 2**18

Ints = NDArray[np.int64]


def split_capped(
    totals: Ints, weights: Ints | None, caps: Ints, codes: Sequence[str], unit: int = 1
) -> Ints:
    """Return parts[k, n] of totals[n] (zero or more) by weights[k, n], none above caps[k, n].

    Each column adds up to its total, or to all caps of members with weight when these are less.
    Without weights the caps are the weights: whoever needs more gets more. `unit` is the smallest
    amount that is handed out; what is smaller follows in single units.

    >>> demand = np.array([[9000], [12000], [15000]])
    >>> entitled = np.array([[60], [45], [30]])
    >>> split_capped(np.array([30000]), entitled, demand, ["A", "B", "C"]).ravel().tolist()
    [9000, 12000, 9000]
    """
    parts = np.zeros_like(caps)
    width = max(1, _CELLS // max(1, caps.shape[0]))
    for first in range(0, totals.size, width):
        cut = slice(first, first + width)
        shares = caps[:, cut] if weights is None else weights[:, cut]
        parts[:, cut] = _split_block(totals[cut], shares, caps[:, cut], codes, unit)
    return parts


def _split_block(totals: Ints, weights: Ints, caps: Ints, codes: Sequence[str], unit: int) -> Ints:
    room = np.where(weights > 0, caps, 0)
    wanted = room.sum(axis=0)
    parts = np.where(wanted <= totals, room, 0)
    short = np.flatnonzero((wanted > totals) & (totals > 0))
    if short.size:
        parts[:, short] = _split_short(
            totals[short], weights[:, short], room[:, short], codes, unit
        )
    return parts


def _split_short(totals: Ints, weights: Ints, caps: Ints, codes: Sequence[str], unit: int) -> Ints:
    """Split totals that do not reach for all: first who is at the cap, then the others."""
    offered = np.where(caps > 0, weights, 0)
    held = np.zeros(caps.shape, dtype=bool)
    left = totals.copy()
    if weights is not caps:
        _hold(left, offered, caps, held)
    open_weights = np.where(held, 0, offered)
    given = split_in_units(left, open_weights, codes, unit)
    over = np.maximum(given - caps, 0)
    over[held] = 0
    if over.any():
        given = given - over
        room = np.where(held, 0, caps - given)
        given = given + split_in_units(over.sum(axis=0), room, codes, 1)
    return np.where(held, caps, given)


def _hold(left: Ints, weights: Ints, caps: Ints, held: NDArray[np.bool_]) -> None:
    """Mark who reaches the cap and take the caps off what is left; in place."""
    columns = np.arange(left.size)
    while columns.size:
        open_weights = np.where(held[:, columns], 0, weights[:, columns])
        offered = _at_least(left[columns], open_weights, caps[:, columns]) & (open_weights > 0)
        reached = offered.any(axis=0)
        columns, offered = columns[reached], offered[:, reached]
        held[:, columns] |= offered
        left[columns] -= np.where(offered, caps[:, columns], 0).sum(axis=0)


def _at_least(left: Ints, weights: Ints, caps: Ints) -> NDArray[np.bool_]:
    """Say where a share by weight is the cap or more: left x weight >= cap x all weights."""
    together = weights.sum(axis=0)
    largest = max(
        int(left.max(initial=0)) * int(weights.max(initial=0)),
        int(caps.max(initial=0)) * int(together.max(initial=0)),
    )
    if largest < _PRODUCT_LIMIT:
        return left * weights >= caps * together
    wide = [array.astype(object) for array in (left, weights, caps, together)]
    return (wide[0] * wide[1] >= wide[2] * wide[3]).astype(bool)
