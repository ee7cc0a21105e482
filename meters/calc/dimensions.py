"""The unit that an expression over channels has: like with like is added, a product multiplies.

A written number fits any unit beside a sum, and a product with one other than 0 and 1 may convert
(`0.25 * POWER_KW`), so its unit is open. Ratios, percent and counts have no unit.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from decimal import Decimal

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.unit_algebra import PLAIN, Unit, UnitAlgebra, in_words, unit_from

_PLAIN = {"ratio", "%", "count"}


def check_unit(formula: str, units: Mapping[str, str], wanted: str) -> None:
    """Refuse an expression whose unit is not the wanted one, or that adds unlike units.

    >>> check_unit("A * B / (A + B)", {"A": "kWh", "B": "kWh"}, "kWh")
    >>> check_unit("A - B", {"A": "kWh", "B": "kVArh"}, "kWh")
    Traceback (most recent call last):
        ...
    poweroptix.kernel.errors.Refused: A - B adds kWh and kVArh: terms of a sum have one unit.
    """
    found = _Metered({name: _unit_of(unit) for name, unit in units.items()}).of(formula)
    if found is not None and found != _unit_of(wanted):
        text = f"The expression is in {_words(found)}, the channel in {wanted}: make them one unit."
        raise Refused("expression.units", text)


def _unit_of(unit: str) -> Unit:
    return PLAIN if unit in _PLAIN else unit_from([(unit, 1)])


class _Metered(UnitAlgebra):
    """Units of what is measured: a written number fits any, and leaves a product open."""

    def written(self, number: str) -> Unit | None:
        return None

    def multiplied(self, node: ast.BinOp, left: Unit | None, right: Unit | None) -> Unit | None:
        """Return the unit of a product; with a number it is open, unless that is 0 or 1."""
        if left is not None and right is not None:
            return super().multiplied(node, left, right)
        number = node.left if left is None else node.right
        keeps = isinstance(number, ast.Constant) and Decimal(
            number.written  # type: ignore[attr-defined]
        ) in (0, 1)
        if not keeps or (left is None and isinstance(node.op, ast.Div)):
            return None
        return right if left is None else left

    def unlike(self, part: str, first: Unit, second: Unit) -> Refused:
        text = f"{part} adds {_words(first)} and {_words(second)}: terms of a sum have one unit."
        return Refused("expression.units", text)


def _words(unit: Unit) -> str:
    return in_words(unit, plain="no unit")
