"""Expressions as people write them: channels in square brackets, `[GEN1/KWH] - [AUX1/KWH]`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.formula import names_in

_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
_FUNCTIONS = frozenset({"min", "max", "abs", "round", "clip", "x"})


def read_expression(text: str) -> tuple[str, dict[str, str]]:
    """Return the formula with plain names, and the channel code behind each name.

    A name outside of brackets is a code itself. Raises Refused `expression.bracket` for an empty
    or open bracket, `expression.no_term` for no channel at all, and what a formula refuses.

    >>> read_expression("max(0, [GEN1/KWH] - [AUX1/KWH])")
    ('max(0, GEN1_KWH - AUX1_KWH)', {'GEN1_KWH': 'GEN1/KWH', 'AUX1_KWH': 'AUX1/KWH'})
    """
    codes: dict[str, str] = {}
    taken = set(_NAME.findall(_BRACKETS.sub(" ", text))) | _FUNCTIONS

    def named(found: re.Match[str]) -> str:
        code = found[1].strip()
        if not code:
            text = f"The brackets at column {found.start() + 1} are empty; name a channel in them."
            raise Refused("expression.bracket", text)
        if code not in codes:
            codes[code] = _free_name(code, taken)
            taken.add(codes[code])
        return codes[code]

    formula = " ".join(_BRACKETS.sub(named, text).split())
    if "[" in formula or "]" in formula:
        raise Refused("expression.bracket", f"A bracket in {text!r} is not closed or not opened.")
    names = {name: code for code, name in codes.items()}
    found = {name: names.get(name, name) for name in names_in(formula)}
    if not found:
        text = f"{text!r} names no channel; a virtual channel needs at least one, as [GEN1/KWH]."
        raise Refused("expression.no_term", text)
    return formula, found


def write_expression(formula: str, codes: Mapping[str, str]) -> str:
    """Return a formula with the codes of its channels in brackets.

    >>> write_expression("max(0, GEN1_KWH - AUX)", {"GEN1_KWH": "GEN1/KWH", "AUX": "AUX"})
    'max(0, [GEN1/KWH] - [AUX])'
    """
    return _NAME.sub(lambda found: f"[{codes[found[0]]}]" if found[0] in codes else found[0],
                     formula)  # fmt: skip


def filled_in(formula: str, values: Mapping[str, str]) -> str:
    """Return a formula with a text in the place of each name.

    >>> filled_in("max(0, GROSS - AUX)", {"GROSS": "12,500", "AUX": "640"})
    'max(0, 12,500 - 640)'
    """
    return _NAME.sub(lambda found: values.get(found[0], found[0]), formula)


def _free_name(code: str, taken: set[str]) -> str:
    """Return a plain name for a code that nothing else in the expression has."""
    stem = re.sub(r"\W+", "_", code, flags=re.ASCII).strip("_") or "CHANNEL"
    stem = f"C_{stem}" if stem[0].isdigit() else stem
    name, number = stem, 2
    while name in taken:
        name, number = f"{stem}_{number}", number + 1
    return name
