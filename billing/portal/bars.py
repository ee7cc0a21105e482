"""Bars as SVG that follow the colours of the page: they need no script and print."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape

from django.utils.safestring import SafeString, mark_safe

from billing.documents.chart import _nice_ceiling as nice_ceiling
from billing.documents.text import figure

WIDTH, WIDE, HEIGHT, LEFT, TOP, BOTTOM = 720, 1200, 220, 66, 26, 24


@dataclass(frozen=True)
class Bar:
    """One bar: the text below it, its value (None leaves a gap), its tone and what hovering says.

    `tone` is a colour class of the stylesheet: f1 for actual, f2 for estimated or provisional.
    """

    label: str
    value: Decimal | None
    tone: str = "f1"
    says: str = ""


def bars(rows: Sequence[Bar], unit: str, name: str, *, is_wide: bool = False) -> SafeString:
    """Return the chart; `name` is read out in place of the picture. Wide ones fill a page."""
    total = WIDE if is_wide else WIDTH
    known = [row.value for row in rows if row.value is not None]
    top = nice_ceiling(max([*known, Decimal(0)])) or Decimal(1)
    low = -nice_ceiling(max([-value for value in known] + [Decimal(0)]))
    height, span = Decimal(HEIGHT - TOP - BOTTOM), top - low

    def y_of(value: Decimal) -> Decimal:
        return TOP + height * (top - value) / span

    parts = [
        f'<svg class="plot{" wide" if is_wide else ""}" viewBox="0 0 {total} {HEIGHT}" role="img"'
        f' aria-label="{escape(name, quote=True)}">'
    ]
    for step in range(5):
        value = low + span * step / 4
        y = y_of(value)
        places = 0 if span >= 8 else 2
        parts.append(
            f'<path class="axis" d="M{LEFT} {y:.1f}H{total}"/><text x="{LEFT - 6}" y="{y + 4:.1f}"'
            f' text-anchor="end">{figure(value, places)}</text>'
        )
    slot = Decimal(total - LEFT) / max(len(rows), 1)
    for index, row in enumerate(rows):
        parts.append(_bar(row, LEFT + slot * index, slot, y_of))
    parts.append(f'<text x="{LEFT - 6}" y="12" text-anchor="end">{escape(unit)}</text></svg>')
    return mark_safe("".join(parts))


def _bar(row: Bar, x: Decimal, slot: Decimal, y_of) -> str:
    text = ""
    if row.label:
        text = (
            f'<text x="{x + slot / 2:.1f}" y="{HEIGHT - 8}" text-anchor="middle">'
            f"{escape(row.label)}</text>"
        )
    if row.value is None:
        return text
    zero, end = y_of(Decimal(0)), y_of(row.value)
    return (
        f'<rect class="{row.tone}" x="{x + slot / 8:.1f}" y="{min(zero, end):.1f}"'
        f' width="{slot * 3 / 4:.1f}" height="{abs(zero - end):.1f}">'
        f"<title>{escape(row.says)}</title></rect>{text}"
    )
