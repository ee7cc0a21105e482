"""The worksheet of an estimate in words: local times instead of stamps, lists instead of data."""

import re
from datetime import datetime
from typing import Any

from poweroptix.kernel.period import zone_of

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|\+00:00)")
SHOWN_ELSEWHERE = ("gap", "used")


def readable(worksheet: list[dict[str, Any]] | None, zone: str) -> list[list[tuple[str, str]]]:
    """Return each sheet of an estimate as pairs of a label and a text; times in the zone.

    >>> readable([{"start_utc": "2026-03-03T18:00Z", "values": ["1.5", "2"]}], "America/Chicago")
    [[('from', '2026-03-03 12:00 CST'), ('values', '1.5, 2')]]
    """
    return [
        [
            (_label(name), _text(value, zone))
            for name, value in sheet.items()
            if name not in SHOWN_ELSEWHERE and value not in ([], "", None)
        ]
        for sheet in worksheet or []
    ]


def _label(name: str) -> str:
    return {"start_utc": "from", "end_utc": "to"}.get(name, name.replace("_", " "))


def _text(value: Any, zone: str) -> str:
    """Return plain data as one line."""
    if isinstance(value, dict):
        pairs = (f"{_label(name)} {_text(part, zone)}" for name, part in value.items())
        return ", ".join(pairs)
    if isinstance(value, list):
        return ("; " if value and isinstance(value[0], dict) else ", ").join(
            _text(part, zone) for part in value
        )
    return STAMP.sub(lambda found: _local(found.group(0), zone), str(value))


def _local(stamp: str, zone: str) -> str:
    moment = datetime.fromisoformat(stamp.replace("Z", "+00:00"))
    return f"{moment.astimezone(zone_of(zone)):%Y-%m-%d %H:%M %Z}"
