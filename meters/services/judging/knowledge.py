"""What is known beside the channels of one window, read for all of them when first asked.

A rule that does not ask costs nothing; the first one that does makes the query for every channel of
the window. Channels of the same run are seen as they are judged so far, others as published.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property, wraps
from typing import Any

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from meters.calc.circumstances import (
    Capacity,
    Circumstances,
    ClockCheck,
    Companion,
    PastPeriod,
    Plant,
    RegisterAdvance,
    Relation,
)
from meters.calc.sun import sun_elevation
from meters.models import Campus, Interruption, Layer, Technology, UnitLimits
from meters.models import ClockCheck as ClockCheckRow
from meters.services.judging.advances import advances
from meters.services.judging.beside import laid_onto
from meters.services.judging.companions import Beside, Neighbour, companions_of
from meters.services.judging.subjects import Subject
from meters.services.judging.window import Window
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import day_start, zone_of
from poweroptix.kernel.series import Series


def asked(read: Callable[[Any], Any]) -> Any:
    """Make a method a cached property that waits for the database before it reads."""

    @wraps(read)
    def waiting(self: Knowledge) -> Any:
        self._wait()
        return read(self)

    return cached_property(waiting)


class Asked(Circumstances):
    """Circumstances of one channel that are read when a rule first asks for them."""

    def __init__(
        self,
        knowledge: Knowledge,
        subject: Subject,
        previous: PastPeriod | None = None,
        year_ago: PastPeriod | None = None,
    ) -> None:
        for name, value in (
            ("_knowledge", knowledge),
            ("_subject", subject),
            ("previous", previous),
            ("year_ago", year_ago),
        ):
            object.__setattr__(self, name, value)

    @cached_property
    def companions(self) -> Sequence[Companion]:  # type: ignore[override]
        """Return the other channels, as they are judged at this moment."""
        return self._knowledge.companions(self._subject)

    @cached_property
    def registers(self) -> Sequence[RegisterAdvance]:  # type: ignore[override]
        """Return what registers advanced between exact reads that touch the window."""
        return self._knowledge.registers(self._subject)

    @cached_property
    def clock_checks(self) -> Sequence[ClockCheck]:  # type: ignore[override]
        """Return comparisons of the clocks of the meters installed."""
        return self._knowledge.clock_checks(self._subject)

    @cached_property
    def capacities(self) -> Sequence[Capacity]:  # type: ignore[override]
        """Return the steps of the capacity behind the point."""
        return capacities(self._subject)

    @cached_property
    def plant(self) -> Plant:  # type: ignore[override]
        """Return the limits of the unit on the last day of the window."""
        return self._knowledge.plant(self._subject)

    @cached_property
    def outages(self) -> Sequence[tuple[int, int]]:  # type: ignore[override]
        """Return the intervals that an interruption on record touches."""
        return self._knowledge.outages(self._subject)

    @cached_property
    def raw(self) -> Series:  # type: ignore[override]
        """Return the readings as delivered."""
        return self._knowledge.raw(self._subject)

    @cached_property
    def pulse_weight(self) -> Decimal | None:  # type: ignore[override]
        """Return what a pulse is worth, where one meter of one weight served the window."""
        weights = {meter.pulse_weight for meter in self._subject.installed}
        return weights.pop() if len(weights) == 1 else None

    @cached_property
    def active(self) -> bool | None:  # type: ignore[override]
        """Return whether the channel is in use."""
        return self._subject.is_active


class Knowledge:
    """What is known beside the channels of one window."""

    def __init__(
        self,
        window: Window,
        subjects: Sequence[Subject],
        now: datetime,
        judged: Callable[[int], Window | None] = lambda _: None,
        wait: Callable[[], None] = lambda: None,
    ) -> None:
        """Read nothing yet.

        `judged` finds the window of the run in which a channel is judged; `wait` returns when the
        database may be asked.
        """
        self._window, self._subjects, self._now, self._judged = window, subjects, now, judged
        self._wait = wait
        self._ids = [subject.channel_id for subject in subjects]
        self._suns: dict[int, Companion] = {}

    def circumstances(
        self,
        subject: Subject,
        previous: PastPeriod | None = None,
        year_ago: PastPeriod | None = None,
    ) -> Circumstances:
        """Return the circumstances of a channel as of this moment; earlier periods if given."""
        return Asked(self, subject, previous, year_ago)

    def raw(self, subject: Subject) -> Series:
        """Return the readings of a channel as delivered."""
        readings = self._window.readings(subject.channel_id, Layer.RAW)
        return Series(self._window.grid, readings.values, readings.status, subject.unit)

    # -- other channels -------------------------------------------------------------------------

    @asked
    def beside(self) -> dict[int, tuple[Beside, ...]]:
        """Return the companions of every channel. Three queries at most."""
        return companions_of(self._ids)

    @asked
    def _published(self) -> dict[int, Window]:
        """Return what is published of companions that this run does not judge, by their length."""
        wanted: dict[int, set[int]] = defaultdict(set)
        for found in self.beside.values():
            for each in found:
                if self._judged(each.channel.channel_id) is None:
                    wanted[each.channel.minutes].add(each.channel.channel_id)
        grid = self._window.grid
        return {
            minutes: Window.read(sorted(ids), grid.start_utc, grid.end_utc, minutes)
            for minutes, ids in wanted.items()
        }

    @property
    def blocks_read(self) -> int:
        """How many published blocks of other channels were looked at."""
        read = self.__dict__.get("_published", {})
        return sum(window.blocks_read for window in read.values())

    def companions(self, subject: Subject) -> tuple[Companion, ...]:
        """Return the companions of a channel on its grid; what does not fit is left out."""
        found = []
        for each in self.beside.get(subject.channel_id, ()):
            series = laid_onto(each.relation, self._series(each.channel), self._window.grid)
            if series is not None:
                found.append(Companion(each.relation, each.channel.code, series))
        sun = self._sun(subject)
        return (*found, sun) if sun is not None else tuple(found)

    def _series(self, channel: Neighbour) -> Series:
        judged = self._judged(channel.channel_id)
        window = judged if judged is not None else self._published[channel.minutes]
        grid = self._window.grid
        if judged is not None and judged.grid.start_utc != grid.start_utc:
            self._wait()
            window = Window.read([channel.channel_id], grid.start_utc, grid.end_utc,
                                 channel.minutes)  # fmt: skip
        readings = window.readings(channel.channel_id, Layer.FINAL)
        return Series(window.grid, readings.values, readings.status, channel.unit)

    def _sun(self, subject: Subject) -> Companion | None:
        """Return the elevation of the sun over a solar plant whose campus has a place."""
        if subject.technology != Technology.SOLAR:
            return None
        if subject.campus_id not in self._suns:
            campus = self._campuses[subject.campus_id]
            if campus.latitude_deg is None or campus.longitude_deg is None:
                return None
            elevation = sun_elevation(self._window.grid, campus.latitude_deg, campus.longitude_deg)
            self._suns[subject.campus_id] = Companion(Relation.SUN_ELEVATION, "sun", elevation)
        return self._suns[subject.campus_id]

    @asked
    def _campuses(self) -> dict[int, Campus]:
        return Campus.objects.in_bulk({s.campus_id for s in self._subjects})

    # -- registers ------------------------------------------------------------------------------

    @asked
    def _advances(self) -> dict[int, list[RegisterAdvance]]:
        grid = self._window.grid
        found = advances(self._ids, grid.start_utc, grid.end_utc, buckets=True)
        return {channel_id: [each.advance for each in rows] for channel_id, rows in found.items()}

    def registers(self, subject: Subject) -> list[RegisterAdvance]:
        """Return the advances of a channel's register that touch the window."""
        return self._advances.get(subject.channel_id, [])

    @asked
    def _earlier(self) -> Window | None:
        """Return published readings before the window of channels whose register counted there."""
        grid = self._window.grid
        reaching = {
            channel_id: min(each.start_utc for each in rows)
            for channel_id, rows in self._advances.items()
            if any(each.start_utc < grid.start_utc for each in rows)
        }
        if not reaching:
            return None
        start, step = min(reaching.values()), timedelta(minutes=grid.minutes)
        count = -((start - grid.start_utc) // step)
        return Window.read(
            sorted(reaching), grid.start_utc - count * step, grid.start_utc, grid.minutes
        )

    def before(self, subject: Subject) -> Series | None:
        """Return the published readings from the earliest register read up to the window."""
        window = self._earlier
        if window is None or subject.channel_id not in window.ids:
            return None
        readings = window.readings(subject.channel_id, Layer.FINAL)
        return Series(window.grid, readings.values, readings.status, subject.unit)

    # -- clocks, plant, outages -----------------------------------------------------------------

    @asked
    def _clocks(self) -> dict[int, list[ClockCheckRow]]:
        """Return comparisons in the window and the nearest ones around it, by meter id."""
        meters = {m.meter_id for subject in self._subjects for m in subject.installed}
        rows = ClockCheckRow.objects.filter(meter__in=meters)
        if not rows.exists():
            return {}
        grid = self._window.grid
        near = [
            *rows.filter(at_utc__lt=grid.start_utc)
            .order_by("meter_id", "-at_utc")
            .distinct("meter_id"),
            *rows.filter(at_utc__gte=grid.start_utc, at_utc__lte=grid.end_utc),
            *rows.filter(at_utc__gt=grid.end_utc)
            .order_by("meter_id", "at_utc")
            .distinct("meter_id"),
        ]
        found: dict[int, list[ClockCheckRow]] = defaultdict(list)
        for row in sorted(near, key=lambda each: each.at_utc):
            found[row.meter_id].append(row)
        return found

    def clock_checks(self, subject: Subject) -> tuple[ClockCheck, ...]:
        """Return the comparisons of a channel's meters while they were installed."""
        return tuple(
            ClockCheck(row.at_utc, row.drift_s, row.reference)
            for meter in subject.installed
            for row in self._clocks.get(meter.meter_id, ())
            if meter.start_utc <= row.at_utc and (not meter.end_utc or row.at_utc <= meter.end_utc)
        )

    @asked
    def _limits(self) -> dict[int, list[UnitLimits]]:
        units = {s.unit_id for s in self._subjects} - {None}
        found: dict[int, list[UnitLimits]] = defaultdict(list)
        for row in UnitLimits.objects.filter(generating_unit__in=units) if units else ():
            found[row.generating_unit_id].append(row)
        return found

    def plant(self, subject: Subject) -> Plant:
        """Return the limits in force on the last local day of the window."""
        contracted = subject.own_capacity_kw if subject.kind == "TENANT_LOAD" else None
        last = (self._window.grid.end_utc - timedelta(microseconds=1)).astimezone(
            zone_of(subject.zone)
        )
        row = _in_force(self._limits.get(subject.unit_id or 0, ()), last.date())
        if row is None:
            return Plant(technology=subject.technology, contracted_kw=contracted)
        return Plant(
            technology=subject.technology,
            heat_rate_low_btu_per_kwh=row.heat_rate_low_btu_per_kwh,
            heat_rate_high_btu_per_kwh=row.heat_rate_high_btu_per_kwh,
            ramp_kw_per_minute=row.ramp_kw_per_minute,
            usable_kwh=row.usable_kwh,
            charge_ratio=row.charge_ratio,
            discharge_ratio=row.discharge_ratio,
            cut_in_m_per_s=row.cut_in_m_per_s,
            contracted_kw=contracted,
            dc_capacity_kw=row.dc_capacity_kw,
        )

    @asked
    def _interruptions(self) -> dict[int, list[Interruption]]:
        grid = self._window.grid
        rows = Interruption.objects.filter(
            delivery_point__in={s.point_id for s in self._subjects},
            during__overlap=DateTimeTZRange(grid.start_utc, grid.end_utc),
        )
        found: dict[int, list[Interruption]] = defaultdict(list)
        for row in rows.order_by("during"):
            found[row.delivery_point_id].append(row)
        return found

    def outages(self, subject: Subject) -> tuple[tuple[int, int], ...]:
        """Return the intervals that interruptions of the point touch."""
        grid = self._window.grid
        rows = self._interruptions.get(subject.point_id, ())
        spans = [_touched(grid, row.during.lower, row.during.upper or self._now) for row in rows]
        return tuple(span for span in spans if span[0] < span[1])


def capacities(subject: Subject) -> tuple[Capacity, ...]:
    """Return the capacity of a unit in steps, none where the point has a limit of its own."""
    if subject.own_capacity_kw is not None or len(subject.capacity_steps) < 2:
        return ()
    return tuple(Capacity(_from(day, subject.zone), kw) for day, kw in subject.capacity_steps)


def _from(day: date, zone: str) -> datetime:
    """Return the start of a local day; of the first day there is for a limit without a start."""
    return day_start(max(day, date(1970, 1, 1)), zone)


def _in_force(rows: Iterable[Any], day: date) -> Any | None:
    """Return the newest row that has begun by a day."""
    begun = [row for row in rows if row.effective_from <= day]
    return max(begun, key=lambda row: row.effective_from, default=None)


def _touched(grid: Grid, start: datetime, end: datetime) -> tuple[int, int]:
    step = timedelta(minutes=grid.minutes)
    first = max(0, (start - grid.start_utc) // step)
    return first, min(grid.count, -((grid.start_utc - end) // step))
