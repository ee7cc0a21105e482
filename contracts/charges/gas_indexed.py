"""Energy at a gas index x heat rate + variable cost, by gas day (GAS_HR)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np

from contracts.calc import (
    energy,
    energy_share,
    gas_collar,
    gas_days,
    index_chain,
    price_ladder,
    words,
)
from contracts.calc.gas_collar import GasCollarParameters
from contracts.calc.of_month import OfMonthParameters, number_of, unknown
from contracts.calc.of_month import said as said_of_month
from contracts.calc.price_ladder import Filled, LadderParameters
from contracts.calc.price_versions import RevisionParameters
from contracts.charges._base import ChargeInputs, ChargeType, Needs, TermContext, charge_types
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import MISSING, from_price, price
from poweroptix.kernel.parameters import param
from poweroptix.kernel.period import zone_of
from poweroptix.kernel.price_series import PriceSeries
from poweroptix.kernel.rounding import Mode
from poweroptix.kernel.series import Series
from poweroptix.kernel.worksheet import IntervalRow, Row, Worksheet

GAS_UNIT = "USD/MMBtu"
GAS_PRICE = "(gas_index + gas_basis) / (1 - retention_ratio)"
POWER_PRICE = "gas_price x heat_rate + variable_cost"


@charge_types.register("gas_indexed@1")
class GasIndexed(ChargeType):
    """Sum of q x (((G + basis) / (1 - retention)) x heat rate + VOM), G that of the gas day."""

    title = "Energy at a gas index times a heat rate"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(
        OfMonthParameters,
        energy_share.ShareParameters,
        GasCollarParameters,
        RevisionParameters,
        LadderParameters,
        energy.QuantityParameters,
    ):
        """Index, delivery of the gas, heat rate, gas day, and what stands in for a price."""

        MAY_STATE = {"retention_ratio": False}

        line_per: str = param(
            default="CHARGE",
            choices=("CHARGE", "ROW"),
            help="CHARGE rounds the sum of the gas days once; ROW prints a line per gas day.",
        )
        gas_index: str = param(help="Code of the gas index: daily prices in USD/MMBtu.")
        gas_basis: Decimal = param(
            default=Decimal(0), unit=GAS_UNIT, help="Added to the index before retention."
        )
        retention_ratio: Decimal = param(
            default=Decimal(0),
            unit="ratio",
            minimum=0,
            maximum=Decimal("0.5"),
            help="Part of the gas that the pipeline keeps: the price is divided by 1 - ratio.",
        )
        heat_rate: Decimal = param(
            unit="MMBtu/MWh",
            minimum=0,
            maximum=100,
            help="Gas per MWh at the higher heating value, in which gas is sold.",
        )
        variable_cost: Decimal = param(
            default=Decimal(0), unit="USD/MWh", help="Operation and maintenance per MWh."
        )
        gas_price_places: int = param(
            minimum=0, maximum=8, help="Decimals of the gas price after basis and retention."
        )
        power_price_places: int = param(
            minimum=0, maximum=8, help="Decimals of the power price of a gas day, half-up."
        )
        gas_day_start_hour: int = param(
            minimum=0,
            maximum=23,
            help="Hour at which a gas day begins: 9 for the North American gas day (zone "
            "America/Chicago), 0 when the price of a date holds for that date's power.",
        )
        gas_day_zone: str = param(help="Zone of that hour, for example America/Chicago.")
        unpublished_days: str = param(
            choices=("CARRY", "MISSING"),
            help="CARRY: a Sunday, a Monday, a holiday or the day after one without a price of its "
            "own has that of the day before, as published. MISSING: it has none.",
        )
        holiday_calendar: str = param(
            default="", help="Time-of-use calendar whose holidays carry the price, with CARRY."
        )

        def __post_init__(self) -> None:
            """Refuse a unit other than the one that a heat rate gives, and prices without room."""
            if self.price_unit != "USD/MWh":
                text = f"a heat rate in MMBtu/MWh gives USD/MWh, not {self.price_unit}"
                raise Refused("contracts.gas_unit", text)
            if self.holiday_calendar and self.unpublished_days != "CARRY":
                text = "holiday_calendar is read with unpublished_days CARRY only"
                raise Refused("contracts.gas_holidays", text)
            for value in (self.gas_basis, self.variable_cost):
                price(value)
            zone_of(self.gas_day_zone)
            self.check_collar()
            super().__post_init__()

    def needs(self, parameters: Any) -> Needs:
        """Return the gas index, its substitutes, the days before, and the holidays."""
        reach = gas_days.CARRY_REACH_DAYS if parameters.unpublished_days == "CARRY" else 0
        index = parameters.named(parameters.gas_index)
        return Needs(
            prices=(index, *parameters.helpers()),
            calendars=(parameters.holiday_calendar,) if parameters.holiday_calendar else (),
            helped=(index,),
            standby=parameters.helpers(),
            days_before={index: 1 + reach + parameters.days_before()},
            facts=tuple(parameters.of_month),
        )

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        context = context or TermContext()
        gas = context.title(parameters.gas_index)
        if parameters.gas_basis:
            verb = "less" if parameters.gas_basis < 0 else "plus"
            gas += f" {verb} {words.dollars(abs(parameters.gas_basis), GAS_UNIT)}"
        if parameters.retention_ratio:
            gas += f", divided by 1 less {words.percent(parameters.retention_ratio)} retention"
        text = (
            f"{energy_share.said(parameters, context)} at the gas price of {gas}, times "
            f"{words.number(parameters.heat_rate)} MMBtu per MWh (higher heating value), plus "
            f"{words.dollars(parameters.variable_cost, 'USD/MWh')}{words.since(context)}. The gas "
            f"price is rounded to {words.counted(parameters.gas_price_places, 'place')}, the "
            f"power price to {words.counted(parameters.power_price_places, 'place')}; a gas day "
            f"begins at {parameters.gas_day_start_hour:02d}:00 ({parameters.gas_day_zone} time)"
        )
        text += gas_collar.said(parameters)
        if parameters.unpublished_days == "CARRY":
            holidays = ", a holiday and the day after it" if parameters.holiday_calendar else ""
            text += (
                f"; a Sunday, a Monday{holidays} without a price of its own has that of the day "
                "before"
            )
        text += f"; {price_ladder.sentence(parameters, context.title)}"
        text += parameters.said_revisions()
        cents = words.rounding(parameters.quantity_places, "MWh", parameters.line_per)
        return f"{text}.{said_of_month(parameters)} {cents}"

    def charge(
        self, inputs: ChargeInputs, parameters: Any, carry_in: Mapping[str, Any]
    ) -> tuple[Worksheet, dict[str, Any]]:
        """One row per gas day: its exact energy at the price that its own gas made."""
        series = inputs.quantity()
        gas = _gas(inputs, parameters)
        ordinals = gas_days.gas_day_ordinals(
            series.grid, parameters.gas_day_zone, parameters.gas_day_start_hour
        )
        rows: list[Row | IntervalRow] = []
        edges = [0, *(np.flatnonzero(np.diff(ordinals)) + 1).tolist(), series.grid.count]
        for first, end in pairwise(edges):
            part = series.slice(series.grid.start_of(first), series.grid.start_of(end))
            day = date.fromordinal(int(ordinals[first]))
            rows.append(_row(inputs, parameters, part, day, gas))
        days = sorted({date.fromordinal(one) for one in ordinals.tolist()})
        used = [run for run in gas.runs if _touches(run, days)]
        gap = energy.missing_finding(inputs, series)
        where = index_chain.place(inputs)
        warned = price_ladder.finding(parameters.gas_index, used, where)
        findings = [
            *([gap] if gap else []),
            *unknown(inputs, parameters, *_agreed(inputs, parameters)),
            *_absent(gas, days, where),
            *([warned] if warned else []),
            *index_chain.not_final(parameters.gas_index, gas.source, where),
        ]
        sheet = inputs.worksheet(
            rows,
            figures=(
                *_agreed(inputs, parameters),
                *price_ladder.evidence(parameters.gas_index, used),
            ),
            findings=findings,
            line_per=parameters.line_per,
        )
        return sheet, {}

    def interval_prices(self, inputs: ChargeInputs, parameters: Any) -> np.ndarray:
        """Return the power price of the gas day of every interval."""
        series, gas = inputs.quantity(), _gas(inputs, parameters)
        ordinals = gas_days.gas_day_ordinals(
            series.grid, parameters.gas_day_zone, parameters.gas_day_start_hour
        )
        days, where = np.unique(ordinals, return_inverse=True)
        prices = []
        for ordinal in days.tolist():
            rate = _rate(inputs, parameters, date.fromordinal(ordinal), gas)
            prices.append(MISSING if rate.value is None else price(rate.value))
        return np.array(prices, dtype=np.int64)[where]


@dataclass(frozen=True)
class _Gas:
    """Gas prices by date: as published, after the carry, after the ladder."""

    code: str
    source: PriceSeries
    carried: gas_days.Carried
    filled: Filled
    runs: list[dict[str, Any]]

    def at(self, day: date) -> tuple[Decimal | None, str]:
        """Return the price of a gas day and where it comes from, in words."""
        prices = self.filled.prices
        [at] = gas_days.positions(prices, np.array([day.toordinal()])).tolist()
        if at < 0 or prices.values[at] == MISSING:
            return None, f"no price for {day}"
        value = from_price(int(prices.values[at]))
        if self.filled.rung[at] >= 0:
            said = self.filled.ladder[self.filled.rung[at]].said()
            return value, f"provisional: {said}"
        of = self.carried.of.get(day)
        return value, f"price of {of}, carried as published" if of else f"price of {day}"


def _gas(inputs: ChargeInputs, parameters: Any) -> _Gas:
    """Return the gas prices of a term. Refused in another unit, or unless they are daily."""
    code = parameters.gas_index
    source = price_ladder.quoted_in(GAS_UNIT, parameters.named(code), inputs.prices, "a gas index")
    gas_days.positions(source, np.array([], dtype=np.int64))
    carried = gas_days.Carried(source, {})
    if parameters.unpublished_days == "CARRY":
        named = parameters.holiday_calendar
        carried = gas_days.carry(source, inputs.calendar(named).holidays if named else ())
    filled = price_ladder.climb(code, carried.prices, parameters, inputs.prices, inputs.zone)
    runs = price_ladder.spans(filled, source.grid.start_utc, source.grid.end_utc)
    return _Gas(code, source, carried, filled, runs)


def _rate(inputs: ChargeInputs, parameters: Any, day: date, gas: _Gas) -> Figure:
    """Return the power price of a gas day with the gas price that it is made from."""
    value, said = gas.at(day)
    source = Source("index", f"{gas.code}/{day}", f"{gas.code}, {gas.source.vintage}")
    names = ("gas_basis", "retention_ratio", "heat_rate", "variable_cost")
    basis, retention, heat_rate, variable = (
        one for one in _agreed(inputs, parameters) if one.name in names
    )
    formula, limits = gas_collar.limited(parameters, "GAS_PRICE", GAS_PRICE, inputs.term.source)
    gas_price = Figure.computed(
        "gas_price",
        GAS_UNIT,
        formula,
        Figure("gas_index", value, GAS_UNIT, source, note=said),
        basis,
        retention,
        *limits,
        round_to=(parameters.gas_price_places, Mode.HALF_UP),
    )
    formula, limits = gas_collar.limited(parameters, "POWER_PRICE", POWER_PRICE, inputs.term.source)
    return Figure.computed(
        "power_price",
        "USD/MWh",
        formula,
        gas_price,
        heat_rate,
        variable,
        *limits,
        round_to=(parameters.power_price_places, Mode.HALF_UP),
    )


def _row(
    inputs: ChargeInputs, parameters: Any, part: Series, day: date, gas: _Gas
) -> Row | IntervalRow:
    """Return the row of one gas day; without a price or a reading it has no amount."""
    rate = _rate(inputs, parameters, day, gas)
    label = f"{inputs.term.label}, gas day {day}"
    evidence = Source("index", gas.code, f"{gas.code}, {gas.source.vintage}")
    usable = rate.value is not None and not part.missing_count
    prices = None
    if usable and rate.value is not None:
        prices = np.full(part.grid.count, price(rate.value), dtype=np.int64)
    return index_chain.interval_row(
        label, inputs, parameters, part, prices, evidence, gas.filled.prices.digest(), rate
    )


def _agreed(inputs: ChargeInputs, parameters: Any) -> tuple[Figure, ...]:
    """Return basis, retention, heat rate and variable cost as the contract or month states them."""
    units = {
        "gas_basis": GAS_UNIT,
        "retention_ratio": "ratio",
        "heat_rate": "MMBtu/MWh",
        "variable_cost": "USD/MWh",
    }
    agreed = (
        Figure(name, getattr(parameters, name), unit, inputs.term.source(name.replace("_", " ")))
        for name, unit in units.items()
    )
    return tuple(number_of(inputs, parameters, figure) for figure in agreed)


def _touches(run: Mapping[str, Any], days: list[date]) -> bool:
    """Say whether a run of substitutes lies on one of the gas days."""
    return any(run["start_utc"][:10] <= day.isoformat() < run["end_utc"][:10] for day in days)


def _absent(gas: _Gas, days: list[date], where: str) -> list[Finding]:
    """Return the blocking finding of gas days without a price."""
    absent = [day for day in days if gas.at(day)[0] is None]
    if not absent:
        return []
    return [
        Finding(
            "contracts.price_missing",
            f"no price of {gas.code} for the gas day {absent[0]} ({len(absent)} gas days)",
            severity=Severity.BLOCK,
            where=where,
            fix=f"Load the prices of {gas.code}.",
        )
    ]
