"""Rates of tax and interest that change on named days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

from contracts.calc import words
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.parameters import param


@dataclass(frozen=True, kw_only=True)
class DatedRate:
    """A rate and the first local day on which it holds."""

    from_date: date = param(help="First local day, for example 2026-09-01.")
    rate_ratio: Decimal = param(
        unit="ratio", minimum=Decimal(0), maximum=Decimal(10), help="0.0625 is 6.25 %."
    )


def check_rates(rates: Sequence[DatedRate]) -> None:
    """Refuse no rate, and rates that do not stand in the order of their first days."""
    if not rates:
        raise Refused("contracts.no_rate", "rates: give at least one rate with its first day")
    for before, after in pairwise(rates):
        if after.from_date <= before.from_date:
            text = f"rates: {after.from_date} comes after {before.from_date}; put them in order"
            raise Refused("contracts.rate_order", text)


def rate_on(rates: Sequence[DatedRate], day: date) -> DatedRate:
    """Return the rate that holds on a day. Refused before the first: none is borrowed.

    >>> table = [DatedRate(from_date=date(2026, 1, 1), rate_ratio=Decimal("0.095")),
    ...          DatedRate(from_date=date(2026, 9, 1), rate_ratio=Decimal("0.0925"))]
    >>> rate_on(table, date(2026, 8, 31)).rate_ratio
    Decimal('0.095')
    """
    held = [rate for rate in rates if rate.from_date <= day]
    if not held:
        text = f"there is no rate for {day}; the first one holds from {rates[0].from_date}"
        raise Refused("contracts.no_rate", text)
    return held[-1]


def in_words(rates: Sequence[DatedRate], per: str = "") -> str:
    """Return rates with the days from which they hold.

    >>> in_words([DatedRate(from_date=date(2026, 1, 1), rate_ratio=Decimal("0.0625"))])
    '6.25 % from 1 January 2026'
    """
    return words.listed(
        f"{words.percent(rate.rate_ratio)}{per} from {words.day(rate.from_date)}" for rate in rates
    )
