"""What a month would have cost: its frozen inputs with other loads, prices or terms. Pure.

Nothing of it can reach a bill: the outcome is no run, and its table is one that no invoice knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from contracts.calc.price_terms import PricedTerm
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING, PRICE_SCALE
from poweroptix.kernel.plain import plain_decimal
from poweroptix.kernel.price_series import PriceSeries
from poweroptix.kernel.rounding import Mode, to_integer
from settlement.calc.inputs import Inputs
from settlement.calc.scaling import scaled
from settlement.calc.version_inputs import VersionInputs

ONE, ZERO = Decimal(1), Decimal(0)
RATIO_MAX = Decimal(2)
#: What tells the blocks of a list apart, in the order of preference.
NAMING = ("period", "season", "name", "label")
FIELDS = {"load_ratio", "prices", "terms", "version"}


@dataclass(frozen=True)
class PriceChange:
    """Every published price times `ratio`, then plus `adder` in the unit of the series."""

    ratio: Decimal = ONE
    adder: Decimal = ZERO


@dataclass(frozen=True)
class Changes:
    """What is otherwise: all loads times a ratio, prices by index, parameters by line code.

    `version` is the number of another version of the contract whose terms price the whole month.
    """

    load_ratio: Decimal = ONE
    prices: Mapping[str, PriceChange] = field(default_factory=dict)
    terms: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    version: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is otherwise."""
        return self == Changes()


def read_changes(document: Mapping[str, Any]) -> Changes:
    """Return the changes of plain data; Refused naming what cannot be read.

    >>> read_changes({"load_ratio": "1.1", "prices": {"HUB": {"adder": "5"}}}).prices["HUB"].adder
    Decimal('5')
    """
    unknown = sorted(set(document) - FIELDS)
    if unknown:
        text = f"There is no change {unknown[0]!r}; known: {', '.join(sorted(FIELDS))}."
        raise Refused("settlement.what_if", text)
    ratio = _number(document.get("load_ratio", "1"), "load_ratio")
    if not ZERO <= ratio <= RATIO_MAX:
        text = f"load_ratio is {ratio}; loads can be scaled from 0 to {RATIO_MAX}."
        raise Refused("settlement.what_if", text)
    prices = {
        code: PriceChange(
            _number(one.get("ratio", "1"), f"ratio of {code}"),
            _number(one.get("adder", "0"), f"adder of {code}"),
        )
        for code, one in document.get("prices", {}).items()
    }
    terms = {int(code): dict(one) for code, one in document.get("terms", {}).items()}
    return Changes(ratio, prices, terms, document.get("version"))


def changed(inputs: Inputs, changes: Changes, version: VersionInputs | None = None) -> Inputs:
    """Return the inputs as they would be; `version` are the terms that `changes.version` names.

    Refused when nothing is changed, and when a change names an index or a line that the month does
    not have. Corrections of earlier months are left out: they are not this month's.
    """
    if changes.is_empty:
        raise Refused("settlement.what_if", "Nothing is changed: scale loads, prices or terms.")
    unknown = sorted(set(changes.prices) - set(inputs.prices))
    if unknown:
        known = ", ".join(sorted(inputs.prices)) or "none"
        text = f"The month reads no prices '{unknown[0]}'; it reads: {known}."
        raise Refused("settlement.what_if", text)
    versions = inputs.versions if version is None else (_whole_month(version, inputs),)
    series = inputs.series
    if changes.load_ratio != ONE:
        series = {name: scaled(one, changes.load_ratio) for name, one in series.items()}
    return replace(
        inputs,
        versions=_with_terms(versions, changes.terms),
        series=series,
        prices={
            code: _priced(one, changes.prices.get(code)) for code, one in inputs.prices.items()
        },
        adjustments=(),
        held=(),
        series_refs={},
        price_refs={},
    )


@dataclass(frozen=True)
class Number:
    """One number in the parameters of a term: where it stands, what it is called, its text."""

    path: tuple[str | int, ...]
    label: str
    value: str

    @property
    def name(self) -> str:
        """The path as one word, for a form."""
        return "-".join(str(step) for step in self.path)


def numbers_of(parameters: Any, path: tuple = (), label: str = "") -> list[Number]:
    """Return every number that stands in parameters, in lists and blocks as well.

    >>> numbers_of({"prices": [{"period": "PEAK", "price": "98.4"}]})
    [Number(path=('prices', 0, 'price'), label='PEAK price', value='98.4')]
    """
    if isinstance(parameters, Mapping):
        kind = next((parameters[name] for name in NAMING if parameters.get(name)), "")
        found = []
        for name, one in parameters.items():
            inner = f"{kind or label} {name}".strip() if path else name
            found += numbers_of(one, (*path, name), inner)
        return found
    if isinstance(parameters, list):
        found = []
        for at, one in enumerate(parameters):
            more = f"{label} {at + 1}" if len(parameters) > 1 else label
            found += numbers_of(one, (*path, at), more)
        return found
    return [Number(path, label, parameters)] if _is_number(parameters) else []


def with_numbers(
    parameters: Mapping[str, Any], values: Mapping[tuple[str | int, ...], str]
) -> dict[str, Any]:
    """Return the parameters that change when numbers at some places get other values."""
    changed_ones = {path[0]: deepcopy(parameters[path[0]]) for path in values}
    for path, value in values.items():
        place: Any = changed_ones
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
    return changed_ones


def _is_number(value: Any) -> bool:
    return plain_decimal(value) is not None


def _whole_month(version: VersionInputs, inputs: Inputs) -> VersionInputs:
    period = inputs.period
    return replace(version, first_date=period.first_date, last_date=period.last_date)


def _with_terms(
    versions: Sequence[VersionInputs], terms: Mapping[int, Mapping[str, Any]]
) -> tuple[VersionInputs, ...]:
    known = {term.line_code for one in versions for term in one.terms}
    unknown = sorted(set(terms) - known)
    if unknown:
        codes = ", ".join(str(code) for code in sorted(known))
        text = f"There is no line {unknown[0]} to change; the month has the lines {codes}."
        raise Refused("settlement.what_if", text)
    return tuple(
        replace(one, terms=tuple(_with(term, terms.get(term.line_code, {})) for term in one.terms))
        for one in versions
    )


def _with(term: PricedTerm, parameters: Mapping[str, Any]) -> PricedTerm:
    return replace(term, parameters={**term.parameters, **parameters}) if parameters else term


def _priced(prices: PriceSeries, change: PriceChange | None) -> PriceSeries:
    """Return the prices under a change, half up at 8 decimals; a missing price stays missing."""
    if change is None:
        return prices
    adder = Fraction(change.adder) * PRICE_SCALE
    found = {
        value: to_integer(value * Fraction(change.ratio) + adder, Mode.HALF_UP)
        for value in set(prices.values.tolist()) - {MISSING}
    }
    values = [found.get(value, MISSING) for value in prices.values.tolist()]
    return replace(prices, values=np.array(values, np.int64), vintage="what-if", final=False)


def _number(text: Any, name: str) -> Decimal:
    number = plain_decimal(text)
    if number is None or abs(number) > Decimal(10) ** 6 or number.as_tuple().exponent < -8:
        raise Refused("settlement.what_if", f"{name} is {text!r}; write a number such as 1.05.")
    return number
