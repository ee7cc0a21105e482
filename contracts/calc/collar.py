"""Multiplier, adder, collar and share: from an index to a price, per interval or on average.

The order is fixed: index x multiplier, + adder, collar, share, rounding. A step on the period's
average looks at the average weighted by quantity; the average itself is an exact fraction, and a
step that does not bite leaves the exact sum of the intervals as it was.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

import numpy as np

from contracts.calc import words
from poweroptix.kernel import exact
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.fixed import PRICE_SCALE
from poweroptix.kernel.parameters import param
from poweroptix.kernel.rounding import Mode, display
from poweroptix.kernel.rounding import price as round_price

Number = TypeVar("Number", Decimal, Fraction)
PER = ("INTERVAL", "AVERAGE")


@dataclass(frozen=True, kw_only=True)
class CollarParameters:
    """The part of an index clause that limits the price and shares what lies beyond a level."""

    floor: Decimal | None = param(default=None, unit="quoted unit", help="Lowest price.")
    cap: Decimal | None = param(default=None, unit="quoted unit", help="Highest price.")
    collar_per: str | None = param(
        default=None,
        choices=PER,
        help="With floor or cap: limit the price of every interval, or the period's average.",
    )
    collar_on: str | None = param(
        default=None,
        choices=("PRICE", "INDEX"),
        help="With floor or cap: PRICE limits index x multiplier + adder, INDEX before the adder.",
    )
    upside_threshold: Decimal | None = param(
        default=None, unit="quoted unit", help="Level of the index above which it is shared."
    )
    upside_share_ratio: Decimal | None = param(
        default=None,
        unit="ratio",
        minimum=Decimal(-1),
        maximum=Decimal(1),
        help="Part of the index above the level that is added to the price.",
    )
    downside_threshold: Decimal | None = param(
        default=None, unit="quoted unit", help="Level of the index below which it is shared."
    )
    downside_share_ratio: Decimal | None = param(
        default=None,
        unit="ratio",
        minimum=Decimal(-1),
        maximum=Decimal(1),
        help="Part of the index below the level that is taken off the price.",
    )
    share_per: str | None = param(
        default=None,
        choices=PER,
        help="With a share: of every interval, or of the period's average.",
    )
    average_price_places: int | None = param(
        default=None,
        minimum=0,
        maximum=8,
        help="Decimals of a price made on the period's average; empty: not rounded.",
    )

    @property
    def has_collar(self) -> bool:
        """Whether a floor or a cap is agreed."""
        return self.floor is not None or self.cap is not None

    @property
    def has_share(self) -> bool:
        """Whether anything beyond a level is shared."""
        return self.upside_threshold is not None or self.downside_threshold is not None

    @property
    def on_average(self) -> bool:
        """Whether a step looks at the average of the period."""
        return "AVERAGE" in (self.collar_per, self.share_per)

    @property
    def is_plain(self) -> bool:
        """Whether there is neither collar nor share."""
        return not (self.has_collar or self.has_share)

    def check_collar(self) -> None:
        """Refuse a collar or a share without its level, and an order that cannot be kept."""
        faults = (
            (self.has_collar != bool(self.collar_per), "floor or cap need collar_per, and only so"),
            (self.has_collar != bool(self.collar_on), "floor or cap need collar_on, and only so"),
            (self.has_share != bool(self.share_per), "a share needs share_per, and only so"),
            (
                (self.upside_threshold is None) != (self.upside_share_ratio is None)
                or (self.downside_threshold is None) != (self.downside_share_ratio is None),
                "a threshold and its share stand together or not at all",
            ),
            (
                self.floor is not None and self.cap is not None and self.floor > self.cap,
                f"the floor {self.floor} lies above the cap {self.cap}",
            ),
            (
                self.collar_per == "AVERAGE" and self.share_per == "INTERVAL",
                "the collar comes before the share, so a collar on the average needs a share on it",
            ),
            (
                self.average_price_places is not None and not self.on_average,
                "average_price_places needs a collar or a share on the average",
            ),
        )
        for wrong, text in faults:
            if wrong:
                raise Refused("contracts.collar", text)

    def clamp(self, value: Number, of: Callable[[Decimal], Number]) -> Number:
        """Return the value within floor and cap; `of` turns them into the value's type."""
        if self.floor is not None:
            value = max(value, of(self.floor))
        return value if self.cap is None else min(value, of(self.cap))

    def shared(self, index: Number, of: Callable[[Decimal], Number]) -> Number:
        """Return what the share adds to the price at this index."""
        result = of(Decimal(0))
        if self.upside_threshold is not None and self.upside_share_ratio is not None:
            beyond = max(of(Decimal(0)), index - of(self.upside_threshold))
            result += of(self.upside_share_ratio) * beyond
        if self.downside_threshold is not None and self.downside_share_ratio is not None:
            short = max(of(Decimal(0)), of(self.downside_threshold) - index)
            result -= of(self.downside_share_ratio) * short
        return result


