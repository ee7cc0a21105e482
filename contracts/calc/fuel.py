"""Fuel: what it cost, and how much of it a guaranteed heat rate allows.

Heat rates are MMBtu per MWh. Gas is bought by its higher heating value (HHV); a heat rate on the
lower one (LHV) is multiplied by the ratio of the two before it is compared.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np

from contracts.calc.local_days import is_by_date, prices_on
from contracts.calc.of_month import OfMonthParameters, number_of, unknown
from contracts.calc.price_ladder import priced_series
from contracts.calc.totals import gaps, in_unit, stated, total, total_mwh
from contracts.charges._base import ChargeInputs
from contracts.events import values_of
from poweroptix.kernel import exact
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.fixed import MISSING, PRICE_SCALE, from_price
from poweroptix.kernel.parameters import param
from poweroptix.kernel.period import zone_of
from poweroptix.kernel.price_series import PriceSeries
from poweroptix.kernel.rounding import Mode, to_places
from poweroptix.kernel.worksheet import Row

START, INVOICE = "start@1", "fuel_invoice@1"
UNIT = "USD/MMBtu"


@dataclass(frozen=True, kw_only=True)
class StartFuel:
    """Fuel that one start takes."""

    state: str = param(choices=("HOT", "WARM", "COLD"))
    fuel_mmbtu: Decimal = param(unit="MMBtu", minimum=Decimal(0), maximum=Decimal(10_000_000))


@dataclass(frozen=True, kw_only=True)
class HeatRateParameters(OfMonthParameters):
    """The part of a clause that says how much fuel a MWh may take."""

    MAY_STATE = {"heat_rate": False, "hhv_per_lhv_ratio": False}

    heat_rate: Decimal = param(
        unit="MMBtu/MWh",
        minimum=Decimal("0.001"),
        maximum=Decimal(1000),
        help="Guaranteed heat rate.",
    )
    heating_value: str = param(
        choices=("HHV", "LHV"), help="On which heating value the heat rate was guaranteed."
    )
    hhv_per_lhv_ratio: Decimal | None = param(
        default=None,
        unit="ratio",
        minimum=Decimal(1),
        maximum=Decimal(2),
        help="Only for LHV: higher over lower heating value of the gas, for example 1.109.",
    )
    tolerance_ratio: Decimal = param(
        unit="ratio",
        minimum=Decimal(0),
        maximum=Decimal(1),
        help="Band around the heat rate in which the fuel counts as it is; 0 for none.",
    )
    gain_share_ratio: Decimal = param(
        unit="ratio",
        minimum=Decimal(0),
        maximum=Decimal(1),
        help="Part of the saved fuel's price that the seller gets; 0 for none.",
    )
    gain_from: str = param(
        choices=("BAND", "HEAT_RATE"),
        help="What a saving is measured from: the lower end of the band, or the heat rate itself "
        "once the fuel is below the band.",
    )
    start_fuel: str = param(
        choices=("IN", "OUT"),
        help="OUT: the fuel of starts is taken from the metered fuel before it is compared.",
    )
    start_table: list[StartFuel] = param(
        default=(), help="Fuel of a start by how warm the unit was; needed for OUT."
    )
    fuel: str = param(default="fuel", help="Quantity that holds the metered fuel in MMBtu.")
    fuel_places: int = param(default=3, minimum=0, maximum=6, help="Decimals of the fuel.")

    def check_fuel(self) -> None:
        """Refuse a missing ratio of heating values, and starts without their fuel."""
        given = (self.hhv_per_lhv_ratio is not None) + ("hhv_per_lhv_ratio" in self.of_month)
        if given != (self.heating_value == "LHV"):
            text = "hhv_per_lhv_ratio: give it exactly when the heat rate is on LHV, or of_month"
            raise Refused("contracts.heating_value", text)
        states = [row.state for row in self.start_table]
        if len(set(states)) != len(states):
            raise Refused("contracts.start_table", "start_table: a state is named twice")
        if (self.start_fuel == "OUT") != bool(states):
            text = "start_table: give it exactly when the fuel of starts is out"
            raise Refused("contracts.start_table", text)

    def start_events(self) -> tuple[str, ...]:
        """Return the kind of the starts where their fuel is out."""
        return () if self.start_fuel == "IN" else (START,)


@dataclass(frozen=True)
class Burned:
    """Fuel that was burned to make energy, and the band that was allowed, as figures."""

    fuel: Figure
    energy: Figure
    most: Figure
    least: Figure
    allowed: Figure
    findings: tuple[Finding, ...] = ()


def burned(inputs: ChargeInputs, terms: HeatRateParameters) -> Burned:
    """Return actual and allowed fuel of the days in force; empty while a reading is missing."""
    metered = Figure("metered_mmbtu", None, "MMBtu")
    if metered.name in terms.of_month:
        metered = number_of(inputs, terms, metered)
    else:
        metered = total(inputs, terms.fuel, "MMBtu", "metered_mmbtu")
    fuel = metered
    if terms.start_fuel == "OUT":
        starts = _start_fuel(inputs, terms)
        fuel = Figure.computed(
            "fuel_mmbtu", "MMBtu", "metered_mmbtu - start_mmbtu", metered, starts
        )
    energy = total_mwh(inputs, inputs.term.quantity_name, "energy")
    agreed = stated(inputs, "heat_rate", terms.heat_rate, "MMBtu/MWh")
    parts = [number_of(inputs, terms, agreed), energy]
    formula = "heat_rate * energy_mwh"
    if terms.heating_value == "LHV":
        ratio = stated(inputs, "hhv_per_lhv_ratio", terms.hhv_per_lhv_ratio, "ratio")
        parts.append(number_of(inputs, terms, ratio))
        formula += " * hhv_per_lhv_ratio"
    allowed = Figure.computed("allowed_mmbtu", "MMBtu", formula, *parts)
    band = stated(inputs, "tolerance_ratio", terms.tolerance_ratio, "ratio")
    most = Figure.computed(
        "most_mmbtu", "MMBtu", "allowed_mmbtu * (1 + tolerance_ratio)", allowed, band
    )
    least = Figure.computed(
        "least_mmbtu", "MMBtu", "allowed_mmbtu * (1 - tolerance_ratio)", allowed, band
    )
    findings = unknown(inputs, terms, metered, *parts)
    return Burned(_as(fuel, "fuel_mmbtu"), energy, most, least, allowed, tuple(findings))


def fuel_gaps(inputs: ChargeInputs, terms: HeatRateParameters) -> list[Finding]:
    """Return what is missing of the metered energy, and of the fuel where it is metered."""
    metered = () if "metered_mmbtu" in terms.of_month else (terms.fuel,)
    return gaps(inputs, *metered, inputs.term.quantity_name)


def _as(figure: Figure, name: str) -> Figure:
    """Return a figure under the name that formulas use."""
    if figure.name == name:
        return figure
    return Figure.computed(name, figure.unit, figure.name, figure)


def _start_fuel(inputs: ChargeInputs, terms: HeatRateParameters) -> Figure:
    table = {row.state: row.fuel_mmbtu for row in terms.start_table}
    used = Decimal(0)
    events = inputs.happened(START)
    for event in events:
        state = values_of(event).state
        if state not in table:
            text = f"start_table: no fuel for a {state.lower()} start, and there is one"
            raise Refused("contracts.start_table", f"{text}: {event.name()}")
        used += table[state]
    references = ", ".join(event.reference for event in events if event.reference)
    source = Source("event", references, f"fuel of {len(events)} starts")
    return Figure("start_mmbtu", used, "MMBtu", source)


def saved_rows(
    inputs: ChargeInputs, terms: HeatRateParameters, found: Burned, rate: Figure
) -> list[Row]:
    """Return the row of the seller's share of what was saved; none where it gets no share."""
    if not terms.gain_share_ratio:
        return []
    places = (terms.fuel_places, Mode.HALF_UP)
    saved = _gain(inputs, terms, found)
    share = Figure.computed("shared_mmbtu", "MMBtu", "gain_mmbtu", saved, round_to=places)
    return [Row("share of the saved fuel", share, rate)]


