"""How the billed kW of a demand line came about: peak and its window, ratchet, minimum, rounding.

Read from the worksheet of the line, so that page and paper say the same.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from poweroptix.kernel.figure import Figure
from poweroptix.kernel.worksheet import Worksheet

#: What can decide the billed kW: name, words, and the figures that are multiplied.
CANDIDATES = (
    ("peak", "Peak of the month", ("peak_kw",)),
    ("peak", "Peak of the month with losses", ("peak_with_losses_kw",)),
    ("peak", "Peak of the month, for its power factor", ("peak_adjusted_kw",)),
    ("peak", "Share of the peak of the month", ("peak_share_kw",)),
    ("ratchet", "Ratchet", ("ratchet_ratio", "earlier_peak_kw")),
    ("contract", "Share of the contracted kW", ("contract_share_ratio", "contract_kw")),
    ("minimum", "Minimum", ("minimum_kw",)),
)


def demand_facts(sheet: Worksheet, zone: str) -> dict[str, Any] | None:
    """Return what decided the kW of a demand line as plain data; None for any other line.

    `windows` are the peaks with their window in local time and its energy, `candidates` what was
    compared (`binds` marks what decided), `months` the peaks that the ratchet looked back to.
    """
    figures = {one.name: one for one in _walk(sheet)}
    billed = figures.get("billing_kw")
    if billed is None or billed.value is None:
        return None
    inputs = {one.name: one for one in billed.inputs}
    peaks = [one for name, one in figures.items() if name.startswith("peak_") and _start(one)]
    candidates = [
        _candidate(key, words, [inputs[name] for name in names])
        for key, words, names in CANDIDATES
        if all(name in inputs for name in names)
    ]
    most = max(candidates, key=lambda one: Decimal(one["kw"]), default=None)
    if most is not None:
        most["binds"] = True
    return {
        "windows": [_window(one, zone) for one in peaks],
        "candidates": candidates,
        "months": _months(inputs.get("earlier_peak_kw")),
        "billed_kw": format(billed.value, "f"),
        "rounding": billed.note or "not rounded",
    }


def _walk(sheet: Worksheet) -> Iterator[Figure]:
    waiting = [figure for row in sheet.rows for figure in (row.quantity, row.rate)]
    waiting += sheet.figures
    while waiting:
        figure = waiting.pop(0)
        yield figure
        waiting += figure.inputs


def _start(figure: Figure) -> datetime | None:
    text = figure.source.data.get("start_utc") if figure.source else None
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _window(figure: Figure, zone: str) -> dict[str, Any]:
    """Return a peak with its window: begin and end in local time, and the energy that was read."""
    start, minutes = _start(figure), int(figure.source.data.get("minutes", 0))
    local = start.astimezone(ZoneInfo(zone))
    end = (start + timedelta(minutes=minutes)).astimezone(ZoneInfo(zone))
    kwh = figure.value * minutes / 60 if minutes and figure.value is not None else None
    return {
        "name": figure.name,
        "kw": None if figure.value is None else format(figure.value, "f"),
        "kwh": None if kwh is None else format(kwh, "f"),
        "minutes": minutes,
        "start_utc": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "said": f"{local:%Y-%m-%d %H:%M}" + (f" to {end:%H:%M}" if minutes else "") + f" {end:%Z}",
    }


def _candidate(key: str, words: str, parts: list[Figure]) -> dict[str, Any]:
    kw = Decimal(1)
    for part in parts:
        kw *= part.value
    return {
        "key": key,
        "words": words,
        "kw": format(kw, "f"),
        "formula": " × ".join(_said(part) for part in parts) if len(parts) > 1 else "",
        "binds": False,
    }


def _said(part: Figure) -> str:
    if part.unit == "ratio":
        return f"{(part.value * 100).normalize():,f} %"
    whole, dot, fraction = f"{part.value:,f}".partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}{dot if fraction else ''}{fraction} {part.unit}"


def _months(earlier: Figure | None) -> list[dict[str, Any]]:
    """Return the peaks that the ratchet looked back to, the highest one marked."""
    if earlier is None or earlier.source is None:
        return []
    months = sorted(earlier.source.data.get("months", {}).items())
    return [
        {"month": month, "kw": kw, "binds": month == earlier.source.ref} for month, kw in months
    ]
