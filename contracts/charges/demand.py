"""Demand: peak kW of a window, ratchet, minimum, contract kW and blocks (DEMAND, RATCHET)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.calc import demand_words, tou_periods
from contracts.calc.billing_kw import (
    BillingKw,
    BillingKwParameters,
    missing_reading,
    other_quantities,
)
from contracts.calc.days import days_figure, in_month
from contracts.calc.demand_blocks import DemandPrice, block_figure
from contracts.charges._base import ChargeInputs, ChargeType, Needs, TermContext, charge_types
from poweroptix.kernel.figure import Figure
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.parameters import param
from poweroptix.kernel.worksheet import Row, Worksheet


@charge_types.register("demand@1")
class Demand(ChargeType):
    """Peak kW x rate: window, then ratchet, minimum and contract kW, then rounding, then blocks."""

    title = "Demand"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(BillingKwParameters):
        """Prices of the demand clause, beside window, rounding and memory of its kW."""

        prices: list[DemandPrice] = param(help="Periods with their blocks.")
        calendar: str = param(
            default="", required=False, help="Needed when a period other than ALL is priced."
        )
        proration: str = param(
            default="BY_DAYS",
            choices=("BY_DAYS", "FULL_MONTH"),
            help="What a part month pays.",
        )
        line_per: str = param(default="CHARGE", choices=("ROW", "CHARGE"))

    def needs(self, parameters: Any) -> Needs:
        """Return the calendar when a period of it is priced, and the other quantities read."""
        return Needs(
            series=other_quantities(parameters),
            calendars=(parameters.calendar,) if parameters.calendar else (),
        )

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        return demand_words.sentence(parameters, context or TermContext())

    def check(self, parameters: Any, context: TermContext) -> list[Finding]:
        """Blocks rise and end open; periods exist in the calendar; none is priced twice."""
        found: list[Finding] = []
        names = [row.period for row in parameters.prices]
        if not names:
            found.append(Finding("contracts.no_price", "no price is given", where="prices"))
        found += tou_periods.twice_priced(names)
        timed = [name for name in names if name != "ALL"]
        if timed and not parameters.calendar:
            text = f"{', '.join(timed)}: name the calendar of these periods"
            found.append(Finding("contracts.calendar_needed", text, where="calendar"))
        return found + tou_periods.unknown(parameters.calendar, timed, context, "prices")

    def charge(
        self, inputs: ChargeInputs, parameters: Any, carry_in: Mapping[str, Any]
    ) -> tuple[Worksheet, dict[str, Any]]:
        """Return a row per period and block; carries the month's own peak (before any ratchet)."""
        series = inputs.quantity()
        gap = missing_reading(inputs, series, parameters)
        if gap:
            return self._empty(inputs, parameters, gap), dict(carry_in)
        billing = BillingKw(inputs, series, parameters, carry_in)
        rows: list[Row] = []
        figures = [billing.billed]
        for price in parameters.prices:
            kw: Figure | None = billing.billed
            if price.period != "ALL":
                kw = billing.period_peak(price.period, parameters.calendar)
                if kw is None:
                    continue
                figures.append(kw)
            rows += self._block_rows(inputs, parameters, price, kw)
        sheet = inputs.worksheet(
            rows, figures=figures, findings=billing.findings, line_per=parameters.line_per
        )
        return sheet, billing.carry_out()

    def _empty(self, inputs: ChargeInputs, parameters: Any, gap: Finding) -> Worksheet:
        """Return a worksheet without an amount: the peak may lie in the gap."""
        unknown = Figure("peak_kw", None, "kW", note="a reading is missing")
        rate = Figure("rate", parameters.prices[0].blocks[0].rate, "USD/kW-month")
        row = Row(inputs.term.label, unknown, rate)
        return inputs.worksheet((row,), findings=(gap,), line_per=parameters.line_per)

    @staticmethod
    def _block_rows(
        inputs: ChargeInputs, parameters: Any, price: DemandPrice, kw: Figure
    ) -> list[Row]:
        """Return a row per marginal block that the kW reach, prorated by days in a part month."""
        days, month_days = in_month(inputs)
        divisor = 1
        label = inputs.term.label + ("" if price.period == "ALL" else f", {price.period}")
        rows, below = [], Decimal(0)
        for number, block in enumerate(price.blocks, start=1):
            if kw.value <= below and number > 1:
                break
            quantity = kw
            text = label
            if len(price.blocks) > 1:
                text += f", block {number}"
                quantity = block_figure(inputs, kw, below, block)
            if days != month_days and parameters.proration == "BY_DAYS":
                held = days_figure(inputs, days)
                quantity = Figure.computed(
                    "kw_days", "kW-day", f"{quantity.name} * days", quantity, held
                )
                divisor = month_days
            rate = Figure("rate", block.rate, "USD/kW-month", inputs.term.source("rate"))
            rows.append(Row(text, quantity, rate, unit_divisor=Decimal(divisor)))
            below = block.up_to_kw if block.up_to_kw is not None else kw.value
        return rows
