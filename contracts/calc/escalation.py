"""Prices that grow once per contract year, and the segments they cut a period into."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby

from contracts.calc.contract_year import contract_year
from contracts.charges._base import ChargeInputs, TermContext
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.parameters import param
from poweroptix.kernel.rounding import Mode

LIMIT_USD = Decimal(10) ** 6


@dataclass(frozen=True, kw_only=True)
class EscalatorParameters:
    """The part of a price clause that says how the price grows."""

    escalator: str = param(
        default="NONE",
        choices=("NONE", "FROM_BASE", "CHAINED"),
        help="FROM_BASE grows the base price; CHAINED grows last year's rounded price.",
    )
    escalator_ratio: Decimal = param(
        default=Decimal(0),
        unit="ratio",
        minimum=Decimal("-0.5"),
        maximum=Decimal("0.5"),
        help="Growth per contract year, 0.02 for 2 %.",
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


def price_of_year(base: Figure, ratio: Figure, year: int, terms: EscalatorParameters) -> Figure:
    """Return the price of a contract year with its whole derivation.

    From the base: round(base x (1 + ratio)^(year - 1)). Chained: one rounding per year.
    """
    if year <= 1 or terms.escalator == "NONE":
        return base
    rounding = (terms.price_places, Mode.HALF_UP)
    if terms.escalator == "FROM_BASE":
        growth = Figure.computed(
            "growth_ratio", "ratio", " * ".join(["(1 + escalator_ratio)"] * (year - 1)), ratio
        )
        return Figure.computed(
            f"{base.name}_year_{year}",
            base.unit,
            f"{base.name} * growth_ratio",
            base,
            growth,
            round_to=rounding,
        )
    price = base
    for number in range(2, year + 1):
        price = Figure.computed(
            f"{base.name}_year_{number}",
            base.unit,
            f"{price.name} * (1 + escalator_ratio)",
            price,
            ratio,
            round_to=rounding,
        )
    return price


def ratio_figure(inputs: ChargeInputs, terms: EscalatorParameters) -> Figure:
    """Return the yearly growth as it stands in the contract."""
    return Figure(
        "escalator_ratio", terms.escalator_ratio, "ratio", inputs.term.source("escalator")
    )


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
    last = context.last_date or context.anchor_date + timedelta(days=40 * 366)
    for year in range(context.anchor_date.year, last.year + 1):
        price = abs(base) * (1 + terms.escalator_ratio) ** (year - context.anchor_date.year)
        if price > LIMIT_USD:
            yield Finding(
                "contracts.price_runs_away",
                f"price would exceed 10^6 in {year}",
                where=where,
                fix="Check the escalator: 0.02 means 2 % a year.",
            )
            return
