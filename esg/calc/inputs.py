"""The frozen document of a carbon account: everything that was read, by value or by digest."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from poweroptix.kernel.series import Series

from .gases import GwpSet

FORMAT = "carbon.inputs@2"


@dataclass(frozen=True)
class FactorUse:
    """One published number as it is used: kg of a gas per unit of the quantity, exact.

    `printed` and `printed_unit` are what the publication says (733.862 lb/MWh), `value` is that in
    kg per unit of the quantity (0.332874... kg/kWh).
    """

    code: str
    edition: str
    gas: str
    value: Decimal
    unit: str
    printed: Decimal
    printed_unit: str
    source: str
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {**self.__dict__}

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> "FactorUse":
        """Return what `to_json` wrote."""
        numbers = {name: Decimal(entry[name]) for name in ("value", "printed")}
        return cls(**{**entry, **numbers})


@dataclass(frozen=True)
class Emitter:
    """Something that brings mass into the pool: a fuel meter or the grid tie.

    `name` is a word usable in a formula, `unit` that of the quantity (MMBtu or kWh).
    """

    code: str
    name: str
    label: str
    quantity: Series
    factors: tuple[FactorUse, ...]


@dataclass(frozen=True)
class StoreSpec:
    """Efficiencies of a battery and the state in which it begins (None: empty)."""

    code: str
    eta_charge: Fraction
    eta_discharge: Fraction
    opening: Mapping[str, Any] | None


@dataclass(frozen=True)
class ContractShare:
    """A contract's energy: what it was settled for, what carries carbon, what its meters show.

    `pooled` holds the contract's part of shared points; `metered` is None without own meters.
    """

    code: str
    settled: Series
    pooled: Series
    metered: Series | None


@dataclass(frozen=True)
class AccountInputs:
    """What `account` is given; `kinds`, `sources` and `sinks` as the campus balance has them.

    `claimed` are the points that belong to a contract, `shared` those whose energy pools give to
    contracts. `low_ratio` is the lowest loss of the campus that its meters may show (-0.002).
    """

    label: str
    period_label: str
    kinds: Mapping[str, str]
    sources: Mapping[str, Series]
    sinks: Mapping[str, Series]
    contracts: tuple[ContractShare, ...]
    emitters: tuple[Emitter, ...]
    stores: tuple[StoreSpec, ...]
    day_of: Any
    gwp: GwpSet
    gwp_source: str
    loss_carbon: str
    claimed: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()
    low_ratio: Decimal = Decimal("-0.002")
