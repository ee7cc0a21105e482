"""Exact sums over integer arrays: Python's answer at numpy's speed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING

#: Intervals per block: two arrays, a limb and its product stay in the first-level caches.
_BLOCK = 4096
_BLOCK_BITS = 12
_LOW_BITS = 32
_LOW_MASK = 2**_LOW_BITS - 1


def dot(price: NDArray[np.int64], quantity: NDArray[np.int64]) -> int:
    """Return the exact integer sum of price x quantity, interval by interval.

    The quantity is cut into limbs so narrow that a block of products of a limb with the price
    cannot overflow 64 bits; the blocks are added as Python integers. Raises Refused when the
    lengths differ or a value is missing.

    >>> dot(np.array([10**18, -3]), np.array([10**18, 5])) == 10**36 - 15
    True
    """
    first = _integers(price, "price")
    second = _integers(quantity, "quantity")
    if first.shape != second.shape:
        text = f"{first.size} prices cannot be multiplied with {second.size} quantities."
        raise Refused("exact.lengths_differ", text)
    if not first.size:
        return 0
    price_bits = _bits(first, "price")
    quantity_bits = _bits(second, "quantity")
    if price_bits > 48:
        return _dot_wide(first, second)
    limb_bits = 62 - _BLOCK_BITS - price_bits
    if limb_bits >= quantity_bits:
        return sum(
            int(np.dot(first[at : at + _BLOCK], second[at : at + _BLOCK]))
            for at in range(0, first.size, _BLOCK)
        )
    return _dot_limbs(first, second, limb_bits, quantity_bits)


def total(values: NDArray[np.int64]) -> int:
    """Return the exact sum of 64-bit integers; Refused when one is missing.

    >>> total(np.full(4, 2**62)) == 2**64
    True
    """
    array = _integers(values, "value")
    if not array.size:
        return 0
    bits = _bits(array, "value")
    if bits + array.size.bit_length() <= 63:
        return int(array.sum())
    high = int((array >> _LOW_BITS).sum())
    low = int((array & _LOW_MASK).sum())
    return (high << _LOW_BITS) + low


def _dot_limbs(
    price: NDArray[np.int64], quantity: NDArray[np.int64], limb_bits: int, quantity_bits: int
) -> int:
    """Sum limb by limb; the lower limbs are not negative, the highest one carries the sign."""
    mask = (1 << limb_bits) - 1
    shifts = range(0, quantity_bits + 1, limb_bits)
    last = shifts[-1]
    sums = [0] * len(shifts)
    for at in range(0, price.size, _BLOCK):
        prices = price[at : at + _BLOCK]
        rest = quantity[at : at + _BLOCK]
        for index, shift in enumerate(shifts):
            if shift == last:
                sums[index] += int(np.dot(prices, rest))
            else:
                sums[index] += int(np.dot(prices, rest & mask))
                rest = rest >> limb_bits
    return sum(part << shift for part, shift in zip(sums, shifts, strict=True))


def _dot_wide(price: NDArray[np.int64], quantity: NDArray[np.int64]) -> int:
    """Halve a very wide price first, so that its limbs leave room for the quantity's."""
    return (dot(price >> _LOW_BITS, quantity) << _LOW_BITS) + dot(price & _LOW_MASK, quantity)


def _integers(values: NDArray[np.int64], what: str) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind != "i":
        text = f"The {what} array must be one row of whole numbers, not {array.dtype}."
        raise Refused("exact.not_integers", text)
    return np.ascontiguousarray(array, dtype=np.int64)


def _bits(array: NDArray[np.int64], what: str) -> int:
    """Return the bits of the largest magnitude; missing values stop the sum."""
    low = int(array.min())
    if low == MISSING:
        count = int((array == MISSING).sum())
        text = f"{count} of {array.size} {what} values are missing, so there is no sum."
        raise Refused("exact.missing", text, count=count)
    return max(-low, int(array.max()), 0).bit_length()
