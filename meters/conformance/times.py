"""Days and clocks: how many intervals a local day has, and which instant a label means."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from meters.conformance._base import Facts, Found, Kind, NotUnderstood, words
from meters.formats import ChannelBlock, Profile, RowError, formats
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import Period, local_to_utc, zone_of

LENGTHS = (1, 5, 10, 15, 30, 60)
_ERRORS = {
    "time.nonexistent": "nonexistent local time",
    "time.ambiguous": "ambiguous local time",
}


def expected_count(facts: Facts) -> Found:
    """Count the intervals of a local day, by length in minutes."""
    day = Period.day(facts.need("tz"), date.fromisoformat(facts.need("date")))
    return {str(minutes): day.grid(minutes).count for minutes in LENGTHS}


def local_time(facts: Facts) -> Found:
    """Find the start of the interval that a local label names, or say why there is none."""
    zone, label = facts.need("tz"), datetime.fromisoformat(facts.need("local"))
    convention = words("beginning|ending", facts.get("convention", "beginning"), "convention")
    length = timedelta(minutes=facts.minutes())
    fold = facts.get("fold")
    try:
        instant = local_to_utc(label, zone, fold=fold)
    except Refused as refused:
        if refused.code not in _ERRORS:
            raise
        place = zone_of(zone)
        back = label.replace(tzinfo=place).astimezone(UTC).astimezone(place)
        return {"error": _ERRORS[refused.code], "roundtrip": back.isoformat()}
    start = instant - length if convention[0] == "ending" else instant
    return {"start_utc": start.isoformat()}


def labels_in_order(facts: Facts) -> Found:
    """Read zone-less labels of a day, as they stand in a file, into instants."""
    day, labels = date.fromisoformat(facts.need("date")), list(facts.need("labels"))
    pattern = r"(ending|beginning), chronological"
    convention = words(pattern, facts.get("convention", "ending, chronological"), "convention")[1]
    seconds = 60 * _step(labels)
    head = "meter_id,channel,interval_start,interval_seconds,value,unit,status\n"
    rows = [f"M,DEL_KWH,{day}T{label},{seconds},{n},kWh,A\n" for n, label in enumerate(labels)]
    profile = Profile(zone=facts.need("tz"), label="END" if convention == "ending" else "BEGIN")
    items = list(
        formats.get("csv_long@1").read(io.BytesIO((head + "".join(rows)).encode()), profile)
    )
    faults = [item for item in items if isinstance(item, RowError) and item.is_error]
    if faults:
        return {"error": faults[0].message}
    starts = {}
    for block in (item for item in items if isinstance(item, ChannelBlock)):
        for n, value in enumerate(block.values.tolist()):
            at = block.start_utc + n * timedelta(minutes=block.minutes)
            starts[value // 10**6] = f"{at:%H:%MZ}"
    return [{"label": label, "start_utc": starts.get(n)} for n, label in enumerate(labels)]


def _step(labels: list[str]) -> int:
    """Return the smallest step forward between labels, in minutes."""
    clocks = [datetime.strptime(label, "%H:%M") for label in labels]  # noqa: DTZ007 - a clock face
    steps = [(b - a) // timedelta(minutes=1) for a, b in pairwise(clocks) if b > a]
    if not steps:
        raise NotUnderstood("the labels never step forward")
    return min(steps)


KINDS: dict[str, Kind] = {
    "EXPECTED_COUNT": expected_count,
    "LOCAL_TO_UTC": local_time,
    "ENDING_LABELS_FALLBACK": labels_in_order,
}
