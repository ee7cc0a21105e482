"""The zone of Australian files: standard time all year, by default UTC+10."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from meters.formats._base import printable
from meters.formats._text import refuse

DEFAULT_ZONE = "Etc/GMT-10"


@lru_cache(maxsize=64)
def fixed_offset_minutes(zone: str) -> int:
    """Return minutes east of UTC of a zone without clock changes; refuse any other (F028)."""
    try:
        info = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        refuse("F028", f"Zone '{printable(zone)}' of the import profile does not exist.")
    found = {
        datetime(year, month, 1, tzinfo=UTC).astimezone(info).utcoffset()
        for year in range(2000, 2038)
        for month in (1, 4, 7, 10)
    }
    if len(found) != 1:
        refuse(
            "F028",
            f"Zone {printable(zone)} changes its clock, but NEM12 days always have 24 hours; "
            "set a fixed zone such as Etc/GMT-10 in the import profile.",
        )
    (offset,) = found
    return int(offset.total_seconds()) // 60 if offset else 0
