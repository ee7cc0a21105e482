"""Floor and cap of a gas-indexed price: of the gas of a day, or of the power made from it."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from contracts.calc import words
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.fixed import price
from poweroptix.kernel.parameters import param

UNITS = {"GAS_PRICE": "USD/MMBtu", "POWER_PRICE": "USD/MWh"}
SAID = {"GAS_PRICE": "the gas price of a day", "POWER_PRICE": "the power price of a gas day"}


@dataclass(frozen=True, kw_only=True)
class GasCollarParameters:
    """The part of a gas clause that limits a price."""

    floor: Decimal | None = param(
        default=None, unit="unit of the limited price", help="Lowest price of a gas day."
    )
    cap: Decimal | None = param(
        default=None, unit="unit of the limited price", help="Highest price of a gas day."
    )
    collar_on: str | None = param(
        default=None,
        choices=tuple(UNITS),
        help="With floor or cap: GAS_PRICE limits USD/MMBtu after basis and retention, "
        "POWER_PRICE limits USD/MWh after heat rate and variable cost. Before rounding.",
    )

    def check_collar(self) -> None:
        """Refuse limits without what they limit, and a floor above the cap."""
        limits = [one for one in (self.floor, self.cap) if one is not None]
        if bool(limits) != bool(self.collar_on):
            raise Refused("contracts.collar", "floor or cap need collar_on, and only so")
        if len(limits) == 2 and limits[0] > limits[1]:
            text = f"the floor {self.floor} lies above the cap {self.cap}"
            raise Refused("contracts.collar", text)
        for one in limits:
            price(one)


def limited(
    terms: GasCollarParameters, on: str, formula: str, source: Callable[[str], Source]
) -> tuple[str, list[Figure]]:
    """Return the formula of a price within its limits, and the limits as figures.

    >>> class Terms(GasCollarParameters): ...
    >>> limited(Terms(cap=Decimal(60), collar_on="POWER_PRICE"), "POWER_PRICE", "p",
    ...         lambda what: Source("term", "C", what))[0]
    'min(p, cap)'
    """
    figures = []
    if terms.collar_on == on:
        for name, verb in (("floor", "max"), ("cap", "min")):
            value = getattr(terms, name)
            if value is not None:
                formula = f"{verb}({formula}, {name})"
                figures.append(Figure(name, value, UNITS[on], source(name)))
    return formula, figures


def said(terms: GasCollarParameters) -> str:
    """Return the limits in words; empty when there are none."""
    if terms.collar_on is None:
        return ""
    unit = UNITS[terms.collar_on]
    limits = [
        f"{verb} {words.dollars(value, unit)}"
        for verb, value in (("at least", terms.floor), ("at most", terms.cap))
        if value is not None
    ]
    return f"; {SAID[terms.collar_on]} is {words.listed(limits)}"
