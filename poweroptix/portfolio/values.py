"""Values of a document as the services take them: numbers as text, days and spans of days."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from poweroptix.kernel.errors import Refused


def as_text(value: Any) -> Any:
    """Return a JSON value in which every whole number is text, as parameters are stored.

    >>> as_text({"shares": [1, "0.5"], "on": True})
    {'shares': ['1', '0.5'], 'on': True}
    """
    if isinstance(value, Mapping):
        return {str(key): as_text(one) for key, one in value.items()}
    if isinstance(value, list):
        return [as_text(one) for one in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def day_of(text: Any, where: str) -> date:
    """Return a date from ISO text."""
    try:
        return date.fromisoformat(str(text))
    except ValueError as fault:
        raise Refused(
            "portfolio.value", f"{where}: '{text}' is not a date like 2026-01-31"
        ) from fault


def span_of(raw: Any, where: str) -> tuple[date, date | None]:
    """Return first and last day from `[first, day after the last]`; an empty end stays open."""
    if not isinstance(raw, list) or len(raw) != 2:
        raise Refused("portfolio.value", f"{where}: write [first day, day after the last or empty]")
    first = day_of(raw[0], where)
    return first, day_of(raw[1], where) - timedelta(days=1) if raw[1] else None
