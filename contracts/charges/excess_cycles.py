"""Wear of a battery that was cycled more often in a contract year than was agreed."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.calc import words
from contracts.calc.storage import DISCHARGE, PLACES
from contracts.calc.totals import gaps, stated, total_mwh
from contracts.calc.years import YearPart, added, kept, sums_of, year_parts
from contracts.charges._base import ChargeInputs, ChargeType, Needs, TermContext, charge_types
from contracts.events import values_of
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.fixed import price
from poweroptix.kernel.parameters import param
from poweroptix.kernel.rounding import Mode
from poweroptix.kernel.worksheet import Row, Worksheet

EVENT = "cycle@1"


@charge_types.register("excess_cycles@1")
class ExcessCycles(ChargeType):
    """Full-equivalent cycles of the contract year beyond the allowed ones, by the MWh."""

    title = "Excess cycles"
    uses_quantity = False

    @dataclass(frozen=True, kw_only=True)
    class Parameters:
        """How cycles are counted, how many are allowed, and what the wear costs."""

        counted_by: str = param(
            choices=("DISCHARGE", "EVENTS"),
            help="DISCHARGE: discharged energy over the capacity; EVENTS: the count of the "
            "battery's control system.",
        )
        capacity_mwh: Decimal = param(
            unit="MWh", minimum=Decimal("0.001"), maximum=Decimal(1_000_000), help="Of one cycle."
        )
        allowed_cycles: Decimal = param(
            unit="count", minimum=Decimal(0), maximum=Decimal(100_000), help="In a contract year."
        )
        rate: Decimal = param(
            unit="USD/MWh",
            minimum=Decimal(0),
            maximum=Decimal(100_000),
            help="Wear charge of a MWh of an excess cycle.",
        )
        cycle_places: int = param(
            default=4, minimum=0, maximum=12, help="Decimals of the cycles of a month."
        )
        discharge: str = param(default=DISCHARGE, help="Quantity that was discharged.")

        def __post_init__(self) -> None:
            """Refuse a rate that fixed point cannot hold."""
            price(self.rate)

    def needs(self, parameters: Any) -> Needs:
        """Return the discharged energy or the counted cycles."""
        if parameters.counted_by == "EVENTS":
            return Needs(events=(EVENT,))
        return Needs(series=(parameters.discharge,))

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        how = (
            f"discharged energy over {words.number(parameters.capacity_mwh)} MWh"
            if parameters.counted_by == "DISCHARGE"
            else "as the battery counts them"
        )
        return (
            f"Excess cycles{words.since(context or TermContext())}: "
            f"{words.number(parameters.allowed_cycles)} full-equivalent cycles of a contract year "
            f"are allowed ({how}); each one more costs {words.dollars(parameters.rate)} for every "
            f"one of its {words.number(parameters.capacity_mwh)} MWh. The sum is rounded to cents "
            "once."
        )

    def charge(
        self,
        inputs: ChargeInputs,
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> tuple[Worksheet, dict[str, Any]]:
        """One row per contract year in the period: the excess that the period added."""
        carry, rows, findings = dict(carry_in), [], []
        if parameters.counted_by == "DISCHARGE":
            findings += gaps(inputs, parameters.discharge)
        for part in year_parts(inputs):
            before = sums_of(carry, part.year, ("cycles",))["cycles"]
            now = self._cycles(inputs, parameters, part)
            rows.append(self._row(inputs, parameters, part, before, now))
            if before is None:
                findings.append(self._unknown(inputs))
            after = {"cycles": added(before, now.value)}
            carry = {} if part.ends else kept(part.year, after)
        sheet = inputs.worksheet(rows, findings=findings)
        return sheet, carry

    @staticmethod
    def _cycles(inputs: ChargeInputs, parameters: Any, part: YearPart) -> Figure:
        """Return the cycles of a part; those of an event count where it ends."""
        span = (part.start_utc, part.end_utc)
        rounding = (parameters.cycle_places, Mode.HALF_UP)
        if parameters.counted_by == "DISCHARGE":
            energy = total_mwh(inputs, parameters.discharge, "discharged", span, PLACES)
            size = stated(inputs, "capacity_mwh", parameters.capacity_mwh, "MWh", "capacity")
            formula = "discharged_mwh / capacity_mwh"
            return Figure.computed("cycles", "count", formula, energy, size, round_to=rounding)
        events = [one for one in inputs.happened(EVENT) if span[0] < one.end_utc <= span[1]]
        count = sum((values_of(one).cycles for one in events), Decimal(0))
        references = ", ".join(one.reference for one in events if one.reference)
        source = Source("event", references, f"{len(events)} counts of cycles")
        return Figure("cycles", count, "count", source)

    @staticmethod
    def _row(
        inputs: ChargeInputs,
        parameters: Any,
        part: YearPart,
        before: Decimal | None,
        now: Figure,
    ) -> Row:
        earlier = Source("carry", "", f"cycles of contract year {part.year} before this month")
        allowed = stated(inputs, "allowed_cycles", parameters.allowed_cycles, "count")
        excess = Figure.computed(
            "excess_cycles",
            "count",
            "max(0, before + cycles - allowed_cycles) - max(0, before - allowed_cycles)",
            Figure("before", before, "count", earlier),
            now,
            allowed,
        )
        size = stated(inputs, "capacity_mwh", parameters.capacity_mwh, "MWh", "capacity")
        energy = Figure.computed("excess_mwh", "MWh", "excess_cycles * capacity_mwh", excess, size)
        return Row(inputs.term.label, energy, stated(inputs, "rate", parameters.rate, "USD/MWh"))

    @staticmethod
    def _unknown(inputs: ChargeInputs) -> Finding:
        return Finding(
            "contracts.sum_unknown",
            "the cycles of the contract year so far are not known: an earlier month lacks readings",
            where=f"{inputs.term.contract} line {inputs.term.line_code}",
            fix="Bring in the readings of that month and calculate it and this one again.",
        )
