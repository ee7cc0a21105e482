"""The campus pool: per interval, all masses that entered over all energy that entered.

    sum G + D + I = sum L + H + station service + Ch + X + Z
    every sink takes MWh x (mass in / energy in); method PROPORTIONAL

G net generation, D discharge, I grid import, L tenants, H house load, Ch charge, X export, Z losses
(what is left). Masses are milligrams per gas, energies micro-kWh, all int64 arrays over one grid.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

import numpy as np

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.splits import split_grid

from .gases import ALL_GASES, GwpSet
from .storage import Store

LOSSES = "losses"


@dataclass(frozen=True)
class StoreFlow:
    """A battery with its metered charge and discharge."""

    store: Store
    charge: np.ndarray
    discharge: np.ndarray


@dataclass(frozen=True)
class PoolInputs:
    """What enters and what leaves. `day` numbers the local day of each interval.

    `sources` hold energy (net generation and import, never negative), `emitters` masses per gas,
    `sinks` energy by code. Losses and charging are added by the pool itself.
    """

    day: np.ndarray
    sources: Mapping[str, np.ndarray]
    emitters: Mapping[str, Mapping[str, np.ndarray]]
    sinks: Mapping[str, np.ndarray]
    stores: tuple[StoreFlow, ...] = ()


@dataclass(frozen=True)
class Pool:
    """What each sink took: masses[gas][k, n] by `codes`; energy in and masses in per interval."""

    codes: tuple[str, ...]
    masses: Mapping[str, np.ndarray]
    energy_in: np.ndarray
    masses_in: Mapping[str, np.ndarray]
    losses: np.ndarray
    closing: Mapping[str, dict]
    unknown_origin_micro_kwh: Mapping[str, int] = field(default_factory=dict)

    def of(self, code: str, gas: str) -> int:
        """Return the milligrams of a gas that a sink took in the whole period."""
        return int(self.masses[gas][self.codes.index(code)].sum())

    def intensity(self, gwp: GwpSet) -> list[Fraction | None]:
        """Return kg CO2e per MWh of the pool by interval; None where no energy entered.

        A milligram per micro-kWh is a kg per kWh, so the ratio counts thousandfold per MWh.
        """
        weights = {gas: Fraction(gwp.weight(gas)) for gas in ALL_GASES}
        rows = {gas: self.masses_in[gas].tolist() for gas in ALL_GASES}
        result: list[Fraction | None] = []
        for index, energy in enumerate(self.energy_in.tolist()):
            mass = sum(weights[gas] * rows[gas][index] for gas in ALL_GASES)
            result.append(1000 * mass / energy if energy > 0 else None)
        return result


def share_pool(inputs: PoolInputs) -> Pool:
    """Share all masses among all sinks, conserved to the milligram in every interval.

    Mass of an interval in which nothing was taken (a start-up without net output) is shared by
    what was taken on the same local day, else by the period. Refused when nobody took anything in
    the whole period, or when a flow is negative.
    """
    _check_flows(inputs)
    count = inputs.day.size
    energy_in = _sum(inputs.sources.values(), count)
    for flow in inputs.stores:
        energy_in = energy_in + flow.discharge
    taken = _sum(inputs.sinks.values(), count)
    charged = _sum((flow.charge for flow in inputs.stores), count)
    losses = np.maximum(energy_in - taken - charged, 0)
    masses_in = {
        gas: _sum((e[gas] for e in inputs.emitters.values() if gas in e), count)
        for gas in ALL_GASES
    }
    charge_masses = _run_stores(inputs, taken + charged + losses, masses_in)
    codes = [*inputs.sinks, LOSSES]
    weights = np.vstack([*inputs.sinks.values(), losses]).astype(np.int64)
    masses = {}
    for gas in ALL_GASES:
        rest = masses_in[gas] - sum((m[gas] for m in charge_masses.values()), np.zeros_like(losses))
        rows = [_by_day(rest, weights, codes, inputs.day)]
        rows += [charge_masses[flow.store.code][gas] for flow in inputs.stores]
        masses[gas] = np.vstack(rows)
    stores = [flow.store for flow in inputs.stores]
    return Pool(
        codes=(*codes, *(store.code for store in stores)),
        masses=masses,
        energy_in=energy_in,
        masses_in=masses_in,
        losses=losses,
        closing={store.code: store.state() for store in stores},
        unknown_origin_micro_kwh={
            store.code: int(store.unknown_origin_micro_kwh)
            for store in stores
            if store.unknown_origin_micro_kwh
        },
    )


def _check_flows(inputs: PoolInputs) -> None:
    flows = {**inputs.sources, **inputs.sinks}
    for flow in inputs.stores:
        flows[f"{flow.store.code} charge"] = flow.charge
        flows[f"{flow.store.code} discharge"] = flow.discharge
    for code, values in flows.items():
        if values.size != inputs.day.size:
            raise Refused("esg.grid", f"{code} has {values.size} intervals, not {inputs.day.size}.")
        if (values < 0).any():
            raise Refused("esg.negative", f"{code} is negative or missing in some interval.")


def _sum(arrays, count: int) -> np.ndarray:
    total = np.zeros(count, dtype=np.int64)
    for array in arrays:
        total = total + array
    return total


def _run_stores(inputs, weight, masses_in) -> dict[str, dict[str, np.ndarray]]:
    """Walk through time: discharge first, then charge at this interval's pool.

    Adds what the stores gave to `masses_in`; returns what each took.
    """
    count = inputs.day.size
    took = {
        flow.store.code: {gas: np.zeros(count, dtype=np.int64) for gas in ALL_GASES}
        for flow in inputs.stores
    }
    if not inputs.stores:
        return took
    present = {gas: values.tolist() for gas, values in masses_in.items()}
    gases = [gas for gas in ALL_GASES if any(present[gas]) or _held(inputs.stores, gas)]
    weights = weight.tolist()
    flows = [(flow.store, flow.charge.tolist(), flow.discharge.tolist()) for flow in inputs.stores]
    for index in range(count):
        for store, _, discharge in flows:
            if discharge[index]:
                given = store.discharge(discharge[index])
                for gas in gases:
                    present[gas][index] += given[gas]
        for store, charge, _ in flows:
            if charge[index] == 0:
                continue
            part = {gas: present[gas][index] * charge[index] // weights[index] for gas in gases}
            store.charge(charge[index], part)
            for gas, mass in part.items():
                took[store.code][gas][index] = mass
    for gas in gases:
        masses_in[gas][:] = present[gas]
    return took


def _held(stores: tuple[StoreFlow, ...], gas: str) -> bool:
    return any(flow.store.masses_mg[gas] for flow in stores)


def _by_day(totals, weights, codes, day) -> np.ndarray:
    """Split every interval; where nobody took anything, by the day, else by the period."""
    empty = (weights.sum(axis=0) == 0) & (totals != 0)
    if not empty.any():
        return split_grid(totals, weights, codes)
    whole = weights.sum(axis=1)
    if whole.sum() == 0:
        raise Refused(
            "esg.no_sinks", "Carbon was emitted, but no tenant, house load or export took energy."
        )
    filled = weights.copy()
    for number in np.unique(day[empty]):
        of_day = weights[:, day == number].sum(axis=1)
        column = of_day if of_day.sum() else whole
        filled[:, empty & (day == number)] = column[:, None]
    return split_grid(totals, filled, codes)


def kg_per_mwh(mass_mg: int, energy_micro_kwh: int) -> Fraction:
    """Return kg per MWh of a mass and an energy. Refused when the energy is zero.

    >>> float(round(kg_per_mwh(9_880_852_000, 29_400_000_000), 6))
    336.083401
    """
    if energy_micro_kwh == 0:
        raise Refused("esg.no_energy", "There is no energy to relate the carbon to.")
    return Fraction(1000 * mass_mg, energy_micro_kwh)


def co2e_mg(masses_mg: Mapping[str, int], gwp: GwpSet) -> Decimal:
    """Return exact milligrams of CO2e."""
    return gwp.co2e({gas: Decimal(mass) for gas, mass in masses_mg.items()})
