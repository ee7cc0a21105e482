"""Damages for less availability than was guaranteed (AVAIL_LD)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.calc import words
from contracts.calc.of_month import OfMonthParameters, number_of, said, unknown
from contracts.calc.outages import (
    EVENT,
    NAMES,
    OutageParameters,
    availability,
    excused_words,
    outage_hours,
)
from contracts.calc.totals import once, stated
from contracts.calc.years import YearPart, added, kept, sums_of, whole, year_parts
from contracts.charges._base import ChargeInputs, ChargeType, Needs, TermContext, charge_types
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.fixed import price
from poweroptix.kernel.parameters import param
from poweroptix.kernel.rounding import Mode
from poweroptix.kernel.worksheet import Row, Worksheet

#: Hours that a document of the month may state.
OF_MONTH = ("planned_h", "not_seller_h", "forced_h", "derated_h")


@charge_types.register("availability_guarantee@1")
class AvailabilityGuarantee(ChargeType):
    """The percentage points below the guarantee times a rate, as a credit, up to a cap."""

    title = "Availability guarantee"
    uses_quantity = False

    @dataclass(frozen=True, kw_only=True)
    class Parameters(OutageParameters, OfMonthParameters):
        """The guarantee, what a point costs, over which time it is tested, and the cap."""

        MAY_STATE = dict.fromkeys(OF_MONTH, True)

        guaranteed_ratio: Decimal = param(
            unit="ratio", minimum=Decimal(0), maximum=Decimal(1), help="For example 0.97."
        )
        rate: Decimal = param(
            unit="USD/point",
            minimum=Decimal(0),
            maximum=Decimal(100_000_000),
            help="Damages of one percentage point.",
        )
        points: str = param(
            choices=("PRO_RATA", "FULL_POINTS"),
            help="PRO_RATA: a part of a point costs its part; FULL_POINTS: only whole ones count.",
        )
        tested: str = param(
            choices=("MONTH", "CONTRACT_YEAR"),
            help="Over which hours; a contract year is judged with its last month.",
        )
        cap: str = param(
            choices=("NONE", "TEST", "CONTRACT_YEAR"),
            help="Whether damages end somewhere: for each test, or for all tests of a contract "
            "year.",
        )
        cap_usd: Decimal | None = param(
            default=None, unit="USD", minimum=Decimal(0), maximum=Decimal(1_000_000_000)
        )
        availability_places: int = param(
            default=6, minimum=2, maximum=12, help="Decimals of the availability that is compared."
        )

        def __post_init__(self) -> None:
            """Refuse a cap without an amount, and an amount without a cap."""
            price(self.rate)
            if (self.cap == "NONE") != (self.cap_usd is None):
                text = "cap_usd: give it exactly when there is a cap"
                raise Refused("contracts.cap", text)
            super().__post_init__()

    def needs(self, parameters: Any) -> Needs:
        """Return the outages, and the hours that the month states."""
        return Needs(facts=tuple(parameters.of_month), events=(EVENT,))

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        term = "each month" if parameters.tested == "MONTH" else "each contract year"
        part = "pro rata" if parameters.points == "PRO_RATA" else "full points only"
        out = excused_words(parameters.excused)
        if parameters.planned_limit_h is not None:
            out += f" (at most {words.number(parameters.planned_limit_h)} planned hours)"
        text = (
            f"Availability guarantee: {words.percent(parameters.guaranteed_ratio)} in {term}"
            f"{words.since(context or TermContext())}; every percentage point below costs the "
            f"seller {words.dollars(parameters.rate)} ({part})"
        )
        if parameters.cap != "NONE":
            most = {"TEST": term.removeprefix("each "), "CONTRACT_YEAR": "contract year"}
            text += f", at most {words.dollars(parameters.cap_usd)} a {most[parameters.cap]}"
        places = words.counted(parameters.availability_places, "place")
        return (
            f"{text}. The hours of {out} leave the test; a derating counts with the part that it "
            f"lost. The availability is rounded to {places}.{said(parameters)}"
        )

    def charge(
        self,
        inputs: ChargeInputs,
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> tuple[Worksheet, dict[str, Any]]:
        """One row per test that ends, and one for what a cap takes away."""
        yearly = parameters.tested == "CONTRACT_YEAR" or parameters.cap == "CONTRACT_YEAR"
        parts = year_parts(inputs) if yearly else [whole(inputs)]
        carry, rows, figures, findings = dict(carry_in), [], [], []
        for part in parts:
            sums = sums_of(carry, part.year, (*NAMES, "paid_usd"))
            found, tested = self._test(inputs, parameters, part, sums, findings)
            rows += found
            figures.append(tested)
            carry = kept(part.year, sums) if yearly and not part.ends else {}
        sheet = inputs.worksheet(
            rows or (self._waits(inputs, parameters),), figures=figures, findings=findings
        )
        return sheet, carry

    def _test(
        self,
        inputs: ChargeInputs,
        parameters: Any,
        part: YearPart,
        sums: dict[str, Decimal | None],
        findings: list[Finding],
    ) -> tuple[list[Row], Figure]:
        """Return the rows of a test and its availability; rows only when the test ends.

        `sums` and `findings` are brought up to date.
        """
        span = (part.start_utc, part.end_utc)
        hours: dict[str, Decimal | None] = dict(outage_hours(inputs, *span, parameters))
        of_month = [
            number_of(inputs, parameters, Figure(name, None, "h"), span)
            for name in parameters.of_month
        ]
        findings += unknown(inputs, parameters, *of_month)
        hours |= {one.name: one.value for one in of_month}
        if parameters.tested == "CONTRACT_YEAR":
            hours = {name: added(sums[name], hours[name]) for name in NAMES}
            sums |= hours
        given = {one.name: one for one in of_month}
        places = parameters.availability_places
        found = availability(inputs, hours, parameters, places, given)
        if parameters.tested == "CONTRACT_YEAR" and not part.ends:
            return [], found
        guaranteed = stated(inputs, "guaranteed_ratio", parameters.guaranteed_ratio, "ratio")
        points = Figure.computed(
            "points",
            "point",
            "max(0, (guaranteed_ratio - availability) * 100)",
            guaranteed,
            found,
            round_to=(0, Mode.DOWN) if parameters.points == "FULL_POINTS" else None,
        )
        rate = stated(inputs, "rate", -parameters.rate, "USD/point", "damages of a point")
        rows = [Row(inputs.term.label, points, rate)]
        owed = None if points.value is None else points.value * parameters.rate
        if parameters.cap != "NONE":
            owed = self._cap(inputs, parameters, sums, points, rows)
        sums["paid_usd"] = added(sums["paid_usd"], owed)
        if points.value is None and not findings:
            findings.append(self._unknown_before(inputs))
        return rows, found

    @staticmethod
    def _unknown_before(inputs: ChargeInputs) -> Finding:
        return Finding(
            "contracts.sum_unknown",
            "the hours of the contract year are not known: a month of it did not state them",
            where=f"{inputs.term.contract} line {inputs.term.line_code}",
            fix="State the hours of that month and calculate it and this one again.",
        )

    @staticmethod
    def _cap(
        inputs: ChargeInputs,
        parameters: Any,
        sums: Mapping[str, Decimal | None],
        points: Figure,
        rows: list[Row],
    ) -> Decimal | None:
        """Add the row that a cap takes back; return what is owed under it."""
        used = sums["paid_usd"] if parameters.cap == "CONTRACT_YEAR" else Decimal(0)
        paid = Figure("paid", used, "USD", Source("carry", "", "damages of the year so far"))
        cap = stated(inputs, "cap", parameters.cap_usd, "USD")
        each = stated(inputs, "rate", parameters.rate, "USD/point", "damages of a point")
        over = Figure.computed(
            "over_cap", "USD", "max(0, points * rate - max(0, cap - paid))", points, each, cap, paid
        )
        if over.value is None:
            return None
        if over.value:
            rows.append(Row("above the cap", once(inputs, "cap"), over))
        return points.value * parameters.rate - over.value

    @staticmethod
    def _waits(inputs: ChargeInputs, parameters: Any) -> Row:
        source = inputs.term.source("damages, due when the contract year ends")
        none = Figure("points", Decimal(0), "point", source, note="the contract year goes on")
        return Row(inputs.term.label, none, Figure("rate", -parameters.rate, "USD/point", source))
