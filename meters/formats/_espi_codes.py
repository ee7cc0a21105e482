"""Coded numbers of ESPI that are not readings: daylight saving rules and amounts of money.

Source: NAESB REQ.21 ESPI, `DstRuleType` and `UsageSummary`; the layout of the rule's bits is
confirmed by the published samples (vee.md 6.2, 13).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from meters.formats._text import refuse

_RULE = re.compile(r"[0-9A-Fa-f]{8}")
#: ISO 4217 numbers of the currencies that are written.
CURRENCIES = {840: "USD"}


@dataclass(frozen=True)
class DstRule:
    """When clocks change: a month, a day by operator, weekday and day of month, hour, second.

    `operator` 3: the second `day_of_week` (1 Monday to 7 Sunday) of the month on or after
    `day_of_month`; 0: the very day; 1: the weekday on or after it; 2: the first, 7: the last.
    """

    month: int
    operator: int
    day_of_month: int
    day_of_week: int
    hour: int
    second: int


def dst_rule(text: str) -> DstRule:
    """Return a `dstStartRule` or `dstEndRule` of four octets in hexadecimal; Refused X014.

    >>> dst_rule("360E2000")
    DstRule(month=3, operator=3, day_of_month=0, day_of_week=7, hour=2, second=0)
    """
    if not _RULE.fullmatch(text):
        refuse("X014", f"A daylight saving rule has eight hexadecimal digits, not '{text[:20]}'.")
    bits = int(text, 16)
    return DstRule(
        month=bits >> 28,
        operator=bits >> 25 & 0x7,
        day_of_month=bits >> 20 & 0x1F,
        day_of_week=bits >> 17 & 0x7,
        hour=bits >> 12 & 0x1F,
        second=bits & 0xFFF,
    )


def money(cost: int, currency: int) -> tuple[str, Decimal]:
    """Return the currency and the amount of a `cost`, which counts 0.00001; Refused X015.

    >>> money(1148274, 840)
    ('USD', Decimal('11.48274'))
    """
    if currency not in CURRENCIES:
        refuse("X015", f"Currency {currency} is not read; known are {sorted(CURRENCIES)}.")
    return CURRENCIES[currency], Decimal(cost).scaleb(-5)
