"""Questions about contracts: what holds when, for whom, at which published prices."""

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import numpy as np
from django.db.models import Q, QuerySet

from contracts.calc.price_terms import PricedTerm, PricingInputs
from contracts.calc.price_versions import first_final, series_code
from contracts.charges._base import Calendar
from contracts.events import Event, holding, in_time
from contracts.models import (
    Contract,
    ContractEvent,
    ContractQuantity,
    ContractVersion,
    IndexBlock,
    IndexSeries,
    OpeningBalance,
    TenantPoint,
    Term,
    TouCalendar,
)
from poweroptix.kernel.calendar import TouSchedule
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING, from_price
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import Period
from poweroptix.kernel.price_series import PriceSeries
from poweroptix.kernel.rounding import Mode

DAY_MINUTES = 1440

ACTIVE = ContractVersion.State.ACTIVE


@dataclass(frozen=True)
class VersionDays:
    """A version and the first and last local day of a period on which it holds."""

    version: ContractVersion
    first_date: date
    last_date: date

    @classmethod
    def within(cls, version: ContractVersion, first: date, last: date) -> "VersionDays":
        """Return the days of a version between two days, both included."""
        return cls(version, max(first, version.valid.lower), min(last, version.last_date or last))


@dataclass(frozen=True)
class PricePin:
    """One day of published prices as a run read it: enough to read the same again."""

    series: str
    day: date
    version: int
    digest: str
    vintage: str
    final: bool


def version_in_force(contract: Contract, day: date) -> ContractVersion:
    """Return the active version that holds on a local day.

    Refused when none does; before the first one nothing is borrowed from a later one.
    """
    found = contract.versions.filter(state=ACTIVE, valid__contains=day).first()
    if found is not None:
        return found
    active = contract.versions.filter(state=ACTIVE).order_by("valid").first()
    if active is None:
        text = f"{contract.code} has no active version"
    elif day < active.valid.lower:
        text = f"{contract.code} begins on {active.valid.lower}; {day} is before that"
    else:
        text = f"{contract.code} has no active version on {day}"
    raise Refused("contracts.none_in_force", text, contract=contract.code, day=day.isoformat())


def versions_of_period(contract: Contract, period: Period) -> list[VersionDays]:
    """Active versions that hold on days of the period, in order of their days.

    Refused when a day between the first and the last of them has none, or when no day has one.
    """
    days = period.days()
    found = []
    for version in contract.versions.filter(
        state=ACTIVE, valid__overlap=(days[0], days[-1] + timedelta(days=1))
    ).order_by("valid"):
        found.append(VersionDays.within(version, days[0], days[-1]))
    if not found:
        version_in_force(contract, days[-1])
    for earlier, later in pairwise(found):
        if later.first_date != earlier.last_date + timedelta(days=1):
            version_in_force(contract, earlier.last_date + timedelta(days=1))
    return found


def terms(version: ContractVersion) -> list[PricedTerm]:
    """Return the terms of a version as pricing takes them, in order of position."""
    return [priced_term(term) for term in version.terms.order_by("position")]


def priced_term(term: Term) -> PricedTerm:
    """Return one term as pricing takes it."""
    return PricedTerm(
        position=term.position,
        line_code=term.line_code,
        charge_type=term.charge_type,
        label=term.label,
        clause=term.clause_number,
        quantity_name=term.quantity_name,
        parameters=term.parameters,
        term_id=term.pk,
    )


def calendars(codes: Iterable[str]) -> dict[str, Calendar]:
    """Time-of-use calendars by code with their holidays; unknown codes are left out."""
    rows = TouCalendar.objects.filter(code__in=set(codes)).prefetch_related("holidays__holidays")
    return {row.code: calendar_of(row) for row in rows}


def calendar_of(row: TouCalendar) -> Calendar:
    """One calendar. Refused when its schedule leaves or doubly covers minutes."""
    schedule = TouSchedule.from_json({**row.schedule, "zone": row.zone})
    days = row.holidays.holidays.all() if row.holidays else ()
    return Calendar(schedule, frozenset(holiday.date for holiday in days))


def pricing_inputs(
    version: ContractVersion, period: Period, in_force: tuple[date, date] | None = None
) -> PricingInputs:
    """Return what the contract knows; the caller adds series, prices, calendars, carry."""
    contract = version.contract
    return PricingInputs(
        contract=contract.code,
        version=version.number,
        period=period,
        zone=contract.zone,
        currency=contract.currency,
        in_force=in_force,
        anchor_date=version.anchor_date,
        facts=version.facts,
        rounding_point=contract.rounding_point,
        rounding=Mode(contract.rounding),
    )


