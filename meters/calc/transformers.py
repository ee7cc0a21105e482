"""What instrument transformers can carry: the limit of power behind current and voltage ratings."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import isqrt

from poweroptix.kernel.fixed import MICRO


def limit_squared_kw2(line_v: Decimal, primary_a: Decimal, rating_factor: Decimal) -> Fraction:
    """Return the square of sqrt(3) x V x I x RF / 1000 in kW^2, exact.

    `line_v`: line to line, in V. `primary_a`: rated primary current of the current transformers,
    in A. `rating_factor`: what they carry continuously, in parts of the rated current.

    >>> limit_squared_kw2(Decimal(10_000), Decimal(100), Decimal(2))
    Fraction(12000000, 1)
    """
    return 3 * (Fraction(line_v) * Fraction(primary_a) * Fraction(rating_factor) / 1000) ** 2


def transformer_limit_micro(squared_kw2: Fraction, hours: Fraction) -> int:
    """Return the most 10^-6 kWh of an interval that do not exceed the limit.

    The root of three never ends, so both sides are squared: a whole number exceeds the limit
    exactly when its square exceeds the square of the limit.

    >>> transformer_limit_micro(Fraction(12_000_000), Fraction(1))  # 3464.101615... kW
    3464101615
    """
    return isqrt(int(squared_kw2 * hours**2 * MICRO**2 // 1))
