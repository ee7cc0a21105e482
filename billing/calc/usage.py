"""What was delivered, for the page about energy: by day, by quality, and its highest demand."""

from decimal import Decimal
from typing import Any

import numpy as np

from poweroptix.kernel.fixed import from_micro
from poweroptix.kernel.period import Period
from poweroptix.kernel.quality import letter
from poweroptix.kernel.rounding import to_places
from poweroptix.kernel.series import Series

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
#: Letters that count as estimated when a share is printed.
ESTIMATED = ("E",)
LETTERS = {
    "A": "measured",
    "S": "substituted",
    "E": "estimated",
    "M": "edited by hand",
    "?": "not validated",
    "X": "missing",
}


def usage_of(series: Series, period: Period) -> dict[str, Any]:
    """Return totals by local day and by quality, and the highest interval demand.

    All numbers are decimal text. `series` is energy in kWh over exactly the period. Refused when an
    interval is missing: an invoice never counts what nobody measured or estimated.
    """
    total = series.total()
    letters = np.array([letter(int(status)) for status in series.status])
    is_estimated = np.isin(letters, ESTIMATED)
    days = [_day(series, period, day, is_estimated) for day in period.days()]
    estimated = _sum(series.values, is_estimated)
    top = int(series.values.argmax()) if series.grid.count else 0
    per_hour = Decimal(60) / series.grid.minutes
    quality = _quality(series, letters)
    return {
        "unit": series.unit,
        "minutes": series.grid.minutes,
        "intervals": series.grid.count,
        "total_kwh": total,
        "estimated_kwh": estimated,
        "estimated_ratio": to_places(estimated / total, 6) if total else Decimal(0),
        "peak_kw": from_micro(int(series.values[top])) * per_hour,
        "peak_at": series.grid.start_of(top),
        "days": days,
        "quality": quality,
        "quality_note": quality_note(quality, series.grid.count),
    }


def _sum(values: np.ndarray, chosen: np.ndarray) -> Decimal:
    return from_micro(sum(values[chosen].tolist()))


def _day(series: Series, period: Period, day, is_estimated: np.ndarray) -> dict[str, Any]:
    start, end = period.day_bounds(day)
    first, last = series.grid.index_of(start), None
    count = int((end - start).total_seconds()) // 60 // series.grid.minutes
    last = first + count
    values = series.values[first:last]
    return {
        "date": day.isoformat(),
        "weekday": WEEKDAYS[day.weekday()],
        "is_weekend": day.weekday() >= 5,
        "kwh": from_micro(sum(values.tolist())),
        "estimated_kwh": _sum(values, is_estimated[first:last]),
        "intervals": count,
    }


def _quality(series: Series, letters: np.ndarray) -> list[dict[str, Any]]:
    rows = []
    for code, title in LETTERS.items():
        chosen = letters == code
        if chosen.any():
            rows.append(
                {
                    "letter": code,
                    "title": title,
                    "intervals": int(chosen.sum()),
                    "kwh": _sum(series.values, chosen),
                }
            )
    return rows


def quality_note(quality: list[dict[str, Any]], count: int) -> str:
    """Return one sentence on how the quantities were obtained.

    >>> quality_note([{"letter": "A", "title": "measured", "intervals": 96, "kwh": "1"}], 96)
    'All 96 intervals were measured and validated.'
    """
    if len(quality) == 1 and quality[0]["letter"] == "A":
        return f"All {count:,} intervals were measured and validated."
    parts = [f"{row['intervals']:,} {row['title']}" for row in quality]
    return f"Of {count:,} intervals " + ", ".join(parts) + "."
