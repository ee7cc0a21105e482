"""What the page of a price series shows of a month: days, gaps, publications, chart and file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby, pairwise
from zoneinfo import ZoneInfo

import numpy as np

from contracts.models import IndexBlock, IndexSeries
from contracts.queries import prices_for
from meters.calc.decimate import decimate
from poweroptix.kernel.fixed import MISSING, PRICE_SCALE, from_price
from poweroptix.kernel.period import Period
from poweroptix.kernel.price_series import PriceSeries

DAY_MINUTES = 1440
CHART_WIDTH = 1200
MOST_GAPS = 20
#: How final a price is, worst last, as the chart marks it: actual, provisional, missing.
LETTERS = ("A", "P", "X")
FINAL, PROVISIONAL, ABSENT = range(3)
HEAD = (
    "start_utc", "end_utc", "start_local", "price", "unit", "version", "vintage", "final",
    "recorded_at", "source",
)  # fmt: skip


@dataclass(frozen=True)
class Publication:
    """What one person or job published at one moment, as far as it lies in the month."""

    recorded_at: datetime
    recorded_by: str
    source: str
    vintage: str
    final: bool
    first_day: date
    last_day: date
    days: int
    added: int
    changed: int
    largest: Decimal | None


class PriceMonth:
    """The prices of one series in a local month, with every version of their days.

    Three queries, whatever the month.
    """

    def __init__(self, series: IndexSeries, period: Period) -> None:
        """Read the newest prices, and all versions of the UTC days they stand in."""
        self.series, self.period = series, period
        found, _pins = prices_for([series.code], period)
        self.prices: PriceSeries = found[series.code]
        grid = self.prices.grid
        rows = IndexBlock.objects.filter(
            series_id=series.pk,
            day__gte=grid.start_utc.date(),
            day__lte=(grid.end_utc - timedelta(minutes=1)).date(),
        )
        self.blocks = list(rows.order_by("day", "version"))
        self.newest = {block.day: block for block in self.blocks}
        self.finality = self._finality()

    def days(self) -> list[dict]:
        """Return each local day with its count, extremes and the blocks it stands in."""
        return [self._day(day) for day in self.period.days()]

    def _day(self, day: date) -> dict:
        first, last = self._positions(day)
        values = self.prices.values[first:last]
        known = values[values != MISSING]
        blocks = [
            self.newest[one]
            for one in dict.fromkeys(
                self._utc_day(at) for at in range(first, last) if self.prices.values[at] != MISSING
            )
        ]
        return {
            "day": day,
            "published": int(known.size),
            "missing": int(values.size - known.size),
            "lowest": from_price(int(known.min())) if known.size else None,
            "highest": from_price(int(known.max())) if known.size else None,
            "block": max(blocks, key=lambda one: one.recorded_at, default=None),
            "is_final": not (self.finality[first:last] == PROVISIONAL).any(),
            "vintage": ", ".join(dict.fromkeys(block.vintage for block in blocks)),
            "version": max((block.version for block in blocks), default=None),
        }

    def _positions(self, day: date) -> tuple[int, int]:
        """Return which prices belong to a local day; a daily price belongs to its date."""
        grid = self.prices.grid
        if grid.minutes == DAY_MINUTES:
            at = (day - grid.start_utc.date()).days
            return at, at + 1
        step = timedelta(minutes=grid.minutes)
        start, end = self.period.day_bounds(day)
        return -(-(start - grid.start_utc) // step), -(-(end - grid.start_utc) // step)

    def _utc_day(self, at: int) -> date:
        return self.prices.grid.start_of(at).date()

    def gaps(self) -> list[dict]:
        """Return the runs of prices that are not published, the first ones of many.

        A daily price belongs to a date, not to a moment, so its gap has a first and a last day.
        """
        absent = np.flatnonzero(self.prices.values == MISSING).tolist()
        runs = groupby(enumerate(absent), key=lambda pair: pair[1] - pair[0])
        found = []
        for _, run in runs:
            positions = [at for _, at in run]
            grid = self.prices.grid
            gap: dict = {"count": len(positions)}
            if grid.minutes == DAY_MINUTES:
                gap["first_day"] = self._utc_day(positions[0])
                gap["last_day"] = self._utc_day(positions[-1])
            else:
                gap["start"] = grid.start_of(positions[0])
                gap["end"] = grid.start_of(positions[-1] + 1)
            found.append(gap)
        return found[:MOST_GAPS]

    def publications(self) -> list[Publication]:
        """Return who published what and when, the newest first."""
        before: dict[date, list[int]] = {}
        changes = []
        for block in self.blocks:
            values = self._inside(block)
            if all(value == MISSING for value in values):
                continue  # of that day only hours of another local month are published
            old = before.get(block.day, [MISSING] * len(values))
            changes.append((block, *_compared(old, values)))
            before[block.day] = values

        def act(change: tuple) -> tuple:
            block = change[0]
            return (block.recorded_at, block.recorded_by, block.source, block.vintage, block.final)

        made = []
        for key, group in groupby(sorted(changes, key=act), key=act):
            parts = list(group)
            days = [block.day for block, *_ in parts]
            moved = [size for *_, size in parts if size is not None]
            made.append(
                Publication(
                    *key,
                    first_day=min(days),
                    last_day=max(days),
                    days=len(days),
                    added=sum(part[1] for part in parts),
                    changed=sum(part[2] for part in parts),
                    largest=max(moved, key=abs, default=None),
                )
            )
        return made[::-1]

    def _inside(self, block: IndexBlock) -> list[int]:
        """Return the prices of a block that lie in the month."""
        grid, offset = self.prices.grid, self._offset(block)
        return block.values[max(0, -offset) : max(0, grid.count - offset)]

    def _offset(self, block: IndexBlock) -> int:
        """Return where the first price of a block stands in the month."""
        midnight = datetime.combine(block.day, time(), tzinfo=UTC)
        step = timedelta(minutes=self.prices.grid.minutes)
        return (midnight - self.prices.grid.start_utc) // step

    def chart(self) -> dict:
        """Return the document that po-chart.js draws: price, and how final each one is."""
        grid, values = self.prices.grid, self.prices.values
        thin = decimate(values, self.finality, CHART_WIDTH, exact=CHART_WIDTH * 4)
        points = 2 if thin.size > 1 else 1
        column = (
            np.column_stack((thin.first, thin.second)).reshape(-1) if points > 1 else thin.first
        )
        return {
            "t0": int(grid.start_utc.timestamp()),
            "step": thin.size * grid.minutes * 60 // points,
            "n": thin.size,
            "unit": self.series.unit,
            "tz": "UTC" if grid.minutes == DAY_MINUTES else self.series.zone,
            "series": [
                {
                    "name": self.series.code,
                    "style": "final",
                    "v": [None if one == MISSING else round(one / PRICE_SCALE, 4)
                          for one in column.tolist()],
                }
            ],
            "q": _runs(thin.status, points),
        }  # fmt: skip

    def _finality(self) -> np.ndarray:
        """Return for every price whether it is final, provisional or missing."""
        grid = self.prices.grid
        found = np.full(grid.count, FINAL, dtype=np.uint8)
        for block in self.newest.values():
            offset = self._offset(block)
            inside = [at + offset for at in block.not_final if 0 <= at + offset < grid.count]
            found[inside] = PROVISIONAL
        found[self.prices.values == MISSING] = ABSENT
        return found

    def rows(self) -> Iterator[list]:
        """Return every price of the month with its version, as the download has it.

        The file can be published again: its columns are those of an import.
        """
        grid, zone = self.prices.grid, ZoneInfo(self.series.zone)
        for at, value in enumerate(self.prices.values.tolist()):
            start, block = grid.start_of(at), self.newest.get(self._utc_day(at))
            known = value != MISSING and block is not None
            local = "" if grid.minutes == DAY_MINUTES else start.astimezone(zone).isoformat()
            yield [
                _stamp(start),
                _stamp(grid.start_of(at + 1)),
                local,
                from_price(value) if known else "",
                self.series.unit,
                block.version if known else "",
                block.vintage if known else "",
                ("yes" if self.finality[at] == FINAL else "no") if known else "",
                _stamp(block.recorded_at) if known else "",
                block.source if known else "",
            ]


def _compared(old: list[int], new: list[int]) -> tuple[int, int, Decimal | None]:
    """Return how many prices were added and changed, and the largest change."""
    pairs = [pair for pair in zip(old, new, strict=True) if pair[0] != pair[1]]
    added = sum(was == MISSING for was, _ in pairs)
    moved = [now - was for was, now in pairs if MISSING not in (was, now)]
    return added, len(moved), from_price(max(moved, key=abs)) if moved else None


def _runs(status: np.ndarray, points: int) -> list[list]:
    """Return the letters run-length, counted in points of the chart."""
    edges = [0, *(np.flatnonzero(np.diff(status)) + 1).tolist(), len(status)]
    return [
        [LETTERS[int(status[begin])], (end - begin) * points]
        for begin, end in pairwise(edges)
        if end > begin
    ]


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
