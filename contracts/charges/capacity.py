"""Capacity in $/kW-month: kW x rate x availability x days in force / days of the month."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from contracts.calc import words
from contracts.calc.capacity_days import TEST, billed, held, tested
from contracts.calc.facts import fact_figure, finding_of
from contracts.calc.outages import (
    EVENT,
    EXCUSED,
    OutageParameters,
    availability,
    excused_words,
    outage_hours,
)
from contracts.charges._base import ChargeInputs, ChargeType, Needs, TermContext, charge_types
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure
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
        tested: str = param(
            default="STEPS",
            choices=("STEPS", "EVENTS"),
            help="EVENTS also reads the capacity tests that are entered as events.",
        )
        availability: str = param(
            default="FIXED",
            choices=("FIXED", "MONTHLY", "OUTAGES"),
            help="MONTHLY reads the fact availability_ratio of the settled month; OUTAGES works it "
            "out from the outages that are entered as events.",
        )
        excused: str = param(
            default="",
            choices=("", *EXCUSED),
            help="For OUTAGES, and then required: whose hours leave the test, planned ones alone "
            "or also those that the buyer, the grid or force majeure caused.",
        )
        availability_ratio: Decimal = param(
            default=Decimal(1), unit="ratio", minimum=Decimal(0), maximum=Decimal(2)
        )

        def __post_init__(self) -> None:
            """Refuse a rate that fixed point cannot hold, and outages without their excuses."""
            price(self.rate)
            if (self.availability == "OUTAGES") != bool(self.excused):
                text = "excused: say it exactly when the availability is that of outages"
                raise Refused("contracts.excused", text)

    def needs(self, parameters: Any) -> Needs:
        """Return the month's availability when it is not fixed, tests and outages."""
        events = (TEST,) if parameters.tested == "EVENTS" else ()
        if parameters.availability == "OUTAGES":
            return Needs(events=(*events, EVENT))
        facts = ("availability_ratio",) if parameters.availability == "MONTHLY" else ()
        return Needs(facts=facts, events=events)

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        context = context or TermContext()
        text = (
            f"Capacity: {words.dollars(parameters.rate, 'USD/kW-month')} for "
            f"{words.number(parameters.capacity_kw)} kW{words.since(context)}"
        )
        for step in parameters.steps:
            text += f", for {words.number(step.capacity_kw)} kW from {words.day(step.from_date)}"
        if parameters.tested == "EVENTS":
            text += ", from a capacity test on for what it gave"
        if parameters.availability == "OUTAGES":
            text += ", times the availability after outages other than "
            text += excused_words(parameters.excused)
        elif parameters.availability == "MONTHLY":
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
        factor = self._availability(inputs, parameters)
        rate = Figure("rate", parameters.rate, "USD/kW-month", inputs.term.source("rate"))
        capacities = self._held(inputs, parameters)
        factors = [] if factor is None else [factor]
        rows = []
        for capacity, days in capacities:
            one = len(capacities) == 1
            label = inputs.term.label if one else f"{inputs.term.label}, {days} days"
            quantity, divisor = billed(inputs, capacity, factors, days)
            rows.append(Row(label, quantity, rate, unit_divisor=Decimal(divisor)))
        missing = finding_of(inputs, factor)
        sheet = inputs.worksheet(rows, findings=(missing,) if missing else ())
        return sheet, {}

    @staticmethod
    def _held(inputs: ChargeInputs, parameters: Any) -> list[tuple[Figure, int]]:
        """Capacities of the period in order, each with its number of days in force."""
        source = inputs.term.source("capacity")
        steps = [
            (step.from_date, Figure("capacity_kw", step.capacity_kw, "kW", source))
            for step in parameters.steps
        ]
        if parameters.tested == "EVENTS":
            steps = sorted([*steps, *tested(inputs)], key=lambda step: step[0])
        first = Figure("capacity_kw", parameters.capacity_kw, "kW", source)
        return held(inputs, first, steps)

    @staticmethod
    def _availability(inputs: ChargeInputs, parameters: Any) -> Figure | None:
        """Return the availability that multiplies; none when it is one."""
        if parameters.availability == "OUTAGES":
            terms = OutageParameters(excused=parameters.excused, plant_kw=parameters.capacity_kw)
            return availability(inputs, outage_hours(inputs, *inputs.window(), terms), terms, 6)
        if parameters.availability == "MONTHLY":
            return fact_figure(inputs, "availability_ratio", "ratio")
        if parameters.availability_ratio == 1:
            return None
        source = inputs.term.source("availability")
        return Figure("availability_ratio", parameters.availability_ratio, "ratio", source)
