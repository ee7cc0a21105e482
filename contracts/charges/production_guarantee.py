"""Damages for less production than was guaranteed for contract years (PROD_LD)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from contracts.calc import words
from contracts.calc.deemed import ORDER, deemed, deemed_mwh, gap
from contracts.calc.of_month import OfMonthParameters, number_of, said, unknown
from contracts.calc.totals import gaps, stated, total_mwh
from contracts.calc.years import YearPart, added, kept, sums_of, year_parts
from contracts.charges._base import ChargeInputs, ChargeType, Needs, TermContext, charge_types
from contracts.events import values_of
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.fixed import price
from poweroptix.kernel.parameters import param
from poweroptix.kernel.rounding import Mode, to_places
from poweroptix.kernel.worksheet import Row, Worksheet

EXCUSE = "excuse@1"
SUMS = ("produced_mwh", "deemed_mwh", "excused_mwh")


@charge_types.register("production_guarantee@1")
class ProductionGuarantee(ChargeType):
    """A share of the price on the energy that is missing to the guarantee when the test ends."""

    title = "Production guarantee"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(OfMonthParameters):
        """What was expected and guaranteed, over how many years, and what a missing MWh costs."""

        MAY_STATE = {"deemed_mwh": True}

        expected_mwh: Decimal = param(
            unit="MWh",
            minimum=Decimal("0.001"),
            maximum=Decimal(1_000_000_000),
            help="Expected production of contract year 1.",
        )
        degradation_ratio: Decimal = param(
            unit="ratio",
            minimum=Decimal(0),
            maximum=Decimal("0.5"),
            help="Part by which every later year is expected to give less; 0 for none.",
        )
        guaranteed_ratio: Decimal = param(
            unit="ratio", minimum=Decimal(0), maximum=Decimal(1), help="For example 0.85."
        )
        test_years: int = param(
            choices=(1, 2), help="Contract years that are tested together, one after the other."
        )
        price: Decimal = param(
            unit="USD/MWh", minimum=Decimal(0), maximum=Decimal(100_000), help="Price of a MWh."
        )
        damages_ratio: Decimal = param(
            unit="ratio",
            minimum=Decimal(0),
            maximum=Decimal(2),
            help="Part of the price that a missing MWh costs, for example 0.5.",
        )
        deemed: str = param(
            choices=("NONE", "BUYER", "BUYER_AND_GRID"),
            help="Whose curtailment orders count as produced: potential less metered energy.",
        )
        potential: str = param(
            default="potential", help="Quantity that says what could have been produced."
        )

        def __post_init__(self) -> None:
            """Refuse a price that fixed point cannot hold."""
            price(self.price)
            if self.of_month and self.deemed == "NONE":
                text = "deemed: nothing is deemed, so no month states deemed_mwh"
                raise Refused("contracts.deemed", text)
            super().__post_init__()

    def needs(self, parameters: Any) -> Needs:
        """Return the potential energy and the events that lessen the duty."""
        if parameters.deemed == "NONE":
            return Needs(events=(EXCUSE,))
        if parameters.of_month:
            return Needs(facts=tuple(parameters.of_month), events=(EXCUSE,))
        return Needs(series=(parameters.potential,), events=(ORDER, EXCUSE))

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        years = "each contract year" if parameters.test_years == 1 else "every two contract years"
        less = (
            f", {words.percent(parameters.degradation_ratio)} less in each later year"
            if parameters.degradation_ratio
            else ""
        )
        deemed = {
            "NONE": "",
            "BUYER": " Energy curtailed by order of the buyer counts as produced.",
            "BUYER_AND_GRID": " Energy curtailed by order of the buyer or the grid counts as "
            "produced.",
        }[parameters.deemed]
        return (
            f"Production guarantee: {words.percent(parameters.guaranteed_ratio)} of "
            f"{words.number(parameters.expected_mwh)} MWh a year{less}, tested over {years}"
            f"{words.since(context or TermContext())}; a missing MWh costs the seller "
            f"{words.percent(parameters.damages_ratio)} of {words.dollars(parameters.price)}."
            f"{deemed} Energy of which the seller is excused lessens what is missing."
            f"{said(parameters)}"
        )

    def charge(
        self,
        inputs: ChargeInputs,
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> tuple[Worksheet, dict[str, Any]]:
        """One row per test that ends in the period."""
        carry, rows, figures, findings = dict(carry_in), [], [], []
        for part in year_parts(inputs):
            first = part.year - (part.year - 1) % parameters.test_years
            sums = sums_of(carry, first, SUMS)
            figures += self._gather(inputs, parameters, part, sums, findings)
            ends = part.ends and part.year == first + parameters.test_years - 1
            if ends:
                rows.append(self._due(inputs, parameters, first, sums))
                findings += self._unknown(inputs, sums)
            carry = {} if ends else kept(first, sums)
        findings += gaps(inputs, inputs.term.quantity_name)
        sheet = inputs.worksheet(
            rows or (self._waits(inputs, parameters),), figures=figures, findings=findings
        )
        return sheet, carry

    @staticmethod
    def _gather(
        inputs: ChargeInputs,
        parameters: Any,
        part: YearPart,
        sums: dict[str, Decimal | None],
        findings: list[Finding],
    ) -> list[Figure]:
        """Add what the days of a part gave to the sums; return it as figures."""
        span = (part.start_utc, part.end_utc)
        found = [total_mwh(inputs, inputs.term.quantity_name, "produced", span)]
        if parameters.of_month:
            found.append(number_of(inputs, parameters, Figure("deemed_mwh", None, "MWh"), span))
            findings += unknown(inputs, parameters, found[-1])
        elif parameters.deemed != "NONE":
            kept_back = deemed(inputs, parameters.potential, parameters.deemed, span)
            found.append(deemed_mwh(inputs, parameters.potential, kept_back))
            findings += gap(inputs, kept_back, parameters.potential)
        excuses = [
            one
            for one in inputs.happened(EXCUSE)
            if one.touches(*span) and values_of(one).excused == "SELLER"
        ]
        for event in excuses:
            if event.start_utc < inputs.window()[0]:
                continue  # counted in the month in which it began
            name = f"excused_{event.start_utc:%Y%m%d%H%M}_{len(found)}"
            energy = values_of(event).energy_mwh
            found.append(Figure(name, energy, "MWh", event.source("excused energy")))
        for one in found:
            name = next(name for name in SUMS if one.name.startswith(name.removesuffix("_mwh")))
            sums[name] = added(sums[name], one.value)
        return found

    @staticmethod
    def _due(
        inputs: ChargeInputs, parameters: Any, first: int, sums: Mapping[str, Decimal | None]
    ) -> Row:
        """Return the row of a test: what is missing times the damages of a MWh."""
        expected = stated(inputs, "expected_mwh", parameters.expected_mwh, "MWh")
        left = [
            Figure(
                f"left_in_year_{year}",
                to_places(Fraction(1 - parameters.degradation_ratio) ** (year - 1), 12),
                "ratio",
                inputs.term.source(f"part of the first year's production in year {year}"),
            )
            for year in range(first, first + parameters.test_years)
        ]
        whole = Figure.computed(
            "expected_in_test_mwh",
            "MWh",
            f"expected_mwh * ({' + '.join(one.name for one in left)})",
            expected,
            *left,
            round_to=(3, Mode.HALF_UP),
        )
        ratio = stated(inputs, "guaranteed_ratio", parameters.guaranteed_ratio, "ratio")
        source = Source("carry", "", f"sum of the tested months, from contract year {first}")
        gathered = [Figure(name, sums[name], "MWh", source) for name in SUMS]
        missing = Figure.computed(
            "missing_mwh",
            "MWh",
            "max(0, guaranteed_ratio * expected_in_test_mwh - produced_mwh - deemed_mwh "
            "- excused_mwh)",
            ratio,
            whole,
            *gathered,
            round_to=(3, Mode.HALF_UP),
        )
        rate = Figure.computed(
            "damages_rate",
            "USD/MWh",
            "-damages_ratio * price",
            stated(inputs, "damages_ratio", parameters.damages_ratio, "ratio"),
            stated(inputs, "price", parameters.price, "USD/MWh"),
        )
        return Row(inputs.term.label, missing, rate)

    @staticmethod
    def _unknown(inputs: ChargeInputs, sums: Mapping[str, Decimal | None]) -> list[Finding]:
        return [
            Finding(
                "contracts.sum_unknown",
                f"{name} of the tested years is not known: a month of them lacks readings",
                where=f"{inputs.term.contract} line {inputs.term.line_code}",
                fix="Bring in the readings of that month and calculate it and this one again.",
            )
            for name, value in sums.items()
            if value is None
        ]

    @staticmethod
    def _waits(inputs: ChargeInputs, parameters: Any) -> Row:
        source = inputs.term.source("damages, due when the tested years end")
        none = Figure("missing_mwh", Decimal(0), "MWh", source, note="the test goes on")
        return Row(inputs.term.label, none, Figure("damages_rate", Decimal(0), "USD/MWh", source))
