"""Capacity in $/kW-month: kW x rate x availability x days in force / days of the month."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from contracts.calc import words
from contracts.calc.days import in_month
from contracts.calc.facts import fact_figure, finding_of
from contracts.charges._base import ChargeInputs, ChargeType, Needs, TermContext, charge_types
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.fixed import price
from poweroptix.kernel.parameters import param
from poweroptix.kernel.worksheet import Row, Worksheet


@dataclass(frozen=True, kw_only=True)
class CapacityStep:
    """A tested capacity and the first local day it counts."""

    from_date: date = param(help="First local day, for example 2026-05-18.")
    capacity_kw: Decimal = param(unit="kW", minimum=Decimal(0), maximum=Decimal(10_000_000))


@charge_types.register("capacity@1")
class Capacity(ChargeType):
    """A month's payment for capacity; a step inside the month is prorated by days."""

    title = "Capacity"
    uses_quantity = False

    @dataclass(frozen=True, kw_only=True)
    class Parameters:
        """Contracted or tested kW, rate, and where the availability comes from."""

        capacity_kw: Decimal = param(
            unit="kW", minimum=Decimal("0.001"), maximum=Decimal(10_000_000), help="Contracted kW."
        )
        rate: Decimal = param(
            unit="USD/kW-month",
            minimum=Decimal(-100_000),
            maximum=Decimal(100_000),
            help="Price of one kW for one whole month.",
        )
        steps: list[CapacityStep] = param(
            default=(), help="Later tested capacities, in order of their first day."
        )
        availability: str = param(
            default="FIXED",
            choices=("FIXED", "MONTHLY"),
            help="MONTHLY reads the fact availability_ratio of the settled month.",
        )
        availability_ratio: Decimal = param(
            default=Decimal(1), unit="ratio", minimum=Decimal(0), maximum=Decimal(2)
        )

        def __post_init__(self) -> None:
            """Refuse a rate that fixed point cannot hold."""
            price(self.rate)

    def needs(self, parameters: Any) -> Needs:
        """Return the month's availability when it is not fixed."""
        return Needs(facts=("availability_ratio",) if parameters.availability == "MONTHLY" else ())

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        context = context or TermContext()
        text = (
            f"Capacity: {words.dollars(parameters.rate, 'USD/kW-month')} for "
            f"{words.number(parameters.capacity_kw)} kW{words.since(context)}"
        )
        for step in parameters.steps:
            text += f", for {words.number(step.capacity_kw)} kW from {words.day(step.from_date)}"
        if parameters.availability == "MONTHLY":
            text += ", times the availability of the month"
        elif parameters.availability_ratio != 1:
            text += f", times an availability of {words.percent(parameters.availability_ratio)}"
        return (
            f"{text}. A part month pays its days over the days of the month; the sum is rounded to "
            "cents once."
        )

    def check(self, parameters: Any, context: TermContext) -> list[Finding]:
        """Find steps that do not stand in the order of their first day."""
        found, before = [], date.min
        for step in parameters.steps:
            if step.from_date <= before:
                text = f"the step of {step.from_date} comes after {before}; put them in order"
                found.append(Finding("contracts.step_order", text, where="steps"))
            before = step.from_date
        return found

    def charge(
        self,
        inputs: ChargeInputs,
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> tuple[Worksheet, dict[str, Any]]:
        """One row per capacity that held in the period."""
        findings = self.check(parameters, TermContext())
        if findings:
            raise Refused("contracts.steps", findings[0].message, findings=tuple(findings))
        inputs.window()
        availability = self._availability(inputs, parameters)
        rate = Figure("rate", parameters.rate, "USD/kW-month", inputs.term.source("rate"))
        month_days = in_month(inputs)[1]
        held = self._held(inputs, parameters)
        rows = []
        for capacity_kw, days in held:
            label = inputs.term.label if len(held) == 1 else f"{inputs.term.label}, {days} days"
            quantity, divisor = self._quantity(inputs, capacity_kw, availability, days, month_days)
            rows.append(Row(label, quantity, rate, unit_divisor=Decimal(divisor)))
        missing = finding_of(inputs, availability)
        sheet = Worksheet(
            inputs.term.label,
            tuple(rows),
            findings=(missing,) if missing else (),
            rounding=inputs.rounding,
            line_per="CHARGE",
        )
        return sheet, {}

    @staticmethod
    def _held(inputs: ChargeInputs, parameters: Any) -> list[tuple[Decimal, int]]:
        """Capacities of the period in order, each with its number of days in force."""
        counted: dict[Decimal, int] = {}
        for day in inputs.days_in_force():
            capacity_kw = parameters.capacity_kw
            for step in parameters.steps:
                if step.from_date <= day:
                    capacity_kw = step.capacity_kw
            counted[capacity_kw] = counted.get(capacity_kw, 0) + 1
        return list(counted.items())

    @staticmethod
    def _availability(inputs: ChargeInputs, parameters: Any) -> Figure | None:
        """Return the availability that multiplies; none when it is one."""
        if parameters.availability == "MONTHLY":
            return fact_figure(inputs, "availability_ratio", "ratio")
        if parameters.availability_ratio == 1:
            return None
        source = inputs.term.source("availability")
        return Figure("availability_ratio", parameters.availability_ratio, "ratio", source)

    @staticmethod
    def _quantity(
        inputs: ChargeInputs,
        capacity_kw: Decimal,
        availability: Figure | None,
        days: int,
        month_days: int,
    ) -> tuple[Figure, int]:
        """Return what is priced and its divisor: kW of the month, or kW-days over its days."""
        parts = [Figure("capacity_kw", capacity_kw, "kW", inputs.term.source("capacity"))]
        if availability is not None:
            parts.append(availability)
        whole = days == month_days
        if not whole:
            source = Source("input", inputs.period.label, f"days in force of {month_days}")
            parts.append(Figure("days", Decimal(days), "count", source))
        unit = "kW" if whole else "kW-day"
        if any(part.value is None for part in parts):
            return Figure("billed_kw", None, unit, note="a figure is missing"), 1
        if len(parts) == 1:
            return parts[0], 1
        formula = " * ".join(part.name for part in parts)
        name = "billed_kw" if whole else "billed_kw_days"
        return Figure.computed(name, unit, formula, *parts), 1 if whole else month_days
