"""What every money key takes and gives.

A key weighs the members of a pool of money for one month. The weights are exact fractions of one
unit (MW-days, kWh, days); `settlement.calc.money` divides the amount by them to the cent. A key is
found by its versioned name (``equal_parts@1``); a changed result is a new file with a new version.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any, ClassVar

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.parameters import param
from poweroptix.kernel.period import Period
from poweroptix.kernel.registry import Registry
from poweroptix.kernel.series import Series

#: Plain numbers of a size that occurs: an exponent could ask for more digits than there are atoms.
_WEIGHT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12}|/[0-9]{1,12})?")
_NEGATIVE = re.compile(r"-[0-9./]+")
PART_MONTH = ("DAYS", "WHOLE")
QUANTITIES = ("delivered", "metered")


@dataclass(frozen=True)
class Stay:
    """Local days on which a member takes part, end not included, and its stated weight."""

    first_date: date
    end_date: date | None = None
    weight: str = ""

    def days_in(self, period: Period) -> list[date]:
        """Return the days of the period that the stay covers."""
        return [
            day
            for day in period.days()
            if self.first_date <= day and (self.end_date is None or day < self.end_date)
        ]

    def stated(self, member: str) -> Fraction:
        """Return the stated weight, "60", "0.55" or "1/3"; Refused when it is none."""
        return fraction(self.weight, member)


@dataclass(frozen=True)
class Claims:
    """What a key may read: the month, each member's stays, and the energy of contracts by name."""

    period: Period
    stays: Mapping[str, tuple[Stay, ...]]
    series: Mapping[str, Series] = field(default_factory=dict)

    def present(self) -> dict[str, list[tuple[Stay, list[date]]]]:
        """Return the stays that touch the month with their days, by member."""
        found = {
            code: [(stay, days) for stay in stays if (days := stay.days_in(self.period))]
            for code, stays in self.stays.items()
        }
        return {code: stays for code, stays in sorted(found.items()) if stays}

    def energy(self, member: str, days: list[date]) -> Series | None:
        """Return a member's energy on consecutive days; None when the run does not have it."""
        series = self.series.get(member)
        if series is None:
            return None
        start, end = self.period.day_bounds(days[0])[0], self.period.day_bounds(days[-1])[1]
        return series.slice(start, end)


@dataclass(frozen=True)
class Weighing:
    """The weight of each member (None: not known yet), how it came about, and what is wrong."""

    unit: str
    weights: Mapping[str, Fraction | None]
    said: Mapping[str, str]
    findings: tuple[Finding, ...] = ()


class MoneyKey(ABC):
    """One way to weigh the members of a pool of money. Subclasses hold no state."""

    title: ClassVar[str]
    Parameters: ClassVar[type]
    #: What the weight of a member states, in words; empty where members state none.
    states: ClassVar[str] = ""

    def quantity(self, parameters: Any) -> str:
        """Return the name of the quantity that the key reads; empty when it reads none."""
        return getattr(parameters, "quantity", "")

    @abstractmethod
    def weigh(self, claims: Claims, parameters: Any) -> Weighing:
        """Return the weights of the month."""


money_keys: Registry[type[MoneyKey]] = Registry("money key", "settlement.sharing")


def money_key(key: str) -> MoneyKey:
    """Return the key registered under a name such as "equal_parts@1"; NotFoundError if none."""
    return money_keys.get(key)()


@dataclass(frozen=True, kw_only=True)
class NoParameters:
    """The key has nothing to choose."""


@dataclass(frozen=True, kw_only=True)
class PartMonth:
    """What a key that counts members has to say about those who join or leave inside a month."""

    part_month: str = param(
        choices=PART_MONTH,
        help="DAYS: a member bears the days on which it takes part. WHOLE: whoever takes part on "
        "any day bears the whole month.",
    )


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a key that reads energy has to say."""

    quantity: str = param(
        choices=QUANTITIES,
        help="delivered: own meters with shares of losses and shared load. metered: own meters "
        "alone.",
    )


def fraction(text: str, member: str) -> Fraction:
    """Return a stated weight as an exact fraction.

    >>> fraction("0.55", "DEVCO"), fraction("1/3", "FUND")
    (Fraction(11, 20), Fraction(1, 3))
    """
    written = str(text).strip()
    if _NEGATIVE.fullmatch(written):
        raise Refused("sharing.weight", f"The weight {text} of {member} is negative.")
    try:
        return Fraction(written if _WEIGHT.fullmatch(written) else "")
    except (ValueError, ZeroDivisionError):
        said = f"The weight '{text}' of {member} is no number such as 60, 0.55 or 1/3."
        raise Refused("sharing.weight", said, member=member) from None


def unread(member: str, quantity: str, label: str) -> Finding:
    """Return the finding about a member whose energy is not known."""
    return Finding(
        "sharing.energy_missing",
        f"The {quantity} energy of {member} in {label} is not complete, so nobody's part is known.",
        where=member,
        fix="Bring in or estimate the readings, then allocate the month.",
    )
