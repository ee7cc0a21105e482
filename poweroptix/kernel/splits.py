"""Splits that close exactly: largest remainder in integer units, ties in a fixed order.

Everyone gets the floor of the exact share; the units left over go one each in order of remainder
(largest first), weight (largest first), code (first first). A credit is split like its charge with
the sign turned. Zero weight gets zero.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING

#: Weights of a column may add up to this, so that remainders stay inside 64 bits.
_WEIGHT_LIMIT = 2**60
#: Totals below this are estimated in double precision.
_DOUBLE_LIMIT = 2**50
#: Above every remainder.
_BEYOND = 2**63 - 1
_HAS_LONG_DOUBLE = np.finfo(np.longdouble).nmant >= 63


def split(total: int, weights: Sequence[int], codes: Sequence[str]) -> list[int]:
    """Return the parts of `total` in the order of `codes`; they add up to `total`.

    `total` and the parts are in the smallest unit that is handed out (cents, micro-kWh).
    Raises Refused on a negative weight, a repeated code, or when all weights are zero.

    >>> split(10_000_000, [1, 1, 1], ["ALFA", "BRAVO", "CHARLIE"])
    [3333334, 3333333, 3333333]
    >>> split(-10_000_000, [1, 1, 1], ["ALFA", "BRAVO", "CHARLIE"])
    [-3333334, -3333333, -3333333]
    """
    _check_codes(len(weights), codes)
    if any(isinstance(weight, bool) or int(weight) != weight for weight in weights):
        raise Refused("splits.weight_not_whole", "Weights are whole numbers; scale them first.")
    if any(weight < 0 for weight in weights):
        raise Refused(
            "splits.weight_negative", "A weight is negative; nobody can bear less than 0."
        )
    whole = [int(weight) for weight in weights]
    weight_sum = sum(whole)
    if weight_sum == 0:
        if total == 0:
            return [0] * len(whole)
        raise Refused("splits.no_weight", f"All weights are zero, so nobody can take {total}.")
    size = abs(int(total))
    parts = [size * weight // weight_sum for weight in whole]
    rests = [size * weight % weight_sum for weight in whole]
    order = sorted(range(len(whole)), key=lambda at: (-rests[at], -whole[at], codes[at]))
    for at in order[: size - sum(parts)]:
        parts[at] += 1
    return [-part for part in parts] if total < 0 else parts


def split_grid(
    totals: NDArray[np.int64],
    weights: NDArray[np.int64],
    codes: Sequence[str],
    *,
    fallback_weights: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """Return parts[k, n] of totals[n] by weights[k, n]; every column closes exactly.

    The same answer as `split` column by column. Where nobody has weight, `fallback_weights[k]`
    decides; without them a total that is not zero is refused. Totals may not be missing.

    >>> split_grid(np.array([7, -7]), np.array([[1, 1], [2, 2]]), ["A", "B"]).tolist()
    [[2, -2], [5, -5]]
    """
    amounts = np.asarray(totals, dtype=np.int64)
    shares = np.asarray(weights, dtype=np.int64)
    if shares.ndim == 1:
        shares = shares[:, None]
    _check_codes(shares.shape[0], codes)
    shares = np.broadcast_to(shares, (shares.shape[0], amounts.size))
    _check_grid(amounts, shares)
    shares = _with_fallback(amounts, shares, fallback_weights)
    code_order = np.argsort(np.array(list(codes), dtype=object), kind="stable")
    sizes = np.abs(amounts)
    largest = int(shares.max(initial=0)) * shares.shape[0]
    if _HAS_LONG_DOUBLE and largest < _WEIGHT_LIMIT:
        sorted_parts = _split_columns(sizes, shares[code_order])
        parts = np.empty_like(sorted_parts)
        parts[code_order] = sorted_parts
    else:
        parts = _split_by_python(sizes, shares, codes)
    return np.where(amounts < 0, -parts, parts)


def split_in_units(
    totals: NDArray[np.int64],
    weights: NDArray[np.int64],
    codes: Sequence[str],
    unit: int,
    *,
    fallback_weights: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """Return parts[k, n] like `split_grid`, handed out in whole multiples of `unit`.

    What is smaller than one unit is split the same way in single ones, so nothing is lost.

    >>> split_in_units(np.array([1009]), np.array([[1], [1]]), ["A", "B"], 100).tolist()
    [[505], [504]]
    """
    whole = np.sign(totals) * (np.abs(totals) // unit)
    parts = split_grid(whole, weights, codes, fallback_weights=fallback_weights) * unit
    rest = totals - whole * unit
    if rest.any():
        parts = parts + split_grid(rest, weights, codes, fallback_weights=fallback_weights)
    return parts


def _split_columns(sizes: NDArray[np.int64], shares: NDArray[np.int64]) -> NDArray[np.int64]:
    """Split magnitudes; rows are in code order, so a stable sort breaks the last tie."""
    weight_sums = shares.sum(axis=0)
    divisors = np.where(weight_sums == 0, 1, weight_sums)
    # 53 bits are enough for the estimate of totals below 2^50; it is off by a few units at most.
    wide = np.float64 if sizes.max(initial=0) < _DOUBLE_LIMIT else np.longdouble
    parts = np.floor(shares * (sizes.astype(wide) / divisors)).astype(np.int64)
    # The remainder is taken modulo 2^64: the weights stay under 2^60, so the wrapped difference is
    # the true one.
    with np.errstate(over="ignore"):
        rests = sizes * shares - parts * divisors
    while (low := rests < 0).any():
        parts -= low
        rests += low * divisors
    while (high := rests >= divisors).any():
        parts += high
        rests -= high * divisors
    left = sizes - parts.sum(axis=0)
    left[weight_sums == 0] = 0
    return parts + _largest(rests, shares, left)


def _largest(
    rests: NDArray[np.int64], shares: NDArray[np.int64], left: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Mark the `left` largest remainders of each column; ties by weight, then by row.

    Everybody above the last remainder that still gets a unit is in; only columns with more at that
    remainder than units are sorted in full.
    """
    columns = np.arange(left.size)
    ranked = np.sort(np.ascontiguousarray(rests.T), axis=1)
    last = ranked[columns, np.minimum(rests.shape[0] - left, rests.shape[0] - 1)]
    chosen = rests >= np.where(left > 0, last, _BEYOND)
    crowded = np.flatnonzero(chosen.sum(axis=0) > left)
    if crowded.size:
        order = np.lexsort((-shares[:, crowded], -rests[:, crowded]), axis=0)
        first = np.arange(rests.shape[0])[:, None] < left[crowded][None, :]
        tied = np.zeros(first.shape, dtype=bool)
        np.put_along_axis(tied, order, first, axis=0)
        chosen[:, crowded] = tied
    return chosen


