"""What every money key takes and gives.

A key weighs the members of a pool of money for one month. The weights are exact fractions of one
unit (MW-days, kWh, days); `settlement.calc.money` divides the amount by them to the cent. A key is
found by its versioned name (``equal_parts@1``); a changed result is a new file with a new version.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any, ClassVar

from poweroptix.kernel.finding import Finding
from poweroptix.kernel.parameters import param
from poweroptix.kernel.period import Period
from poweroptix.kernel.registry import Registry
from poweroptix.kernel.series import Series
from settlement.weighing._base import Weighing
from settlement.weighing.stays import Stay, masked

PART_MONTH = ("DAYS", "WHOLE")
QUANTITIES = ("delivered", "metered")


@dataclass(frozen=True)
class Claims:
    """What a key may read: the month, each member's stays, and the energy of contracts by name."""

    period: Period
    stays: Mapping[str, tuple[Stay, ...]]
    series: Mapping[str, Series] = field(default_factory=dict)

    def present(self) -> dict[str, list[tuple[Stay, list[date]]]]:
        """Return the stays that touch the month with their days, by member, the first one first."""
        found = {
            code: [(stay, days) for stay in stays if (days := stay.days_in(self.period))]
            for code, stays in self.stays.items()
        }
        return {
            code: sorted(stays, key=lambda each: each[1][0])
            for code, stays in sorted(found.items())
            if stays
        }

    def energy(self, member: str, days: list[date]) -> Series | None:
        """Return a member's energy on consecutive days; None when the run does not have it."""
        series = self.series.get(member)
        if series is None:
            return None
        start, end = self.period.day_bounds(days[0])[0], self.period.day_bounds(days[-1])[1]
        return series.slice(start, end)

    @cached_property
    def use(self) -> dict[str, Series | None]:
        """Return the energy of those who take part, zero on days on which they do not.

        None for a member of which an interval on its days is missing, or all of them.
        """
        found: dict[str, Series | None] = {}
        for code in self.present():
            series = self.series.get(code)
            own = None if series is None else masked(series, self.stays[code], self.period)
            found[code] = None if own is None or own.missing_count else own
        return found


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


class ByEnergy(MoneyKey):
    """A key that weighs by energy: a member whose energy is not known is named as a finding."""

    @abstractmethod
    def weigh_use(self, claims: Claims, parameters: Any) -> Weighing:
        """Return the weights by use; a member whose use is None has none."""

    def weigh(self, claims: Claims, parameters: Any) -> Weighing:
        """Weigh by use. One interval without a reading leaves the weight of its member unknown."""
        weighing = self.weigh_use(claims, parameters)
        return replace(
            weighing,
            said={code: weighing.said.get(code, "not known") for code in weighing.weights},
            findings=tuple(
                unread(code, parameters.quantity, claims.period.label)
                for code, own in claims.use.items()
                if own is None
            ),
        )


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


@dataclass(frozen=True, kw_only=True)
class MeasuredInBlocks(Measured):
    """Which quantity, and over how many minutes a peak is the average."""

    window_minutes: int = param(
        unit="minutes",
        minimum=5,
        maximum=60,
        help="Length of the block whose average kW counts; whole multiples of the readings.",
    )


def unread(member: str, quantity: str, label: str) -> Finding:
    """Return the finding about a member whose energy is not known."""
    return Finding(
        "sharing.energy_missing",
        f"The {quantity} energy of {member} in {label} is not complete, so nobody's part is known.",
        where=member,
        fix="Bring in or estimate the readings, then allocate the month.",
    )
