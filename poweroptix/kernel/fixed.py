"""Fixed point: Decimals at the border, 64-bit integers inside, never a rounding between them."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN as _HALF_EVEN
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow

from poweroptix.kernel.errors import Refused

MICRO = 10**6
PRICE_SCALE = 10**8
MISSING = -(2**63)
_LARGEST = 2**63 - 1

#: Arithmetic that is exact or stops: 200 digits, and a lost digit raises `decimal.Inexact`.
EXACT = Context(prec=200, rounding=_HALF_EVEN, traps=[Inexact, InvalidOperation, DivisionByZero])
#: Arithmetic for quotients that do not end: 60 digits, far beyond any printed place.
WIDE = Context(prec=60, rounding=_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow])


def to_fixed(number: Decimal | int, scale: int) -> int:
    """Return `number` x `scale` as an integer; `scale` is a power of ten.

    Raises Refused when the number has more decimals than the scale holds (it never rounds), when
    it does not fit 64 bits, or when it is not a finite exact number.

    >>> to_fixed(Decimal("12.5"), MICRO)
    12500000
    >>> to_fixed(Decimal("0.0000001"), MICRO)
    Traceback (most recent call last):
        ...
    poweroptix.kernel.errors.Refused: 0.0000001 has too many decimals: at most 6 are kept.
    """
    if isinstance(number, bool) or not isinstance(number, Decimal | int):
        text = f"{number!r} is not an exact number; give a Decimal, not {type(number).__name__}."
        raise Refused("number.not_exact", text)
    exact = Decimal(number)
    if not exact.is_finite():
        raise Refused("number.not_finite", f"{exact} is not a number that can be counted.")
    if exact.adjusted() > 30:
        raise _out_of_range(exact)
    if exact and exact.adjusted() < -40:
        raise _too_many_decimals(exact, scale)
    numerator, denominator = exact.as_integer_ratio()
    scaled, rest = divmod(numerator * scale, denominator)
    if rest:
        raise _too_many_decimals(exact, scale)
    if not -_LARGEST <= scaled <= _LARGEST:
        raise _out_of_range(exact)
    return scaled


def from_fixed(fixed: int, scale: int) -> Decimal:
    """Return the exact Decimal behind a fixed point integer, without trailing zeros.

    >>> from_fixed(12500000, MICRO)
    Decimal('12.5')
    """
    if fixed == MISSING:
        raise Refused("number.missing", "A missing value has no number.")
    return EXACT.divide(Decimal(int(fixed)), Decimal(scale))


def micro(number: Decimal | int) -> int:
    """Return a quantity in 10^-6 of its unit."""
    return to_fixed(number, MICRO)


def from_micro(fixed: int) -> Decimal:
    """Return the quantity behind micro-units."""
    return from_fixed(fixed, MICRO)


def price(number: Decimal | int) -> int:
    """Return a price in 10^-8 of its quoted unit."""
    return to_fixed(number, PRICE_SCALE)


def from_price(fixed: int) -> Decimal:
    """Return the price behind 10^-8 units."""
    return from_fixed(fixed, PRICE_SCALE)


def exact_sum(numbers: list[Decimal] | tuple[Decimal, ...]) -> Decimal:
    """Return the exact sum of Decimals, however many digits they have.

    >>> exact_sum([Decimal("0.1"), Decimal("1E+30")])
    Decimal('1000000000000000000000000000000.1')
    """
    result = Decimal(0)
    for number in numbers:
        result = EXACT.add(result, number)
    return result


def _too_many_decimals(number: Decimal, scale: int) -> Refused:
    places = len(str(scale)) - 1
    text = f"{_plain(number)} has too many decimals: at most {places} are kept."
    return Refused("number.too_many_decimals", text, number=str(number), places=places)


def _out_of_range(number: Decimal) -> Refused:
    text = f"{_plain(number)} is out of range for a 64-bit fixed point number."
    return Refused("number.out_of_range", text, number=str(number))


def _plain(number: Decimal) -> str:
    return format(number, "f") if -50 < number.adjusted() < 50 else str(number)
