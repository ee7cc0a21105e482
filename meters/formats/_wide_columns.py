"""Value columns of the wide CSV: which interval of a local day each one names.

Labels: ``HE1``..``HE24`` with ``HE2X`` or ``HE25`` for the repeated hour; ``00:00``..``23:45``
(begin) or ``00:15``..``24:00`` (end), with an ``X`` for the repeated hour (``01:15X``); or
positions ``1``..``100`` in elapsed order. ``<label>_q`` is the quality of a column.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from meters.formats._base import printable
from meters.formats._text import RowFault, refuse

_HOUR = re.compile(r"HE([0-9]{1,2})(X?)")
_CLOCK = re.compile(r"([0-9]{2}):([0-9]{2})(X?)")
_PLACE = re.compile(r"[1-9][0-9]{0,3}")
LENGTHS = (1, 5, 10, 15, 30, 60)


@dataclass(frozen=True)
class ValueColumns:
    """Value columns in header order.

    ``minute`` is the wall-clock minute of the interval's begin (or its place from 0 when
    ``places``), ``again`` marks the repeated hour, ``quality`` the column of its letter or -1.
    """

    names: tuple[str, ...]
    column: np.ndarray
    minute: np.ndarray
    again: np.ndarray
    quality: np.ndarray
    minutes: int
    places: bool


def is_value_name(name: str) -> bool:
    """Tell whether a header name is a value label."""
    return bool(_HOUR.fullmatch(name) or _CLOCK.fullmatch(name) or _PLACE.fullmatch(name))


def value_columns(names: Sequence[str], label: str) -> ValueColumns:
    """Read the value labels of a header; refuse a mixture or unequal steps (F006)."""
    found = [(number, name) for number, name in enumerate(names) if is_value_name(name)]
    if not found:
        refuse("F006", "No value column: name them HE1..HE24, 00:00..23:45 or 1..96.", line=1)
    kinds = {_kind(name) for _, name in found}
    if len(kinds) > 1:
        refuse("F008", "The header mixes HE, clock and number labels of value columns.", line=1)
    (kind,) = kinds
    where = {name: number for number, name in enumerate(names)}
    if kind == "place":
        starts, again, minutes = _places([name for _, name in found])
    else:
        starts, again, minutes = _clocks(kind, [name for _, name in found], label)
    quality = [where.get(f"{name}_q", -1) for _, name in found]
    return ValueColumns(
        tuple(name for _, name in found),
        np.array([number for number, _ in found]),
        np.array(starts),
        np.array(again),
        np.array(quality),
        minutes,
        kind == "place",
    )


def _kind(name: str) -> str:
    if name.startswith("HE"):
        return "hour"
    return "clock" if ":" in name else "place"


def _places(names: list[str]) -> tuple[list[int], list[bool], int]:
    numbers = [int(name) for name in names]
    per_hour = {23: 1, 24: 1, 25: 1}
    count = len(numbers)
    minutes = next((m for m in LENGTHS if any(count == h * 60 // m for h in per_hour)), 0)
    if not minutes or sorted(numbers) != list(range(1, count + 1)):
        refuse(
            "F006",
            f"{count} numbered value columns do not make a day of 23, 24 or 25 hours.",
            line=1,
        )
    return [number - 1 for number in numbers], [False] * count, minutes


def _clocks(kind: str, names: list[str], label: str) -> tuple[list[int], list[bool], int]:
    ends, again = [], []
    for name in names:
        minute, repeated = _hour_end(name) if kind == "hour" else _clock(name)
        ends.append(minute)
        again.append(repeated)
    plain = sorted(minute for minute, repeated in zip(ends, again, strict=True) if not repeated)
    minutes = 60 if kind == "hour" else 1440 // max(len(plain), 1)
    shift = minutes if kind == "hour" or label == "END" else 0
    expected = list(range(shift, 1440 + shift, minutes))
    if minutes not in LENGTHS or plain != expected:
        refuse(
            "F006",
            f"The value columns ({printable(names[0])} to {printable(names[-1])}, {len(names)}) "
            f"are not a whole day in equal steps under the {label} convention.",
            line=1,
        )
    return [minute - shift for minute in ends], again, minutes


def _hour_end(name: str) -> tuple[int, bool]:
    match = _HOUR.fullmatch(name)
    hour = int(match[1]) if match else 0
    if hour == 25 and match and not match[2]:  # the other usual name of HE2X
        return 120, True
    if not 1 <= hour <= 24:
        refuse("F008", f"Column '{printable(name)}' is not HE1..HE24, HE2X or HE25.", line=1)
    return hour * 60, bool(match and match[2])


def _clock(name: str) -> tuple[int, bool]:
    match = _CLOCK.fullmatch(name)
    hour, minute = (int(match[1]), int(match[2])) if match else (99, 0)
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        refuse("F008", f"Column '{printable(name)}' is not a time of day.", line=1)
    return hour * 60 + minute, bool(match and match[3])


class DayMap:
    """Where the value columns lie on one local day."""

    def __init__(self, columns: ValueColumns, zone: ZoneInfo) -> None:
        self.columns = columns
        self.zone = zone
        self._days: dict[date, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}

    def of(self, day: date) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return UTC seconds per column, and masks: not on this day, needed to tell an hour.

        A column that is not on the day must be blank. A needed column must hold a value when its
        twin of the repeated hour does.
        """
        if day not in self._days:
            if len(self._days) > 5000:
                self._days.clear()
            self._days[day] = self._make(day)
        return self._days[day]

    def _make(self, day: date) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        columns = self.columns
        step = columns.minutes * 60
        start, end = self._midnight(day), self._midnight(day + timedelta(days=1))
        starts = np.arange(start, end, step)
        if columns.places:
            absent = columns.minute >= len(starts)
            seconds = start + columns.minute * step
            return seconds, absent, np.zeros(len(seconds), dtype=bool)
        labels: dict[tuple[int, bool], int] = {}
        for instant in starts.tolist():
            wall = datetime.fromtimestamp(instant, UTC).astimezone(self.zone)
            minute = wall.hour * 60 + wall.minute
            labels[minute, (minute, False) in labels] = instant
        keys = list(zip(columns.minute.tolist(), columns.again.tolist(), strict=True))
        absent = np.array([key not in labels for key in keys])
        seconds = np.array([labels.get(key, start) for key in keys])
        twins = np.array([(minute, True) in labels for minute, _ in keys])
        return seconds, absent, twins

    def _midnight(self, day: date) -> int:
        local = datetime(day.year, day.month, day.day, tzinfo=self.zone)
        return int(local.astimezone(UTC).timestamp())


def check_twins(columns: ValueColumns, twins: np.ndarray, filled: np.ndarray) -> None:
    """Raise R005 when only one copy of a repeated interval has a value."""
    if not twins.any():
        return
    for minute in np.unique(columns.minute[twins]).tolist():
        copies = filled[(columns.minute == minute) & twins]
        present = int(copies.sum())
        if present == 1:
            raise RowFault(
                "R005",
                "",
                f"{minute // 60:02d}:{minute % 60:02d} happens twice on this day, but one value is "
                "given; add the column of the repeated hour (HE2X, 01:00X)",
            )
