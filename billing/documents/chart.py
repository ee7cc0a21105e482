"""Charts for paper as SVG text: no script, no outside resource, the same bytes every time."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape

from .text import figure

INK, MUTED, GRID = "#17202b", "#5b6775", "#dfe4ea"
MEASURED, WEEKEND, ESTIMATED = "#0b5c8a", "#7fa9c2", "#d98a1f"
WIDTH, HEIGHT = 680, 168
LEFT, RIGHT, TOP, BOTTOM = 46, 4, 20, 24


@dataclass(frozen=True)
class Bar:
    """One day: its label, its energy and how much of it is estimated (same unit)."""

    label: str
    total: Decimal
    estimated: Decimal = Decimal(0)
    is_weekend: bool = False


def daily_bars(bars: Sequence[Bar], unit: str, title: str) -> str:
    """Return stacked bars (measured below, estimated above, hatched) with a quiet grid.

    Negative days hang below the zero line. Coordinates have two decimals.
    """
    if not bars:
        return ""
    top = _nice_ceiling(max([bar.total for bar in bars] + [Decimal(0)]))
    bottom = -_nice_ceiling(max([-bar.total for bar in bars] + [Decimal(0)]))
    span = (top - bottom) or Decimal(1)
    height, width = Decimal(HEIGHT - TOP - BOTTOM), Decimal(WIDTH - LEFT - RIGHT)

    def y_of(value: Decimal) -> Decimal:
        return TOP + height * (top - value) / span

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        f' aria-label="{escape(title, quote=True)}" font-family="Inter" font-size="8.5">',
        f'<defs><pattern id="est" width="4" height="4" patternUnits="userSpaceOnUse">'
        f'<rect width="4" height="4" fill="#f7e3c4"/>'
        f'<path d="M0 4L4 0" stroke="{ESTIMATED}" stroke-width="1.4"/></pattern></defs>',
        f'<text x="{LEFT - 6}" y="8" text-anchor="end" fill="{MUTED}">{escape(unit)}</text>',
    ]
    parts += _grid(top, bottom, y_of)
    slot = width / len(bars)
    for index, bar in enumerate(bars):
        parts += _bar(bar, LEFT + slot * index, slot, y_of)
    zero = y_of(Decimal(0))
    parts.append(
        f'<path d="M{LEFT} {zero:.2f}H{WIDTH - RIGHT}" stroke="{INK}" stroke-width="0.8"/></svg>'
    )
    return "".join(parts)


def _grid(top: Decimal, bottom: Decimal, y_of) -> list[str]:
    step = (top - bottom) / 4 if bottom < 0 else top / 4
    values = [bottom + step * index for index in range(5)]
    places = max(0, -min(int(value.normalize().as_tuple().exponent) for value in values))
    parts = []
    for value in values:
        y = y_of(value)
        parts.append(
            f'<path d="M{LEFT} {y:.2f}H{WIDTH - RIGHT}" stroke="{GRID}" stroke-width="0.6"/>'
            f'<text x="{LEFT - 6}" y="{y + 3:.2f}" text-anchor="end" fill="{MUTED}">'
            f"{figure(value, places)}</text>"
        )
    return parts


def _bar(bar: Bar, x: Decimal, slot: Decimal, y_of) -> list[str]:
    gap = min(slot / 4, Decimal(7))
    left, width = x + gap / 2, slot - gap
    zero, end = y_of(Decimal(0)), y_of(bar.total)
    color = WEEKEND if bar.is_weekend else MEASURED
    split = y_of(bar.total - bar.estimated)
    parts = [_rect(left, min(split, zero), width, abs(zero - split), color)]
    if bar.estimated:
        parts.append(_rect(left, min(end, split), width, abs(split - end), "url(#est)"))
    label = escape(bar.label)
    if label:
        parts.append(
            f'<text x="{left + width / 2:.2f}" y="{HEIGHT - 10}" text-anchor="middle"'
            f' fill="{MUTED}">{label}</text>'
        )
    return parts


def _rect(x, y, width, height, fill) -> str:
    return (
        f'<rect x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}" fill="{fill}"/>'
    )


def _nice_ceiling(value: Decimal) -> Decimal:
    """Return the smallest of 1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8 x 10^n that is not below value.

    >>> int(_nice_ceiling(Decimal("487")))
    600
    """
    if value <= 0:
        return Decimal(0)
    power = Decimal(1).scaleb(value.adjusted())
    for step in ("1", "1.2", "1.6", "2", "2.4", "3.2", "4", "6", "8"):
        if power * Decimal(step) >= value:
            return power * Decimal(step)
    return power * 10
