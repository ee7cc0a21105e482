"""Interest on what was paid late, by a table of dated rates (LATE)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from contracts.calc.dated_rates import DatedRate, check_rates, in_words, rate_on
from contracts.calc.open_items import OpenItem, Span, carried_on, months_begun, open_items, spans
from contracts.charges._base import ChargeInputs, ChargeType, Needs, TermContext, charge_types
from contracts.events import OPEN_ITEM, PAYMENT
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.fixed import WIDE
from poweroptix.kernel.parameters import param
from poweroptix.kernel.worksheet import Row, Worksheet

METHODS = {
    "SIMPLE": "simple interest by the day",
    "COMPOUND_MONTHLY": "interest by the day, added to the amount at the end of each month",
    "FLAT_PER_MONTH": "for each month or part of one since the due day",
}
DAY_COUNTS = {
    "ACTUAL_365": "over 365",
    "ACTUAL_360": "over 360",
    "ACTUAL_ACTUAL": "over the days of the year, 366 in leap years",
}


@charge_types.register("late_interest@1")
class LateInterest(ChargeType):
    """Interest from the day after an amount was due to the day on which it was paid."""

    title = "Late-payment interest"
    uses_quantity = False

    @dataclass(frozen=True, kw_only=True)
    class Parameters:
        """Rates with their days, how interest grows and is counted, and what bears it."""

        rates: list[DatedRate] = param(
            help="A year's rate, in order of its first day; a month's rate where FLAT_PER_MONTH."
        )
        method: str = param(
            choices=tuple(METHODS),
            help="SIMPLE; COMPOUND_MONTHLY adds interest to the amount at the end of each calendar "
            "month; FLAT_PER_MONTH charges the rate for every month or part of one.",
        )
        day_count: str = param(
            choices=tuple(DAY_COUNTS),
            help="Days of a year. FLAT_PER_MONTH counts months and does not use it.",
        )
        tax: str = param(
            choices=("EXCLUDED", "INCLUDED"),
            help="EXCLUDED: the tax in an amount bears no interest; INCLUDED: it does.",
        )
        billed: str = param(
            choices=("WHEN_PAID", "EACH_PERIOD"),
            help="WHEN_PAID: in the period of the payment, for all its days; EACH_PERIOD: the "
            "days of the period, also while the amount is open.",
        )

        def __post_init__(self) -> None:
            """Refuse rates that are none or out of order."""
            check_rates(self.rates)

    def needs(self, parameters: Any) -> Needs:
        """Return what fell due and what was paid."""
        return Needs(events=(OPEN_ITEM, PAYMENT))

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        flat = parameters.method == "FLAT_PER_MONTH"
        rates = in_words(parameters.rates, " a month" if flat else " a year")
        text = f"Late interest: {rates}, {METHODS[parameters.method]}"
        if not flat:
            text += f", the days {DAY_COUNTS[parameters.day_count]}"
        taxed = "bears interest too" if parameters.tax == "INCLUDED" else "bears no interest"
        when = (
            "when the amount is paid"
            if parameters.billed == "WHEN_PAID"
            else "each month, as long as the amount is open"
        )
        return (
            f"{text}. The due day does not count, the day of payment does; the tax in an amount "
            f"{taxed}. It is billed {when}; the sum is rounded to cents once."
        )

    def charge(
        self,
        inputs: ChargeInputs,
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> tuple[Worksheet, dict[str, Any]]:
        """One row per amount and span of days with one rate; carries what is still owed."""
        inputs.window()
        items = open_items(inputs, carry_in)
        rows: tuple[Row, ...] = ()
        if items is None:
            none = Figure("open_items", None, "USD", note="not known")
            rate = Figure("rate", None, "ratio", inputs.term.source("rate"))
            rows = (Row(inputs.term.label, none, rate),)
        else:
            rows = tuple(row for item in items for row in _item_rows(inputs, parameters, item)) or (
                _nothing(inputs),
            )
        sheet = inputs.worksheet(rows, findings=() if items is not None else (_unknown(inputs),))
        return sheet, carried_on(inputs, items)


def _item_rows(inputs: ChargeInputs, parameters: Any, item: OpenItem) -> Iterator[Row]:
    """Yield the rows of one amount: part by part as it was paid, and what is still owed."""
    days = inputs.days_in_force()
    first, last = days[0], days[-1]
    for usd, paid in item.parts():
        known = paid if paid is not None and paid <= last else None
        if parameters.billed == "WHEN_PAID" and (known is None or known < first):
            continue
        until = known or last
        if until <= item.due_date:
            continue
        base = _base(inputs, parameters, item, usd)
        rows = _flat if parameters.method == "FLAT_PER_MONTH" else _by_day
        for begins, row in rows(inputs, parameters, item, base, until):
            if parameters.billed == "WHEN_PAID" or first <= begins <= last:
                yield row


def _base(inputs: ChargeInputs, parameters: Any, item: OpenItem, usd: Decimal) -> Figure:
    """Return what bears interest: the part itself, or the part less its share of the tax."""
    whole = Figure("part_usd", usd, "USD", _source(inputs, item))
    if parameters.tax == "INCLUDED" or not item.tax_usd:
        return whole
    tax = Figure("tax_usd", item.tax_usd, "USD", _source(inputs, item))
    owed = Figure("amount_usd", item.amount_usd, "USD", _source(inputs, item))
    formula = "part_usd * (amount_usd - tax_usd) / amount_usd"
    return Figure.computed("base_usd", "USD", formula, whole, owed, tax, note="without its tax")


def _source(inputs: ChargeInputs, item: OpenItem) -> Source:
    label = f"{item.reference}, due {item.due_date}"
    return Source("carry", item.reference, label, {"line_code": inputs.term.line_code})


def _by_day(
    inputs: ChargeInputs, parameters: Any, item: OpenItem, base: Figure, until: date
) -> Iterator[tuple[date, Row]]:
    """Yield a row per span of days; where interest compounds, earlier months stand in the base."""
    earned, added = Decimal(0), Decimal(0)
    month = (0, 0)
    for span in _within(item.due_date, until, parameters, inputs.days_in_force()[0]):
        if (span.first.year, span.first.month) != month:
            month, added = (span.first.year, span.first.month), earned
        parts = [base]
        formula = f"{base.name} * days"
        if parameters.method == "COMPOUND_MONTHLY" and added:
            parts.append(Figure("earned_usd", added, "USD", note="interest of earlier months"))
            formula = f"({base.name} + earned_usd) * days"
        source = Source("input", inputs.period.label, f"days from {span.first}")
        parts.append(Figure("days", Decimal(span.days), "count", source))
        row = Row(
            f"{inputs.term.label}, {item.reference}, {span.days} days from {span.first}",
            Figure.computed("usd_days", "USD-day", formula, *parts),
            _rate(inputs, span.rate),
            Decimal(span.year_days),
        )
        earned = WIDE.add(earned, row.exact_usd)
        yield span.first, row


def _within(due: date, until: date, parameters: Any, first: date) -> Iterator[Span]:
    """Yield the spans of days; those of simple interest join over the ends of months."""
    held: Span | None = None
    each = parameters.billed == "EACH_PERIOD"
    apart = each or parameters.method == "COMPOUND_MONTHLY"
    breaks_at = first if each else date.min
    for span in spans(due, until, parameters.rates, parameters.day_count, breaks_at):
        alike = held and (held.rate, held.year_days) == (span.rate, span.year_days)
        if held and alike and not apart:
            held = Span(held.first, held.days + span.days, held.rate, held.year_days)
            continue
        if held:
            yield held
        held = span
    if held:
        yield held


def _flat(
    inputs: ChargeInputs, parameters: Any, item: OpenItem, base: Figure, until: date
) -> Iterator[tuple[date, Row]]:
    """Yield a row per month or part of one."""
    for number, begins in enumerate(months_begun(item.due_date, until), start=1):
        label = f"{inputs.term.label}, {item.reference}, month {number}"
        yield begins, Row(label, base, _rate(inputs, rate_on(parameters.rates, begins)))


def _rate(inputs: ChargeInputs, rate: DatedRate) -> Figure:
    source = inputs.term.source(f"rate from {rate.from_date}")
    return Figure("rate", rate.rate_ratio, "ratio", source)


def _nothing(inputs: ChargeInputs) -> Row:
    source = Source("carry", inputs.period.label, "no amount was paid late")
    none = Figure("usd_days", Decimal(0), "USD-day", source)
    return Row(inputs.term.label, none, Figure("rate", Decimal(0), "ratio", source))


def _unknown(inputs: ChargeInputs) -> Finding:
    code = inputs.term.line_code
    return Finding(
        "contracts.open_items_unknown",
        f"it is not known what was owed when {inputs.period.label} began",
        where=f"{inputs.term.contract} line {code}",
        fix=f"Enter the open items of line {code} once, with the opening balance of "
        f"{inputs.period.label} (an empty list if nothing was owed); later ones are events.",
    )
