"""Straight lines between the points of a curve, exact."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from poweroptix.kernel.errors import Refused

Points = tuple[tuple[Decimal, Decimal], ...]


def along(points: Points, x: Decimal | Fraction) -> Fraction | None:
    """Return y at `x`; None outside the curve. Refused when x does not rise from point to point.

    >>> along(((Decimal(3), Decimal(0)), (Decimal(5), Decimal(100))), Decimal(4))
    Fraction(50, 1)
    """
    if not points or any(b[0] <= a[0] for a, b in pairwise(points)):
        text = "A curve needs points, each further along than the one before."
        raise Refused("curve.points", text)
    at = Fraction(x)
    if not points[0][0] <= at <= points[-1][0]:
        return None
    for (x0, y0), (x1, y1) in pairwise(points):
        if at <= x1:
            share = (at - Fraction(x0)) / (Fraction(x1) - Fraction(x0))
            return Fraction(y0) + (Fraction(y1) - Fraction(y0)) * share
    return Fraction(points[0][1])


def held(points: Points, x: Decimal | Fraction) -> Fraction:
    """Return y at `x`, held flat before the first and after the last point.

    >>> held(((Decimal(3), Decimal(9)), (Decimal(5), Decimal(7))), Decimal(6))
    Fraction(7, 1)
    """
    inside = along(points, x)
    if inside is not None:
        return inside
    return Fraction(points[0][1] if Fraction(x) < points[0][0] else points[-1][1])
