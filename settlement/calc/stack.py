"""Bars whose parts are stacked to both sides of zero: where each part stands on a drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

ZERO = Decimal(0)


@dataclass(frozen=True)
class Piece:
    """One part of a bar: its name, its value, and where it begins and how wide it is."""

    name: str
    value: Decimal
    x: Decimal
    width: Decimal


@dataclass(frozen=True)
class Stack:
    """A drawing: where zero stands, and the pieces of each bar."""

    zero_x: Decimal
    bars: tuple[tuple[Piece, ...], ...]


def stacked(bars: Sequence[Sequence[tuple[str, Decimal]]], left: int, right: int) -> Stack:
    """Lay out bars between `left` and `right`: what adds goes right of zero, what takes off left.

    One scale for all bars; parts of nothing are left out.

    >>> drawing = stacked([[("a", Decimal(30)), ("b", Decimal(-10))]], 0, 400)
    >>> drawing.zero_x, [(one.name, one.x, one.width) for one in drawing.bars[0]]
    (Decimal('100'), [('a', Decimal('100'), Decimal('300')), ('b', Decimal('0'), Decimal('100'))])
    """
    up = max((sum((v for _n, v in bar if v > 0), ZERO) for bar in bars), default=ZERO)
    down = max((-sum((v for _n, v in bar if v < 0), ZERO) for bar in bars), default=ZERO)
    reach = up + down
    scale = (right - left) / reach if reach else ZERO
    zero_x = left + down * scale
    return Stack(zero_x, tuple(_pieces(bar, zero_x, scale) for bar in bars))


def _pieces(
    bar: Sequence[tuple[str, Decimal]], zero_x: Decimal, scale: Decimal
) -> tuple[Piece, ...]:
    above, below, pieces = zero_x, zero_x, []
    for name, value in bar:
        width = abs(value) * scale
        if value > 0:
            pieces.append(Piece(name, value, above, width))
            above += width
        elif value < 0:
            below -= width
            pieces.append(Piece(name, value, below, width))
    return tuple(pieces)
