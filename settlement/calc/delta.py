"""What a newer run changes against what was billed, split into volume and price.

Volume effect = (Q2 - Q1) x P1, price effect = the rest, so both add up to the cent (decision 10).
A line that did not exist before is all volume. P1 of an index line is its load-weighted average.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from poweroptix.kernel.rounding import money

ZERO = Decimal("0.00")
DELTA_LINE_CODE = 70


@dataclass(frozen=True)
class Billed:
    """One printed line as far as a comparison needs it; quantity in the quoted unit of the rate."""

    key: tuple[int, str, str]
    label: str
    quantity: Decimal | None
    unit: str
    rate: Decimal | None
    amount_usd: Decimal


@dataclass(frozen=True)
class Delta:
    """The change of one line: `amount_usd` = `volume_usd` + `price_usd`, to the cent."""

    key: tuple[int, str, str]
    label: str
    unit: str
    before_quantity: Decimal | None
    after_quantity: Decimal | None
    before_usd: Decimal
    after_usd: Decimal
    volume_usd: Decimal
    price_usd: Decimal

    @property
    def amount_usd(self) -> Decimal:
        """Return new - old in printed cents."""
        return self.after_usd - self.before_usd


def compare(before: Sequence[Billed], after: Sequence[Billed]) -> list[Delta]:
    """Match lines by key and return the changes, in the order of the new lines.

    Lines that are gone come last with their whole amount taken back. Old + Σ deltas = new, to the
    cent, because printed amounts are subtracted.

    >>> old = [Billed((10, "", ""), "Energy", Decimal("18410.250"), "MWh", Decimal("58.40"),
    ...               Decimal("1075158.60"))]
    >>> new = [Billed((10, "", ""), "Energy", Decimal("18432.517"), "MWh", Decimal("58.12"),
    ...               Decimal("1071297.89"))]
    >>> [delta] = compare(old, new)
    >>> str(delta.amount_usd), str(delta.volume_usd), str(delta.price_usd)
    ('-3860.71', '1300.39', '-5161.10')
    """
    old = {one.key: one for one in before}
    new_keys = {one.key for one in after}
    deltas = [_changed(old.get(one.key), one) for one in after]
    deltas += [_gone(one) for one in before if one.key not in new_keys]
    return [one for one in deltas if _differs(one)]


def _differs(delta: Delta) -> bool:
    return delta.amount_usd != 0 or delta.before_quantity != delta.after_quantity


def _changed(before: Billed | None, after: Billed) -> Delta:
    change = after.amount_usd - (before.amount_usd if before else ZERO)
    volume = _volume_effect(before, after, change)
    return Delta(
        after.key,
        after.label,
        after.unit,
        before.quantity if before else None,
        after.quantity,
        before.amount_usd if before else ZERO,
        after.amount_usd,
        volume,
        change - volume,
    )


def _volume_effect(before: Billed | None, after: Billed, change: Decimal) -> Decimal:
    """Return (Q2 - Q1) x P1 in cents; a new line is all volume, a line without quantity none."""
    if before is None:
        return change
    if before.quantity is None or after.quantity is None or before.rate is None:
        return ZERO
    return money((after.quantity - before.quantity) * before.rate)


def _gone(before: Billed) -> Delta:
    return Delta(
        before.key,
        before.label,
        before.unit,
        before.quantity,
        None,
        before.amount_usd,
        ZERO,
        -before.amount_usd,
        ZERO,
    )
