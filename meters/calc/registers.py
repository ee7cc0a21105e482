"""Cumulative registers: dials, rollover, meter exchange, multipliers; exact, nothing rounded.

Rules of vee.md 9.1, 9.2, 9.5 and 7.3. A register is text: its leading zeros tell how many whole
dials it has, and decimals are no dials. Differences are taken modulo 10^dials.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import EXACT
from poweroptix.kernel.rounding import to_places

_REGISTER = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,6}))?")
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Dial:
    """A register as read: its number, whole dials and decimals."""

    value: Decimal
    digits: int
    decimals: int

    @property
    def least(self) -> Decimal:
        """Return what the last place of the register is worth."""
        return Decimal(1).scaleb(-self.decimals)


class Verdict(StrEnum):
    """What may be done with the advance of a register."""

    ACCEPTED = "ACCEPTED"
    RAN_BACK = "REGISTER_RAN_BACK"
    IMPLAUSIBLE = "REGISTER_IMPLAUSIBLE"
    UNPROVEN = "REGISTER_UNPROVEN"


@dataclass(frozen=True)
class Advance:
    """How far a register went forward, and back if it went the other way, in its own units."""

    forward: Decimal
    backward: Decimal
    rolled: bool


@dataclass(frozen=True)
class Read:
    """A read of a meter: when, the dial, the factor then in force, and why it was read."""

    meter: str
    at: datetime
    dial: Dial
    multiplier: Decimal
    read_type: str


@dataclass(frozen=True)
class Exchange:
    """One meter goes, another comes; nothing counts in between."""

    removed_at: datetime
    installed_at: datetime

    @property
    def dead(self) -> timedelta:
        """Return how long no meter counted."""
        return self.installed_at - self.removed_at


@dataclass(frozen=True)
class Consumption:
    """The parts of a row of reads, each its own meter's advance times its own multiplier."""

    parts: tuple[Decimal, ...]
    exchanges: tuple[Exchange, ...]

    @property
    def total(self) -> Decimal:
        """Return the sum of the parts."""
        return sum(self.parts, Decimal(0))


def read_dial(text: str, digits: int | None = None) -> Dial:
    """Return the dial that a register's text shows.

    `digits` are the whole dials of the installation, if known: the text may be shorter (the source
    dropped zeros) but not longer. Raises Refused `register.text` or `register.dials` (V28).

    >>> read_dial("006342.8")
    Dial(value=Decimal('6342.8'), digits=6, decimals=1)
    """
    match = _REGISTER.fullmatch(text)
    if match is None:
        raise Refused(
            "register.text",
            f"Register '{text[:40]}' is not digits with at most 6 decimals; send what it shows.",
        )
    whole, fraction = match.groups()
    if digits is not None and len(whole) > digits:
        raise Refused(
            "register.dials",
            f"Register '{text}' has {len(whole)} dials, the meter has {digits}.",
            digits=digits,
        )
    return Dial(Decimal(text), digits or len(whole), len(fraction or ""))


def advance(previous: Dial, current: Dial) -> Advance:
    """Return the advance between two reads of one register; Refused when their dials differ.

    >>> advance(read_dial("99890"), read_dial("02034"))
    Advance(forward=Decimal('2144'), backward=Decimal('97856'), rolled=True)
    """
    if previous.digits != current.digits:
        raise Refused(
            "register.dials",
            f"The register had {previous.digits} dials and has {current.digits} now: another meter "
            "needs a REMOVE and an INSTALL read.",
        )
    around = Decimal(10) ** current.digits
    difference = EXACT.subtract(current.value, previous.value)
    rolled = difference < 0
    forward = EXACT.add(difference, around) if rolled else difference
    backward = EXACT.subtract(around, forward) if forward else forward
    return Advance(forward, backward, rolled)


def judge(
    moved: Advance, multiplier: Decimal, elapsed: timedelta, capacity_kw: Decimal | None
) -> Verdict:
    """Tell whether an advance may be taken without a person.

    It may if it needs no more than the capacity over the elapsed time. If it needs more and the
    way back would not, the register ran back. A rollover that no capacity proves is not taken.
    """
    if capacity_kw is None:
        return Verdict.UNPROVEN if moved.rolled else Verdict.ACCEPTED
    if _needed(moved.forward, multiplier) <= most(capacity_kw, elapsed):
        return Verdict.ACCEPTED
    if _needed(moved.backward, multiplier) <= most(capacity_kw, elapsed):
        return Verdict.RAN_BACK
    return Verdict.IMPLAUSIBLE