def prices_for(
    codes: Iterable[str],
    period: Period,
    *,
    pins: Iterable[PricePin] | None = None,
    days_before: Mapping[str, int] | None = None,
) -> tuple[dict[str, PriceSeries], list[PricePin]]:
    """Prices of each series over the period, newest version of every day, and what was read.

    A name that ends in `@first` reads its series as it was first published as final.
    `days_before` names the series of which as many days before the period are wanted too. With
    `pins` exactly those versions are read; Refused when one is gone or differs. Unknown series are
    Refused; hours without a price are missing, never zero.
    """
    found: dict[str, PriceSeries] = {}
    read: list[PricePin] = []
    pinned = None if pins is None else {(pin.series, pin.day): pin for pin in pins}
    for code in sorted(set(codes)):
        series = IndexSeries.objects.filter(code=series_code(code)).first()
        if series is None:
            raise Refused(
                "contracts.index_unknown", f"there is no index series '{series_code(code)}'"
            )
        grid = covering_grid(period, series.minutes, (days_before or {}).get(code, 0))
        wanted = None if pinned is None else {d: pin for (c, d), pin in pinned.items() if c == code}
        blocks = blocks_of(series, grid, wanted, composed=code != series.code)
        found[code] = join(series, grid, blocks)
        read += [pin_of(code, block) for block in blocks]
    return found, read


def histories_for(codes: Iterable[str], period: Period) -> dict[str, dict[str, str]]:
    """Return indices by month up to the end of the period, each as it was first published.

    The index of a month is the first price of the month in UTC; a later publication of it does
    not count. Refused when there is no such series; a month that is not published is left out.
    """
    found: dict[str, dict[str, str]] = {}
    for code in sorted(set(codes)):
        series = IndexSeries.objects.filter(code=code).first()
        if series is None:
            raise Refused("contracts.index_unknown", f"there is no index series '{code}'")
        months: dict[str, str] = {}
        rows = IndexBlock.objects.filter(series_id=series.pk, day__lte=period.last_date)
        for block in rows.order_by("day", "version").iterator():
            month = f"{block.day:%Y-%m}"
            known = [value for value in block.values if value != MISSING]
            if known and month not in months:
                months[month] = f"{from_price(known[0]).normalize():f}"
        found[code] = months
    return found


