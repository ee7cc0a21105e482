"""What a battery holds: energy by the source that charged it, and what that energy cost.

    charge c from source s:  energy of s += c x efficiency;  cost of s += c x price of s
    discharge d, AVERAGE:    the same share d / stock leaves every source, with its cost
    discharge d, FIFO:       the oldest energy leaves first, with its cost

Energy is what can still be delivered, so losses are borne by what is discharged. Energies are
micro-kWh and costs 10^-8 of the money, all whole numbers: what goes in comes out or is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MICRO, from_micro, from_price, micro, price
from poweroptix.kernel.parameters import param
from poweroptix.kernel.plain import WRITTEN_DIGITS, plain_decimal
from poweroptix.kernel.rounding import Mode, to_integer
from poweroptix.kernel.splits import split

AVERAGE, FIFO = "AVERAGE", "FIFO"
LAYER = {"source", "kwh", "usd"}


@dataclass(frozen=True, kw_only=True)
class StoreTerms:
    """What a battery that serves tenants has to say."""

    efficiency_ratio: Decimal = param(
        unit="ratio",
        minimum=Decimal("0.01"),
        maximum=1,
        help="Energy that can be delivered per energy charged; the loss is booked at the charge.",
    )
    usd_per_kwh: dict = param(
        help='Price of charging by source, {"solar": "0.025", "gas": "0.071"}; all that charge.'
    )
    opening_period: str = param(help="The first month of the stock, 2026-03.")
    opening: list = param(
        help='Stock before it, oldest first, [{"source": "gas", "kwh": "500", "usd": "31"}]; '
        "[] for an empty battery."
    )
    cost: str = param(
        default=AVERAGE,
        choices=(AVERAGE, FIFO),
        help="Which energy leaves first: a share of everything in it, or the oldest.",
    )

    def __post_init__(self) -> None:
        """Refuse prices and an opening that are no exact numbers."""
        for source, text in self.usd_per_kwh.items():
            _exact(text, f"the price of {source}", price)
        _layers(self.opening)


@dataclass
class Layer:
    """Energy of one source with its cost, both zero or more."""

    source: str
    micro_kwh: int
    cost: int


@dataclass(frozen=True)
class Drawn:
    """What left the battery at once; `beyond` was not recorded as charged and has no cost."""

    layers: tuple[Layer, ...]
    beyond_micro_kwh: int

    @property
    def cost(self) -> int:
        """The cost that left with it, in 10^-8 of the money."""
        return sum(layer.cost for layer in self.layers)


class Store:
    """One battery that is charged and discharged in the order of time."""

    def __init__(self, terms: StoreTerms, state: Sequence[Mapping[str, str]] = ()) -> None:
        self.terms = terms
        self._efficiency = Fraction(terms.efficiency_ratio)
        self.layers = _layers(state)

    @property
    def stock_micro_kwh(self) -> int:
        """What can still be delivered."""
        return sum(layer.micro_kwh for layer in self.layers)

    @property
    def cost(self) -> int:
        """What the stock cost, in 10^-8 of the money."""
        return sum(layer.cost for layer in self.layers)

    def charge(self, source: str, micro_kwh: int) -> None:
        """Take in energy of a source. Refused when the terms name no price for it."""
        if source not in self.terms.usd_per_kwh:
            text = f"{source} charged the battery, but no price of charging is given for it."
            raise Refused("storage.price", text, source=source)
        unit = price(Decimal(str(self.terms.usd_per_kwh[source])))
        stored = to_integer(micro_kwh * self._efficiency, Mode.HALF_EVEN)
        cost = to_integer(Fraction(micro_kwh * unit, MICRO), Mode.HALF_EVEN)
        layer = self._open_layer(source)
        layer.micro_kwh += stored
        layer.cost += cost

    def discharge(self, micro_kwh: int) -> Drawn:
        """Give out energy; what goes beyond the recorded stock is named and costs nothing."""
        wanted = min(micro_kwh, self.stock_micro_kwh)
        leaving = self._oldest(wanted) if self.terms.cost == FIFO else self._of_all(wanted)
        drawn = [
            _take(layer, energy)
            for layer, energy in zip(self.layers, leaving, strict=True)
            if energy
        ]
        self.layers = [layer for layer in self.layers if layer.micro_kwh or layer.cost]
        return Drawn(tuple(drawn), micro_kwh - wanted)

    def state(self) -> list[dict[str, str]]:
        """Return the stock as the next month's opening."""
        return [
            {
                "source": layer.source,
                "kwh": format(from_micro(layer.micro_kwh), "f"),
                "usd": format(from_price(layer.cost), "f"),
            }
            for layer in self.layers
        ]

    def _open_layer(self, source: str) -> Layer:
        """Return the layer that takes a charge: one per source, or with FIFO the newest of it."""
        known = self.layers[-1:] if self.terms.cost == FIFO else self.layers
        for layer in known:
            if layer.source == source:
                return layer
        self.layers.append(Layer(source, 0, 0))
        return self.layers[-1]

    def _of_all(self, wanted: int) -> list[int]:
        """Return what leaves each layer when the same share leaves all of them."""
        codes = [f"{at:06d}" for at in range(len(self.layers))]
        if not wanted:
            return [0] * len(codes)
        return split(wanted, [one.micro_kwh for one in self.layers], codes)

    def _oldest(self, wanted: int) -> list[int]:
        """Return what leaves each layer when the oldest leaves first."""
        leaving = []
        for layer in self.layers:
            leaving.append(min(wanted, layer.micro_kwh))
            wanted -= leaving[-1]
        return leaving


def _take(layer: Layer, micro_kwh: int) -> Layer:
    """Take energy out of a layer with its share of the cost; the last of it takes all."""
    cost = to_integer(Fraction(layer.cost * micro_kwh, layer.micro_kwh), Mode.HALF_EVEN)
    layer.micro_kwh -= micro_kwh
    layer.cost -= cost
    return Layer(layer.source, micro_kwh, cost)


def _layers(state: Sequence[Mapping[str, str]]) -> list[Layer]:
    layers = []
    for entry in state:
        if not isinstance(entry, Mapping) or set(entry) != LAYER:
            text = f'Stock is written as {{"source", "kwh", "usd"}}, not {entry!r}.'
            raise Refused("storage.opening", text)
        source = str(entry["source"])
        energy = _exact(entry["kwh"], f"the stock of {source}", micro)
        layers.append(Layer(source, energy, _exact(entry["usd"], f"the cost of {source}", price)))
    return layers


def _exact(given: Any, what: str, read: Any) -> int:
    found = plain_decimal(given, digits=WRITTEN_DIGITS)
    try:
        number = -1 if found is None else read(found)
    except (ArithmeticError, Refused):
        number = -1
    if number < 0:
        text = f"{what} is {given!r}; write a number of zero or more as text."
        raise Refused("storage.number", text)
    return number
