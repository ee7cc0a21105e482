"""Figures and rows of a worksheet in words, for people who check an invoice by hand."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from poweroptix.kernel.figure import Figure
from poweroptix.kernel.worksheet import IntervalRow, Row, Worksheet

_UNITS = {"kw": "kW", "kwh": "kWh", "mwh": "MWh", "mmbtu": "MMBtu", "usd": "USD", "kvarh": "kVArh"}
_UNITS |= {"co2": "CO₂", "ch4": "CH₄", "n2o": "N₂O", "co2e": "CO₂e", "kg": "kg"}


def humane(name: str) -> str:
    """Return a figure's name as people write it.

    >>> humane("billing_kw"), humane("earlier_peak_kw"), humane("energy_kwh")
    ('Billing kW', 'Earlier peak kW', 'Energy kWh')
    >>> humane("fuel_a_co2_kg")
    'Fuel a CO₂ kg'
    """
    words = [_UNITS.get(word, word) for word in re.split(r"[_\s]+", name.strip()) if word]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def determinants(sheet: Worksheet) -> list[dict[str, Any]]:
    """Return every figure of the sheet once, inputs before what is computed from them.

    Each has name, value (text or None), unit and how: the source in words, or the formula with its
    numbers. These are the rows a reader needs to compute the amount without us.
    """
    seen: set[tuple] = set()
    found: list[dict[str, Any]] = []
    roots = [figure for row in sheet.rows for figure in (row.quantity, row.rate)]
    for figure in _walk([*roots, *sheet.figures]):
        entry = {
            "name": humane(figure.name),
            "value": None if figure.value is None else format(figure.value, "f"),
            "unit": figure.unit,
            "how": how(figure),
        }
        key = tuple(entry.values())
        if key not in seen:
            seen.add(key)
            found.append(entry)
    return found


def _walk(figures: list[Figure]) -> Iterator[Figure]:
    for figure in figures:
        yield from _walk(list(figure.inputs))
        yield figure


def how(figure: Figure) -> str:
    """Return where a figure comes from, in one line."""
    parts = []
    if figure.formula:
        parts.append(pretty(figure.sentence()))
    if figure.source is not None:
        parts.append(
            re.sub(r"\d{4,}(?= intervals)", lambda n: f"{int(n[0]):,}", figure.source.label)
        )
    if figure.note:
        parts.append(figure.note)
    text = "; ".join(parts)
    return text[:1].upper() + text[1:] if not figure.formula else text


def role_of(actor: str) -> str:
    """Return who acted as a tenant reads it: the role, never the person.

    >>> role_of("user:ann"), role_of("job:vee/HALL-A"), role_of("token:plant")
    ('the meter operator', 'the system, by rule', "the meter operator's program")
    """
    kind = actor.partition(":")[0]
    if kind == "user":
        return "the meter operator"
    return "the meter operator's program" if kind == "token" else "the system, by rule"


def pretty(sentence: str) -> str:
    """Return a sentence of numbers with thousands separators and proper signs.

    >>> pretty("25120.448 kW x 9.85 USD/kW-month")
    '25,120.448 kW × 9.85 USD/kW-month'
    """
    grouped = re.sub(
        r"(?<![\w.,-])(\d{4,})(\.\d+)?(?![\w-])",
        lambda found: f"{int(found[1]):,}{found[2] or ''}",
        sentence,
    )
    for plain, printed in (("x", "×"), ("*", "×"), ("/", "÷"), ("-", "−")):
        grouped = grouped.replace(f" {plain} ", f" {printed} ")
    return grouped.replace(" count ", " ")


def parts(sheet: Worksheet) -> list[dict[str, Any]]:
    """Return what each row prices: label, quantity and unit, rate."""
    return [
        {
            "label": row.label,
            "quantity": None if row.quantity.value is None else format(row.quantity.value, "f"),
            "unit": row.quantity.unit,
            "rate_text": row.rate.text(),
        }
        for row in sheet.rows
    ]


def sums(sheet: Worksheet) -> list[dict[str, str]]:
    """Return the rows whose sum is the amount: label, exact product, and the product in words."""
    return [
        {
            "label": row.label,
            "exact": "" if row.exact_usd is None else format(row.exact_usd, "f"),
            "sentence": row_sentence(row),
        }
        for row in sheet.rows
    ]


def row_sentence(row: Row | IntervalRow) -> str:
    """Return quantity x rate in words."""
    if isinstance(row, IntervalRow):
        average = f"{row.rate.text()} on average" if row.rate.value is not None else "no price"
        count = row.grid_json.get("count")
        lead = (
            f"Sum of {count:,} interval products" if isinstance(count, int) else "Sum of products"
        )
        return f"{lead}: {pretty(row.quantity.text())} at {pretty(average)}"
    return pretty(row.sentence())


def read(worksheet: Mapping[str, Any]) -> Worksheet:
    """Return the worksheet of a stored line. Refused when its amount is not the sum of its rows."""
    return Worksheet.from_json(worksheet)
