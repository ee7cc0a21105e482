"""Small bars as SVG in the colours of the page; they need no script and print."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from html import escape

from django.utils.safestring import SafeString, mark_safe

WIDTH, ROW, LEFT, RIGHT = 400, 26, 64, 76


def bars(rows: Sequence[tuple[str, Fraction | None, str]], name: str) -> SafeString:
    """Return lying bars of (label, value, words); no value leaves the words alone.

    `name` is read out in place of the picture. Values are at least zero to show; less is nothing.
    """
    top = max([value for _label, value, _words in rows if value is not None], default=Fraction(0))
    height = ROW * len(rows) + 4
    parts = [
        f'<svg class="plot" viewBox="0 0 {WIDTH} {height}" role="img"'
        f' aria-label="{escape(name, quote=True)}">'
    ]
    for index, (label, value, words) in enumerate(rows):
        y = index * ROW
        parts.append(f'<text x="{LEFT - 8}" y="{y + 17}" text-anchor="end">{escape(label)}</text>')
        width = 0.0
        if value is not None and top > 0 and value > 0:
            width = float(value / top) * (WIDTH - LEFT - RIGHT)
            parts.append(
                f'<rect class="f1" x="{LEFT}" y="{y + 5}" width="{width:.1f}" height="16"/>'
            )
        parts.append(f'<text x="{LEFT + width + 6:.1f}" y="{y + 17}">{escape(words)}</text>')
    parts.append(f'<path class="axis" d="M{LEFT} 0V{height}"/></svg>')
    return mark_safe("".join(parts))
