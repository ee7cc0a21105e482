"""Energy of each time-of-use period while a running total lies below a bound.

The interval that crosses a bound is split there, so that no energy changes its block as a whole.
"""

from fractions import Fraction

import numpy as np

from poweroptix.kernel import exact


def below(
    values: np.ndarray, index: np.ndarray, count: int, bound: Fraction | None
) -> list[Fraction]:
    """Return per period (0 to count - 1) what was added while the total was below the bound.

    `values` are integers in time order, `index` the period of each; a bound of None takes all.

    >>> below(np.array([400, 300, 500]), np.array([0, 1, 0]), 2, Fraction(1000))
    [Fraction(700, 1), Fraction(300, 1)]
    """
    after = np.cumsum(values)
    before = after - values
    found = []
    for number in range(count):
        chosen = index == number
        if bound is None:
            found.append(Fraction(exact.total(values[chosen])))
            continue
        found.append(_capped(after[chosen], bound) - _capped(before[chosen], bound))
    return found


def _capped(totals: np.ndarray, bound: Fraction) -> Fraction:
    """Return the sum of the totals, each at most the bound."""
    over = totals > bound.numerator // bound.denominator
    return exact.total(totals[~over]) + bound * int(over.sum())
