"""A month's payment for a battery: kW x rate x availability adjustment x efficiency factor."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.calc import words
from contracts.calc.capacity_days import TEST, billed, held, tested
from contracts.calc.days import in_month
from contracts.calc.facts import fact_figure, finding_of
from contracts.calc.outages import (
    EVENT,
    OutageParameters,
    availability,
    excused_words,
    outage_hours,
)
from contracts.calc.storage import CHARGE, DISCHARGE, STATE, RoundTrip, round_trip
from contracts.calc.totals import stated
from contracts.charges._base import ChargeInputs, ChargeType, Needs, TermContext, charge_types
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure
from poweroptix.kernel.fixed import price
from poweroptix.kernel.parameters import param
from poweroptix.kernel.rounding import Mode
from poweroptix.kernel.worksheet import Row, Worksheet


@charge_types.register("storage_toll@1")
class StorageToll(ChargeType):
    """The capacity of a battery, less what its availability and its efficiency lack."""

    title = "Storage toll"
    uses_quantity = False

    @dataclass(frozen=True, kw_only=True)
    class Parameters(OutageParameters):
        """Capacity, rate, and how availability and round-trip efficiency change the payment."""

        capacity_kw: Decimal = param(
            unit="kW", minimum=Decimal("0.001"), maximum=Decimal(10_000_000), help="Contracted kW."
        )
        rate: Decimal = param(
            unit="USD/kW-month", minimum=Decimal(0), maximum=Decimal(100_000), help="Of one kW."
        )
        tested: str = param(
            choices=("FIXED", "EVENTS"),
            help="EVENTS: a capacity test that is entered as an event counts from its day on.",
        )
        availability: str = param(
            choices=("FACT", "OUTAGES"),
            help="Where the month's availability comes from: the fact availability_ratio, or the "
            "outages that are entered as events.",
        )
        guaranteed_ratio: Decimal = param(
            unit="ratio", minimum=Decimal(0), maximum=Decimal(1), help="For example 0.98."
        )
        points_per_point: Decimal = param(
            unit="ratio",
            minimum=Decimal(0),
            maximum=Decimal(100),
            help="Points taken off the payment for every point below the guarantee.",
        )
        zero_below_ratio: Decimal = param(
            unit="ratio",
            minimum=Decimal(0),
            maximum=Decimal(1),
            help="Availability below which nothing is paid.",
        )
        efficiency: str = param(
            choices=("FACTOR", "DAMAGES", "NONE"),
            help="FACTOR lessens this payment; DAMAGES are a term of their own "
            "(storage_efficiency@1): one of the two, never both.",
        )
        guaranteed_rte: Decimal | None = param(
            default=None,
            unit="ratio",
            minimum=Decimal("0.01"),
            maximum=Decimal(1),
            help="Guaranteed round-trip efficiency, for FACTOR.",
        )
        factor_places: int = param(
            default=6, minimum=2, maximum=12, help="Decimals of efficiency and its factor."
        )
        charge: str = param(default=CHARGE, help="Quantity that was charged.")
        discharge: str = param(default=DISCHARGE, help="Quantity that was discharged.")

        def __post_init__(self) -> None:
            """Refuse a factor without its guarantee."""
            price(self.rate)
            if (self.efficiency == "FACTOR") != (self.guaranteed_rte is not None):
                text = "guaranteed_rte: give it exactly when efficiency is a factor"
                raise Refused("contracts.guaranteed_rte", text)

    def needs(self, parameters: Any) -> Needs:
        """Return charge and discharge, the fact or the outages, tests and states of charge."""
        events = (TEST,) if parameters.tested == "EVENTS" else ()
        events += (EVENT,) if parameters.availability == "OUTAGES" else ()
        facts = ("availability_ratio",) if parameters.availability == "FACT" else ()
        if parameters.efficiency != "FACTOR":
            return Needs(facts=facts, events=events)
        series = (parameters.charge, parameters.discharge)
        return Needs(series=series, facts=facts, events=(*events, STATE))

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        text = (
            f"Storage toll: {words.dollars(parameters.rate, 'USD/kW-month')} for "
            f"{words.number(parameters.capacity_kw)} kW{words.since(context or TermContext())}"
        )
        if parameters.tested == "EVENTS":
            text += ", from a capacity test on for what it gave"
        text += (
            f". Every point of availability below {words.percent(parameters.guaranteed_ratio)} "
            f"takes {words.number(parameters.points_per_point)} points off; below "
            f"{words.percent(parameters.zero_below_ratio)} nothing is paid"
        )
        if parameters.availability == "OUTAGES":
            text += f"; {excused_words(parameters.excused)} leave the test"
        if parameters.efficiency == "FACTOR":
            text += (
                f". A round-trip efficiency below {words.percent(parameters.guaranteed_rte)} "
                "lessens the payment in proportion"
            )
        return (
            f"{text}. A part month pays its days over the days of the month; the sum is rounded to "
            "cents once."
        )

    def charge(
        self,
        inputs: ChargeInputs,
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> tuple[Worksheet, dict[str, Any]]:
        """One row per capacity that held in the period."""
        inputs.window()
        available, findings = self._available(inputs, parameters)
        factors = [self._adjustment(inputs, parameters, available)]
        if parameters.efficiency == "FACTOR":
            found = round_trip(inputs, parameters.charge, parameters.discharge)
            factors.append(self._factor(inputs, parameters, found))
            findings += found.findings
        rate = stated(inputs, "rate", parameters.rate, "USD/kW-month")
        month_days = in_month(inputs)[1]
        first = stated(inputs, "capacity_kw", parameters.capacity_kw, "kW", "capacity")
        steps = tested(inputs) if parameters.tested == "EVENTS" else ()
        rows = []
        for capacity, days in held(inputs, first, steps):
            label = inputs.term.label if days == month_days else f"{inputs.term.label}, {days} days"
            quantity, divisor = billed(inputs, capacity, factors, days)
            rows.append(Row(label, quantity, rate, unit_divisor=Decimal(divisor)))
        sheet = inputs.worksheet(rows, figures=factors, findings=findings)
        return sheet, {}

    @staticmethod
    def _available(inputs: ChargeInputs, parameters: Any) -> tuple[Figure, list]:
        if parameters.availability == "FACT":
            fact = fact_figure(inputs, "availability_ratio", "ratio")
            missing = finding_of(inputs, fact)
            return fact, [missing] if missing else []
        hours = outage_hours(inputs, *inputs.window(), parameters)
        found = availability(inputs, hours, parameters, parameters.factor_places)
        return Figure.computed("availability_ratio", "ratio", "availability", found), []

    @staticmethod
    def _adjustment(inputs: ChargeInputs, parameters: Any, available: Figure) -> Figure:
        """Return the part of the payment that is left after the availability."""
        name = "availability_adjustment"
        if available.value is not None and available.value < parameters.zero_below_ratio:
            source = inputs.term.source("no payment below the least availability")
            note = f"{available.text()} is below {parameters.zero_below_ratio}"
            return Figure(name, Decimal(0), "ratio", source, note=note)
        guaranteed = stated(inputs, "guaranteed_ratio", parameters.guaranteed_ratio, "ratio")
        each = stated(inputs, "points_per_point", parameters.points_per_point, "ratio")
        formula = "max(0, 1 - points_per_point * max(0, guaranteed_ratio - availability_ratio))"
        return Figure.computed(name, "ratio", formula, each, guaranteed, available)

    @staticmethod
    def _factor(inputs: ChargeInputs, parameters: Any, found: RoundTrip) -> Figure:
        """Return the efficiency over the guaranteed one, at most 1; 1 where nothing was charged."""
        if found.charged.value == 0:
            source = inputs.term.source("efficiency factor")
            return Figure("rte_factor", Decimal(1), "ratio", source, note="nothing was charged")
        rounding = (parameters.factor_places, Mode.HALF_UP)
        rte = Figure.computed(
            "rte",
            "ratio",
            "(discharged_mwh + end_mwh - start_mwh) / charged_mwh",
            found.discharged,
            found.end,
            found.start,
            found.charged,
            round_to=rounding,
        )
        guaranteed = stated(inputs, "guaranteed_rte", parameters.guaranteed_rte, "ratio")
        return Figure.computed(
            "rte_factor", "ratio", "clip(rte / guaranteed_rte, 0, 1)", rte, guaranteed,
            round_to=rounding,
        )  # fmt: skip