def _gain(inputs: ChargeInputs, terms: HeatRateParameters, found: Burned) -> Figure:
    """Return the fuel of which the seller gets the price: its share of what was saved."""
    share = stated(inputs, "gain_share_ratio", terms.gain_share_ratio, "ratio")
    if terms.gain_from == "BAND" or not terms.tolerance_ratio:
        formula, parts = "max(0, least_mmbtu - fuel_mmbtu)", [found.least]
    elif _is_below(found):
        formula, parts = "allowed_mmbtu - fuel_mmbtu", [found.allowed]
    else:
        formula, parts = "0 * fuel_mmbtu", []
    return Figure.computed(
        "gain_mmbtu", "MMBtu", f"gain_share_ratio * ({formula})", share, *parts, found.fuel
    )


def _is_below(found: Burned) -> bool:
    known = found.fuel.value is not None and found.least.value is not None
    return known and found.fuel.value < found.least.value


def weighted_price(
    inputs: ChargeInputs, index: str, fuel: str, places: int
) -> tuple[Figure, list[Finding]]:
    """Return the index price of the fuel, weighted by what was burned in each interval.

    Without any fuel it is the plain average of the prices. Empty while a price is missing.
    """
    prices = _prices(inputs, index)
    series = in_unit(inputs, fuel, "MMBtu")
    if not is_by_date(prices):
        series = series.to_minutes(max(series.grid.minutes, prices.grid.minutes))
    each = prices_on(prices, series.grid, inputs.zone)
    absent = np.flatnonzero((each == MISSING) & (series.values != 0))
    source = Source("index", index, f"{index}, weighted by {fuel}", {"vintage": prices.vintage})
    if absent.size or series.missing_count or (each == MISSING).all():
        first = series.grid.start_of(int(absent[0])) if absent.size else series.grid.start_utc
        figure = Figure("gas_price", None, UNIT, source, note="a price is missing")
        return figure, [price_gap(inputs, index, first)] if not series.missing_count else []
    each = np.where(each == MISSING, 0, each)
    burned_total = exact.total(series.values)
    if burned_total:
        average = Decimal(exact.dot(each, series.values)) / PRICE_SCALE / burned_total
    else:
        average = Decimal(exact.total(each)) / PRICE_SCALE / each.size
    value = to_places(average, places, Mode.HALF_UP)
    return Figure("gas_price", value, UNIT, source, note=f"rounded to {places} places"), []


