"""The unit of a contract formula: like is added to like, products multiply, and it ends in money.

A written number has no unit: it scales, and it cannot be added to money or energy. Only 0 stands
beside any unit, as in max(x, 0). Strict, because a formula is billed: MWh and kWh do not meet.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.unit_algebra import PLAIN, Unit, UnitAlgebra, in_words, unit_from
from poweroptix.kernel.units import spelling, to_canonical

_PLAIN = {"ratio", "count"}


def unit_of(written: str) -> Unit:
    """Return a unit as its parts with their powers; Refused when a part is not known.

    >>> sorted(unit_of("USD/MWh"))
    [('MWh', -1), ('USD', 1)]
    """
    over, *under = written.split("/")
    powers = []
    for part, power in [(over, 1), *((each, -1) for each in under)]:
        canonical, factor = to_canonical(part)
        if canonical not in _PLAIN or factor != 1:
            powers.append((canonical if factor == 1 else spelling(part), power))
    return unit_from(powers)


def check_unit(formula: str, units: Mapping[str, str], wanted: str = "USD") -> None:
    """Refuse a formula that adds unlike units or does not come to the wanted unit.

    >>> check_unit("max(0, agreed - taken) * price",
    ...            {"agreed": "MWh", "taken": "MWh", "price": "USD/MWh"})
    >>> check_unit("taken * price + taken", {"taken": "MWh", "price": "USD/MWh"})
    Traceback (most recent call last):
        ...
    poweroptix.kernel.errors.Refused: taken * price + taken puts USD and MWh together: both sides \
need one unit
    """
    found = _Billed({name: unit_of(unit) for name, unit in units.items()}).of(formula)
    if found is not None and found != unit_of(wanted):
        text = f"the formula comes to {in_words(found)}, it must come to {wanted}"
        raise Refused("contracts.formula_units", text)


class _Billed(UnitAlgebra):
    """Units of what is billed: a written number has none, and only 0 fits any."""

    def written(self, number: str) -> Unit | None:
        return PLAIN if Decimal(number) else None

    def unlike(self, part: str, first: Unit, second: Unit) -> Refused:
        text = (
            f"{part} puts {in_words(first)} and {in_words(second)} together: "
            "both sides need one unit"
        )
        return Refused("contracts.formula_units", text)
