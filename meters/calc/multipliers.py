"""Meter multipliers (CT ratio x PT ratio) on stored readings: exact, or refused."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING


def apply_multiplier(values: np.ndarray, multiplier: Decimal) -> np.ndarray:
    """Return int64 readings in 10^-6 times a multiplier; missing stays missing.

    Raises Refused when a product is not a whole number of 10^-6 or does not fit 64 bits; nothing
    is rounded.

    >>> apply_multiplier(np.array([12_500_000, MISSING]), Decimal("400")).tolist()[0]
    5000000000
    """
    numerator, denominator = multiplier.as_integer_ratio()
    missing = values == MISSING
    present = np.where(missing, 0, values)
    if not present.size:
        return present
    largest = max(int(present.max()), -int(present.min()))
    if largest * abs(numerator) >= 2**63:
        text = (
            f"A reading times {multiplier.normalize():f} does not fit a 64-bit fixed point number."
        )
        raise Refused("meters.multiplier_range", text, multiplier=str(multiplier))
    product = present * numerator
    if denominator != 1:
        product, rest = np.divmod(product, denominator)
        if rest.any():
            at = int(np.argmax(rest != 0))
            text = (
                f"Reading {at + 1} times {multiplier.normalize():f} has more than 6 decimals; use "
                "a multiplier with fewer decimals."
            )
            raise Refused("meters.multiplier_inexact", text, multiplier=str(multiplier), index=at)
    return np.where(missing, MISSING, product)
