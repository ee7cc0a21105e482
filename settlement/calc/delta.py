"""What a newer run changes against what was billed, split into volume and price.

Row by row of the worksheets: a row whose price is the same in both runs changed by its volume
alone, also when kW moved into another block or hours of another price; else the volume effect is
(Q2 - Q1) x P1 and the price effect the rest (decision 10). Rows without a partner are all volume.
A line that is cut inside the month in one run only is compared whole; a line that is billed in
another unit now has no volume to compare and is all price.
The volume effect of a line is rounded once and the price effect is what is left of the change in
printed cents, so both always add up to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from poweroptix.kernel.fixed import EXACT, WIDE, exact_sum
from poweroptix.kernel.rounding import money
from poweroptix.kernel.worksheet import IntervalRow, Row, Worksheet
from settlement.calc.cut_lines import made_alike

#: What a line is told by from run to run: line code, label, first day.
Key = tuple[int, str, str]
ZERO = Decimal("0.00")
DELTA_LINE_CODE = 70
MEANING = (
    "The volume effect is what changed because the quantities changed, at the prices of the "
    "version before. The price effect is the rest: what changed because a price changed. Where a "
    "price is the same in both versions, as that of a demand block or of an hour, the whole change "
    "is volume. Both are worked out for each row of a line and add up to the difference, to the "
    "cent."
)


@dataclass(frozen=True)
class BilledRow:
    """One row of a worksheet as far as a comparison needs it.

    `rate` is as printed or on average; quantity x rate / divisor is the amount, so quantity /
    divisor is what the rate is for, whether it is printed in kW or in kW-day. Rows with an equal
    `basis` were priced alike.
    """

    label: str
    quantity: Decimal
    rate: Decimal
    basis: Any
    exact_usd: Decimal
    divisor: Decimal = Decimal(1)


@dataclass(frozen=True)
class Billed:
    """One printed line as far as a comparison needs it; quantity in the quoted unit of the rate.

    `amount_usd` is None where something that the line needs is missing; `compare` takes none such.
    `days` are its first and last day, one pair for each part where parts were added up.
    """

    key: Key
    label: str
    quantity: Decimal | None
    unit: str
    amount_usd: Decimal | None
    rows: tuple[BilledRow, ...]
    days: tuple[tuple[date, date], ...] = ()


@dataclass(frozen=True)
class Delta:
    """The change of one line: `amount_usd` = `volume_usd` + `price_usd`, to the cent."""

    key: Key
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

    def document(self) -> dict[str, Any]:
        """Return the difference as it stands in a frozen document, numbers as text."""
        fields = (
            "before_quantity", "after_quantity", "before_usd", "after_usd", "volume_usd",
            "price_usd",
        )  # fmt: skip
        numbers = {name: getattr(self, name) for name in fields}
        return {
            "label": self.label,
            "unit": self.unit,
            **{name: None if one is None else format(one, "f") for name, one in numbers.items()},
        }


@dataclass(frozen=True)
class Total:
    """The sums of all changes of a comparison, in printed cents."""

    before_usd: Decimal
    after_usd: Decimal
    volume_usd: Decimal
    price_usd: Decimal
    amount_usd: Decimal


def billed_rows(sheet: Worksheet) -> tuple[BilledRow, ...]:
    """Return the rows of a worksheet, each with what its price was made from."""
    agreed = [
        (one.name, one.value)
        for one in sheet.figures
        if one.source is not None and one.source.kind == "term"
    ]
    return tuple(
        BilledRow(row.label, row.quantity.value, row.rate.value, *_pricing(row, agreed))
        for row in sheet.rows
    )


def _pricing(row: Row | IntervalRow, agreed: list[Any]) -> tuple[Any, Decimal, Decimal]:
    """Return basis, exact amount and divisor of a row.

    Interval prices are told apart by their digest and by the terms that made them; the average
    that is printed moves with the load, so it says nothing about prices.
    """
    if isinstance(row, Row):
        return (row.rate.value,), row.exact_usd, row.unit_divisor
    prices = row.digests.get("prices")
    basis = (row.rate.value,) if prices is None else (prices, *agreed)
    return basis, row.exact_usd, Decimal(1)


def compare(before: Sequence[Billed], after: Sequence[Billed]) -> list[Delta]:
    """Match lines by key and return the changes, in the order of the new lines.

    Lines that are gone come last with their whole amount taken back. Old + Σ deltas = new, to the
    cent, because printed amounts are subtracted. A line that is cut on other days in the two runs
    is one change.

    >>> def line(quantity, rate, usd):
    ...     row = BilledRow("Energy", Decimal(quantity), Decimal(rate), rate, Decimal(usd))
    ...     return Billed((10, "", ""), "Energy", row.quantity, "MWh", row.exact_usd, (row,))
    >>> [delta] = compare([line("18410.250", "58.40", "1075158.60")],
    ...                   [line("18432.517", "58.12", "1071297.89")])
    >>> str(delta.amount_usd), str(delta.volume_usd), str(delta.price_usd)
    ('-3860.71', '1300.39', '-5161.10')
    """
    return differences(*made_alike(before, after))


def differences(before: Sequence[Billed], after: Sequence[Billed]) -> list[Delta]:
    """Return the changes of lines that are cut alike in both runs (see `made_alike`)."""
    old = {one.key: one for one in before}
    new_keys = {one.key for one in after}
    deltas = [_changed(old.get(one.key), one) for one in after]
    deltas += [_changed(one, None) for one in before if one.key not in new_keys]
    return [one for one in deltas if _differs(one)]


def numbered(keys: Iterable[Key]) -> list[Key]:
    """Return the keys, with the label of a second equal one numbered, so that none is lost.

    >>> numbered([(10, "Energy", "2026-03-01"), (10, "Energy", "2026-03-01")])
    [(10, 'Energy', '2026-03-01'), (10, 'Energy (2)', '2026-03-01')]
    """
    seen: dict[Key, int] = {}
    found = []
    for key in keys:
        seen[key] = seen.get(key, 0) + 1
        code, label, first = key
        found.append(key if seen[key] == 1 else (code, f"{label} ({seen[key]})", first))
    return found


def billed_of(lines: Iterable) -> list[Billed]:
    """Return a run's own priced lines as a comparison needs them; corrections are left out.

    Takes the lines of an outcome, whose worksheets are objects.
    """
    own = [line for line in lines if not line.corrects_period]
    keys = numbered((line.line_code, line.label, line.first_date.isoformat()) for line in own)
    return [
        Billed(
            key,
            line.label,
            line.quantity,
            line.unit,
            line.amount_usd,
            billed_rows(line.worksheet),
            ((line.first_date, line.last_date),),
        )
        for key, line in zip(keys, own, strict=True)
        if line.amount_usd is not None
    ]


def total(deltas: Sequence[Delta]) -> Total:
    """Return the totals row of a comparison."""
    names = ("before_usd", "after_usd", "volume_usd", "price_usd", "amount_usd")
    return Total(*(sum((getattr(one, name) for one in deltas), ZERO) for name in names))


def _differs(delta: Delta) -> bool:
    return (
        delta.amount_usd != 0
        or delta.volume_usd != 0
        or delta.before_quantity != delta.after_quantity
    )


def _changed(before: Billed | None, after: Billed | None) -> Delta:
    named = after or before
    was, now = _amount(before), _amount(after)
    volume = _volume_usd(before, after, now - was)
    return Delta(
        named.key,
        named.label,
        named.unit,
        quantity_before(before, after),
        after.quantity if after else None,
        was,
        now,
        volume,
        now - was - volume,
    )


def quantity_before(before: Billed | None, after: Billed | None) -> Decimal | None:
    """Return the older quantity in the unit of the newer line; None where it has none in it.

    What is billed by the day stands in kW-day, 900,000 kW-day x rate / 31; for a whole month it
    stood in kW.
    """
    if before is None or after is None or before.unit == after.unit:
        return before.quantity if before else None
    if (
        _are_units_apart(before, after)
        or before.quantity is None
        or not before.rows
        or not after.rows
    ):
        return None
    was, now = before.rows[0].divisor, after.rows[0].divisor
    return WIDE.divide(WIDE.multiply(before.quantity, now), was)


def _are_units_apart(before: Billed, after: Billed) -> bool:
    return before.unit.removesuffix("-day") != after.unit.removesuffix("-day")


def _amount(line: Billed | None) -> Decimal:
    return ZERO if line is None else line.amount_usd


def _volume_usd(before: Billed | None, after: Billed | None, change: Decimal) -> Decimal:
    """Return the volume effect of a line in cents; all of the change where no price differs."""
    if before and after and _are_units_apart(before, after):
        return ZERO
    pairs = _pairs(before.rows if before else (), after.rows if after else ())
    volumes = [_volume(old, new) for old, new in pairs]
    if all(volume == _change(*pair) for pair, volume in zip(pairs, volumes, strict=True)):
        return change
    return money(exact_sum(volumes))


Pair = tuple[BilledRow | None, BilledRow | None]


def _pairs(before: Sequence[BilledRow], after: Sequence[BilledRow]) -> list[Pair]:
    """Return the rows of two worksheets side by side.

    The same label and price first, then the same label, then the same price; what is left has no
    partner.
    """
    pairs: list[Pair] = []
    old, new = list(before), list(after)
    ways: tuple[Callable[[BilledRow], Any], ...] = (
        lambda row: (row.label, row.basis),
        lambda row: row.label,
        lambda row: row.basis,
    )
    for way in ways:
        for row in list(new):
            partner = next((one for one in old if way(one) == way(row)), None)
            if partner is not None:
                old.remove(partner)
                new.remove(row)
                pairs.append((partner, row))
    return [*pairs, *((None, row) for row in new), *((row, None) for row in old)]


def _volume(old: BilledRow | None, new: BilledRow | None) -> Decimal:
    """Return the exact volume effect of one row."""
    if old is None or new is None or old.basis == new.basis:
        return _change(old, new)
    was, now = (WIDE.divide(row.quantity, row.divisor) for row in (old, new))
    return WIDE.multiply(WIDE.subtract(now, was), old.rate)


def _change(old: BilledRow | None, new: BilledRow | None) -> Decimal:
    was, now = (ZERO if row is None else row.exact_usd for row in (old, new))
    return EXACT.subtract(now, was)
