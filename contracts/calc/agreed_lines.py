"""Which lines of a version somebody has to agree an amount for before it holds: pure.

A worked example proves the lines that it agrees an amount for and no other. A version is proved
where every line that it adds, or prices otherwise than the version before, is in an example.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from contracts.calc.price_terms import PricedTerm, needs_of

ADDS, CHANGES = "adds", "changes"


@dataclass(frozen=True)
class PricedBy:
    """What the lines of a version are priced by: its terms, agreed numbers and contract year."""

    terms: tuple[PricedTerm, ...]
    facts: Mapping[str, str] = field(default_factory=dict)
    anchor_date: date | None = None

    def of(self, term: PricedTerm) -> tuple[Any, ...]:
        """Return all that prices a line; its label and clause do not."""
        named = {name: self.facts.get(name) for name in needs_of([term]).facts}
        parameters = dict(term.parameters)
        return term.charge_type, term.quantity_name, parameters, named, self.anchor_date


def not_agreed(
    version: PricedBy, before: PricedBy | None, agreed: Collection[int]
) -> list[tuple[PricedTerm, str]]:
    """Return the terms that are new or priced otherwise than before and in no example.

    Each comes with what the version does to its line, `adds` or `changes`. A first version, with
    none before it, adds all its lines. Refused when parameters of a term cannot be read.

    >>> fee = PricedTerm(1, 40, "recurring_fee@1", "Fee", parameters={"fee": "250"})
    >>> [deed for _term, deed in not_agreed(PricedBy((fee,)), None, {10})]
    ['adds']
    """
    old = {} if before is None else {one.line_code: before.of(one) for one in before.terms}
    found = []
    for term in sorted(version.terms, key=lambda one: one.line_code):
        if term.line_code in agreed or old.get(term.line_code) == version.of(term):
            continue
        found.append((term, CHANGES if term.line_code in old else ADDS))
    return found


def said(lines: Iterable[tuple[PricedTerm, str]]) -> str:
    """Return the lines in words.

    >>> said([(PricedTerm(1, 10, "index_adder@1", "Index energy"), CHANGES)])
    'line 10 Index energy, which this version changes'
    """
    return "; ".join(
        f"line {term.line_code} {term.label}, which this version {deed}" for term, deed in lines
    )
