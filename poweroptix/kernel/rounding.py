"""The only place that rounds. Every rule has a name; HALF_UP goes away from zero.

A credit mirrors its charge, because HALF_UP, UP and DOWN look at the magnitude alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import (
    ROUND_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
    InvalidOperation,
)
from enum import StrEnum
from fractions import Fraction

import numpy as np

from poweroptix.kernel.errors import Refused

_CONTEXT = Context(prec=200, traps=[InvalidOperation])


class Mode(StrEnum):
    """How a number between two steps is decided."""

    HALF_UP = "HALF_UP"
    HALF_EVEN = "HALF_EVEN"
    UP = "UP"
    DOWN = "DOWN"
    NONE = "NONE"


_DECIMAL_MODE = {
    Mode.HALF_UP: ROUND_HALF_UP,
    Mode.HALF_EVEN: ROUND_HALF_EVEN,
    Mode.UP: ROUND_UP,
    Mode.DOWN: ROUND_DOWN,
}


def to_places(number: Decimal | Fraction | int, places: int, mode: Mode = Mode.HALF_UP) -> Decimal:
    """Return `number` with exactly `places` decimals (0 to 20); NONE returns a Decimal as it is.

    >>> to_places(Decimal("2.5"), 0), to_places(Decimal("-2.5"), 0)
    (Decimal('3'), Decimal('-3'))
    >>> to_places(Fraction(2, 3), 4, Mode.DOWN)
    Decimal('0.6666')
    """
    if isinstance(places, bool) or not isinstance(places, int) or not 0 <= places <= 20:
        raise Refused("rounding.places", f"{places} decimal places; give a number from 0 to 20.")
    mode = Mode(mode)
    if isinstance(number, Fraction):
        return _round_fraction(number, places, mode)
    exact = _decimal(number)
    if mode is Mode.NONE:
        return exact
    try:
        rounded = exact.quantize(_step(places), rounding=_DECIMAL_MODE[mode], context=_CONTEXT)
    except InvalidOperation as error:
        raise Refused("rounding.range", f"{exact} cannot be rounded to {places} places.") from error
    return rounded if rounded else rounded.copy_abs()


_MODE_WORDS = {
    Mode.HALF_UP: "half up",
    Mode.HALF_EVEN: "half to even",
    Mode.UP: "up",
    Mode.DOWN: "down",
}


def in_words(mode: Mode = Mode.HALF_UP, places: int = 2, *, cents: bool = False) -> str:
    """Return the one sentence in which the product speaks of rounding; `cents` names money.

    >>> in_words(cents=True), in_words(Mode.HALF_EVEN, 3)
    ('rounded half up to the cent', 'rounded half to even to 3 decimals')
    >>> in_words(Mode.UP, 0), in_words(Mode.NONE)
    ('rounded up to whole units', 'not rounded')
    """
    mode = Mode(mode)
    if mode is Mode.NONE:
        return "not rounded"
    step = "the cent" if cents else f"{places} decimals" if places > 1 else "1 decimal"
    return f"rounded {_MODE_WORDS[mode]} to {step if places or cents else 'whole units'}"


def money(number: Decimal | Fraction, mode: Mode = Mode.HALF_UP) -> Decimal:
    """Return an amount in cents of contract money.

    >>> money(Decimal("10.005")), money(Decimal("10.005"), Mode.HALF_EVEN), money(Decimal("-0.125"))
    (Decimal('10.01'), Decimal('10.00'), Decimal('-0.13'))
    """
    return to_places(number, 2, mode)


def price(number: Decimal | Fraction, places: int = 8, mode: Mode = Mode.HALF_UP) -> Decimal:
    """Return a price to the places its contract names (8 when it names none)."""
    return to_places(number, places, mode)


def quantity(number: Decimal | Fraction, places: int = 3, mode: Mode = Mode.HALF_UP) -> Decimal:
    """Return a printed quantity: 3 decimals of its quoted unit unless the contract says otherwise.

    >>> quantity(Decimal("15817.1875"))
    Decimal('15817.188')
    """
    return to_places(number, places, mode)


def estimate(number: Decimal | Fraction) -> Decimal:
    """Return an estimated reading: 0.001 kWh, half-even.

    >>> estimate(Decimal("0.0005")), estimate(Decimal("0.0015"))
    (Decimal('0.000'), Decimal('0.002'))
    """
    return to_places(number, 3, Mode.HALF_EVEN)


def kw(number: Decimal | Fraction, mode: Mode = Mode.HALF_UP) -> Decimal:
    """Return a billed peak in whole kW.

    >>> kw(Decimal("59666.6667"))
    Decimal('59667')
    """
    return to_places(number, 0, mode)


def display(number: Decimal | Fraction, places: int) -> Decimal:
    """Return a number for the screen; never feed it back into a calculation."""
    return to_places(number, places, Mode.HALF_UP)


def cumulative(numbers: Sequence[Decimal | Fraction | int], places: int) -> list[Decimal]:
    """Round a sequence so that its running sum is never off by more than half a step.

    Each result is the rounded running sum less the one before (half-even), so the parts add up to
    the rounded whole.

    >>> [str(step) for step in cumulative([Fraction(1, 3)] * 3, 1)]
    ['0.3', '0.4', '0.3']
    """
    running = Fraction(0)
    before = 0
    result = []
    for number in numbers:
        running += Fraction(number)
        after = _to_integer(running * 10**places, Mode.HALF_EVEN)
        result.append(_from_integer(after - before, places))
        before = after
    return result


def cumulative_steps(values: np.ndarray, factor: Fraction | Decimal, before: int = 0) -> np.ndarray:
    """Scale whole numbers (int64) by `factor` and round their running sum, half-even.

    As `cumulative`, on arrays and to whole steps: the steps add up to the rounded whole. `before`
    is the sum of the values that came earlier in the same sequence. Raises Refused when the
    factor is above one in magnitude, where a step might not fit.

    >>> cumulative_steps(np.array([295, 300, 280]), Fraction(1, 100)).tolist()
    [3, 3, 3]
    """
    ratio = Fraction(factor)
    over, under = ratio.numerator, ratio.denominator
    if abs(over) > under:
        raise Refused("rounding.range", f"{ratio} is above one; only finer steps are rounded.")
    cycle = 2 * under  # moves the rounded sum by an even number, so ties go where they went
    fits = (len(values) + 1) * cycle * max(abs(over), 1) < 2**62
    whole = values if fits else values.astype(object)
    rest = whole % cycle
    running = np.cumsum(np.concatenate(([before % cycle], rest))) * over
    down, left = running // under, 2 * (running % under)
    rounded = down + ((left > under) | ((left == under) & (down % 2 == 1)))
    return (whole // cycle * (2 * over) + np.diff(rounded)).astype(np.int64)


def round_steps(values: np.ndarray, over: np.ndarray | int) -> np.ndarray:
    """Return whole numbers divided by positive ones, half-up away from zero, as whole numbers.

    Values are int64 or Python integers (dtype object); what might not fit 64 bits is done in the
    latter.

    >>> round_steps(np.array([25, -25, 24]), 10).tolist()
    [3, -3, 2]
    """
    wide = values.dtype == object or not isinstance(over, int) or over >= 2**61
    if not wide:
        most = max(-int(values.min(initial=0)), int(values.max(initial=0)))
        wide = 2 * most + over >= 2**62
    size = abs(values.astype(object) if wide else values)
    return (2 * size + over) // (2 * over) * np.where(values < 0, -1, 1)


def to_integer(number: Fraction | Decimal | int, mode: Mode = Mode.HALF_EVEN) -> int:
    """Return a whole number of steps, for callers that count in integers.

    >>> to_integer(Fraction(5, 2)), to_integer(Fraction(5, 2), Mode.HALF_UP)
    (2, 3)
    """
    return _to_integer(Fraction(number), mode)


def _round_fraction(number: Fraction, places: int, mode: Mode) -> Decimal:
    if mode is Mode.NONE:
        text = f"{number} does not end as a decimal, so it needs a rounding mode."
        raise Refused("rounding.mode", text)
    return _from_integer(_to_integer(number * 10**places, mode), places)


def _to_integer(number: Fraction, mode: Mode) -> int:
    whole, rest = divmod(abs(number.numerator), number.denominator)
    twice = 2 * rest
    if mode is Mode.NONE and rest:
        raise Refused("rounding.mode", f"{number} is not whole, so it needs a rounding mode.")
    up = (
        (mode is Mode.UP and rest > 0)
        or (mode is Mode.HALF_UP and twice >= number.denominator)
        or (
            mode is Mode.HALF_EVEN
            and (twice > number.denominator or (twice == number.denominator and whole % 2 == 1))
        )
    )
    whole += up
    return -whole if number < 0 else whole


def _from_integer(steps: int, places: int) -> Decimal:
    return _CONTEXT.scaleb(Decimal(steps), -places)


def _step(places: int) -> Decimal:
    return Decimal((0, (1,), -places))


def _decimal(number: Decimal | int) -> Decimal:
    if isinstance(number, bool) or not isinstance(number, Decimal | int):
        text = f"{number!r} is not an exact number; give a Decimal or a Fraction."
        raise Refused("number.not_exact", text)
    exact = Decimal(number)
    if not exact.is_finite():
        raise Refused("number.not_finite", f"{exact} is not a number that can be rounded.")
    return exact
