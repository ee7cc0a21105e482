"""Secondary readings become primary ones: exact integers, whatever the multiplier."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING


def apply_multiplier(values: np.ndarray, ratio: Decimal) -> np.ndarray:
    """Return values x ratio in 10^-6 of the unit; missing stays missing.

    Whole ratios (400, 48000) are exact. A ratio with decimals is rounded half-even at 10^-6 of the
    unit, by integer arithmetic. Raises Refused when a product leaves 64 bits.

    >>> apply_multiplier(np.array([1_500_000, MISSING]), Decimal("400")).tolist()
    [600000000, -9223372036854775808]
    >>> apply_multiplier(np.array([1, 3]), Decimal("0.5")).tolist()
    [0, 2]
    """
    numerator, denominator = ratio.as_integer_ratio()
    present = values != MISSING
    known = np.where(present, values, 0)
    largest = max(int(known.max(initial=0)), -int(known.min(initial=0)))
    if largest * abs(numerator) * 2 >= 2**63:
        raise Refused(
            "multiplier.range", f"A reading times {ratio:f} does not fit a 64-bit number."
        )
    product = known * numerator
    if denominator != 1:
        whole, rest = np.divmod(product, denominator)
        up = (2 * rest > denominator) | ((2 * rest == denominator) & (whole % 2 == 1))
        product = whole + up
    return np.where(present, product, MISSING)
