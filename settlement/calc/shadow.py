"""Shadow settlement: a counterparty's statement beside our lines, and why a line differs. Pure.

A line agrees within the larger of an amount and a ratio of our line, which the contract names. What
differs by more is a break; its quantity effect is what our price makes of their quantity less our
amount, its price effect the rest, so that both add up to the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import WIDE
from poweroptix.kernel.rounding import money
from poweroptix.kernel.units import convert
from settlement.calc.words import shared_label

ZERO = Decimal("0.00")


class Verdict(StrEnum):
    """What came of one line."""

    MATCH = "MATCH"
    WITHIN_TOLERANCE = "WITHIN_TOLERANCE"
    BREAK = "BREAK"
    MISSING_OURS = "MISSING_OURS"
    MISSING_THEIRS = "MISSING_THEIRS"


@dataclass(frozen=True)
class Side:
    """One line as one party has it. `row` is the line of the file, 0 for ours."""

    line_code: int
    label: str
    amount_usd: Decimal | None
    quantity: Decimal | None = None
    unit: str = ""
    rate: Decimal | None = None
    row: int = 0
    charge: str = ""


@dataclass(frozen=True)
class Cause:
    """The likely cause of a break in words, with the figures that show it.

    `repriced_usd` is their quantity at our price, `requantified_usd` our quantity at their price.
    `is_by_terms` says that the contract's own terms priced their quantity; else it was our average
    price.
    """

    text: str
    quantity_usd: Decimal | None = None
    price_usd: Decimal | None = None
    repriced_usd: Decimal | None = None
    requantified_usd: Decimal | None = None
    is_by_terms: bool = False


#: What the terms of the contract give for another quantity of a line; None when they cannot say.
Reprice = Callable[[int, Decimal], Decimal | None]


def unpriced(_line_code: int, _quantity: Decimal) -> None:
    """Say that nobody prices another quantity by the terms."""


@dataclass(frozen=True)
class Compared:
    """One line code of both parties; `difference_usd` is theirs less ours."""

    line_code: int
    label: str
    verdict: Verdict
    ours: Side | None
    theirs: Side | None
    difference_usd: Decimal
    tolerance_usd: Decimal
    cause: Cause | None = None

    @property
    def is_match(self) -> bool:
        """Whether the line agrees."""
        return self.verdict in (Verdict.MATCH, Verdict.WITHIN_TOLERANCE)


def tolerance(ours_usd: Decimal, floor_usd: Decimal, ratio: Decimal) -> Decimal:
    """Return the larger of the amount and the ratio of our line, exact.

    >>> str(tolerance(Decimal("413280.00"), Decimal("1.00"), Decimal("0.0001")))
    '41.328000'
    """
    return max(floor_usd, abs(ours_usd) * ratio)


def compare(
    ours: Sequence[Side],
    theirs: Sequence[Side],
    *,
    floor_usd: Decimal,
    ratio: Decimal,
    reprice: Reprice = unpriced,
) -> list[Compared]:
    """Match lines by our line code and judge each, in order of codes.

    Several lines of one code count as their sum. `reprice` prices their quantity by the terms
    where a line breaks. Refused when one of our lines has no amount.

    >>> one, = compare([Side(40, "Fee", Decimal("25000"))], [Side(40, "Fee", Decimal("26250"))],
    ...                floor_usd=Decimal("1.00"), ratio=Decimal("0.0001"))
    >>> one.verdict.value, str(one.difference_usd)
    ('BREAK', '1250')
    """
    mine, other = by_code(ours), by_code(theirs)
    empty = [one for one in mine.values() if one.amount_usd is None]
    if empty:
        text = f"Our line {empty[0].line_code} '{empty[0].label}' has no amount yet."
        raise Refused("settlement.shadow", text)
    return [
        _judged(mine.get(code), other.get(code), mine, (floor_usd, ratio), reprice)
        for code in sorted(mine.keys() | other.keys())
    ]


def by_code(sides: Sequence[Side]) -> dict[int, Side]:
    """Return one side per line code: amounts added, quantities as far as their units are alike."""
    groups: dict[int, list[Side]] = {}
    for one in sides:
        groups.setdefault(one.line_code, []).append(one)
    return {code: _sum(group) for code, group in groups.items()}


def _sum(group: Sequence[Side]) -> Side:
    if len(group) == 1:
        return group[0]
    amounts = [one.amount_usd for one in group]
    quantities = [one.quantity for one in group]
    alike = None not in quantities and len({one.unit for one in group}) == 1
    first = group[0]
    return Side(
        first.line_code,
        shared_label(one.label for one in group),
        None if None in amounts else sum(amounts, ZERO),
        sum(quantities, Decimal(0)) if alike else None,
        first.unit if alike else "",
        None,
        first.row,
        first.charge,
    )


def _judged(
    ours: Side | None,
    theirs: Side | None,
    mine: Mapping[int, Side],
    limits: tuple[Decimal, Decimal],
    reprice: Reprice,
) -> Compared:
    named = ours or theirs
    before = ours.amount_usd if ours else ZERO
    after = theirs.amount_usd if theirs else ZERO
    allowed = tolerance(before, *limits)
    difference = after - before
    verdict, cause = Verdict.BREAK, None
    if ours is None:
        verdict, cause = Verdict.MISSING_OURS, Cause(_only_theirs(theirs, mine))
    elif theirs is None:
        verdict, cause = Verdict.MISSING_THEIRS, Cause("Their statement has no such line.")
    elif difference == 0:
        verdict = Verdict.MATCH
    elif abs(difference) <= allowed:
        verdict = Verdict.WITHIN_TOLERANCE
    else:
        cause = _cause(ours, theirs, mine, allowed, reprice)
    return Compared(named.line_code, named.label, verdict, ours, theirs, difference, allowed, cause)


def _only_theirs(theirs: Side, mine: Mapping[int, Side]) -> str:
    same = next((one for one in mine.values() if one.amount_usd == theirs.amount_usd), None)
    if same is not None:
        return f"We have no such line; the amount is that of our line {same.line_code}."
    return "We have no such line in the month."


def _cause(
    ours: Side, theirs: Side, mine: Mapping[int, Side], allowed: Decimal, reprice: Reprice
) -> Cause:
    """Say what the difference most likely comes from."""
    quick = _shape(ours, theirs, mine, allowed)
    quantity = _their_quantity(ours, theirs)
    if quantity is None or not ours.quantity or not quantity:
        text = quick or "One side states no quantity, so only the amounts can be compared."
        return Cause(text)
    our_price = WIDE.divide(ours.amount_usd, ours.quantity)
    their_price = WIDE.divide(theirs.amount_usd, quantity)
    by_terms = None if quantity == ours.quantity else reprice(ours.line_code, quantity)
    repriced = money(WIDE.multiply(quantity, our_price)) if by_terms is None else by_terms
    requantified = money(WIDE.multiply(ours.quantity, their_price))
    by_quantity = repriced - ours.amount_usd
    by_price = theirs.amount_usd - repriced
    text = quick or _named(by_quantity, by_price, allowed)
    return Cause(text, by_quantity, by_price, repriced, requantified, by_terms is not None)


def _named(by_quantity: Decimal, by_price: Decimal, allowed: Decimal) -> str:
    if abs(by_price) <= allowed:
        return "The quantity: priced by us, their quantity gives their amount."
    if abs(by_quantity) <= allowed:
        return "The price: our quantity at their price gives their amount."
    return "Quantity and price both differ."


def _shape(ours: Side, theirs: Side, mine: Mapping[int, Side], allowed: Decimal) -> str:
    """Return the cause that the amounts alone give away, or nothing."""
    off = _own_product(theirs, allowed)
    if off:
        return off
    if abs(theirs.amount_usd + ours.amount_usd) <= allowed:
        return "The sign: their amount is ours with the other sign."
    if ours.amount_usd and abs(theirs.amount_usd - 2 * ours.amount_usd) <= allowed:
        return "Billed twice: their amount is twice ours."
    if theirs.amount_usd == 0:
        return "They bill nothing for it."
    for one in mine.values():
        if one.line_code != ours.line_code and one.amount_usd == theirs.amount_usd:
            return f"Lines mixed up: their amount is that of our line {one.line_code}."
    return ""


def _own_product(theirs: Side, allowed: Decimal) -> str:
    """Say that their amount is not their quantity times their rate, in whichever unit it is."""
    if theirs.quantity is None or theirs.rate is None:
        return ""
    product = WIDE.multiply(theirs.quantity, theirs.rate)
    thousand = WIDE.divide(product, Decimal(1000))
    if any(abs(one - theirs.amount_usd) <= allowed for one in (product, thousand)):
        return ""
    near = min((product, thousand), key=lambda one: abs(one - theirs.amount_usd))
    return f"Their own arithmetic: quantity times rate gives {money(near):,.2f}."


def _their_quantity(ours: Side, theirs: Side) -> Decimal | None:
    """Return their quantity in our unit; None when it cannot be told."""
    if theirs.quantity is None or ours.quantity is None:
        return None
    if not theirs.unit or not ours.unit or theirs.unit == ours.unit:
        return theirs.quantity
    try:
        return convert(theirs.quantity, theirs.unit, ours.unit)
    except Refused:
        return None
