"""Sentences that several pages and refusals share, so that one cause gives one advice."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile

RECALCULATE = "Recalculate the month."


def stale(cause: str) -> str:
    """Return what changed since a run was calculated, and what to do.

    >>> stale("2 readings")
    '2 readings changed since the calculation. Recalculate the month.'
    """
    return f"{cause} changed since the calculation. {RECALCULATE}"


def joined(words: list[str]) -> str:
    """Return words as one enumeration.

    >>> joined(["terms"]), joined(["terms", "prices", "the carry"])
    ('terms', 'terms, prices and the carry')
    """
    return " and ".join(one for one in (", ".join(words[:-1]), *words[-1:]) if one)


def capital(text: str) -> str:
    """Return the text with a capital letter in front.

    >>> capital("the carry")
    'The carry'
    """
    return text[:1].upper() + text[1:]


def shared_label(labels: Iterable[str]) -> str:
    """Return what the labels of one line's rows have in common; the first one when nothing.

    >>> shared_label(["Energy, ON", "Energy, OFF"])
    'Energy'
    """
    held = list(labels)
    parts = zip(*(one.split(", ") for one in held), strict=False)
    shared = takewhile(lambda each: len(set(each)) == 1, parts)
    return ", ".join(each[0] for each in shared) or held[0]
