"""A formula over whole columns of intervals at once, with the exactness of one number at a time.

Every part is whole numbers over one common denominator, so sums, products, min, max, clip, abs and
quotients by a number lose nothing; 64-bit integers carry them as long as they provably fit, and
Python's own integers after that. Only a quotient of two columns may not end: it is kept to 40
decimals.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import lcm

import numpy as np

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.exact import total as exact_total
from poweroptix.kernel.formula import check, tree_of
from poweroptix.kernel.rounding import Mode, round_steps, to_integer

QUOTIENT_PLACES = 40
_ROOM = 2**62


@dataclass(frozen=True, eq=False)
class Column:
    """One number per interval: `values` / `over`, exactly; `values` are whole numbers."""

    values: np.ndarray
    over: int = 1

    def total(self) -> Fraction:
        """Return the exact sum of all intervals."""
        if self.values.dtype == object:
            return Fraction(sum(self.values.tolist()), self.over)
        return Fraction(exact_total(self.values), self.over)


Part = Column | Fraction


def evaluate_columns(
    text: str,
    names: Mapping[str, Column | Decimal],
    where: Callable[[int], str] = lambda index: f"interval {index}",
) -> Column:
    """Return the formula for every interval; a number among the names holds for all of them.

    Columns are of one length and have no gap. Refused as a formula is; a division by zero names
    the interval by `where`.

    >>> lmp = Column(np.array([3127, -510, 14461]), 100)
    >>> mwh = Column(np.array([25, 25, 25]))
    >>> str(evaluate_columns("max(lmp, floor) * mwh", {"lmp": lmp, "mwh": mwh,
    ...                                                "floor": Decimal(25)}).total())
    '5022'
    """
    check(text, names)
    columns = [one for one in names.values() if isinstance(one, Column)]
    count = columns[0].values.size if columns else 1
    parts: dict[str, Part] = {
        name: one if isinstance(one, Column) else Fraction(one) for name, one in names.items()
    }
    found = _Walk(parts, where).part(tree_of(text))
    return found if isinstance(found, Column) else _spread(found, count)


class _Walk:
    """Walks a checked tree; every step is a few operations on arrays."""

    def __init__(self, names: Mapping[str, Part], where: Callable[[int], str]) -> None:
        self.names = names
        self.where = where

    def part(self, node: ast.expr) -> Part:
        """Return one part of the formula."""
        if isinstance(node, ast.Constant):
            return Fraction(node.written)  # type: ignore[attr-defined]
        if isinstance(node, ast.Name):
            return self.names[node.id]
        if isinstance(node, ast.UnaryOp):
            operand = self.part(node.operand)
            return _times(operand, Fraction(-1)) if isinstance(node.op, ast.USub) else operand
        if isinstance(node, ast.BinOp):
            left, right = self.part(node.left), self.part(node.right)
            if isinstance(node.op, ast.Mult):
                return _times(left, right)
            if isinstance(node.op, ast.Div):
                return self._over(left, right)
            return _added(left, right if isinstance(node.op, ast.Add) else _times(right, -ONE))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self._call(node.func.id, node.args)
        raise Refused("formula.not_allowed", f"{type(node).__name__} is not allowed in a formula.")

    def _call(self, name: str, arguments: list[ast.expr]) -> Part:
        if name == "round":
            places = int(arguments[1].written) if len(arguments) > 1 else 0  # type: ignore[attr-defined]
            return _rounded(self.part(arguments[0]), places)
        parts = [self.part(each) for each in arguments]
        if name == "abs":
            return _absolute(parts[0])
        if name == "clip":
            return self._clip(*parts)
        chosen = parts[0]
        for each in parts[1:]:
            chosen = _chosen(name, chosen, each)
        return chosen

    def _clip(self, number: Part, low: Part, high: Part) -> Part:
        gap = _added(high, _times(low, -ONE))
        at = self._first(gap, lambda values: values < 0)
        if at is not None:
            text = f"clip has its lower limit above its upper limit in {self.where(at)}."
            raise Refused("formula.clip", text)
        return _chosen("min", _chosen("max", number, low), high)

    def _over(self, left: Part, right: Part) -> Part:
        at = self._first(right, lambda values: values == 0)
        if at is not None:
            text = f"division by zero in {self.where(at)}."
            raise Refused("formula.division_by_zero", text)
        if isinstance(right, Fraction):
            return _times(left, 1 / right)
        over = _wide(right.values)
        top = left if isinstance(left, Column) else _spread(left, over.size)
        lifted = _wide(top.values) * (right.over * 10**QUOTIENT_PLACES) * np.where(over < 0, -1, 1)
        return Column(round_steps(lifted, np.abs(over) * top.over), 10**QUOTIENT_PLACES)

    @staticmethod
    def _first(part: Part, wrong: Callable[[np.ndarray], np.ndarray]) -> int | None:
        """Return the first interval of which `wrong` is true."""
        values = part.values if isinstance(part, Column) else np.array([part], dtype=object)
        found = np.flatnonzero(wrong(values))
        return int(found[0]) if found.size else None


ONE = Fraction(1)


def _spread(number: Fraction, count: int) -> Column:
    return Column(np.full(count, number.numerator, dtype=object), number.denominator)


def _wide(values: np.ndarray) -> np.ndarray:
    """Return whole numbers that never overflow: Python's own."""
    return values if values.dtype == object else values.astype(object)


