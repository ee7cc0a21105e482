"""The unit that an expression over channels has: like with like is added, a product multiplies.

A written number fits any unit beside a sum, and a product with one other than 0 and 1 may convert
(`0.25 * POWER_KW`), so its unit is open. Ratios, percent and counts have no unit.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.formula import tree_of

PLAIN = frozenset({"ratio", "%", "count"})
Unit = frozenset[tuple[str, int]]


def check_unit(formula: str, units: Mapping[str, str], wanted: str) -> None:
    """Refuse an expression whose unit is not the wanted one, or that adds unlike units.

    >>> check_unit("A * B / (A + B)", {"A": "kWh", "B": "kWh"}, "kWh")
    >>> check_unit("A - B", {"A": "kWh", "B": "kVArh"}, "kWh")
    Traceback (most recent call last):
        ...
    poweroptix.kernel.errors.Refused: A - B adds kWh and kVArh: terms of a sum have one unit.
    """
    found = _unit(tree_of(formula), units)
    if found is not None and found != _of(wanted):
        text = f"The expression is in {_words(found)}, the channel in {wanted}: make them one unit."
        raise Refused("expression.units", text)


def _of(unit: str) -> Unit:
    return frozenset() if unit in PLAIN else frozenset({(unit, 1)})


def _unit(node: ast.expr, units: Mapping[str, str]) -> Unit | None:
    """Return the unit of a part; None where any fits."""
    if isinstance(node, ast.Constant):
        return None
    if isinstance(node, ast.Name):
        return _of(units[node.id])
    if isinstance(node, ast.UnaryOp):
        return _unit(node.operand, units)
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        parts = node.args[:1] if name in ("round", "abs") else node.args
        return _alike(node, [_unit(each, units) for each in parts])
    if isinstance(node, ast.BinOp):
        left, right = _unit(node.left, units), _unit(node.right, units)
        if isinstance(node.op, ast.Add | ast.Sub):
            return _alike(node, [left, right])
        if left is None or right is None:
            return _scaled(node, left, right)
        sign = 1 if isinstance(node.op, ast.Mult) else -1
        powers = Counter(dict(left))
        for unit, power in right:
            powers[unit] += sign * power
        return frozenset((unit, power) for unit, power in powers.items() if power)
    raise Refused("formula.not_allowed", f"{type(node).__name__} has no unit.")


def _alike(node: ast.expr, found: list[Unit | None]) -> Unit | None:
    known = list(dict.fromkeys(unit for unit in found if unit is not None))
    if len(known) > 1:
        text = (
            f"{ast.unparse(node)} adds {_words(known[0])} and {_words(known[1])}: terms of a sum "
            "have one unit."
        )
        raise Refused("expression.units", text)
    return known[0] if known else None


def _scaled(node: ast.BinOp, left: Unit | None, right: Unit | None) -> Unit | None:
    """Return the unit of a product with a number: open, unless it is 0 or 1."""
    number = node.left if left is None else node.right
    keeps = isinstance(number, ast.Constant) and Decimal(
        number.written  # type: ignore[attr-defined]
    ) in (0, 1)
    return left if keeps and right is None else right if keeps and _is_product(node) else None


def _is_product(node: ast.BinOp) -> bool:
    return isinstance(node.op, ast.Mult)


def _words(unit: Unit) -> str:
    over = [f"{name}{'' if power == 1 else f'^{power}'}" for name, power in sorted(unit)]
    return " x ".join(over) or "no unit"
