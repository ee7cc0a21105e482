"""Fees per month, day, kW, meter or contract year, with a rule for part months (RECURRING)."""

from calendar import isleap
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.calc import words
from contracts.calc.contract_year import anniversary
from contracts.calc.days import in_month, thirty_360
from contracts.calc.facts import fact_figure, finding_of
from contracts.charges._base import ChargeInputs, ChargeType, Needs, TermContext, charge_types
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.parameters import param
from poweroptix.kernel.worksheet import Row, Worksheet

COUNTED = {"KW": ("contract_kw", "kW"), "METER": ("meter_count", "count")}
UNITS = {
    "MONTH": "USD/month",
    "DAY": "USD/day",
    "KW": "USD/kW-month",
    "METER": "USD/meter-month",
    "YEAR": "USD/year",
}
PAID = {
    "MONTH": "per month",
    "DAY": "per day",
    "KW": "per kW and month",
    "METER": "per meter and month",
    "YEAR": "per contract year",
}
PART_MONTH = {
    "ACTUAL_MONTH": "A part month pays its days over the days of the month",
    "THIRTY_360": "A part month pays its days over 30, every month counting as 30 days",
    "ACTUAL_365": "A part month pays its days of the yearly fee over 365",
    "ACTUAL_YEAR": "A part month pays its days of the yearly fee over the days of the year",
}
#: Rules that take the days of a year out of twelve monthly fees.
YEARLY = ("ACTUAL_365", "ACTUAL_YEAR")


@charge_types.register("recurring_fee@1")
class RecurringFee(ChargeType):
    """A fee that does not depend on energy."""

    title = "Recurring fee"
    uses_quantity = False

    @dataclass(frozen=True, kw_only=True)
    class Parameters:
        """Amount, what it is paid per, and the day count of a part month."""

        fee: Decimal = param(
            unit="USD", minimum=Decimal(-100_000_000), maximum=Decimal(100_000_000)
        )
        per: str = param(
            default="MONTH",
            choices=("MONTH", "DAY", "KW", "METER", "YEAR"),
            help="KW and METER are per month; YEAR falls due in the anniversary month.",
        )
        count: str = param(
            default="PARAMETER",
            choices=("PARAMETER", "FACT"),
            help="Where kW or meters come from: the number below, or the contract's facts "
            "contract_kw and meter_count.",
        )
        units: Decimal = param(
            default=Decimal(1),
            minimum=Decimal(0),
            maximum=Decimal(10_000_000),
            help="kW or meters.",
        )
        proration: str = param(
            default="ACTUAL_MONTH",
            choices=tuple(PART_MONTH),
            help="Part months: days over days of the month; over 30; or days of the yearly fee "
            "over 365, or over the days of the year, 366 in a leap year.",
        )

    def needs(self, parameters: Any) -> Needs:
        """Return the counted fact."""
        if parameters.per in COUNTED and parameters.count == "FACT":
            return Needs(facts=(COUNTED[parameters.per][0],))
        return Needs()

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        context = context or TermContext()
        fee = words.dollars(parameters.fee)
        text = f"Fee: {fee} {PAID[parameters.per]}{words.since(context)}"
        if parameters.per in COUNTED:
            what = "kW" if parameters.per == "KW" else "meters"
            if parameters.count == "FACT":
                text += f", for the {what} that the contract states for the month"
            else:
                text += f", for {words.number(parameters.units)} {what}"
        if parameters.per == "DAY":
            return f"{text}. Every day in force counts; the sum is rounded to cents once."
        if parameters.per == "YEAR":
            due = words.anniversaries(context.anchor_date)
            return f"{text}, due in full {due}; it is rounded to cents once."
        return f"{text}. {PART_MONTH[parameters.proration]}; the sum is rounded to cents once."

    def check(self, parameters: Any, context: TermContext) -> list[Finding]:
        """Find a yearly fee without the anchor that says in which month it falls."""
        if parameters.per == "YEAR" and context.anchor_date is None:
            text = "a yearly fee needs the first day of contract year 1"
            return [Finding("contracts.no_anchor", text, where="per")]
        return []

    def charge(
        self,
        inputs: ChargeInputs,
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> tuple[Worksheet, dict[str, Any]]:
        """One row: a count or a number of days x the fee over the day count's divisor."""
        inputs.window()
        if parameters.per == "DAY":
            row, findings = self._daily(inputs, parameters), []
        elif parameters.per == "YEAR":
            row, findings = self._yearly(inputs, parameters), []
        else:
            row, findings = self._monthly(inputs, parameters)
        sheet = inputs.worksheet((row,), findings=findings)
        return sheet, {}

    @staticmethod
    def _rate(inputs: ChargeInputs, parameters: Any) -> Figure:
        return Figure("fee", parameters.fee, UNITS[parameters.per], inputs.term.source("fee"))

    def _daily(self, inputs: ChargeInputs, parameters: Any) -> Row:
        days = Decimal(in_month(inputs)[0])
        source = Source("input", inputs.period.label, "days in force")
        quantity = Figure("days", days, "count", source)
        return Row(inputs.term.label, quantity, self._rate(inputs, parameters))

    def _yearly(self, inputs: ChargeInputs, parameters: Any) -> Row:
        if inputs.anchor_date is None:
            raise Refused("contracts.no_anchor", "a yearly fee needs the anchor date")
        anchor = inputs.anchor_date
        due = sum(
            1
            for day in inputs.days_in_force()
            if day >= anchor and day == anniversary(anchor, day.year)
        )
        source = Source("input", inputs.period.label, f"anniversaries of {anchor} in the period")
        quantity = Figure("anniversaries", Decimal(due), "count", source)
        return Row(inputs.term.label, quantity, self._rate(inputs, parameters))

    def _monthly(self, inputs: ChargeInputs, parameters: Any) -> tuple[Row, list[Finding]]:
        count = self._count(inputs, parameters)
        rate = self._rate(inputs, parameters)
        missing = finding_of(inputs, count)
        days, divisor, basis = self._day_count(inputs, parameters.proration)
        if missing or inputs.is_whole_period():
            return Row(inputs.term.label, count, rate), [missing] if missing else []
        if parameters.proration in YEARLY:
            rate = Figure.computed("yearly_fee", "USD/year", "fee * 12", rate)
        source = Source("input", inputs.period.label, basis)
        parts = Figure("days", Decimal(days), "count", source)
        quantity = parts
        if parameters.per in COUNTED:
            quantity = Figure.computed("billed_days", "count", f"{count.name} * days", count, parts)
        return Row(inputs.term.label, quantity, rate, unit_divisor=Decimal(divisor)), []

    @staticmethod
    def _count(inputs: ChargeInputs, parameters: Any) -> Figure:
        if parameters.per not in COUNTED:
            source = Source("input", inputs.period.label, "the whole month")
            return Figure("months", Decimal(1), "count", source)
        name, unit = COUNTED[parameters.per]
        if parameters.count == "FACT":
            return fact_figure(inputs, name, unit)
        return Figure(name, parameters.units, unit, inputs.term.source(name))

    @staticmethod
    def _day_count(inputs: ChargeInputs, proration: str) -> tuple[int, int, str]:
        """Days charged, divisor, and the rule in words."""
        days, month_days = in_month(inputs)
        if proration == "THIRTY_360":
            held = inputs.days_in_force()
            return thirty_360(held[0], held[-1]), 30, "days of 30 (30/360)"
        if proration in YEARLY:
            leap = proration == "ACTUAL_YEAR" and isleap(inputs.days_in_force()[0].year)
            return days, 365 + leap, f"days of {365 + leap}"
        return days, month_days, f"days of {month_days}"
