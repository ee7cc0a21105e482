"""One line of arithmetic over named numbers, read and computed without trusting its author.

Numbers, names, `+ - * /`, parentheses, and min, max, abs, clip, round. Nothing else exists, so
nothing else can happen. `x` between two values and `×` mean multiplication.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal, DivisionByZero, InvalidOperation, Overflow
from functools import lru_cache

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import WIDE
from poweroptix.kernel.rounding import to_places

MAX_LENGTH = 2000
MAX_PARTS = 200
MAX_DEPTH = 20
_NUMBER = re.compile(r"(0|[1-9]\d{0,27})(\.\d{1,28})?")
_TIMES = re.compile(r"(?<=[\w)])(\s+)x(\s+)(?=[\w(.])")
_NOT_ALLOWED = "is not allowed in a formula"
_ONLY_CALLS = "only min, max, abs, round, clip can be called"


def evaluate(text: str, names: Mapping[str, Decimal | None], *, where: str = "") -> Decimal:
    """Return the value of the formula; 60 digits, so that only rounding rules lose any.

    `where` names the term and moment for the message of a division by zero or a missing value.
    Raises Refused for all that `check` refuses, for a name without value, for division by zero.

    >>> evaluate("max(committed_kwh - taken_kwh, 0)",
    ...          {"committed_kwh": Decimal("45000000"), "taken_kwh": Decimal("44395682.948")})
    Decimal('604317.052')
    >>> evaluate("price x 2", {"price": Decimal("9.85")})
    Decimal('19.70')
    """
    return prepare(text, names.keys())(names, where or f"the formula {text!r}")


def prepare(
    text: str, known: Collection[str]
) -> Callable[[Mapping[str, Decimal | None], str], Decimal]:
    """Return the formula as a function of its names, read and checked once for many evaluations.

    The function takes the values and `where`, and raises Refused as `evaluate` does.

    >>> net = prepare("max(gross - aux, 0)", ["gross", "aux"])
    >>> [str(net({"gross": Decimal(g), "aux": Decimal(85)}, "")) for g in (0, 100)]
    ['0', '15']
    """
    tree = _parse(text)
    _check_names(text, known)
    return lambda names, where: _Evaluator(names, where).value(tree)


def check(text: str, known: Collection[str]) -> None:
    """Refuse a formula that is not safe, not understood, or uses a name that is not known.

    >>> check("9**9", [])
    Traceback (most recent call last):
        ...
    poweroptix.kernel.errors.Refused: Pow is not allowed in a formula (column 1).
    """
    _parse(text)
    _check_names(text, known)


def tree_of(text: str) -> ast.expr:
    """Return a formula as a checked tree, for who computes it in another number system.

    Constants carry the text they were `written` as.
    """
    return _parse(text)


def names_in(text: str) -> list[str]:
    """Return the names a formula uses, in order of first use.

    >>> names_in("min(b, a) + b")
    ['b', 'a']
    """
    _parse(text)
    ordered = sorted(_parsed(text)[1], key=lambda node: node.col_offset)
    return list(dict.fromkeys(node.id for node in ordered if node.id not in _CALLS))


def evaluation_order(formulas: Mapping[str, str]) -> list[str]:
    """Return the names so that each formula comes after those it uses; a circle is refused.

    >>> evaluation_order({"a": "b + 1", "b": "2"})
    ['b', 'a']
    """
    done: list[str] = []
    path: list[str] = []

    def visit(name: str) -> None:
        if name in path:
            circle = " → ".join([*path[path.index(name) :], name])
            raise Refused("formula.circle", f"These terms refer to each other: {circle}.")
        if name in done:
            return
        path.append(name)
        for used in names_in(formulas[name]):
            if used in formulas:
                visit(used)
        done.append(path.pop())

    for each in formulas:
        visit(each)
    return done


def display(text: str) -> str:
    """Return the formula for print, with x for multiplication.

    >>> display("kw*price")
    'kw x price'
    """
    return re.sub(r"\s*\*\s*", " x ", text)


def _parse(text: str) -> ast.expr:
    return _parsed(text)[0] if isinstance(text, str) else _read(text)


@lru_cache(maxsize=1024)
def _parsed(text: str) -> tuple[ast.expr, tuple[ast.Name, ...]]:
    """Return a formula as a checked tree, and the names in it; nobody changes either."""
    tree = _read(text)
    functions = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    return tree, tuple(node for node in names if id(node) not in functions)


def _read(text: str) -> ast.expr:
    if not isinstance(text, str) or not text.strip():
        raise Refused("formula.empty", "The formula is empty.")
    if len(text) > MAX_LENGTH:
        _check_characters(text[:MAX_LENGTH])
        message = f"The formula has too many parts: {len(text)} characters."
        raise Refused("formula.too_long", message)
    plain = _TIMES.sub(r"\1*\2", text.replace("×", "*"))
    _check_characters(plain)
    try:
        tree = ast.parse(plain, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _unreadable(plain, error) from error
    parts = [node for node in ast.walk(tree) if isinstance(node, ast.expr)]
    if len(parts) > MAX_PARTS:
        text = f"The formula has too many parts: {len(parts)}, at most {MAX_PARTS}."
        raise Refused("formula.too_many_parts", text)
    for node in parts:
        _check_node(node, plain)
    return tree


def _check_characters(text: str) -> None:
    """Refuse other alphabets before Python reads them: it would take ｐ for p."""
    depth = 0
    for column, character in enumerate(text, 1):
        if not " " <= character <= "~":
            message = f"Write a formula in only plain ASCII on one line (column {column})."
            raise Refused("formula.not_ascii", message, column=column)
        depth += (character in "([{") - (character in ")]}")
        if depth > MAX_DEPTH:
            message = f"The formula is nested too deeply (column {column})."
            raise Refused("formula.too_deep", message, column=column)


def _unreadable(text: str, error: Exception) -> Refused:
    for found in re.finditer(r"(?<![\w.])\d[\w.]*", text):
        if not _NUMBER.fullmatch(found[0]):
            return _not_a_number(found[0], found.start() + 1)
    if isinstance(error, SyntaxError):
        column = error.offset or 1
        statement = next((each for each in (":=", "=", ";", "#") if each in text), "")
        if statement:
            message = f"{statement} {_NOT_ALLOWED} (column {text.index(statement) + 1})."
            return Refused("formula.not_allowed", message, column=column)
        message = f"The formula cannot be read at column {column}."
        return Refused("formula.syntax", message, column=column)
    return Refused("formula.too_deep", "The formula is nested too deeply.")


def _check_node(node: ast.expr, text: str) -> None:
    column = node.col_offset + 1
    if isinstance(node, ast.Constant):
        written = text[node.col_offset : node.end_col_offset]
        if isinstance(node.value, str | bytes) or node.value is ...:
            _refuse("Text", column)
        if not _NUMBER.fullmatch(written):
            raise _not_a_number(written, column)
        node.written = written  # type: ignore[attr-defined]  # Python's own value is a float
    elif isinstance(node, ast.Call):
        _check_call(node)
    elif isinstance(node, ast.BinOp):
        if not isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div):
            _refuse(type(node.op).__name__, column)
    elif isinstance(node, ast.UnaryOp):
        if not isinstance(node.op, ast.UAdd | ast.USub):
            _refuse(type(node.op).__name__, column)
    elif not isinstance(node, ast.Name):
        _refuse(type(node).__name__, column)


def _check_call(node: ast.Call) -> None:
    column = node.col_offset + 1
    if not isinstance(node.func, ast.Name) or node.func.id not in _CALLS:
        raise Refused("formula.call", f"{_ONLY_CALLS} (column {column}).", column=column)
    if node.keywords or any(isinstance(each, ast.Starred) for each in node.args):
        _refuse("A named or starred argument", column)
    least, most, _ = _CALLS[node.func.id]
    if not least <= len(node.args) <= most:
        count = str(least) if least == most else f"{least} to {most}"
        text = f"{node.func.id} takes {count} values, not {len(node.args)} (column {column})."
        raise Refused("formula.arguments", text, column=column)
    if node.func.id == "round" and len(node.args) == 2:
        places = node.args[1]
        if not isinstance(places, ast.Constant) or places.value not in range(11):
            text = f"round takes 0 to 10 places, written as a number (column {column})."
            raise Refused("formula.places", text, column=column)


def _refuse(what: str, column: int) -> None:
    raise Refused("formula.not_allowed", f"{what} {_NOT_ALLOWED} (column {column}).", column=column)


def _not_a_number(written: str, column: int) -> Refused:
    text = f"{written!r} is not a plain decimal number (column {column})."
    return Refused("formula.number", text, column=column)


def _check_names(text: str, known: Collection[str]) -> None:
    for node in _parsed(text)[1]:
        if node.id not in known:
            listed = ", ".join(sorted(known)) or "none"
            message = f"unknown name {node.id!r}; known: {listed} (column {node.col_offset + 1})."
            raise Refused("formula.unknown_name", message, name=node.id)


class _Evaluator:
    """Walks a checked tree; every step is one Decimal operation."""

    def __init__(self, names: Mapping[str, Decimal | None], where: str) -> None:
        self.names = names
        self.where = where

    def value(self, node: ast.expr) -> Decimal:
        """Return the value of one part."""
        if isinstance(node, ast.Constant):
            return Decimal(node.written)  # type: ignore[attr-defined]
        if isinstance(node, ast.Name):
            return self._named(node.id)
        if isinstance(node, ast.UnaryOp):
            operand = self.value(node.operand)
            return WIDE.minus(operand) if isinstance(node.op, ast.USub) else operand
        if isinstance(node, ast.BinOp):
            return self._operation(node.op, self.value(node.left), self.value(node.right))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            _, _, function = _CALLS[node.func.id]
            return function(*(self.value(each) for each in node.args))
        raise Refused("formula.not_allowed", f"{type(node).__name__} {_NOT_ALLOWED}.")

    def _named(self, name: str) -> Decimal:
        number = self.names[name]
        if number is None:
            text = f"{name} has no value for {self.where}."
            raise Refused("formula.no_value", text, name=name)
        if isinstance(number, bool) or not isinstance(number, Decimal | int):
            raise Refused("formula.not_exact", f"{name} is {number!r}, not an exact number.")
        return Decimal(number)

    def _operation(self, operator: ast.operator, left: Decimal, right: Decimal) -> Decimal:
        try:
            if isinstance(operator, ast.Add):
                return WIDE.add(left, right)
            if isinstance(operator, ast.Sub):
                return WIDE.subtract(left, right)
            if isinstance(operator, ast.Mult):
                return WIDE.multiply(left, right)
            return WIDE.divide(left, right)
        except (DivisionByZero, InvalidOperation, ZeroDivisionError) as error:
            text = f"division by zero in {self.where}."
            raise Refused("formula.division_by_zero", text) from error
        except Overflow as error:
            raise Refused("formula.range", f"The result is too large in {self.where}.") from error


def _clip(number: Decimal, low: Decimal, high: Decimal) -> Decimal:
    if low > high:
        text = f"clip has a lower limit {low} above its upper limit {high}."
        raise Refused("formula.clip", text)
    return min(max(number, low), high)


def _round(number: Decimal, places: Decimal = Decimal(0)) -> Decimal:
    return to_places(number, int(places))


_CALLS: dict[str, tuple[int, int, Callable[..., Decimal]]] = {
    "min": (2, 20, min),
    "max": (2, 20, max),
    "abs": (1, 1, Decimal.copy_abs),
    "round": (1, 2, _round),
    "clip": (3, 3, _clip),
}