def _split_by_python(
    sizes: NDArray[np.int64], shares: NDArray[np.int64], codes: Sequence[str]
) -> NDArray[np.int64]:
    """Split with Python integers: for weights beyond 2^60 and machines without long double."""
    columns = [
        split(int(size), [int(weight) for weight in shares[:, at]], codes)
        for at, size in enumerate(sizes)
    ]
    return np.array(columns, dtype=np.int64).reshape(sizes.size, shares.shape[0]).T.copy()


def _with_fallback(
    amounts: NDArray[np.int64],
    shares: NDArray[np.int64],
    fallback_weights: NDArray[np.int64] | None,
) -> NDArray[np.int64]:
    """Return weights in which every column with something to share has somebody to take it."""
    lonely = (shares == 0).all(axis=0) & (amounts != 0)
    if not lonely.any():
        return shares
    if fallback_weights is None or not np.asarray(fallback_weights).any():
        text = (
            f"In {int(lonely.sum())} of {amounts.size} intervals all weights are zero, so nobody "
            f"can take the total; the first is interval {int(lonely.argmax())}."
        )
        raise Refused("splits.no_weight", text, first=int(lonely.argmax()))
    fallback = np.asarray(fallback_weights, dtype=np.int64)
    if fallback.shape != (shares.shape[0],) or (fallback < 0).any():
        text = "The fallback needs one weight of zero or more per member."
        raise Refused("splits.fallback", text)
    return np.where(lonely[None, :], fallback[:, None], shares)


def _check_grid(amounts: NDArray[np.int64], shares: NDArray[np.int64]) -> None:
    if (amounts == MISSING).any():
        raise Refused("splits.missing", "A missing total cannot be split.")
    if (shares < 0).any():
        raise Refused(
            "splits.weight_negative", "A weight is negative; nobody can bear less than 0."
        )


def _check_codes(count: int, codes: Sequence[str]) -> None:
    if count == 0:
        raise Refused("splits.no_members", "There is nobody to share with.")
    if count != len(codes):
        text = f"{count} weights for {len(codes)} codes; each member needs one of both."
        raise Refused("splits.lengths_differ", text)
    if len(set(codes)) != len(codes):
        raise Refused("splits.code_twice", "A code stands twice in the split.")