def covering_grid(period: Period, minutes: int, days_before: int = 0) -> Grid:
    """Return the price intervals that touch the period, and those of some days before it.

    A daily series has one price per date: its UTC day stands for the local date.
    """
    back = timedelta(days=days_before)
    if minutes == DAY_MINUTES:
        start = datetime.combine(period.first_date, time(), tzinfo=UTC) - back
        return Grid(start, minutes, (period.last_date - start.date()).days + 1)
    step = timedelta(minutes=minutes)
    start = period.start_utc - (period.start_utc - datetime(2000, 1, 1, tzinfo=UTC)) % step - back
    count = -((start - period.end_utc) // step)
    return Grid(start, minutes, count)


def blocks_of(
    series: IndexSeries,
    grid: Grid,
    wanted: Mapping[date, PricePin] | None,
    *,
    composed: bool = False,
) -> list[IndexBlock]:
    """One version per UTC day of the grid, in order of days: the newest, or the pinned one.

    `composed` ones hold the first final price of every interval up to that version; they are not
    rows of the table.
    """
    rows = IndexBlock.objects.filter(
        series_id=series.pk,
        day__gte=grid.start_utc.date(),
        day__lte=(grid.end_utc - timedelta(minutes=1)).date(),
    ).order_by("day", "version")
    days: dict[date, list[IndexBlock]] = {}
    for block in rows:
        if wanted is None or block.version <= (versions(wanted, block.day) or 0):
            days.setdefault(block.day, []).append(block)
    for day, pin in sorted((wanted or {}).items()):
        last = days[day][-1] if day in days else None
        if last is None or (last.version, bytes(last.digest).hex()) != (pin.version, pin.digest):
            raise Refused(
                "contracts.price_pin",
                f"version {pin.version} of {series.code} on {day} is not what the run read",
            )
    return [first_of(blocks) if composed else blocks[-1] for blocks in days.values()]


def first_of(blocks: list[IndexBlock]) -> IndexBlock:
    """Return the newest version of a day with every price as it was first final."""
    values, not_final = first_final((block.values, block.not_final) for block in blocks)
    kept = copy(blocks[-1])
    kept.values, kept.provisional, kept.final = values.tolist(), not_final, not not_final
    return kept


def versions(wanted: Mapping[date, PricePin], day: date) -> int | None:
    """Return the pinned version of a day, if any."""
    return wanted[day].version if day in wanted else None


def join(series: IndexSeries, grid: Grid, blocks: list[IndexBlock]) -> PriceSeries:
    """Days laid onto the grid; final when every price on it that is there is final."""
    values = np.full(grid.count, MISSING, dtype=np.int64)
    final = bool(blocks)
    for block in blocks:
        midnight = datetime.combine(block.day, time(), tzinfo=UTC)
        offset = (midnight - grid.start_utc) // timedelta(minutes=series.minutes)
        day = np.array(block.values, dtype=np.int64)
        low, high = max(offset, 0), min(offset + day.size, grid.count)
        if low < high:
            values[low:high] = day[low - offset : high - offset]
            inside = [at for at in block.not_final if low - offset <= at < high - offset]
            final = final and bool((day[inside] == MISSING).all())
    vintage = ", ".join(sorted({block.vintage for block in blocks}))
    return PriceSeries(grid, values, series.unit, vintage, final)


def pin_of(code: str, block: IndexBlock) -> PricePin:
    """Return what a run writes down of a day of prices."""
    return PricePin(
        code, block.day, block.version, bytes(block.digest).hex(), block.vintage, block.final
    )


def tenant_points(contract: Contract, period: Period) -> QuerySet[TenantPoint]:
    """Delivery points that serve the contract on days of the period."""
    days = period.days()
    return (
        contract.points.filter(valid__overlap=(days[0], days[-1] + timedelta(days=1)))
        .select_related("delivery_point")
        .order_by("delivery_point__code", "valid")
    )


def channels_of_tenant(tenant_id: int) -> list[int]:
    """Ids of channels whose readings a tenant may see.

    Those whose point is or was its own, and those that count as a further quantity of its
    contracts: its bill follows from them.
    """
    own = (
        TenantPoint.objects.filter(tenant_id=tenant_id)
        .values_list("delivery_point__channels__id", flat=True)
        .exclude(delivery_point__channels__id=None)
    )
    further = ContractQuantity.objects.filter(tenant_id=tenant_id).values_list("channel", flat=True)
    return sorted(own.order_by().union(further.order_by()))


def contracts_of_campus(campus, period: Period | None = None) -> QuerySet[Contract]:
    """Contracts of a campus, or only those with an active version in the period."""
    rows = Contract.objects.filter(campus=campus).select_related("seller", "offtaker", "tenant")
    if period is None:
        return rows.order_by("code")
    days = period.days()
    return (
        rows.filter(
            versions__state=ACTIVE,
            versions__valid__overlap=(days[0], days[-1] + timedelta(days=1)),
        )
        .distinct()
        .order_by("code")
    )


def opening_balance(contract: Contract, label: str) -> OpeningBalance | None:
    """Return the dated opening balance of a period, when one was entered."""
    return contract.openings.filter(period=label).first()


def standing(contract: Contract) -> QuerySet[ContractEvent]:
    """Return the events of a contract that nothing replaces and that were not withdrawn."""
    return ContractEvent.objects.filter(
        contract=contract, withdrawn=False, replaced_by__isnull=True
    )


def events_of(
    contract_ids: Iterable[int], start_utc: datetime, end_utc: datetime
) -> dict[int, list[Event]]:
    """Return the standing events that decide about [start, end) by contract id; one query.

    They are those that touch it, and the last ones before of kinds that hold on.
    """
    rows = ContractEvent.objects.filter(
        Q(end_utc__gt=start_utc) | Q(start_utc=start_utc) | Q(kind__in=holding()),
        contract__in=list(contract_ids),
        withdrawn=False,
        replaced_by__isnull=True,
        start_utc__lt=end_utc,
    )
    found: dict[int, list[Event]] = {}
    for row in rows.order_by("start_utc", "end_utc", "kind", "id"):
        found.setdefault(row.contract_id, []).append(event_of(row))
    return {one: in_time(events, start_utc, end_utc) for one, events in found.items()}


def event_of(row: ContractEvent) -> Event:
    """Return a row as pricing takes it."""
    return Event(row.kind, row.start_utc, row.end_utc, row.values, f"event {row.pk}")
