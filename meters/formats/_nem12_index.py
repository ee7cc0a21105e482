"""Vector index of one chunk of NEM12 text: record kinds, and all plain 300 records parsed at once.

A 300 record is *plain* when its date, values, quality ``A`` without reason, and stamps are all as
the format says; its numbers are then taken from here. A record is *valued* when only quality or
reason differ: values are taken from here and the rest is read from its text. Every other record
is read again field by field, which names the fault.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from meters.formats._digits import FRONT_PAD, Buffer, micro_fields, uint_fields

_COMMA, _BREAK, _LETTER_A = 0x2C, 0x0A, 0x41
TRAILING = 5  # QualityMethod, ReasonCode, ReasonDescription, UpdateDateTime, MSATSLoadDateTime
_DAYS_IN_MONTH = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_EPOCH_ORDINAL = 719163  # date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class ChunkIndex:
    """One entry per line (``kind``, ``start``, ``end``) and one per 300 record (the rest)."""

    buffer: Buffer
    kind: np.ndarray  # 100, 200, 300, ...; 0 blank; -1 anything else
    start: np.ndarray
    end: np.ndarray
    row_of_line: np.ndarray  # index of the 300 record, -1 for other lines
    counts: np.ndarray  # number of values
    offsets: np.ndarray  # first value in ``values``
    values: np.ndarray
    day: np.ndarray  # proleptic ordinal of the date
    stamp: np.ndarray  # UpdateDateTime as the integer yyyymmddHHMMSS, 0 when empty
    valued: np.ndarray
    plain: np.ndarray

    def line(self, number: int) -> str:
        """Return the text of a line (0-based in the chunk)."""
        return self.buffer.text(int(self.start[number]), int(self.end[number])).decode()


def index_chunk(data: bytes) -> ChunkIndex:
    """Index whole lines of text."""
    buffer = Buffer(data)
    octets = buffer.bytes
    separators = np.flatnonzero((octets == _COMMA) | (octets == _BREAK))
    line_ends = np.flatnonzero(octets[separators] == _BREAK)
    first = np.concatenate(([0], line_ends[:-1] + 1))
    end = separators[line_ends]
    start = np.concatenate(([FRONT_PAD], end[:-1] + 1))
    kind = _kinds(octets, start, end)
    fields = line_ends - first + 1
    rows = np.flatnonzero((kind == 300) & (fields > 2 + TRAILING))
    row_of_line = np.full(len(kind), -1, dtype=np.int64)
    row_of_line[rows] = np.arange(len(rows))
    head = first[rows]
    counts = fields[rows] - 2 - TRAILING
    offsets = np.concatenate(([0], np.cumsum(counts)))
    at = np.repeat(head + 1 - offsets[:-1], counts) + np.arange(offsets[-1])
    values, good = micro_fields(buffer, separators[at] + 1, separators[at + 1])
    valued = np.logical_and.reduceat(good, offsets[:-1]) if len(rows) else np.zeros(0, dtype=bool)
    day, day_good = _days(buffer, separators[head] + 1, separators[head + 1])
    tail = separators[(head + 1 + counts)[:, None] + np.arange(TRAILING + 1)]
    stamp, stamp_good = _stamps(buffer, tail[:, 3] + 1, tail[:, 4])
    _, load_good = _stamps(buffer, tail[:, 4] + 1, tail[:, 5])
    valued &= day_good & stamp_good & load_good
    bare = (octets[tail[:, 0] + 1] == _LETTER_A) & (tail[:, 3] - tail[:, 0] == 4)
    bare &= tail[:, 1] - tail[:, 0] == 2
    return ChunkIndex(
        buffer, kind, start, end, row_of_line, counts, offsets, values, day, stamp, valued,
        valued & bare,
    )  # fmt: skip


def _kinds(octets: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the three-digit record indicator of each line."""
    digits = octets[start[:, None] + np.arange(4)].astype(np.int64) - 0x30
    kind = digits[:, 0] * 100 + digits[:, 1] * 10 + digits[:, 2]
    after = digits[:, 3] + 0x30
    good = ((digits[:, :3] >= 0) & (digits[:, :3] <= 9)).all(axis=1)
    good &= (end - start >= 3) & ((after == _COMMA) | (after == _BREAK))
    kind[~good] = -1
    kind[end == start] = 0
    return kind


def _days(buffer: Buffer, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Parse ``yyyymmdd`` to proleptic ordinals."""
    number, good = uint_fields(buffer, start, end)
    good &= end - start == 8
    year, month, day = number // 10000, number // 100 % 100, number % 100
    good &= _calendar_day(year, month, day)
    return civil_ordinal(year, month, day), good


def _calendar_day(year: np.ndarray, month: np.ndarray, day: np.ndarray) -> np.ndarray:
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    length = _DAYS_IN_MONTH[np.clip(month, 0, 12)] - ((month == 2) & ~leap)
    return (year >= 1990) & (year <= 2100) & (month <= 12) & (day >= 1) & (day <= length)


def civil_ordinal(year: np.ndarray, month: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Return ``date.toordinal()`` of many dates (Howard Hinnant's days-from-civil).

    >>> civil_ordinal(np.array([1970]), np.array([1]), np.array([1])).tolist()
    [719163]
    """
    shifted = year - (month <= 2)
    era = shifted // 400
    of_era = shifted - era * 400
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    days = era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
    return days + _EPOCH_ORDINAL


def _stamps(buffer: Buffer, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Parse optional ``yyyymmddHHMMSS``; an empty field is 0 and good."""
    empty = end == start
    number, good = uint_fields(buffer, start, end)
    good &= end - start == 14
    clock = number % 10**6
    day = number // 10**6
    good &= _calendar_day(day // 10000, day // 100 % 100, day % 100)
    good &= (clock // 10000 < 24) & (clock // 100 % 100 < 60) & (clock % 100 < 60)
    return np.where(empty, 0, number), good | empty
