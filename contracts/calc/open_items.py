"""Amounts that were due under a contract, when they were paid, and the days that bear interest.

`open_items` is the one place that lists them. They are opened by a carry that says what was owed
when it began (an opening balance; an empty list for nothing), go on from month to month, and take
in what the events of each month say: an amount that fell due, a payment.
"""

from calendar import isleap, monthrange
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from contracts.calc.dated_rates import DatedRate, rate_on
from contracts.charges._base import ChargeInputs
from contracts.events import OPEN_ITEM, PAYMENT, Event, values_of
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import exact_sum
from poweroptix.kernel.parameters import param, parse, to_json
from poweroptix.kernel.period import zone_of

MOST_DAYS = 40 * 366
YEAR_DAYS = {"ACTUAL_365": 365, "ACTUAL_360": 360}


@dataclass(frozen=True, kw_only=True)
class Payment:
    """What was paid on a local day."""

    date: date
    amount_usd: Decimal = param(unit="USD", minimum=Decimal("0.01"))


@dataclass(frozen=True, kw_only=True)
class OpenItem:
    """An amount that was owed, its due day, the tax in it, and what was paid when.

    What a credit took back was never owed and does not stand in it.
    """

    reference: str = param(help="Number of the invoice, or of the resolved dispute.")
    amount_usd: Decimal = param(unit="USD", minimum=Decimal("0.01"))
    due_date: date
    tax_usd: Decimal = param(default=Decimal(0), unit="USD", minimum=Decimal(0))
    payments: list[Payment] = param(default=())

    def __post_init__(self) -> None:
        """Refuse more tax or more payments than the amount."""
        paid = exact_sum([one.amount_usd for one in self.payments])
        for what, usd in (("the tax in it is", self.tax_usd), ("its payments come to", paid)):
            if usd > self.amount_usd:
                text = f"{self.reference}: {what} {usd}, more than the {self.amount_usd} due"
                raise Refused("contracts.open_item", text)

    def parts(self) -> list[tuple[Decimal, date | None]]:
        """Return what was paid with its day, in order of days, and what is still owed."""
        paid = [(one.amount_usd, one.date) for one in sorted(self.payments, key=_day)]
        rest = self.amount_usd - exact_sum([usd for usd, _ in paid])
        return [*paid, *([(rest, None)] if rest else [])]


def _day(payment: Payment) -> date:
    return payment.date


def read_items(entries: Any) -> list[OpenItem]:
    """Return open items from plain data; Refused with the entry that cannot be read."""
    if not isinstance(entries, list | tuple):
        raise Refused("contracts.open_item", "open_items is not a list of amounts that were due")
    items = []
    for number, entry in enumerate(entries, start=1):
        try:
            items.append(parse(OpenItem, entry))
        except Refused as error:
            text = f"open item {number}: {error.message}"
            raise Refused("contracts.open_item", text) from error
    twice = [one.reference for one in items]
    for reference in twice:
        if twice.count(reference) > 1:
            raise Refused("contracts.open_item", f"open item {reference} stands there twice")
    return items


def known_items(carry_in: Mapping[str, Any]) -> list[OpenItem] | None:
    """Return the open items of a carry; None when it does not say whether there are any."""
    return None if "open_items" not in carry_in else read_items(carry_in["open_items"])


def open_items(inputs: ChargeInputs, carry_in: Mapping[str, Any]) -> list[OpenItem] | None:
    """Return what is owed or was paid in the days in force: what was carried, and their events.

    None when nobody said what was owed before. Refused for a payment of an amount that is not
    owed, or of more than that.
    """
    items = known_items(carry_in)
    if items is None:
        return None
    owed = {one.reference: one for one in items}
    for event in inputs.happened(OPEN_ITEM):
        values = values_of(event)
        if values.reference in owed:
            text = f"{event.name()}: {values.reference} is owed already; correct one of them"
            raise Refused("contracts.open_item", text)
        owed[values.reference] = OpenItem(
            reference=values.reference,
            amount_usd=values.amount_usd,
            due_date=_day_of(inputs, event),
            tax_usd=values.tax_usd,
        )
    for event in inputs.happened(PAYMENT):
        values = values_of(event)
        if values.reference not in owed:
            known = ", ".join(owed) or "nothing"
            text = f"{event.name()}: {values.reference} is not owed; known: {known}"
            raise Refused("contracts.open_item", text)
        item = owed[values.reference]
        paid = Payment(date=_day_of(inputs, event), amount_usd=values.amount_usd)
        owed[values.reference] = replace(item, payments=[*item.payments, paid])
    return list(owed.values())


def carried_on(inputs: ChargeInputs, items: Iterable[OpenItem] | None) -> dict[str, Any]:
    """Return the carry: the items that are owed, or paid, after the last day in force."""
    if items is None:
        return {}
    last = inputs.days_in_force()[-1]
    kept = (item for item in items if any(paid is None or paid > last for _, paid in item.parts()))
    return {"open_items": [to_json(item) for item in kept]}


def _day_of(inputs: ChargeInputs, event: Event) -> date:
    return event.start_utc.astimezone(zone_of(inputs.zone)).date()


@dataclass(frozen=True)
class Span:
    """Days in a row with one rate and one length of the year, all of one calendar month."""

    first: date
    days: int
    rate: DatedRate
    year_days: int


def spans(
    due: date,
    until: date,
    rates: Sequence[DatedRate],
    day_count: str,
    breaks_at: date = date.min,
) -> Iterator[Span]:
    """Yield the days that bear interest: the due day does not, the day of payment does.

    A span ends with its month, its rate, and before `breaks_at`.

    >>> table = [DatedRate(from_date=date(2026, 1, 1), rate_ratio=Decimal("0.095")),
    ...          DatedRate(from_date=date(2026, 9, 1), rate_ratio=Decimal("0.0925"))]
    >>> [(one.days, str(one.rate.rate_ratio))
    ...  for one in spans(date(2026, 8, 20), date(2026, 9, 14), table, "ACTUAL_365")]
    [(11, '0.095'), (14, '0.0925')]
    """
    count = (until - due).days
    if count > MOST_DAYS:
        text = f"{due} to {until} is {count} days; interest is counted over {MOST_DAYS} at most"
        raise Refused("contracts.open_item", text)
    days = (due + timedelta(days=step) for step in range(1, count + 1))

    def alike(day: date) -> tuple[int, int, date, bool]:
        return day.year, day.month, rate_on(rates, day).from_date, day >= breaks_at

    for _, held in groupby(days, key=alike):
        first, *rest = held
        year_days = YEAR_DAYS.get(day_count) or (366 if isleap(first.year) else 365)
        yield Span(first, 1 + len(rest), rate_on(rates, first), year_days)


def months_begun(due: date, until: date) -> Iterable[date]:
    """Return the first day of every month or part of one after the due day.

    >>> [str(day) for day in months_begun(date(2026, 1, 31), date(2026, 3, 1))]
    ['2026-02-01', '2026-03-01']
    """
    begun = 0
    while (start := _months_later(due, begun) + timedelta(days=1)) <= until:
        yield start
        begun += 1


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
