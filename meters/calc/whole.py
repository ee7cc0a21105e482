"""Expressions over whole columns of 10^-6 at once, exact; for those that need no division.

Sums, differences, min, max, abs, and products with a written number are done in 64-bit integers,
with the number's decimals kept as a power of ten and rounded half-even to 10^-6 once, at the end.
What does not fit says so and is computed interval by interval.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from poweroptix.kernel.fixed import MICRO, MISSING, WIDE
from poweroptix.kernel.formula import tree_of

LIMIT = 2**62
_NUMBERS = {ast.Add: WIDE.add, ast.Sub: WIDE.subtract, ast.Mult: WIDE.multiply}


class _OutsideError(Exception):
    """This expression or these numbers are not for 64-bit integers."""


@dataclass(frozen=True)
class _Column:
    """Numbers as integers over 10^places of a millionth; `most` bounds their size."""

    values: np.ndarray
    places: int
    most: int


def in_whole_numbers(
    formula: str, columns: Mapping[str, np.ndarray], present: np.ndarray
) -> np.ndarray | None:
    """Return the formula over columns of 10^-6, MISSING where not `present`; None if it must not.

    >>> column = {"A": np.array([3_000_000]), "B": np.array([5_000_000])}
    >>> in_whole_numbers("max(0, A - 0.5 * B)", column, np.array([True])).tolist()
    [500000]
    >>> in_whole_numbers("A / B", column, np.array([True])) is None
    True
    """
    try:
        found = _walk(tree_of(formula), columns, present)
    except _OutsideError:
        return None
    if isinstance(found, Decimal):
        return None
    return np.where(present, _half_even(found), MISSING)


def _walk(
    node: ast.expr, columns: Mapping[str, np.ndarray], present: np.ndarray
) -> _Column | Decimal:
    """Return a part as a column, or as a number where no channel is in it."""
    if isinstance(node, ast.Constant):
        return Decimal(node.written)  # type: ignore[attr-defined]
    if isinstance(node, ast.Name):
        values = np.where(present, columns[node.id], 0)
        return _Column(values, 0, int(np.abs(values).max(initial=0)))
    if isinstance(node, ast.UnaryOp):
        part = _walk(node.operand, columns, present)
        return _times(part, Decimal(-1)) if isinstance(node.op, ast.USub) else part
    if isinstance(node, ast.BinOp):
        left, right = (_walk(each, columns, present) for each in (node.left, node.right))
        return _operation(node.op, left, right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return _call(node.func.id, [_walk(each, columns, present) for each in node.args])
    raise _OutsideError


def _operation(
    operator: ast.operator, left: _Column | Decimal, right: _Column | Decimal
) -> _Column | Decimal:
    if isinstance(operator, ast.Div):
        raise _OutsideError
    if isinstance(left, Decimal) and isinstance(right, Decimal):
        return _NUMBERS[type(operator)](left, right)
    if isinstance(operator, ast.Mult):
        if isinstance(left, Decimal):
            return _times(right, left)
        if isinstance(right, Decimal):
            return _times(left, right)
        raise _OutsideError
    if isinstance(operator, ast.Sub):
        right = _times(right, Decimal(-1))
    a, b = _alike(left, right)
    return _column(a.values + b.values, a.places, a.most + b.most)


def _call(name: str, parts: list[_Column | Decimal]) -> _Column:
    if name == "abs" and isinstance(parts[0], _Column):
        return _Column(np.abs(parts[0].values), parts[0].places, parts[0].most)
    if name not in ("min", "max") or all(isinstance(part, Decimal) for part in parts):
        raise _OutsideError
    choose = np.minimum if name == "min" else np.maximum
    found = parts[0]
    for part in parts[1:]:
        a, b = _alike(found, part)
        found = _Column(choose(a.values, b.values), a.places, max(a.most, b.most))
    return found


def _times(part: _Column | Decimal, number: Decimal) -> _Column | Decimal:
    if isinstance(part, Decimal):
        return part.copy_negate() if number == -1 else _outside()
    digits, places = _whole(number)
    return _column(part.values, part.places + places, part.most, digits)


def _alike(left: _Column | Decimal, right: _Column | Decimal) -> tuple[_Column, _Column]:
    """Return both as columns over the same power of ten."""
    a, b = (_constant(each) if isinstance(each, Decimal) else each for each in (left, right))
    places = max(a.places, b.places)
    return tuple(
        _column(each.values, places, each.most, 10 ** (places - each.places)) for each in (a, b)
    )


def _constant(number: Decimal) -> _Column:
    digits, places = _whole(number)
    return _column(np.array([MICRO]), places, MICRO, digits)


def _whole(number: Decimal) -> tuple[int, int]:
    """Return a written number as a whole one over a power of ten."""
    sign, digits, exponent = number.as_tuple()
    whole = int("".join(map(str, digits))) * (-1 if sign else 1)
    return (whole * 10**exponent, 0) if exponent > 0 else (whole, -exponent)


def _column(values: np.ndarray, places: int, most: int, factor: int = 1) -> _Column:
    """Return values times a factor; outside when they might not fit."""
    if most * max(abs(factor), 1) >= LIMIT or abs(factor) >= LIMIT:
        raise _OutsideError
    return _Column(values * factor, places, most * abs(factor))


def _outside() -> _Column:
    raise _OutsideError


def _half_even(column: _Column) -> np.ndarray:
    """Return the column in 10^-6, half-even."""
    if not column.places:
        return column.values
    over = 10**column.places
    if over >= LIMIT:
        raise _OutsideError
    whole, rest = np.divmod(column.values, over)
    double = rest * 2
    return whole + ((double > over) | ((double == over) & (whole % 2 == 1)))
