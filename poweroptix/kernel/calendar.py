"""Time of use: which priced window an interval starts in, by local month, day type and minute."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import LocalClock, zone_of

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "holiday")
_SHORT = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Holiday")
_GROUPS = {
    "weekday": _DAYS[:5],
    "weekend": _DAYS[5:7],
    "all": _DAYS,
}
_MONTH_NAMES = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_TIME = re.compile(r"([01]\d|2[0-4]):([0-5]\d)")
_DAY_MINUTES = 1440
_NOBODY = 255
_FIELDS = {"months", "day_types", "start", "end", "start_minute", "end_minute", "period"}


class TouRow(NamedTuple):
    """One window: these months, these day types, these minutes of the local day, this period."""

    months: frozenset[int]
    day_types: frozenset[str]
    start_minute: int
    end_minute: int
    period_name: str


@dataclass(frozen=True)
class TouSchedule:
    """Windows that cover every minute of every day type of every month exactly once.

    Day types are monday ... sunday, holiday, and the groups weekday, weekend, all. A holiday is a
    day type of its own as soon as one row names it; otherwise it is the day of the week.

    >>> schedule = TouSchedule.from_json({"zone": "America/Chicago", "rows": [
    ...     {"day_types": ["weekday"], "start": "07:00", "end": "22:00", "period": "peak"},
    ...     {"day_types": ["weekday"], "start": "00:00", "end": "07:00", "period": "off-peak"},
    ...     {"day_types": ["weekday"], "start": "22:00", "end": "24:00", "period": "off-peak"},
    ...     {"day_types": ["weekend"], "start": "00:00", "end": "24:00", "period": "off-peak"}]})
    >>> from datetime import UTC, datetime
    >>> names, index = schedule.periods(Grid(datetime(2026, 3, 2, 12, tzinfo=UTC), 60, 3), set())
    >>> [names[at] for at in index]
    ['off-peak', 'peak', 'peak']
    """

    zone: str
    rows: tuple[TouRow, ...]

    def __post_init__(self) -> None:
        zone_of(self.zone)
        rows = tuple(
            TouRow(frozenset(row[0]), frozenset(row[1]), row[2], row[3], row[4])
            for row in self.rows
        )
        object.__setattr__(self, "rows", rows)
        if not 0 < len(self.names) < _NOBODY:
            raise Refused("tou.rows", f"A schedule has 1 to 254 periods, not {len(self.names)}.")
        object.__setattr__(self, "_table", self._fill())

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the periods, in the order of their first row."""
        return tuple(dict.fromkeys(row.period_name for row in self.rows))

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> TouSchedule:
        """Return the schedule of a document: `zone` and `rows`.

        A row has `period`, `day_types`, `start` and `end` ("16:00", "24:00") or `start_minute` and
        `end_minute`, and `months` (1 to 12; all when left out).
        """
        if not isinstance(document, Mapping) or not document.get("zone"):
            raise Refused("tou.zone", "The schedule names no time zone; give an IANA zone.")
        rows = document.get("rows")
        if not isinstance(rows, list | tuple) or not rows:
            raise Refused("tou.rows", "The schedule has no rows.")
        return cls(document["zone"], tuple(_read_row(row, at) for at, row in enumerate(rows, 1)))

    @classmethod
    def from_12x24(
        cls,
        weekday: Sequence[Sequence[int]],
        weekend: Sequence[Sequence[int]],
        names: Sequence[str],
        *,
        zone: str,
    ) -> TouSchedule:
        """Return the schedule of two tables [month][hour] of positions in `names` (from 0).

        This is the layout of the US Utility Rate Database (OpenEI, `energyweekdayschedule`).
        """
        rows: list[TouRow] = []
        for types, table in ((("weekday",), weekday), (("weekend",), weekend)):
            if len(table) != 12 or any(len(hours) != 24 for hours in table):
                raise Refused("tou.12x24", "A 12x24 table has 12 months of 24 hours.")
            for month, hours in enumerate(table, 1):
                rows.extend(_runs(month, types, hours, names))
        return cls(zone, tuple(rows))

    def to_json(self) -> dict[str, Any]:
        """Return the document that `from_json` reads."""
        rows = [
            {
                "months": sorted(row.months),
                "day_types": sorted(row.day_types),
                "start": _clock(row.start_minute),
                "end": _clock(row.end_minute),
                "period": row.period_name,
            }
            for row in self.rows
        ]
        return {"zone": self.zone, "rows": rows}

    def periods(
        self, grid: Grid, holidays: Collection[date]
    ) -> tuple[tuple[str, ...], NDArray[np.uint8]]:
        """Return the period names and, per interval, the index of the one it starts in."""
        return self.names, _known_periods(self, grid, frozenset(holidays))

    def _index(self, grid: Grid, holidays: Collection[date]) -> NDArray[np.uint8]:
        clock = LocalClock.of(grid, self.zone)
        kinds = clock.weekday.copy()
        if holidays and self._names_holidays():
            ordinals = np.array(sorted(day.toordinal() for day in holidays), dtype=np.int64)
            kinds[np.isin(clock.date_ordinal, ordinals)] = _DAYS.index("holiday")
        table: NDArray[np.uint8] = self._table  # type: ignore[attr-defined]
        index = table[clock.month - 1, kinds, clock.minute_of_day]
        index.setflags(write=False)
        return index

    def _names_holidays(self) -> bool:
        return any(row.day_types & {"holiday", "all"} for row in self.rows)

    def _fill(self) -> NDArray[np.uint8]:
        """Return period index by month, day type and minute; Refused unless covered once."""
        table = np.full((12, len(_DAYS), _DAY_MINUTES), _NOBODY, dtype=np.uint8)
        counts = np.zeros(table.shape, dtype=np.uint8)
        for at, row in enumerate(self.rows, 1):
            _check_row(row, at)
            months = [month - 1 for month in sorted(row.months)]
            kinds = sorted({_DAYS.index(day) for day in _expand(row.day_types)})
            window = np.ix_(months, kinds, range(row.start_minute, row.end_minute))
            table[window] = self.names.index(row.period_name)
            counts[window] += 1
        checked = len(_DAYS) if self._names_holidays() else len(_DAYS) - 1
        findings = _coverage(counts[:, :checked])
        if findings:
            more = f" ({len(findings) - 1} more)" if len(findings) > 1 else ""
            raise Refused("tou.coverage", findings[0].message + more, findings=findings)
        return table


