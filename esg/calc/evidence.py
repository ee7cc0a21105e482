"""What proves a carbon line: gases by weight, and the pool down to fuel readings and factors."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.fixed import from_micro
from poweroptix.kernel.rounding import Mode
from poweroptix.kernel.worksheet import Row, Worksheet

from .gases import ALL_GASES, BIOGENIC, NAMES, GwpSet
from .inputs import AccountInputs, Emitter, FactorUse
from .masses import to_kg
from .pool import Pool, co2e_mg


def line_worksheet(
    inputs: AccountInputs,
    masses_mg: Mapping[str, int],
    energy_kwh: Decimal,
    pooled_kwh: Decimal,
    pool: Pool,
) -> Worksheet:
    """Return the worksheet of one sink: its kg CO2e is the sum of kg per gas x weight."""
    share = Source(
        "allocation",
        inputs.label,
        "share of the campus pool by energy, interval by interval, in whole milligrams",
        {"method": "PROPORTIONAL", "loss_carbon": inputs.loss_carbon},
    )
    rows = []
    for gas in ALL_GASES:
        if masses_mg[gas] == 0 or gas == BIOGENIC:
            continue
        mass = Figure(f"{gas.lower()}_kg", to_kg(masses_mg[gas]), "kg", share)
        weight = Figure(
            f"{gas.lower()}_weight",
            inputs.gwp.weight(gas),
            "kgCO2e/kg",
            Source("factor", f"GWP.{inputs.gwp.name}.{gas}", inputs.gwp_source),
        )
        rows.append(Row(NAMES[gas], mass, weight))
    figures = [
        Figure("settled_kwh", energy_kwh, "kWh", share),
        Figure("pooled_kwh", pooled_kwh, "kWh", share, note="the energy that carries carbon"),
        *pool_figures(inputs, pool),
    ]
    return Worksheet("Carbon, location-based", tuple(rows), figures=tuple(figures))


def pool_figures(inputs: AccountInputs, pool: Pool) -> list[Figure]:
    """Return the pool's masses per gas, each the sum of its emitters, and the energy that entered.

    Carbon that batteries brought in with their discharge is named apart.
    """
    entered = Source("readings", inputs.label, "energy that entered the campus pool")
    figures = [Figure("pool_energy_kwh", from_micro(int(pool.energy_in.sum())), "kWh", entered)]
    for gas in ALL_GASES:
        total = int(pool.masses_in[gas].sum())
        if total == 0:
            continue
        parts = [
            mass_figure(emitter, use)
            for emitter in inputs.emitters
            for use in emitter.factors
            if use.gas == gas
        ]
        from_stores = to_kg(total) - sum((part.value for part in parts), Decimal(0))
        if from_stores:
            source = Source("carry", inputs.label, "carbon stored by batteries and given back")
            parts.append(Figure(f"storage_{gas.lower()}_kg", from_stores, "kg", source))
        formula = " + ".join(part.name for part in parts)
        figures.append(Figure.computed(f"pool_{gas.lower()}_kg", "kg", formula, *parts))
    return figures


def mass_figure(emitter: Emitter, use: FactorUse) -> Figure:
    """Return quantity x factor of one emitter and gas, rounded once to whole milligrams."""
    unit = emitter.quantity.unit
    quantity = Figure(
        f"{emitter.name}_{unit.lower()}",
        emitter.quantity.total(),
        unit,
        Source(
            "readings",
            emitter.quantity.digest(),
            f"{emitter.label}, {emitter.quantity.grid.count} intervals of "
            f"{emitter.quantity.grid.minutes} minutes",
        ),
    )
    note = f"printed as {use.printed.normalize():f} {use.printed_unit}"
    factor = Figure(
        "factor",
        use.value,
        use.unit,
        Source("factor", f"{use.code} {use.edition}", use.source),
        note=f"{note}; {use.note}" if use.note else note,
    )
    return Figure.computed(
        f"{emitter.name}_{use.gas.lower()}_kg",
        "kg",
        f"{quantity.name} * factor",
        quantity,
        factor,
        round_to=(6, Mode.HALF_EVEN),
    )


def source_rows(
    emitters: Sequence[Emitter], emitted: Mapping[str, Mapping[str, np.ndarray]], gwp: GwpSet
) -> list[dict[str, Any]]:
    """Return what each emitter brought in: quantity, masses, CO2e and its factors."""
    rows = []
    for emitter in emitters:
        masses = {gas: int(values.sum()) for gas, values in emitted[emitter.code].items()}
        rows.append(
            {
                "code": emitter.code,
                "label": emitter.label,
                "quantity": emitter.quantity.total(),
                "unit": emitter.quantity.unit,
                "digest": emitter.quantity.digest(),
                "masses_kg": {gas: to_kg(mass) for gas, mass in masses.items()},
                "kgco2e": co2e_mg(masses, gwp).scaleb(-6),
                "factors": [use.to_json() for use in emitter.factors],
            }
        )
    return rows
