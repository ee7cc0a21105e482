"""Energy in two settlements: the day-ahead schedule, then the deviation in real time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from contracts.calc import energy, index_chain, price_ladder, words
from contracts.calc.local_days import prices_on
from contracts.charges._base import ChargeInputs, ChargeType, Needs, TermContext, charge_types
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Source
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series
from poweroptix.kernel.worksheet import IntervalRow, Row, Worksheet


@charge_types.register("two_settlement@1")
class TwoSettlement(ChargeType):
    """Schedule x day-ahead price + (metered - schedule) x real-time price, by interval."""

    title = "Energy in two settlements, day-ahead and real-time"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(index_chain.IndexParameters, energy.QuantityParameters):
        """Schedule, both indices and the side of the customer; `index` is real-time."""

        schedule: str = param(help="Name of the quantity that was scheduled day-ahead.")
        day_ahead_index: str = param(help="Code of the day-ahead series; the index is real-time.")
        customer: str = param(
            choices=("BUYS", "SELLS"),
            help="BUYS: the customer owes what its load costs; SELLS: it is paid for its output.",
        )

    def needs(self, parameters: Any) -> Needs:
        """Return the schedule and both indices."""
        of_index = index_chain.needs(parameters)
        return Needs(
            series=(parameters.schedule,),
            prices=(parameters.named(parameters.day_ahead_index), *of_index.prices),
            helped=of_index.helped,
            standby=tuple(one for one in of_index.standby if one != parameters.day_ahead_index),
            days_before=of_index.days_before,
        )

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        context = context or TermContext()
        unit = energy.PRICE_UNITS[parameters.price_unit].quoted_unit
        verb = "owes" if parameters.customer == "BUYS" else "is paid"
        text = (
            f"{words.priced(context)} in two settlements{words.since(context)}: the customer "
            f"{verb} the schedule “{parameters.schedule}” at the price of "
            f"{context.title(parameters.day_ahead_index)}, per {unit} as published, and what was "
            f"metered beyond it at that of {index_chain.said(parameters, context.title)}; what was "
            "metered less counts against it; "
            f"{price_ladder.sentence(parameters, context.title)}{parameters.said_revisions()}"
        )
        return f"{text}. {words.rounding(parameters.quantity_places, unit, parameters.line_per)}"

    def charge(
        self, inputs: ChargeInputs, parameters: Any, carry_in: Mapping[str, Any]
    ) -> tuple[Worksheet, dict[str, Any]]:
        """One row per settlement; their quantities add up to what was metered."""
        metered, where = inputs.quantity(), index_chain.place(inputs)
        schedule = _schedule(inputs, parameters, metered)
        ahead = index_chain.usable(
            parameters.named(parameters.day_ahead_index),
            inputs,
            parameters.price_unit,
            schedule.grid,
        )
        found = index_chain.reference(inputs, parameters, metered.grid, parameters.price_unit)
        day_ahead = prices_on(ahead, schedule.grid, inputs.zone)
        findings = _missing(inputs, parameters, metered, schedule)
        findings += index_chain.missing(parameters.day_ahead_index, day_ahead, schedule.grid, where)
        findings += index_chain.not_final(parameters.day_ahead_index, ahead, where)
        findings += index_chain.findings(inputs, parameters, found, metered.grid)
        usable = not any(one.severity == Severity.BLOCK for one in findings)
        deviation = f"{inputs.term.quantity_name} less {parameters.schedule}"
        legs = (
            _Leg("day-ahead schedule", schedule, parameters.schedule, day_ahead,
                 parameters.day_ahead_index, ahead.vintage, ahead.digest()),
            _Leg("real-time deviation", metered.subtract(schedule), deviation, found.prices,
                 parameters.index, found.source.vintage, found.digest),
        )  # fmt: skip
        rows = [_row(inputs, parameters, leg, usable) for leg in legs]
        sheet = inputs.worksheet(
            rows,
            figures=price_ladder.evidence(parameters.index, found.runs),
            findings=findings,
            line_per=parameters.line_per,
        )
        return sheet, {}


@dataclass(frozen=True)
class _Leg:
    """One settlement: its energy with the name of it, its prices with where they are from."""

    label: str
    energy: Series
    name: str
    prices: np.ndarray
    code: str
    vintage: str
    digest: str


def _row(inputs: ChargeInputs, parameters: Any, leg: _Leg, usable: bool) -> IntervalRow | Row:
    """Return the row of a settlement, a credit where the customer sells."""
    series = leg.energy if parameters.customer == "BUYS" else leg.energy.negated()
    return index_chain.interval_row(
        f"{inputs.term.label}, {leg.label}",
        inputs,
        parameters,
        series,
        leg.prices if usable else None,
        Source("index", leg.code, f"{leg.code}, {leg.vintage}"),
        leg.digest,
        quantity=energy.quantity_figures(inputs, series, None, parameters, leg.name),
    )


def _schedule(inputs: ChargeInputs, parameters: Any, metered: Series) -> Series:
    """Return the schedule on the grid of the meter. Refused when it is not there or differs."""
    name = parameters.schedule
    if name not in inputs.series:
        known = ", ".join(sorted(inputs.series)) or "none"
        text = f"no schedule named '{name}'; known: {known}"
        raise Refused("contracts.series_unknown", text, quantity=name)
    schedule = inputs.series[name]
    if schedule.grid.minutes != metered.grid.minutes:
        raise Refused(
            "contracts.schedule_minutes",
            f"the schedule '{name}' has intervals of {schedule.grid.minutes} minutes, the meter "
            f"of {metered.grid.minutes}; sum the finer one",
        )
    return schedule.slice(metered.grid.start_utc, metered.grid.end_utc)


def _missing(
    inputs: ChargeInputs, parameters: Any, metered: Series, schedule: Series
) -> list[Finding]:
    """Return blocking findings for missing readings and missing schedules."""
    gap = energy.missing_finding(inputs, metered)
    found = [gap] if gap else []
    absent = np.flatnonzero(schedule.values == MISSING)
    if absent.size:
        first = schedule.grid.start_of(int(absent[0]))
        found.append(
            Finding(
                "contracts.schedule_missing",
                f"no schedule '{parameters.schedule}' in {absent.size} intervals, the first begins "
                f"{first:%Y-%m-%d %H:%M} UTC",
                where=index_chain.place(inputs),
                start_utc=first,
                fix="Bring in the schedule, then calculate again.",
            )
        )
    return found