def most(capacity_kw: Decimal, elapsed: timedelta) -> Fraction:
    """Return the most energy (kWh) that a point can have carried."""
    hours = Fraction(elapsed // timedelta(microseconds=1), HOUR // timedelta(microseconds=1))
    return Fraction(capacity_kw) * hours


def _needed(moved: Decimal, multiplier: Decimal) -> Fraction:
    return Fraction(moved) * Fraction(multiplier)


def primary(moved: Decimal, multiplier: Decimal) -> Decimal:
    """Return an advance in primary units: times CT ratio times PT ratio."""
    return EXACT.multiply(moved, multiplier)


@dataclass(frozen=True)
class QuantityCheck:
    """What the source states against what the register says, both in primary units."""

    expected: Decimal
    stated: Decimal
    tolerance: Decimal

    @property
    def difference(self) -> Decimal:
        """Return stated less expected."""
        return EXACT.subtract(self.stated, self.expected)

    @property
    def is_exact(self) -> bool:
        """Return whether both are the same number."""
        return self.difference == 0

    @property
    def passes(self) -> bool:
        """Return whether they differ by less than one step of the register."""
        return self.is_exact or abs(self.difference) < self.tolerance


def check_quantity(
    previous: Dial, current: Dial, multiplier: Decimal, stated: Decimal, *, reverse: bool = False
) -> QuantityCheck:
    """Compare a stated quantity with the rolled advance times the multiplier.

    `reverse`: the source counts this register negative (NEM13 direction I). A register that shows
    whole units hides what a quantity with decimals tells: less than one step of it is no mismatch.
    """
    expected = primary(advance(previous, current).forward, multiplier)
    least = max(previous.least, current.least)
    return QuantityCheck(-expected if reverse else expected, stated, primary(least, multiplier))


def check_sum(
    previous: Dial, current: Dial, multiplier: Decimal, interval_sum: Decimal
) -> QuantityCheck:
    """Compare the sum of intervals with the register; two steps of the register pass (V20)."""
    expected = primary(advance(previous, current).forward, multiplier)
    least = max(previous.least, current.least)
    # A difference of exactly two steps passes, one more millionth does not.
    tolerance = EXACT.add(primary(least, multiplier * 2), Decimal("0.000001"))
    return QuantityCheck(expected, interval_sum, tolerance)


def consumption(reads: Sequence[Read]) -> Consumption:
    """Return what a channel used from its first to its last read, over meter exchanges.

    Reads come in time order. Another meter needs the REMOVE read of the old one and the INSTALL
    read of the new one, not before it; anything else raises Refused `register.exchange`.
    """
    parts: list[Decimal] = []
    exchanges: list[Exchange] = []
    for before, after in pairwise(reads):
        if after.at < before.at:
            raise Refused(
                "register.order", f"The read of {after.at:%Y-%m-%d %H:%M} is out of order."
            )
        if before.meter == after.meter and after.read_type != "INSTALL":
            moved = advance(before.dial, after.dial)
            parts.append(primary(moved.forward, after.multiplier))
            continue
        if (before.read_type, after.read_type) != ("REMOVE", "INSTALL"):
            raise Refused(
                "register.exchange",
                f"{before.meter} was followed by {after.meter} at {after.at:%Y-%m-%d %H:%M} "
                "without a REMOVE read of the old and an INSTALL read of the new meter; enter "
                "both.",
            )
        exchanges.append(Exchange(before.at, after.at))
    return Consumption(tuple(parts), tuple(exchanges))


def straddling(
    old_part: Decimal, new_part: Decimal, dead: timedelta, length: timedelta
) -> tuple[Decimal, Decimal]:
    """Return (measured, estimated) energy of the interval in which a meter was exchanged.

    The dead time is filled at the mean rate of what both meters counted, to 10^-6.

    >>> quarter, three = timedelta(minutes=15), timedelta(minutes=3)
    >>> straddling(Decimal(70), Decimal(50), three, quarter)
    (Decimal('120'), Decimal('30.000000'))
    """
    if not timedelta(0) <= dead < length:
        raise Refused("register.dead_time", f"{dead} of {length} without a meter cannot be filled.")
    measured = EXACT.add(old_part, new_part)
    one = timedelta(microseconds=1)
    rate = Fraction(measured) * Fraction(dead // one, (length - dead) // one)
    return measured, to_places(rate, 6)
