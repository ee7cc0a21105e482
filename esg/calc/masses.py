"""Interval masses in whole milligrams: rounded cumulatively, so their sum is the rounded sum."""

from decimal import Decimal
from fractions import Fraction

import numpy as np

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.rounding import to_integer

MILLIGRAMS_PER_KG = 10**6


def interval_masses_mg(quantity_micro: np.ndarray, kg_per_unit: Decimal) -> np.ndarray:
    """Return milligrams per interval of a quantity in 10^-6 units and a factor in kg per unit.

    A micro-unit times kg per unit is a milligram. The running total is rounded half-even and the
    differences are kept: the total is the exact product rounded once, each interval is less than
    one milligram away from its own product, and no interval is negative.

    >>> interval_masses_mg(np.array([1, 1, 1], dtype=np.int64), Decimal("0.5")).tolist()
    [0, 1, 1]
    """
    if (quantity_micro == MISSING).any():
        raise Refused("esg.missing", "A quantity has missing intervals; its carbon is unknown.")
    if (quantity_micro < 0).any():
        raise Refused("esg.negative", "Fuel and grid import are never negative.")
    factor = Fraction(kg_per_unit)
    running, before = 0, 0
    masses = np.zeros(quantity_micro.size, dtype=np.int64)
    for index, micro in enumerate(quantity_micro.tolist()):
        running += micro
        total = to_integer(running * factor)
        masses[index] = total - before
        before = total
    return masses


def to_kg(milligrams: int) -> Decimal:
    """Return exact kilograms with six decimals.

    >>> to_kg(18_114_894_000)
    Decimal('18114.894000')
    """
    return Decimal(int(milligrams)).scaleb(-6)