def interval_rule(
    terms: CollarParameters, multiplier: Decimal, adder: Decimal, places: int
) -> Callable[[Decimal], Decimal]:
    """Return the price of an interval as a function of its index, up to what is on average."""
    collar = terms.collar_on if terms.collar_per == "INTERVAL" else None
    late_adder = terms.collar_per == "AVERAGE" and terms.collar_on == "INDEX"

    def rule(index: Decimal) -> Decimal:
        value = index * multiplier
        if collar == "INDEX":
            value = terms.clamp(value, Decimal)
        if not late_adder:
            value += adder
        if collar == "PRICE":
            value = terms.clamp(value, Decimal)
        if terms.share_per == "INTERVAL":
            value += terms.shared(index, Decimal)
        return round_price(value, places)

    return rule


@dataclass(frozen=True)
class Averaged:
    """A price made on the period's average: exact amount in 10^-14 units, and its figures."""

    amount: Fraction
    figure: Figure


def on_average(
    terms: CollarParameters,
    adder: Figure,
    index: np.ndarray,
    prices: np.ndarray,
    values: np.ndarray,
    source: Source,
) -> Averaged:
    """Return collar and share on averages weighted by the quantities (10^-6 units).

    `prices` are those of `interval_rule`. Without quantity there is no average and no amount.
    """
    total = exact.total(values)
    if total == 0:
        note = "no quantity, so no average"
        zero = Figure("settled_price", Decimal(0), adder.unit, source, note=note)
        return Averaged(Fraction(exact.dot(prices, values)), zero)
    mean_price = Fraction(exact.dot(prices, values), total * PRICE_SCALE)
    mean_index = Fraction(exact.dot(index, values), total * PRICE_SCALE)
    settled = mean_price
    if terms.collar_per == "AVERAGE":
        settled = terms.clamp(settled, Fraction)
        if terms.collar_on == "INDEX":
            settled += Fraction(adder.value or 0)
    if terms.share_per == "AVERAGE":
        settled += terms.shared(mean_index, Fraction)
    if terms.average_price_places is not None:
        settled = Fraction(round_price(settled, terms.average_price_places))
    figure = _figure(terms, adder, mean_index, mean_price, source)
    return Averaged(settled * total * PRICE_SCALE, figure)


def _figure(
    terms: CollarParameters, adder: Figure, index: Fraction, price: Fraction, source: Source
) -> Figure:
    """Return the settled price with its formula over the averages, to be read and re-added."""
    note = "weighted by the quantity of every interval"
    inputs = {"average_price": Figure("average_price", display(price, 12), adder.unit, source,
                                      note=note)}  # fmt: skip
    formula = "average_price"
    if terms.collar_per == "AVERAGE":
        for name, verb in (("floor", "max"), ("cap", "min")):
            if getattr(terms, name) is not None:
                formula = f"{verb}({formula}, {name})"
                inputs[name] = _agreed(terms, name, adder)
        if terms.collar_on == "INDEX":
            formula += " + adder"
            inputs["adder"] = adder
    if terms.share_per == "AVERAGE":
        inputs["average_index"] = Figure(
            "average_index", display(index, 12), adder.unit, source, note=note
        )
        for side, sign, beyond in (
            ("upside", "+", "average_index - upside_threshold"),
            ("downside", "-", "downside_threshold - average_index"),
        ):
            if getattr(terms, f"{side}_threshold") is not None:
                formula += f" {sign} {side}_share_ratio x max(0, {beyond})"
                for name in (f"{side}_share_ratio", f"{side}_threshold"):
                    inputs[name] = _agreed(terms, name, adder)
    places = 8 if terms.average_price_places is None else terms.average_price_places
    return Figure.computed(
        "settled_price", adder.unit, formula, *inputs.values(), round_to=(places, Mode.HALF_UP)
    )


def _agreed(terms: CollarParameters, name: str, like: Figure) -> Figure:
    unit = "ratio" if name.endswith("_ratio") else like.unit
    return Figure(name, getattr(terms, name), unit, like.source)


def figures(terms: CollarParameters, unit: str, source: Callable[[str], Source]) -> list[Figure]:
    """Return floor, cap and shares as they stand in the contract."""
    names = (
        "floor", "cap", "upside_threshold", "upside_share_ratio", "downside_threshold",
        "downside_share_ratio",
    )  # fmt: skip
    return [
        Figure(
            name,
            getattr(terms, name),
            "ratio" if name.endswith("_ratio") else unit,
            source(name.replace("_", " ")),
        )
        for name in names
        if getattr(terms, name) is not None
    ]


def said(terms: CollarParameters, unit: str) -> str:
    """Return collar and share in words; empty when there are none."""
    text = ""
    if terms.has_collar:
        of = "this price" if terms.collar_on == "PRICE" else "the index before the adder"
        limits = [f"{verb} {words.dollars(value, unit)}"
                  for verb, value in (("at least", terms.floor), ("at most", terms.cap))
                  if value is not None]  # fmt: skip
        text += f"; {of} is {words.listed(limits)}, {_per(terms.collar_per)}"
    for threshold, ratio, verb, side in (
        (terms.upside_threshold, terms.upside_share_ratio, "added", "above"),
        (terms.downside_threshold, terms.downside_share_ratio, "taken off", "below"),
    ):
        if threshold is not None and ratio is not None:
            text += (
                f"; {words.percent(ratio)} of the index {side} {words.dollars(threshold, unit)} "
                f"is {verb}, {_per(terms.share_per)}"
            )
    return text


def _per(level: str | None) -> str:
    return "in every interval" if level == "INTERVAL" else "on the average of the period"
