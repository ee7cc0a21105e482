"""A correction in words: of which month, from what to what, and why it differs."""

from decimal import Decimal

from poweroptix.kernel.figure import Figure
from poweroptix.kernel.worksheet import Worksheet


def correction_words(period: str, sheet: Worksheet) -> str:
    """Return what a correction line bills; empty for a line that corrects nothing.

    The worksheet has a row per effect (volume, price), and each names what was billed before and
    what the newer readings give.
    """
    if not period:
        return ""
    effects = [
        f"{row.label[:1].lower()}{row.label[1:]} {_signed(row.exact_usd)}"
        for row in sheet.rows
        if row.exact_usd
    ]
    text = f"Correction of {period}"
    data = _data(sheet.rows[0].rate) if sheet.rows else {}
    if "before_usd" in data and "after_usd" in data:
        before, after = (_money(Decimal(data[name])) for name in ("before_usd", "after_usd"))
        text += f": billed {before} before, {after} with today's readings and prices"
    return text + (f" ({', '.join(effects)})" if effects else "")


def _data(figure: Figure) -> dict:
    return {} if figure.source is None else figure.source.data


def _money(value: Decimal) -> str:
    return f"{'−' if value < 0 else ''}{abs(value):,.2f}"


def _signed(value: Decimal) -> str:
    return f"{'−' if value < 0 else '+'}{abs(value):,.2f}"
