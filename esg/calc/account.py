"""From energy flows, fuel and factors to the carbon of every sink, with its evidence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING, PRICE_SCALE, from_micro
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.rounding import Mode, to_integer, to_places
from poweroptix.kernel.worksheet import Worksheet

from .evidence import line_worksheet, source_rows
from .flows import Flows, flows_of
from .gases import ALL_GASES
from .inputs import AccountInputs
from .masses import MILLIGRAMS_PER_KG, interval_masses_mg
from .pool import LOSSES, Pool, PoolInputs, StoreFlow, co2e_mg, share_pool
from .shares import split_grams
from .storage import Store


@dataclass(frozen=True)
class AccountLine:
    """One sink: its energy in kWh, milligrams per gas, whole grams of CO2e, and the evidence."""

    sink: str
    code: str
    energy_kwh: Decimal
    pooled_kwh: Decimal
    masses_mg: Mapping[str, int]
    co2e_g: int
    kg_per_mwh: Decimal | None
    worksheet: Worksheet

    def document(self) -> dict[str, Any]:
        """Return the line as plain data; its digest is what `verify` compares."""
        return {
            "sink": self.sink,
            "code": self.code,
            "energy_kwh": self.energy_kwh,
            "pooled_kwh": self.pooled_kwh,
            "masses_mg": {gas: str(mass) for gas, mass in self.masses_mg.items()},
            "co2e_g": str(self.co2e_g),
            "kg_per_mwh": self.kg_per_mwh,
            "worksheet": self.worksheet.to_json(),
        }


@dataclass(frozen=True)
class Account:
    """The whole account. `intensity` is kg CO2e per MWh in 10^-8; -2^63 without energy."""

    grid: Grid
    lines: tuple[AccountLine, ...]
    masses_mg: Mapping[str, int]
    co2e_g: int
    energy_in_kwh: Decimal
    intensity: np.ndarray
    sources: list[dict[str, Any]]
    carry_out: Mapping[str, Any]
    unknown_origin_kwh: Mapping[str, Decimal] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return everything that was computed, as plain data."""
        return {
            "grid": self.grid.to_json(),
            "lines": [line.document() for line in self.lines],
            "masses_mg": {gas: str(mass) for gas, mass in self.masses_mg.items()},
            "co2e_g": str(self.co2e_g),
            "energy_in_kwh": self.energy_in_kwh,
            "intensity": [str(value) for value in self.intensity.tolist()],
            "sources": self.sources,
            "carry_out": dict(self.carry_out),
        }


def account(inputs: AccountInputs) -> Account:
    """Account a campus period, location-based, method PROPORTIONAL.

    Works at the coarsest interval of all meters involved (hourly fuel: hours). Masses are
    conserved to the milligram in every interval and CO2e to the gram over the period. Refused when
    a reading is missing or nothing was taken.
    """
    flows = _flows(inputs)
    minutes = flows.grid.minutes
    emitted = {
        emitter.code: {
            use.gas: interval_masses_mg(emitter.quantity.to_minutes(minutes).values, use.value)
            for use in emitter.factors
        }
        for emitter in inputs.emitters
    }
    sinks = _sinks(flows)
    pool = share_pool(
        PoolInputs(
            day=inputs.day_of(flows.grid),
            sources={"generation": flows.generation, **flows.imports},
            emitters=emitted,
            sinks={_key(sink, code): values for (sink, code), values in sinks.items()},
            stores=_stores(inputs, flows),
        )
    )
    taken = _taken(pool, sinks, flows)
    _check_closed(taken, pool, inputs)
    total_mg = {gas: sum(entry[0][gas] for entry in taken.values()) for gas in ALL_GASES}
    grams = _grams(taken, inputs)
    sources = source_rows(inputs.emitters, emitted, inputs.gwp)
    settled = {share.code: share.settled.total() for share in inputs.contracts}
    return Account(
        grid=flows.grid,
        lines=tuple(
            _line(key, taken[key], grams[key], settled, pool, inputs) for key in sorted(taken)
        ),
        masses_mg=total_mg,
        co2e_g=sum(grams.values()),
        energy_in_kwh=from_micro(int(pool.energy_in.sum())),
        intensity=_intensity(pool, inputs),
        sources=sources,
        carry_out=dict(pool.closing),
        unknown_origin_kwh={
            code: from_micro(micro) for code, micro in pool.unknown_origin_micro_kwh.items()
        },
    )


def _flows(inputs: AccountInputs) -> Flows:
    return flows_of(
        inputs.kinds,
        inputs.sources,
        inputs.sinks,
        {share.code: share.pooled for share in inputs.contracts},
        coarsest(inputs),
        metered={s.code: s.metered for s in inputs.contracts if s.metered is not None},
        claimed=inputs.claimed,
        shared=inputs.shared,
    )


