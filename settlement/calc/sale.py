"""What a campus sold in a month: the energy of one channel x a published price, less a fee.

The amount is the exact sum over the intervals, prices below zero included, and is rounded once.
A reading or a price that is missing leaves it empty and blocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from contracts.calc.energy import PRICE_UNITS, average_rate
from contracts.calc.local_days import prices_on
from poweroptix.kernel import exact
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.fixed import MICRO, MISSING, PRICE_SCALE
from poweroptix.kernel.price_series import PriceSeries
from poweroptix.kernel.series import Series
from poweroptix.kernel.worksheet import IntervalRow, Row, Worksheet

#: Prices of energy, and how many kWh are one of their unit.
UNITS = {name: unit.divisor for name, unit in PRICE_UNITS.items() if unit.series_unit == "kWh"}


def sent_out(readings: Series, *, is_net: bool) -> Series:
    """Return the energy sold: of a net channel, whose natural way is in, what went out.

    >>> from datetime import UTC, datetime
    >>> from poweroptix.kernel.grid import Grid
    >>> hours = Grid(datetime(2026, 3, 1, 6, tzinfo=UTC), 60, 3)
    >>> net = Series.of(hours, [Decimal(5), Decimal(-2), None], "kWh")
    >>> sent_out(net, is_net=True).decimals()
    [Decimal('0'), Decimal('2'), None]
    """
    if not is_net:
        return readings
    out = np.where(readings.missing, MISSING, np.maximum(-readings.values, 0))
    return Series(readings.grid, out, readings.status, readings.unit)


def priced(prices: PriceSeries, energy: Series, zone: str) -> PriceSeries:
    """Return the price of every interval of the energy, a daily one by local date.

    Refused when an interval lies in two prices, or when the two are quoted in other units.
    """
    if energy.unit != "kWh" or prices.unit not in UNITS:
        text = f"Energy in {energy.unit} cannot be sold at a price in {prices.unit}."
        raise Refused("settlement.sale_unit", text)
    return PriceSeries(energy.grid, prices_on(prices, energy.grid, zone), prices.unit)


def sold(sale: Mapping[str, Any], energy: Series, prices: PriceSeries, vintage: str) -> Worksheet:
    """Return the worksheet of a sale: energy x price, less the fee; one amount, rounded once.

    `prices` lie on the intervals of the energy, as `priced` gives them; `vintage` names their
    publication.
    """
    findings = _missing(sale, energy, prices)
    total = None if energy.missing_count else energy.total()
    readings = Source(
        "readings",
        sale["channel"],
        f"{sale['channel']}, {energy.grid.count} intervals of {energy.grid.minutes} minutes",
        {"digest": energy.digest()},
    )
    sent = Figure("energy_kwh", total, "kWh", readings)
    mwh = Figure.computed("quantity_mwh", "MWh", "energy_kwh / 1000", sent)
    rows = [_revenue(sale, energy, prices, vintage, sent if UNITS[prices.unit] == 1 else mwh)]
    if Decimal(sale["fee_usd_per_mwh"]):
        fee = Figure("fee", Decimal(sale["fee_usd_per_mwh"]), "USD/MWh", _fee_source(sale))
        rate = Figure.computed("fee_taken_off", "USD/MWh", "0 - fee", fee)
        rows.append(Row("Fee per MWh sold", mwh, rate))
    return Worksheet(f"Sold at {sale['index']}", tuple(rows), findings=findings, line_per="CHARGE")


def _revenue(
    sale: Mapping[str, Any], energy: Series, prices: PriceSeries, vintage: str, quantity: Figure
) -> IntervalRow | Row:
    """Return the exact products of the intervals; without an amount while one is missing."""
    label = f"{sale['channel']} at {sale['index']}"
    evidence = Source("index", sale["index"], f"{sale['index']}, {vintage}")
    if energy.missing_count or prices.missing_count:
        note = "a reading or a price is missing"
        return Row(label, quantity, Figure("average_rate", None, prices.unit, evidence, note=note))
    scaled = exact.dot(prices.values, energy.values)
    scale = PRICE_SCALE * MICRO * UNITS[prices.unit]
    rate = average_rate(scaled, scale, quantity, prices.unit, evidence)
    digests = {"quantity": energy.digest(), "prices": prices.digest()}
    return IntervalRow(label, quantity, rate, scaled, scale, energy.grid.to_json(), digests)


def _fee_source(sale: Mapping[str, Any]) -> Source:
    return Source("term", "fee_usd_per_mwh", f"fee agreed from {sale['first_period']} on")


def _missing(sale: Mapping[str, Any], energy: Series, prices: PriceSeries) -> tuple[Finding, ...]:
    """Return a blocking finding per kind of what is missing: how many, and the first one."""
    found = []
    for code, what, absent, fix in (
        (
            "settlement.sale_reading",
            f"{sale['channel']} has no reading",
            energy.missing,
            "Bring in or estimate the readings, then divide the pool again.",
        ),
        (
            "settlement.sale_price",
            f"{sale['index']} has no price",
            prices.values == MISSING,
            f"Load the prices of {sale['index']}, then divide the pool again.",
        ),
    ):
        at = np.flatnonzero(absent)
        if at.size:
            first = energy.grid.start_of(int(at[0]))
            text = f"{what} in {at.size} of {energy.grid.count} intervals, the first begins "
            found.append(
                Finding(
                    code,
                    f"{text}{first:%Y-%m-%d %H:%M} UTC.",
                    where=sale["channel"] if code.endswith("reading") else sale["index"],
                    start_utc=first,
                    end_utc=energy.grid.start_of(int(at[-1]) + 1),
                    fix=fix,
                )
            )
    return tuple(found)
