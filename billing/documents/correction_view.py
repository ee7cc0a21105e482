"""The corrections of an invoice as page and paper show them: before, now and why, in text."""

from decimal import Decimal
from typing import Any

from billing.calc.wording import pretty

from .text import MONTHS, amount_of, figure, money, rate

PARTS = (
    ("metered", "Your own meters"),
    ("losses", "Your share of losses"),
    ("shared", "Your share of shared load"),
)


def corrections_view(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what changed in each corrected month; empty where documents did not say it yet."""
    return [_month(one, document["currency"]) for one in document.get("corrections") or ()]


def correction_at(document: dict[str, Any], position: int) -> dict[str, Any] | None:
    """Return the corrected month and line that one line bills; None for any other line."""
    for month in corrections_view(document):
        for line in month["lines"]:
            if line["position"] == position:
                return {"month": month, "line": line}
    return None


def _month(entry: dict[str, Any], currency: str) -> dict[str, Any]:
    year, month = entry["period"].split("-")
    number = entry["before"]["invoice"]
    was, now = entry["before"]["version"], entry["after"]["version"]
    return {
        "period": entry["period"],
        "title": f"{MONTHS[int(month) - 1]} {year}",
        "invoice": number,
        "before": f"Billed, version {was}" + (f" on {number}" if number else ""),
        "after": f"Now, version {now}",
        "energy": _energy(entry["energy"]),
        "readings": [_reading(one, day) for one in entry["readings"] for day in one["days"]],
        "lines": [_line(line, currency) for line in entry["lines"]],
        "amount": money(sum(Decimal(line["amount"]) for line in entry["lines"]), currency),
    }


def _energy(energy: dict[str, Any]) -> list[dict[str, str]]:
    """Return the parts of the energy that changed, and their sum."""
    before, after = energy["before"], energy["after"]
    if not before or not after:
        return []
    rows = [
        _kwh(words, Decimal(before[name]), Decimal(after[name]))
        for name, words in PARTS
        if Decimal(before[name]) != Decimal(after[name])
    ]
    sums = [sum(map(Decimal, one.values())) for one in (before, after)]
    return [*rows, _kwh("Billed energy", *sums) | {"is_total": True}]


def _kwh(words: str, before: Decimal, after: Decimal) -> dict[str, str]:
    return {
        "words": words,
        "before": amount_of(before, "kWh"),
        "after": amount_of(after, "kWh"),
        "change": signed(after - before, "kWh"),
    }


def _reading(channel: dict[str, Any], day: dict[str, Any]) -> dict[str, str]:
    source = day["file"] + (f", from line {day['line']}" if day["line"] else "")
    return {
        "place": channel["place"],
        "channel": channel["channel"],
        "date": day["date"],
        "intervals": f"{day['intervals']:,}",
        "before": amount_of(day["before"], channel["unit"]),
        "after": amount_of(day["after"], channel["unit"]),
        "change": signed(Decimal(day["after"]) - Decimal(day["before"]), channel["unit"]),
        "source": "; ".join(text for text in (source, day["why"]) if text),
        "sha256": day["file_sha256"],
    }


def _line(line: dict[str, Any], currency: str) -> dict[str, Any]:
    before, after = line["before"], line["after"]
    was, now = (Decimal(side["amount"]) if side else Decimal(0) for side in (before, after))
    sides = [side for side in (before, after) if side]
    rates = {side["rate_text"] for side in sides}
    return {
        "position": line["position"],
        "label": line["label"],
        "before_position": before["position"] if before else None,
        "rate": rate(rates.pop()) if len(rates) == 1 else "",
        "rows": _rows(before, after),
        "before": money(was, currency),
        "after": money(now, currency),
        "amount": money(line["amount"], currency),
        "peaks": [text for text in map(_peak, sides) if text],
        "effects": _effects(line, currency),
        "rounding": _unrounded(before, after, currency),
    }


def _rows(before: dict | None, after: dict | None) -> list[dict[str, str]]:
    """Return the priced rows of both sides by label: quantity times rate, and the exact product."""
    labels = list(
        dict.fromkeys(row["label"] for side in (after, before) if side for row in side["rows"])
    )
    sides = [
        {row["label"]: row for row in side["rows"]} if side else {} for side in (before, after)
    ]
    return [
        {
            "label": label,
            "before": _product(sides[0].get(label)),
            "after": _product(sides[1].get(label)),
        }
        for label in labels
    ]


def _product(row: dict[str, Any] | None) -> str:
    if row is None:
        return "not billed"
    return f"{pretty(row['sentence'])} = {figure(row['exact'], least=2)}"


def _peak(side: dict[str, Any]) -> str:
    """Return the peak that decided the kW of one side, with its window."""
    facts = side.get("demand")
    if not facts or not facts["windows"]:
        return ""
    one = facts["windows"][0]
    binds = next((row for row in facts["candidates"] if row["binds"]), None)
    because = f"; decided by: {binds['words'].lower()}" if binds else ""
    said = f"Highest {amount_of(one['kw'], 'kW')} in {one['said']}"
    return f"{said}{because}; billed {amount_of(facts['billed_kw'], 'kW')}, {facts['rounding']}"


def _effects(line: dict[str, Any], currency: str) -> str:
    """Return how much of a difference is volume and how much is price."""
    volume, price = Decimal(line["volume"]), Decimal(line["price"])
    if not price:
        return "All of it because the quantity changed; no price changed."
    if not volume:
        return "All of it because a price changed; the quantity did not."
    return (
        f"{_signed_money(volume, currency)} because the quantity changed, at the prices of before; "
        f"{_signed_money(price, currency)} because prices changed."
    )


def _unrounded(before: dict | None, after: dict | None, currency: str) -> str:
    """Return how the exact difference relates to that of printed cents; empty when they agree."""
    exact = [Decimal(side["exact"]) if side else Decimal(0) for side in (before, after)]
    cents = [Decimal(side["amount"]) if side else Decimal(0) for side in (before, after)]
    if exact[1] - exact[0] == cents[1] - cents[0]:
        return ""
    return (
        f"Before rounding the difference is {figure(exact[1] - exact[0], least=2)} {currency}; "
        "what is billed is the difference of the two printed amounts, so that what was billed and "
        "its correction make the amount of now, to the cent."
    )


def signed(value: Decimal, unit: str) -> str:
    """Return a change with its sign and unit.

    >>> signed(Decimal("11520"), "kWh"), signed(Decimal("-0.5"), "MWh"), signed(Decimal(0), "kW")
    ('+11,520 kWh', '−0.5 MWh', '0 kW')
    """
    return ("+" if value > 0 else "") + amount_of(value, unit)


def _signed_money(value: Decimal, currency: str) -> str:
    return ("+" if value > 0 else "") + money(value, currency)
