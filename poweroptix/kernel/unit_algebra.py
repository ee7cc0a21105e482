"""The unit of a formula: like is added to like, a product multiplies, a quotient divides.

What a written number measures, and in which words unlike units are refused, is the reader's to say.
"""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.formula import tree_of

#: The parts of a unit with their powers: USD/MWh is {("USD", 1), ("MWh", -1)}.
Unit = frozenset[tuple[str, int]]
PLAIN: Unit = frozenset()


def unit_from(powers: Iterable[tuple[str, int]]) -> Unit:
    """Return the unit of parts with powers; what comes up twice adds up, and may cancel.

    >>> sorted(unit_from([("USD", 1), ("MWh", -1), ("MWh", 1)]))
    [('USD', 1)]
    """
    total: Counter[str] = Counter()
    for name, power in powers:
        total[name] += power
    return frozenset((name, power) for name, power in total.items() if power)


def in_words(unit: Unit, plain: str = "a number without unit") -> str:
    """Return a unit for print.

    >>> in_words(unit_from([("USD", 1), ("MWh", -1)])), in_words(PLAIN)
    ('USD/MWh', 'a number without unit')
    """
    top, under = (
        " x ".join(
            name + (f"^{abs(power)}" if abs(power) > 1 else "")
            for name, power in sorted(unit)
            if (power > 0) is positive
        )
        for positive in (True, False)
    )
    return f"{top or '1'}/{under}" if under else top or plain


class UnitAlgebra(ABC):
    """Finds the unit of a formula over names with units; None is a part that fits any unit."""

    def __init__(self, units: Mapping[str, Unit]) -> None:
        self.units = units

    @abstractmethod
    def written(self, number: str) -> Unit | None:
        """Return the unit of a number that is written in the formula."""

    @abstractmethod
    def unlike(self, part: str, first: Unit, second: Unit) -> Refused:
        """Return the refusal of two units that a part of the formula puts together."""

    def of(self, formula: str) -> Unit | None:
        """Return the unit of a formula; Refused when it puts unlike units together."""
        return self._of(tree_of(formula))

    def multiplied(self, node: ast.BinOp, left: Unit | None, right: Unit | None) -> Unit | None:
        """Return the unit of a product or quotient; a part that fits any unit counts as plain."""
        sign = 1 if isinstance(node.op, ast.Mult) else -1
        under = [(name, sign * power) for name, power in right or PLAIN]
        return unit_from([*(left or PLAIN), *under])

    def _of(self, node: ast.expr) -> Unit | None:
        if isinstance(node, ast.Constant):
            return self.written(node.written)  # type: ignore[attr-defined]
        if isinstance(node, ast.Name):
            return self.units[node.id]
        if isinstance(node, ast.UnaryOp):
            return self._of(node.operand)
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            parts = node.args[:1] if name in ("round", "abs") else node.args
            return self._alike(node, [self._of(each) for each in parts])
        if isinstance(node, ast.BinOp):
            left, right = self._of(node.left), self._of(node.right)
            if isinstance(node.op, ast.Add | ast.Sub):
                return self._alike(node, [left, right])
            return self.multiplied(node, left, right)
        raise Refused("formula.not_allowed", f"{type(node).__name__} has no unit.")

    def _alike(self, node: ast.expr, found: list[Unit | None]) -> Unit | None:
        known = list(dict.fromkeys(unit for unit in found if unit is not None))
        if len(known) > 1:
            raise self.unlike(ast.unparse(node), *known[:2])
        return known[0] if known else None