def _are_small(first: np.ndarray, second: np.ndarray) -> bool:
    """Say whether both are 64-bit integers."""
    return object not in (first.dtype, second.dtype)


def _most(values: np.ndarray) -> int:
    """Return the largest magnitude of 64-bit integers."""
    return max(-int(values.min(initial=0)), int(values.max(initial=0)))


def _scaled(values: np.ndarray, factor: int) -> np.ndarray:
    """Return values x factor, in 64 bits where they fit."""
    if factor == 1:
        return values
    if values.dtype != object and _most(values) * abs(factor) < _ROOM:
        return values * factor
    return _wide(values) * factor


def _alike(left: Part, right: Part) -> tuple[np.ndarray, np.ndarray, int]:
    """Return both as whole numbers over one denominator; one of them is a column."""
    columns = [one for one in (left, right) if isinstance(one, Column)]
    count = columns[0].values.size
    first, second = (
        one if isinstance(one, Column) else _spread(one, count) for one in (left, right)
    )
    over = lcm(first.over, second.over)
    return (
        _scaled(first.values, over // first.over),
        _scaled(second.values, over // second.over),
        over,
    )


def _added(left: Part, right: Part) -> Part:
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return left + right
    first, second, over = _alike(left, right)
    if _are_small(first, second) and _most(first) + _most(second) >= _ROOM:
        first = _wide(first)
    return Column(first + second, over)


def _times(left: Part, right: Part) -> Part:
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return left * right
    if isinstance(left, Fraction):
        left, right = right, left
    if isinstance(right, Fraction):
        return Column(_scaled(left.values, right.numerator), left.over * right.denominator)
    first, second = left.values, right.values
    if not _are_small(first, second) or _most(first) * _most(second) >= _ROOM:
        first = _wide(first)
    return Column(first * second, left.over * right.over)


def _chosen(name: str, left: Part, right: Part) -> Part:
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return min(left, right) if name == "min" else max(left, right)
    first, second, over = _alike(left, right)
    return Column((np.minimum if name == "min" else np.maximum)(first, second), over)


def _absolute(part: Part) -> Part:
    return abs(part) if isinstance(part, Fraction) else Column(np.abs(part.values), part.over)


def _rounded(part: Part, places: int) -> Part:
    if isinstance(part, Fraction):
        return Fraction(to_integer(part * 10**places, Mode.HALF_UP), 10**places)
    lifted = _scaled(part.values, 10**places)
    return Column(round_steps(lifted, part.over), 10**places)