@lru_cache(maxsize=64)
def _known_periods(
    schedule: TouSchedule, grid: Grid, holidays: frozenset[date]
) -> NDArray[np.uint8]:
    """Return the periods of a grid, once for all who are priced by the same calendar."""
    return schedule._index(grid, holidays)


def _coverage(counts: NDArray[np.uint8]) -> list[Finding]:
    """Return one finding per run of minutes that has no price or more than one."""
    findings: dict[tuple[int, int, int, int], list[int]] = {}
    for month, kind in np.argwhere((counts != 1).any(axis=2)):
        minutes = counts[month, kind]
        edges = np.flatnonzero(np.diff(minutes)) + 1
        for start, end in zip([0, *edges], [*edges, _DAY_MINUTES], strict=True):
            if minutes[start] != 1:
                key = (int(kind), int(start), int(end), int(minutes[start]))
                findings.setdefault(key, []).append(int(month))
    return [_uncovered(key, months) for key, months in findings.items()]


def _uncovered(key: tuple[int, int, int, int], months: list[int]) -> Finding:
    kind, start, end, count = key
    season = "" if len(months) == 12 else f" in {', '.join(_MONTH_NAMES[each] for each in months)}"
    what = "has no price" if count == 0 else f"has {count} prices"
    where = f"{_SHORT[kind]} {_clock(start)}–{_clock(end)}{season}"
    code = "tou.gap" if count == 0 else "tou.overlap"
    return Finding(code, f"{where} {what}.", where=where)


def _read_row(row: Any, at: int) -> TouRow:
    if not isinstance(row, Mapping):
        raise Refused("tou.row", f"Row {at} of the schedule is not an object.")
    unknown = sorted(set(row) - _FIELDS)
    if unknown:
        text = f"Row {at} of the schedule has the unknown field {unknown[0]!r}."
        raise Refused("tou.row", text)
    period = row.get("period")
    if not isinstance(period, str) or not period.strip():
        raise Refused("tou.row", f"Row {at} of the schedule names no period.")
    return TouRow(
        frozenset(_list(row.get("months") or range(1, 13), at, "months")),
        frozenset(_list(row.get("day_types") or ("all",), at, "day_types")),
        _minute(row, "start", at),
        _minute(row, "end", at),
        period,
    )


def _list(values: Any, at: int, field: str) -> Iterable[Any]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise Refused("tou.row", f"Row {at} of the schedule: {field} is a list.")
    return values


def _minute(row: Mapping[str, Any], side: str, at: int) -> int:
    number = row.get(f"{side}_minute")
    if isinstance(number, int) and not isinstance(number, bool):
        return number
    text = row.get(side)
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise Refused("tou.row", f"Row {at} of the schedule: {side} must be a time such as 16:00.")
    return int(match[1]) * 60 + int(match[2])


def _check_row(row: TouRow, at: int) -> None:
    if not 0 <= row.start_minute < row.end_minute <= _DAY_MINUTES:
        text = (
            f"Row {at} of the schedule runs from {_clock(row.start_minute)} to "
            f"{_clock(row.end_minute)}; split a window at midnight."
        )
        raise Refused("tou.row", text)
    strange = [month for month in row.months if month not in range(1, 13)]
    if strange or not row.months:
        raise Refused("tou.row", f"Row {at} of the schedule: months are 1 to 12.")
    known = {*_DAYS, *_GROUPS}
    wrong = sorted(str(each) for each in row.day_types if each not in known)
    if wrong or not row.day_types:
        text = f"Row {at} of the schedule: {', '.join(wrong) or 'nothing'} is no day type."
        raise Refused("tou.row", text)


def _expand(day_types: Iterable[str]) -> set[str]:
    return {day for each in day_types for day in _GROUPS.get(each, (each,))}


def _runs(
    month: int, types: tuple[str, ...], hours: Sequence[int], names: Sequence[str]
) -> list[TouRow]:
    rows: list[TouRow] = []
    for hour, position in enumerate(hours):
        if not 0 <= position < len(names):
            text = f"Month {month}, hour {hour}: there is no period {position}."
            raise Refused("tou.12x24", text)
        name = names[position]
        if rows and rows[-1].period_name == name:
            rows[-1] = rows[-1]._replace(end_minute=(hour + 1) * 60)
        else:
            rows.append(
                TouRow(frozenset({month}), frozenset(types), hour * 60, (hour + 1) * 60, name)
            )
    return rows


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