def price_at(inputs: ChargeInputs, index: str, moment: datetime, name: str) -> Figure:
    """Return the price of the interval in which a moment lies; empty where none is published.

    A daily price stands for the local date.
    """
    prices = _prices(inputs, index)
    if is_by_date(prices):
        at = (moment.astimezone(zone_of(inputs.zone)).date() - prices.grid.start_utc.date()).days
    else:
        at = (moment - prices.grid.start_utc) // timedelta(minutes=prices.grid.minutes)
    source = Source("index", index, f"{index} at {moment:%Y-%m-%d %H:%M} UTC")
    known = 0 <= at < prices.grid.count and int(prices.values[at]) != MISSING
    value = from_price(int(prices.values[at])) if known else None
    return Figure(name, value, UNIT, source, note="" if known else "no price is published")


def _prices(inputs: ChargeInputs, index: str) -> PriceSeries:
    prices = priced_series(index, inputs.prices)
    if prices.unit != UNIT:
        text = f"{inputs.term.label}: '{index}' is in {prices.unit}, fuel is priced in {UNIT}"
        raise Refused("contracts.unit_mismatch", text)
    return prices


def price_gap(inputs: ChargeInputs, index: str, moment: datetime) -> Finding:
    """Return the blocking finding of a price that is not published."""
    return Finding(
        "contracts.price_missing",
        f"'{index}' has no price at {moment:%Y-%m-%d %H:%M} UTC",
        where=f"{inputs.term.contract} line {inputs.term.line_code}",
        start_utc=moment,
        fix="Publish the price, then calculate again.",
    )


def invoiced_price(inputs: ChargeInputs, places: int) -> tuple[Figure, list[Finding]]:
    """Return the weighted average cost of the gas that was invoiced for the period.

    Empty while no invoice is entered. Refused when one reaches over the days in force.
    """
    start, end = inputs.window()
    volume, amount, references = Decimal(0), Decimal(0), []
    for event in inputs.happened(INVOICE):
        if event.start_utc < start or event.end_utc > end:
            text = f"{event.name()} is for gas of other days too; enter it in parts"
            raise Refused("contracts.fuel_invoice", text)
        values = values_of(event)
        volume, amount = volume + values.volume_mmbtu, amount + values.amount_usd
        references.append(event.reference)
    source = Source("event", ", ".join(filter(None, references)), "invoices of the gas")
    if not volume:
        text = f"no gas invoice of {inputs.period.label} is entered"
        missing = Finding(
            "contracts.fuel_invoice_missing",
            text,
            where=f"{inputs.term.contract} line {inputs.term.line_code}",
            fix="Enter the invoices as events of the contract.",
        )
        return Figure("gas_price", None, UNIT, source, note=text), [missing]
    return (
        Figure.computed(
            "gas_price",
            UNIT,
            "invoiced_usd / invoiced_mmbtu",
            Figure("invoiced_usd", amount, "USD", source),
            Figure("invoiced_mmbtu", volume, "MMBtu", source),
            round_to=(places, Mode.HALF_UP),
        ),
        [],
    )