def _check_closed(taken: Mapping, pool: Pool, inputs: AccountInputs) -> None:
    """Refuse an account whose uses are more than what entered, beyond what meters may differ.

    Masses are conserved even then, so nothing else would show that some energy stands twice.
    """
    lost = int(pool.losses.sum())
    used = sum(micro for _, micro in taken.values()) - lost
    entered = int(pool.energy_in.sum())
    if used - entered > -Fraction(inputs.low_ratio) * entered:
        raise Refused(
            "esg.not_closed",
            f"{inputs.label}: uses of {from_micro(used):,.3f} kWh are more than the "
            f"{from_micro(entered):,.3f} kWh that entered (up to {-inputs.low_ratio * 100:f} % is "
            "within the tolerance of the campus). Look for a meter or a share that counts twice.",
        )


def coarsest(inputs: AccountInputs) -> int:
    """Return the longest interval of all meters involved, in minutes."""
    series = [*inputs.sources.values(), *inputs.sinks.values()]
    series += [share.pooled for share in inputs.contracts]
    series += [share.metered for share in inputs.contracts if share.metered is not None]
    series += [emitter.quantity for emitter in inputs.emitters]
    return max(one.grid.minutes for one in series)


def _sinks(flows: Flows) -> dict[tuple[str, str], np.ndarray]:
    sinks = {("CONTRACT", code): values for code, values in flows.contracts.items()}
    sinks |= {("HOUSE", code): values for code, values in flows.house.items()}
    sinks |= {("EXPORT", code): values for code, values in flows.exports.items() if values.any()}
    if flows.station.any():
        sinks["STATION", "station service"] = flows.station
    if flows.unclaimed.any():
        sinks["OTHER", "load without a contract"] = flows.unclaimed
    return sinks


def _key(sink: str, code: str) -> str:
    return f"{sink}/{code}"


def _stores(inputs: AccountInputs, flows: Flows) -> tuple[StoreFlow, ...]:
    specs = {spec.code: spec for spec in inputs.stores}
    return tuple(
        StoreFlow(
            Store.opened(
                code,
                specs[code].eta_charge,
                specs[code].eta_discharge,
                dict(specs[code].opening) if specs[code].opening else None,
            ),
            charge,
            discharge,
        )
        for code, (charge, discharge) in flows.stores.items()
    )


def _taken(
    pool: Pool, sinks: Mapping[tuple[str, str], np.ndarray], flows: Flows
) -> dict[tuple[str, str], tuple[dict[str, int], int]]:
    """Return milligrams per gas and micro-kWh of every sink, losses and charging included."""
    taken = {
        (sink, code): (
            {gas: pool.of(_key(sink, code), gas) for gas in ALL_GASES},
            int(values.sum()),
        )
        for (sink, code), values in sinks.items()
    }
    lost = {gas: pool.of(LOSSES, gas) for gas in ALL_GASES}
    taken["LOSSES", LOSSES] = (lost, int(pool.losses.sum()))
    for code, (charge, _) in flows.stores.items():
        masses = {gas: pool.of(code, gas) for gas in ALL_GASES}
        taken["STORAGE", code] = (masses, int(charge.sum()))
    return taken


def _grams(taken: Mapping[tuple[str, str], tuple], inputs: AccountInputs) -> dict:
    """Return whole grams of CO2e per sink; together the rounded whole, by largest remainder."""
    exact = {key: Fraction(co2e_mg(masses, inputs.gwp)) for key, (masses, _) in taken.items()}
    scale = lcm(*(value.denominator for value in exact.values()))
    total_g = to_integer(sum(exact.values()) / 1000, Mode.HALF_EVEN)
    weights = {_key(*key): int(value * scale) for key, value in exact.items()}
    if not any(weights.values()):
        return dict.fromkeys(taken, 0)
    parts = split_grams(total_g, weights)
    return {key: parts[_key(*key)] for key in taken}


def _line(
    key: tuple[str, str],
    taken: tuple[dict[str, int], int],
    co2e_g: int,
    settled: Mapping[str, Decimal],
    pool: Pool,
    inputs: AccountInputs,
) -> AccountLine:
    sink, code = key
    masses, micro = taken
    pooled_kwh = from_micro(micro)
    energy_kwh = settled[code] if sink == "CONTRACT" else pooled_kwh
    rate = None
    if energy_kwh > 0:
        exact_kg = Fraction(co2e_mg(masses, inputs.gwp)) / MILLIGRAMS_PER_KG
        rate = to_places(exact_kg / Fraction(energy_kwh) * 1000, 6, Mode.HALF_EVEN)
    return AccountLine(
        sink=sink,
        code=code,
        energy_kwh=energy_kwh,
        pooled_kwh=pooled_kwh,
        masses_mg=masses,
        co2e_g=co2e_g,
        kg_per_mwh=rate,
        worksheet=line_worksheet(inputs, masses, energy_kwh, pooled_kwh, pool),
    )


def _intensity(pool: Pool, inputs: AccountInputs) -> np.ndarray:
    """Return the published pool intensity: 10^-8 kg CO2e per MWh, half-up."""
    return np.array(
        [
            MISSING if rate is None else to_integer(rate * PRICE_SCALE, Mode.HALF_UP)
            for rate in pool.intensity(inputs.gwp)
        ],
        dtype=np.int64,
    )
