"""Time stamps of our CSV: ISO 8601 with offset or Z, and zone-less local labels.

Codes: R002 not a time stamp, R003 no zone, R004 does not exist (spring), R005 happens twice
(autumn), R302 rows of a fall-back day are not in time order.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from meters.formats._base import printable
from meters.formats._digits import Buffer
from meters.formats._nem12_index import civil_ordinal
from meters.formats._text import RowFault

EPOCH_ORDINAL = 719163
DAY = 86400
BUCKET = 900  # clocks change on quarter hours
_ISO = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_WANTED = "write 2025-11-02T00:15:00-04:00"


def parse_stamp(text: str, field: str, pattern: str = "") -> tuple[int, bool]:
    """Return (seconds since 1970, has an offset); without one the seconds are of the local clock.

    ``pattern`` is a strptime pattern of the profile for zone-less labels. Raises R002.

    >>> parse_stamp("2025-11-02T00:15:00-04:00", "interval_start")
    (1762056900, True)
    """
    if pattern:
        return _by_pattern(text, field, pattern), False
    match = _ISO.fullmatch(text)
    if match is None:
        raise RowFault("R002", field, f"{field} '{printable(text)}' is not a time stamp; {_WANTED}")
    *numbers, offset = match.groups()
    year, month, day, hour, minute, second = (int(n or 0) for n in numbers)
    local = _local_seconds(text, field, (year, month, day), (hour, minute, second))
    if offset is None:
        return local, False
    if offset == "Z":
        return local, True
    shift = int(offset[1:3]) * 3600 + int(offset[4:6]) * 60
    if shift > 14 * 3600 or int(offset[4:6]) > 59:
        raise RowFault("R002", field, f"{field} '{printable(text)}' has an impossible offset")
    return local - (-shift if offset[0] == "-" else shift), True


def _local_seconds(
    text: str, field: str, ymd: tuple[int, int, int], clock: tuple[int, int, int]
) -> int:
    hour, minute, second = clock
    if clock == (24, 0, 0):
        raise RowFault("R002", field, f"{field} '{printable(text)}': write 00:00 of the next day")
    try:
        moment = datetime(*ymd, hour, minute, second, tzinfo=UTC)
    except ValueError:
        moment = None
    if moment is None or not 1990 <= moment.year <= 2100:
        raise RowFault("R002", field, f"{field} '{printable(text)}' does not exist; {_WANTED}")
    return int(moment.timestamp())


def _by_pattern(text: str, field: str, pattern: str) -> int:
    """Parse a zone-less label; ``24:00`` is midnight at the end of its day."""
    fault = RowFault("R002", field, f"{field} '{printable(text)}' does not match {pattern}")
    late = "%H:%M" in pattern and "24:00" in text
    if not text.isascii():
        raise fault
    try:
        # A zone-less wall clock reading; the zone is applied by `resolve_local`.
        moment = datetime.strptime(text.replace("24:00", "00:00") if late else text, pattern)  # noqa: DTZ007
    except ValueError:
        raise fault from None
    if not 1990 <= moment.year <= 2100:
        raise fault
    seconds = (moment - datetime(1970, 1, 1)).total_seconds()  # noqa: DTZ001
    return int(seconds) + (DAY if late else 0)


_DIGITS_AT = (0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18)
_OFFSET_AT = (20, 21, 23, 24)


def iso_fields(
    buffer: Buffer, starts: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Parse many full stamps (19 characters and ``Z`` or ``+hh:mm``) to UTC seconds.

    Returns seconds and a mask of the fields that were such stamps.
    """
    lengths = ends - starts
    octets = buffer.bytes
    digit = {k: octets[starts + k] - np.uint8(0x30) for k in _DIGITS_AT}
    good = (lengths == 20) | (lengths == 25)
    for each in digit.values():
        good &= each <= 9
    for k, mark in ((4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":")):
        good &= octets[starts + k] == ord(mark)
    n = {k: each.astype(np.int64) for k, each in digit.items()}
    year = n[0] * 1000 + n[1] * 100 + n[2] * 10 + n[3]
    month, day = n[5] * 10 + n[6], n[8] * 10 + n[9]
    hour, minute, second = n[11] * 10 + n[12], n[14] * 10 + n[15], n[17] * 10 + n[18]
    good &= (year >= 1990) & (year <= 2100) & (month >= 1) & (month <= 12) & (day >= 1)
    good &= (hour <= 23) & (minute <= 59) & (second <= 59)
    days = civil_ordinal(year, month, day) - EPOCH_ORDINAL
    following = civil_ordinal(year + (month == 12), month % 12 + 1, np.ones_like(day))
    good &= days < following - EPOCH_ORDINAL
    seconds = days * DAY + hour * 3600 + minute * 60 + second
    sign = octets[starts + 19]
    zulu = (sign == ord("Z")) & (lengths == 20)
    return _with_offset(octets, starts, seconds, good, zulu, sign)


