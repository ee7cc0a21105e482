"""A weighing: how much each of those who share something weighs, exactly and with its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure
from poweroptix.kernel.finding import Finding

#: Whole weights stay below this, so that they lie in 64-bit arrays.
LARGEST = 2**62


@dataclass(frozen=True)
class Weighing:
    """The weight of each member (None: not known yet), how it came about, and what is wrong.

    The weights are exact and of one unit (MW-days, kWh, kW). An energy key splits intervals by
    them and shows the figures on its worksheet; a money key splits cents and says the words.
    """

    unit: str
    weights: Mapping[str, Fraction | None]
    said: Mapping[str, str]
    findings: tuple[Finding, ...] = ()
    figures: tuple[Figure, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether every member has a weight; of a pool without members there is nothing to ask."""
        return None not in self.weights.values()


def whole(weights: Mapping[str, Fraction | int]) -> dict[str, int]:
    """Return the smallest whole numbers in the same proportion, in code order.

    Refused when they pass 62 bits: weights with so many digits that no array holds them.

    >>> whole({"BRAVO": Fraction(1, 3), "ALFA": Fraction(1, 2), "CHARLIE": Fraction(0)})
    {'ALFA': 3, 'BRAVO': 2, 'CHARLIE': 0}
    """
    exact = {code: Fraction(weights[code]) for code in sorted(weights)}
    common = lcm(*(one.denominator for one in exact.values()))
    scaled = {code: int(one * common) for code, one in exact.items()}
    divisor = gcd(*scaled.values()) or 1
    found = {code: number // divisor for code, number in scaled.items()}
    if max(found.values(), default=0) >= LARGEST:
        code = max(found, key=lambda one: exact[one].denominator)
        text = f"The weights cannot be counted in one unit; write that of {code} with fewer digits."
        raise Refused("weighing.too_fine", text)
    return found
