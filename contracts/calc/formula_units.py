"""The unit of a contract formula: like is added to like, products multiply, and it ends in money.

A written number has no unit: it scales, and it cannot be added to money or energy. Only 0 stands
beside any unit, as in max(x, 0). Strict, because a formula is billed: MWh and kWh do not meet.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.formula import tree_of
from poweroptix.kernel.units import spelling, to_canonical

Unit = frozenset[tuple[str, int]]
NONE: Unit = frozenset()
_PLAIN = {"ratio", "count"}


def unit_of(written: str) -> Unit:
    """Return a unit as its parts with their powers; Refused when a part is not known.

    >>> sorted(unit_of("USD/MWh"))
    [('MWh', -1), ('USD', 1)]
    """
    over, *under = written.split("/")
    powers: Counter[str] = Counter()
    for part, sign in [(over, 1), *((each, -1) for each in under)]:
        canonical, factor = to_canonical(part)
        if canonical not in _PLAIN or factor != 1:
            powers[canonical if factor == 1 else spelling(part)] += sign
    return frozenset((name, power) for name, power in powers.items() if power)


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
    found = _unit(tree_of(formula), {name: unit_of(unit) for name, unit in units.items()})
    if found is not None and found != unit_of(wanted):
        text = f"the formula comes to {in_words(found)}, it must come to {wanted}"
        raise Refused("contracts.formula_units", text)


def in_words(unit: Unit) -> str:
    """Return a unit for print.

    >>> in_words(unit_of("USD/MWh")), in_words(NONE)
    ('USD/MWh', 'a number without unit')
    """
    if not unit:
        return "a number without unit"
    top, under = (
        " x ".join(
            name + (f"^{abs(power)}" if abs(power) > 1 else "")
            for name, power in sorted(unit)
            if (power > 0) is positive
        )
        for positive in (True, False)
    )
    return f"{top or '1'}/{under}" if under else top


def _unit(node: ast.expr, units: Mapping[str, Unit]) -> Unit | None:
    """Return the unit of a part; None for a written 0, which fits any."""
    if isinstance(node, ast.Constant):
        return NONE if Decimal(node.written) else None  # type: ignore[attr-defined]
    if isinstance(node, ast.Name):
        return units[node.id]
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
        sign = 1 if isinstance(node.op, ast.Mult) else -1
        powers = Counter(dict(left or NONE))
        for name, power in right or NONE:
            powers[name] += sign * power
        return frozenset((name, power) for name, power in powers.items() if power)
    raise Refused("formula.not_allowed", f"{type(node).__name__} has no unit.")


def _alike(node: ast.expr, found: list[Unit | None]) -> Unit | None:
    known = list(dict.fromkeys(unit for unit in found if unit is not None))
    if len(known) > 1:
        text = (
            f"{ast.unparse(node)} puts {in_words(known[0])} and {in_words(known[1])} together: "
            "both sides need one unit"
        )
        raise Refused("contracts.formula_units", text)
    return known[0] if known else None
