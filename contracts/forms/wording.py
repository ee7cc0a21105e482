"""Findings about parameters in the words of the form: "Blocks, row 2, up to kWh: ...".

A parameter knows its place as `blocks[1].up_to_kwh`. Who fills in a form sees labels, rows and
units, so every finding is said in these, with what was found and what to write instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from poweroptix.kernel.finding import Finding
from poweroptix.kernel.parameters import describe

#: What is to be written into a field of a type.
WAYS = {
    "decimal": "Write a number with a point and no grouping, such as 12.50.",
    "integer": "Write a whole number, such as 12.",
    "date": "Write a date as year-month-day, such as 2026-03-01.",
    "boolean": "Write yes or no.",
    "list": "Give its entries.",
    "object": "Write its fields as name and value.",
    "text": "Write it in.",
}
MISSING, UNKNOWN, WRONG = "parameters.required", "parameters.unknown", "parameters.wrong"
NAME = re.compile(r"\b[a-z]+(?:_[a-z0-9]+)+\b")


@dataclass(frozen=True)
class Place:
    """Where in a form a finding belongs: its field, and the cell of its table if it has one."""

    field: str
    words: str
    row: int | None = None
    column: str = ""
    unit: str = ""
    kind: str = ""
    is_choice: bool = False


def place_of(described: type, where: str) -> Place:
    """Return the place of `where` among the fields of a plug-in's dataclass.

    What is no field of it has no words: the finding belongs to the form as a whole.
    """
    tokens = re.findall(r"\w+", where.split(" ")[0])
    hint: Any = described
    words: list[str] = []
    rows: list[int] = []
    entry: Mapping[str, Any] = {}
    columns: list[str] = []
    for token in tokens:
        hint = _bare(hint)
        if is_dataclass(hint):
            fields = {row["name"]: row for row in describe(hint)}
            if token not in fields:
                words += [f"'{token}'"] if columns else []
                break
            entry, hint = fields[token], get_type_hints(hint)[token]
            words.append(label_of(entry, is_first=not columns))
            columns.append(token)
        elif get_origin(hint) in (list, tuple) and token.isdecimal():
            words.append(f"{'entry' if rows else 'row'} {int(token) + 1}")
            rows.append(int(token))
            hint = get_args(hint)[0]
        else:
            words.append(token)
            break
    return Place(
        field=columns[0] if columns else "",
        words=", ".join(words),
        row=rows[0] if rows else None,
        column=columns[1] if len(columns) > 1 else "",
        unit=entry.get("unit", ""),
        kind=entry.get("type", ""),
        is_choice=bool(entry.get("choices")),
    )


def worded(described: type, finding: Finding) -> tuple[Place, str]:
    """Return the place of a finding, and its sentences in the words of the form."""
    place = place_of(described, finding.where)
    message = finding.message.strip()
    if finding.code == MISSING:
        message = "nothing is written here."
    elif finding.code != UNKNOWN:
        labels = labels_of(described)
        message = NAME.sub(lambda found: labels.get(found[0], found[0]), message)
    if not message.endswith((".", "!", "?")):
        message += "."
    said = f"{place.words}: {message}" if place.words else message
    return place, " ".join(filter(None, (said, finding.fix or _way(place, finding))))


def _way(place: Place, finding: Finding) -> str:
    """Return what to write, where the finding itself does not say it."""
    if place.is_choice:
        return "Choose one of the list." if finding.code == MISSING else ""
    limited = "allowed value" in finding.message or "is not one of" in finding.message
    if finding.code not in (MISSING, WRONG) or limited:
        return ""
    return WAYS.get(place.kind, "")


def label_of(entry: Mapping[str, Any], *, is_first: bool = True) -> str:
    """Return the label of a described field with its unit, unless it ends with that.

    >>> label_of({"label": "Price", "unit": "USD/MWh"}, is_first=False)
    'price (USD/MWh)'
    >>> label_of({"label": "Up to kW", "unit": "kW"})
    'Up to kW'
    """
    label = entry["label"]
    if not is_first and label[1:2].islower():
        label = label[0].lower() + label[1:]
    unit = entry["unit"]
    return label if not unit or f" {label}".endswith(f" {unit}") else f"{label} ({unit})"


@cache
def labels_of(described: type) -> dict[str, str]:
    """Return the labels of all fields below a dataclass, in quotes, by their names."""
    found: dict[str, str] = {}
    for entry in describe(described):
        inner = _bare(get_type_hints(described)[entry["name"]])
        for each in (inner, *map(_bare, get_args(inner))):
            if is_dataclass(each) and each is not described:
                found |= labels_of(each)
        found[entry["name"]] = f"'{entry['label']}'"
    return found


def _bare(hint: Any) -> Any:
    """Return a type without its None."""
    if get_origin(hint) in (Union, UnionType):
        return next(each for each in get_args(hint) if each is not type(None))
    return hint
