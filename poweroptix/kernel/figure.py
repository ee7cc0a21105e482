"""A figure: one number with its name, its unit, and where it comes from or how it was made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from poweroptix.kernel import formula as formulas
from poweroptix.kernel.canonical import number as plain
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.rounding import Mode, in_words, to_places

KINDS = frozenset(
    {
        "term",
        "index",
        "readings",
        "allocation",
        "file",
        "carry",
        "contract",
        "opening",
        "factor",
        "input",
        "event",
        "line",
        "pool",
    }
)


@dataclass(frozen=True)
class Source:
    """Where a number was found: the kind of place, a reference to it, words for a reader."""

    kind: str
    ref: str
    label: str
    data: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            text = f"{self.kind!r} is no kind of source; use one of {', '.join(sorted(KINDS))}."
            raise Refused("figure.source", text)

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {"kind": self.kind, "ref": self.ref, "label": self.label, "data": self.data}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Source:
        """Return the source that `to_json` wrote."""
        return cls(document["kind"], document["ref"], document["label"], dict(document["data"]))


@dataclass(frozen=True)
class Figure:
    """A number that can answer for itself: a source, or a formula over other figures.

    A value of None means that it is not known yet; what is computed from it is not known either.

    >>> kw = Figure("billed_kw", Decimal("60000"), "kW")
    >>> rate = Figure("rate_usd_per_kw_month", Decimal("9.85"), "USD/kW-month")
    >>> charge = Figure.computed("charge_usd", "USD", "billed_kw x rate_usd_per_kw_month", kw, rate)
    >>> charge.value, charge.sentence()
    (Decimal('591000.00'), '60000 kW x 9.85 USD/kW-month')
    """

    name: str
    value: Decimal | None
    unit: str
    source: Source | None = None
    formula: str = ""
    inputs: tuple[Figure, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        exact = isinstance(self.value, Decimal) and self.value.is_finite()
        if self.value is not None and not exact:
            text = f"{self.name} is {self.value!r}; a figure holds a finite Decimal or None."
            raise Refused("figure.not_exact", text)
        object.__setattr__(self, "inputs", tuple(self.inputs))

    @classmethod
    def computed(
        cls,
        name: str,
        unit: str,
        formula: str,
        *inputs: Figure,
        round_to: tuple[int, Mode] | None = None,
        note: str = "",
    ) -> Figure:
        """Return the figure whose printed formula is the one that ran, over the named inputs.

        In the formula a name is the input's name with every other character than letters, digits
        and underscore written as an underscore. `round_to` is (places, mode) and is noted.
        """
        names = {identifier(each.name): each.value for each in inputs}
        if len(names) != len(inputs):
            raise Refused("figure.names", f"Two inputs of {name} have the same name.")
        if any(value is None for value in names.values()):
            formulas.check(formula, names)
            return cls(name, None, unit, None, formula, inputs, note)
        value = formulas.evaluate(formula, names, where=name)
        if round_to is not None:
            places, mode = round_to
            value = to_places(value, places, mode)
            rounded = in_words(mode, places)
            note = f"{note}; {rounded}" if note else rounded
        return cls(name, value, unit, None, formula, inputs, note)

    def text(self) -> str:
        """Return value and unit for print; a dash when the value is not known."""
        value = "—" if self.value is None else plain(self.value)
        return f"{value} {self.unit}".strip()

    def sentence(self) -> str:
        """Return the formula with the numbers in it, or value and unit when there is no formula."""
        if not self.formula:
            return self.text()
        texts = {identifier(each.name): each.text() for each in self.inputs}
        printed = formulas.display(self.formula)
        return re.sub(r"[A-Za-z_]\w*", lambda found: texts.get(found[0], found[0]), printed)

    def to_json(self) -> dict[str, Any]:
        """Return plain data; the value is text, so that no digit is lost."""
        return {
            "name": self.name,
            "value": None if self.value is None else plain(self.value),
            "unit": self.unit,
            "source": None if self.source is None else self.source.to_json(),
            "formula": self.formula,
            "inputs": [each.to_json() for each in self.inputs],
            "note": self.note,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Figure:
        """Return the figure that `to_json` wrote."""
        source = document["source"]
        return cls(
            document["name"],
            None if document["value"] is None else Decimal(document["value"]),
            document["unit"],
            None if source is None else Source.from_json(source),
            document["formula"],
            tuple(cls.from_json(each) for each in document["inputs"]),
            document["note"],
        )

    def explain(self) -> dict[str, Any]:
        """Return nested plain data for a page: label, value, unit, sentence, source, children."""
        return {
            "label": self.name,
            "value": self.value,
            "unit": self.unit,
            "formula": self.formula,
            "sentence": self.sentence(),
            "note": self.note,
            "source": None if self.source is None else self.source.to_json(),
            "children": [each.explain() for each in self.inputs],
        }


def identifier(name: str) -> str:
    """Return a figure's name as it is written in a formula.

    >>> identifier("shared quantity")
    'shared_quantity'
    """
    return re.sub(r"[^A-Za-z0-9_]", "_", name)
