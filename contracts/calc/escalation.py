"""Prices that grow once per contract year, and the segments they cut a period into."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby

from contracts.calc.contract_year import contract_year
from contracts.calc.index_growth import IndexGrowth, IndexParameters
from contracts.charges._base import ChargeInputs, TermContext
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.parameters import param
from poweroptix.kernel.rounding import Mode

LIMIT_USD = Decimal(10) ** 6


@dataclass(frozen=True, kw_only=True)
class EscalatorParameters(IndexParameters):
    """The part of a price clause that says how the price grows."""

    escalator: str = param(
        default="NONE",
        choices=("NONE", "FROM_BASE", "CHAINED", "STEP", "INDEX"),
        help="FROM_BASE grows the base price; CHAINED grows last year's rounded price; STEP adds "
        "the same amount every year; INDEX follows published indices.",
    )
    escalator_ratio: Decimal = param(
        default=Decimal(0),
        unit="ratio",
        minimum=Decimal("-0.5"),
        maximum=Decimal("0.5"),
        help="Growth per contract year, 0.02 for 2 %.",
    )
    escalator_step: Decimal = param(
        default=Decimal(0),
        unit="quoted unit",
        minimum=Decimal(-100_000),
        maximum=Decimal(100_000),
        help="With STEP: what is added to the price every contract year.",
    )
    contract_year: str = param(
        default="ANNIVERSARY",
        choices=("ANNIVERSARY", "MONTH_END", "CALENDAR"),
        help="When a contract year turns: on the anchor's day, at the end of the month of the "
        "first anniversary, or on 1 January.",
    )
    price_places: int = param(
        default=4, minimum=0, maximum=8, help="Decimals of an escalated price, half-up."
    )


@dataclass(frozen=True)
class Segment:
    """Consecutive local days with one contract year; 0 when the price does not grow."""

    first_day: date
    last_day: date
    year: int

    def text(self) -> str:
        """Return the days as a statement prints them."""
        return f"{self.first_day} to {self.last_day}"


def segments(inputs: ChargeInputs, terms: EscalatorParameters) -> list[Segment]:
    """Days in force, cut where a contract year turns; the local start of an interval decides."""
    days = inputs.days_in_force()
    if terms.escalator == "NONE":
        inputs.window()
        return [Segment(days[0], days[-1], 0)]
    if inputs.anchor_date is None:
        raise Refused(
            "contracts.no_anchor",
            f"{inputs.term.label}: an escalator needs the first day of contract year 1",
        )
    inputs.window()
    anchor, rule = inputs.anchor_date, terms.contract_year
    found = []
    for year, group in groupby(days, key=lambda day: contract_year(anchor, day, rule)):
        run = list(group)
        found.append(Segment(run[0], run[-1], year))
    return found


class Escalation:
    """How the prices of one term stand in one period, and what is provisional about them."""

    def __init__(self, inputs: ChargeInputs, terms: EscalatorParameters) -> None:
        self.terms = terms
        self.inputs = inputs
        self.segments = segments(inputs, terms)
        self._index = (
            IndexGrowth(inputs, terms, inputs.anchor_date) if terms.escalator == "INDEX" else None
        )

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found while prices were made."""
        return tuple(self._index.findings) if self._index else ()

    def price(self, base: Figure, year: int) -> Figure:
        """Return the price of a contract year with its whole derivation.

        From the base: round(base x (1 + ratio)^(year - 1)). Chained: one rounding per year. Step:
        round(base + step x (year - 1)). Index: see calc.index_growth.
        """
        if self._index is not None:
            return self._index.price(base, year)
        if year <= 1 or self.terms.escalator == "NONE":
            return base
        if self.terms.escalator == "CHAINED":
            return self._chained(base, year)
        growth = self._step(year) if self.terms.escalator == "STEP" else self._from_base(year)
        sign = "+" if self.terms.escalator == "STEP" else "*"
        return self._rounded(base, year, f"{base.name} {sign} {growth.name}", base, growth)

    def _rounded(self, base: Figure, year: int, formula: str, *inputs: Figure) -> Figure:
        name = f"{base.name}_year_{year}"
        rounding = (self.terms.price_places, Mode.HALF_UP)
        return Figure.computed(name, base.unit, formula, *inputs, round_to=rounding)

    def _ratio(self) -> Figure:
        source = self.inputs.term.source("escalator")
        return Figure("escalator_ratio", self.terms.escalator_ratio, "ratio", source)

    def _from_base(self, year: int) -> Figure:
        text = " * ".join(["(1 + escalator_ratio)"] * (year - 1))
        return Figure.computed("growth_ratio", "ratio", text, self._ratio())

    def _step(self, year: int) -> Figure:
        source = self.inputs.term.source("step")
        step = Figure("escalator_step", self.terms.escalator_step, "quoted unit", source)
        years = Figure("years_before", Decimal(year - 1), "count", source)
        return Figure.computed("steps", "quoted unit", "escalator_step * years_before", step, years)

    def _chained(self, base: Figure, year: int) -> Figure:
        price, ratio = base, self._ratio()
        for number in range(2, year + 1):
            formula = f"{price.name} * (1 + escalator_ratio)"
            price = self._rounded(base, number, formula, price, ratio)
        return price


def indices(terms: EscalatorParameters) -> tuple[str, ...]:
    """Return the codes of the indices that the price follows."""
    if terms.escalator != "INDEX":
        return ()
    return tuple(part.index for part in terms.index_parts if part.index)


def check_growth(
    base: Decimal, terms: EscalatorParameters, context: TermContext, where: str
) -> Iterator[Finding]:
    """Return what is wrong with an escalator over the life of the version (40 years when open)."""
    if terms.escalator == "NONE":
        return
    if context.anchor_date is None:
        yield Finding(
            "contracts.no_anchor",
            "an escalator needs the first day of contract year 1",
            where=where,
            fix="Enter the anchor date of the version.",
        )
        return
    if terms.escalator == "INDEX":
        return
    last = context.last_date or context.anchor_date + timedelta(days=40 * 366)
    for year in range(context.anchor_date.year, last.year + 1):
        count = year - context.anchor_date.year
        grown = base * (1 + terms.escalator_ratio) ** count
        price = base + terms.escalator_step * count if terms.escalator == "STEP" else grown
        if abs(price) > LIMIT_USD:
            yield Finding(
                "contracts.price_runs_away",
                f"price would exceed 10^6 in {year}",
                where=where,
                fix="Check the escalator: 0.02 means 2 % a year.",
            )
            return