def _with_offset(
    octets: np.ndarray,
    starts: np.ndarray,
    seconds: np.ndarray,
    good: np.ndarray,
    zulu: np.ndarray,
    sign: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    if zulu.all():
        return seconds, good
    at = np.where(zulu, 0, starts)  # the padding in front keeps these reads inside
    d = [(octets[np.minimum(at + k, len(octets) - 1)] - np.uint8(0x30)) for k in _OFFSET_AT]
    colon = octets[np.minimum(at + 22, len(octets) - 1)] == ord(":")
    hours = d[0].astype(np.int64) * 10 + d[1]
    minutes = d[2].astype(np.int64) * 10 + d[3]
    fine = colon & (d[0] <= 9) & (d[1] <= 9) & (d[2] <= 5) & (d[3] <= 9)
    fine &= ((sign == ord("+")) | (sign == ord("-"))) & (hours * 60 + minutes <= 840)
    shift = np.where(sign == ord("-"), -1, 1) * (hours * 3600 + minutes * 60)
    return seconds - np.where(zulu, 0, shift), good & (zulu | fine)


Fault = tuple[int, str, str]  # row, code, message


def resolve_local(
    labels: np.ndarray, zone: ZoneInfo, *, jump_ends: bool = False
) -> tuple[np.ndarray, list[Fault]]:
    """Return UTC seconds of local labels of one channel in file order, and faulty rows.

    A label that happens twice is settled by file order: labels of the repeated hour must come as
    two rising runs with the same labels, the first is daylight time. Anything else leaves those
    rows out (R005), as does a fall-back day whose rows are not in time order (R302). ``jump_ends``
    allows the label 02:00 for the interval that ends at the spring jump.
    """
    buckets, inverse = np.unique(labels // BUCKET, return_inverse=True)
    kinds = [_offsets(int(bucket) * BUCKET, zone) for bucket in buckets]
    first = np.array([a for a, _, _ in kinds], dtype=np.int64)[inverse]
    kind = np.array([k for _, _, k in kinds], dtype=np.int64)[inverse]
    instants = labels - first
    faults: list[Fault] = []
    for row in np.flatnonzero(kind == _GAP).tolist():
        before = jump_ends and _offsets(int(labels[row]) - 1, zone)[2] != _GAP
        if not before:
            text = f"{_shown(labels[row])} does not exist: the clocks go forward"
            faults.append((row, "R004", text))
    twice = np.flatnonzero(kind == _TWICE)
    for day in np.unique(labels[twice] // DAY).tolist():
        rows = twice[labels[twice] // DAY == day]
        faults += _fall_back(labels, instants, np.flatnonzero(labels // DAY == day), rows, zone)
    return instants, faults


def resolve_one(label: int, zone: ZoneInfo, field: str) -> int:
    """Return the UTC second of a local label that stands alone; raise R004 or R005."""
    first, _, kind = _offsets(label, zone)
    if kind == _GAP:
        text = f"{field} {_shown(label)} does not exist: the clocks go forward"
        raise RowFault("R004", field, text)
    if kind == _TWICE:
        text = f"{field} {_shown(label)} happens twice: the clocks go back; add the offset"
        raise RowFault("R005", field, text)
    return label - first


def local_offset(label: int, zone: ZoneInfo) -> int:
    """Return the seconds east of UTC of a local label; of two the earlier."""
    return _offsets(label, zone)[0]


_ONCE, _TWICE, _GAP = 0, 1, 2


def _offsets(label: int, zone: ZoneInfo) -> tuple[int, int, int]:
    """Return both offsets of a local label and whether it happens once, twice or never."""
    naive = datetime.fromtimestamp(label, UTC).replace(tzinfo=None)
    early, late = naive.replace(tzinfo=zone, fold=0), naive.replace(tzinfo=zone, fold=1)
    one, other = (_seconds(m.utcoffset()) for m in (early, late))
    if one == other:
        return one, other, _ONCE
    back = early.astimezone(UTC).astimezone(zone).replace(tzinfo=None)
    return one, other, _TWICE if back == naive else _GAP


def _seconds(offset: timedelta | None) -> int:
    return offset // timedelta(seconds=1) if offset is not None else 0


def _fall_back(
    labels: np.ndarray, instants: np.ndarray, day: np.ndarray, rows: np.ndarray, zone: ZoneInfo
) -> list[Fault]:
    """Settle the repeated hour of one day in place, or return its rows as faulty."""
    seen = labels[rows]
    back = np.flatnonzero(np.diff(seen) <= 0) + 1
    if len(back) != 1 or not np.array_equal(seen[: back[0]], seen[back[0] :]):
        text = "happens twice on the day the clocks go back; add the offset or send both hours"
        return [(row, "R005", f"{_shown(labels[row])} {text}") for row in rows.tolist()]
    for row in rows[back[0] :].tolist():
        early, late, _ = _offsets(int(labels[row]), zone)
        instants[row] += early - late
    if (np.diff(instants[day]) <= 0).any():
        text = "the rows of a day on which the clocks go back must be in time order"
        return [(row, "R302", text) for row in day.tolist()]
    return []


def _shown(label: int) -> str:
    return datetime.fromtimestamp(int(label), UTC).strftime("%Y-%m-%d %H:%M")
