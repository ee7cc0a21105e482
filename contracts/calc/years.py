"""Contract years inside a period, and sums that go on from month to month until a year ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from contracts.calc.contract_year import contract_year
from contracts.charges._base import ChargeInputs
from poweroptix.kernel.canonical import number as plain
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import EXACT
from poweroptix.kernel.plain import WRITTEN_DIGITS, plain_decimal


@dataclass(frozen=True)
class YearPart:
    """Days in force that lie in one contract year, as [start, end) in UTC.

    `ends` is True when the year ends with them.
    """

    year: int
    start_utc: datetime
    end_utc: datetime
    ends: bool


def whole(inputs: ChargeInputs) -> YearPart:
    """Return all days in force as one part that ends: a month that is judged by itself."""
    return YearPart(0, *inputs.window(), True)


def year_parts(inputs: ChargeInputs) -> list[YearPart]:
    """Return the days in force, cut where a contract year turns.

    Refused when the contract does not say from when its years count.
    """
    inputs.window()
    anchor = inputs.anchor_date
    if anchor is None:
        text = "the contract version has no first day of contract year 1 (anchor date)"
        raise Refused("contracts.no_anchor", text)
    days: dict[int, list] = {}
    for day in inputs.days_in_force():
        days.setdefault(contract_year(anchor, day), []).append(day)
    return [
        YearPart(
            year,
            inputs.period.day_bounds(held[0])[0],
            inputs.period.day_bounds(held[-1])[1],
            contract_year(anchor, held[-1] + timedelta(days=1)) != year,
        )
        for year, held in days.items()
    ]


def sums_of(carry: Mapping[str, Any], year: int, names: tuple[str, ...]) -> dict[str, Any]:
    """Return what a year has gathered so far, by name; zero where it only begins.

    None where an earlier month of the year does not know it. Refused when the carry is not
    decimal text.
    """
    if not carry or int(carry.get("year", year)) != year:
        return dict.fromkeys(names, Decimal(0))
    found: dict[str, Decimal | None] = {}
    for name in names:
        text = carry.get(name, "0")
        found[name] = plain_decimal(text, digits=WRITTEN_DIGITS)
        if found[name] is None and text is not None:
            raise Refused("contracts.carry", f"{name}: {text!r} is not a plain number")
    return found


def kept(year: int, sums: Mapping[str, Decimal | None]) -> dict[str, Any]:
    """Return sums as they are carried to the next month.

    >>> kept(2, {"used_mwh": Decimal("40.0"), "paid_usd": None})
    {'year': 2, 'used_mwh': '40', 'paid_usd': None}
    """
    texts = {
        name: None if one is None else plain(one.normalize(EXACT)) for name, one in sums.items()
    }
    return {"year": year, **texts}


def added(before: Decimal | None, now: Decimal | None) -> Decimal | None:
    """Return the sum; not known while a part of it is not."""
    return None if before is None or now is None else before + now
