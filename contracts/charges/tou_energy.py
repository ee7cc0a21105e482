"""Energy at a price per time-of-use period (TOU): seasons, day types, hours and holidays."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from contracts.calc import (
    energy,
    energy_share,
    escalation,
    growth_words,
    losses,
    tou_periods,
    words,
)
from contracts.calc.escalation import Segment
from contracts.charges._base import ChargeInputs, ChargeType, Needs, TermContext, charge_types
from poweroptix.kernel.figure import Figure
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.fixed import price as fixed_price
from poweroptix.kernel.parameters import param
from poweroptix.kernel.worksheet import IntervalRow, Row, Worksheet


@dataclass(frozen=True, kw_only=True)
class PeriodPrice:
    """Price of one time-of-use period."""

    period: str = param(help="Name of the period in the calendar, for example ON.")
    price: Decimal = param(
        unit="quoted unit", minimum=Decimal(-1_000_000), maximum=Decimal(1_000_000)
    )

    def __post_init__(self) -> None:
        """Refuse a price that fixed point cannot hold."""
        fixed_price(self.price)


@charge_types.register("tou_energy@1")
class TouEnergy(ChargeType):
    """Sum over periods of quantity x price; the local start of an interval decides its period."""

    title = "Energy by time of use"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(
        energy_share.ShareParameters,
        energy.QuantityParameters,
        escalation.EscalatorParameters,
        losses.LossParameters,
    ):
        """Calendar and the price of each of its periods."""

        calendar: str = param(help="Code of the time-of-use calendar.")
        prices: list[PeriodPrice] = param(help="One price per period of the calendar.")

    def needs(self, parameters: Any) -> Needs:
        """Return the calendar, and the indices that the prices follow."""
        return Needs(calendars=(parameters.calendar,), histories=escalation.indices(parameters))

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        context = context or TermContext()
        unit = energy.PRICE_UNITS[parameters.price_unit].quoted_unit
        prices = words.listed(
            f"{row.period} {words.dollars(row.price)}" for row in parameters.prices
        )
        when = tou_periods.said(parameters.calendar, context)
        return (
            f"{energy_share.said(parameters, context)}{losses.said(parameters)} by time of use: "
            f"{prices} per {unit}"
            f"{words.since(context, parameters)}{growth_words.growth(parameters, context)}. {when} "
            + words.rounding(parameters.quantity_places, unit, parameters.line_per)
        )

    def check(self, parameters: Any, context: TermContext) -> list[Finding]:
        """Every period of the calendar has exactly one price, and prices stay in bounds."""
        code, named = parameters.calendar, [row.period for row in parameters.prices]
        found = tou_periods.twice_priced(named)
        found += tou_periods.unpriced(code, named, context, "prices")
        found += tou_periods.unknown(code, named, context, "prices")
        for row in parameters.prices:
            where = f"prices {row.period}"
            found += escalation.check_growth(row.price, parameters, context, where)
        return found

    def charge(
        self,
        inputs: ChargeInputs,
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> tuple[Worksheet, dict[str, Any]]:
        """One row per price segment and period that occurs in it."""
        series = inputs.quantity()
        finding = energy.missing_finding(inputs, series)
        findings = [finding] if finding else []
        growth = escalation.Escalation(inputs, parameters)
        rows: list[Row | IntervalRow] = []
        for part in growth.segments:
            rows += self._rows(inputs, parameters, growth, part, findings)
        sheet = inputs.worksheet(
            rows, findings=(*findings, *growth.findings), line_per=parameters.line_per
        )
        return sheet, {}

    def _rows(
        self,
        inputs: ChargeInputs,
        parameters: Any,
        growth: escalation.Escalation,
        part: Segment,
        findings: list[Finding],
    ) -> list[Row | IntervalRow]:
        """Rows of one segment; a period without a price leaves its row empty and blocks."""
        calendar = inputs.calendar(parameters.calendar)
        start = inputs.period.day_bounds(part.first_day)[0]
        cut = inputs.quantity().slice(start, inputs.period.day_bounds(part.last_day)[1])
        names, index = calendar.schedule.periods(cut.grid, set(calendar.holidays))
        prices = {row.period: row.price for row in parameters.prices}
        rows = []
        for number, name in enumerate(names):
            chosen = index == number
            if not np.any(chosen):
                continue
            if name not in prices:
                findings.append(
                    Finding("contracts.period_unpriced", f"{name} has no price", where="prices")
                )
            base = Figure(
                f"price_{energy.name_of(name)}",
                prices.get(name),
                parameters.price_unit,
                inputs.term.source(f"price {name}"),
            )
            rate = growth.price(base, part.year)
            label = f"{inputs.term.label}, {name}" + (
                f" {part.text()}" if len(growth.segments) > 1 else ""
            )
            rows.append(energy.energy_row(label, inputs, cut, chosen, rate, parameters))
        return rows
