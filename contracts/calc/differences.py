"""What one version says otherwise than another: in words, and parameter by parameter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FIELDS = (
    ("label", "text on the invoice"),
    ("charge_type", "kind of charge"),
    ("quantity_name", "quantity"),
    ("clause_number", "clause number"),
    ("clause_text", "clause text"),
)


@dataclass(frozen=True)
class SaidTerm:
    """A term as a comparison needs it: its fields, its parameters and its sentence."""

    line_code: int
    label: str
    charge_type: str
    quantity_name: str
    clause_number: str
    clause_text: str
    parameters: Mapping[str, Any]
    sentence: str


@dataclass(frozen=True)
class FieldChange:
    """One field or parameter; an empty side says that it was not there."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class TermChange:
    """A line of two versions: `kind` is added, removed, changed or same."""

    line_code: int
    label: str
    kind: str
    before: str
    after: str
    fields: tuple[FieldChange, ...] = ()


def differences(before: Sequence[SaidTerm], after: Sequence[SaidTerm]) -> list[TermChange]:
    """Return every line of either version in order of codes, with what changed.

    Terms are the same line by their line code, which is fixed for the life of a contract.

    >>> old = SaidTerm(10, "Energy", "fixed_energy@1", "delivered", "4", "", {"price": "50"}, "50")
    >>> new = SaidTerm(10, "Energy", "fixed_energy@1", "delivered", "4", "", {"price": "52"}, "52")
    >>> [one.fields for one in differences([old], [new])]
    [(FieldChange(name='price', before='50', after='52'),)]
    """
    old = {one.line_code: one for one in before}
    new = {one.line_code: one for one in after}
    return [_change(old.get(code), new.get(code)) for code in sorted(old.keys() | new.keys())]


def _change(old: SaidTerm | None, new: SaidTerm | None) -> TermChange:
    named = new or old
    if old is None:
        return TermChange(named.line_code, named.label, "added", "", new.sentence)
    if new is None:
        return TermChange(named.line_code, named.label, "removed", old.sentence, "")
    fields = tuple(_fields(old, new))
    kind = "changed" if fields else "same"
    return TermChange(named.line_code, named.label, kind, old.sentence, new.sentence, fields)


def _fields(old: SaidTerm, new: SaidTerm) -> Iterator[FieldChange]:
    for name, said in FIELDS:
        was, now = getattr(old, name), getattr(new, name)
        if was != now:
            yield FieldChange(said, was, now)
    yield from changed(old.parameters, new.parameters)


def changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[FieldChange]:
    """Yield the entries of two nested documents that differ, each by its path.

    >>> [one.name for one in changed({"prices": [{"price": "1"}]}, {"prices": [{"price": "2"}]})]
    ['prices 1 price']
    """
    was, now = dict(leaves(old)), dict(leaves(new))
    for path in dict.fromkeys([*was, *now]):
        if was.get(path, "") != now.get(path, ""):
            yield FieldChange(path, was.get(path, ""), now.get(path, ""))


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each single value of a nested document with its path; entries are counted from 1."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from leaves(one, f"{path} {str(key).replace('_', ' ')}".strip())
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value, start=1):
            yield from leaves(one, f"{path} {number}".strip())
    elif value is not None:
        yield path, "yes" if value is True else "no" if value is False else str(value)
