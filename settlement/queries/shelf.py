"""What many contracts of one month read alike, fetched once for a whole batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import Q

from contracts.charges import Needs
from contracts.events import Event
from contracts.models import Contract, ContractVersion, OpeningBalance, TouCalendar
from contracts.queries import (
    PricePin,
    VersionDays,
    events_of,
    histories_for,
    priced_term,
    prices_for,
    versions_of_period,
)
from contracts.readings import BoundReadings, read_bound
from poweroptix.kernel.period import Period
from poweroptix.kernel.price_series import PriceSeries
from poweroptix.kernel.series import Series
from settlement.calc.money import outside
from settlement.calc.version_inputs import VersionInputs
from settlement.models import AllocationRun, SettlementRun
from settlement.queries.money import views_of_campus
from settlement.storage import read_parts

QUANTITIES = {"delivered": "TOTAL", "metered": "METERED"}
#: Code, month and days before it.
PriceKey = tuple[str, str, int]
#: What a term prices of one source: this and the code of the source, "delivered.solar".
OF_SOURCE = "delivered."
SETTLED = Q(state__in=SettlementRun.SETTLED) | Q(was_invoiced=True)


@dataclass
class Shelf:
    """Rows and arrays of a batch. It lives as long as the batch and never longer."""

    parts: dict[tuple[int, int | None, str], tuple[Series, str]] = field(default_factory=dict)
    prices: dict[PriceKey, tuple[PriceSeries, dict[str, Any]]] = field(default_factory=dict)
    sources: dict[tuple[int, int | None, str], tuple[Series, str]] = field(default_factory=dict)
    calendars: dict[str, dict[str, Any]] = field(default_factory=dict)
    histories: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    versions: dict[int, tuple[VersionInputs, ...]] = field(default_factory=dict)
    openings: dict[int, list[OpeningBalance]] = field(default_factory=dict)
    history: dict[int, list[SettlementRun]] = field(default_factory=dict)
    events: dict[int, list[Event]] = field(default_factory=dict)
    pools: dict[tuple[int, str], dict[tuple[int | None, str], dict[str, Any]]] = field(
        default_factory=dict
    )
    bound: BoundReadings | None = None

    def fill(self, contracts: Sequence[Contract], period: Period, run: AllocationRun) -> None:
        """Fetch energy, versions, openings and settled runs of contracts, in five queries."""
        wanted = [one for one in contracts if one.pk not in self.versions]
        if not wanted:
            return
        self._fill_parts(run, [one.pk for one in wanted])
        self._fill_versions(wanted, period)
        terms = (
            term for one in wanted for version in self.versions[one.pk] for term in version.terms
        )
        self.fill_sources(run, [one.pk for one in wanted], {term.quantity_name for term in terms})
        for one in wanted:
            self.openings[one.pk], self.history[one.pk] = [], []
        for opening in OpeningBalance.objects.filter(
            contract__in=wanted, period__lte=period.label
        ).order_by("period"):
            self.openings[opening.contract_id].append(opening)
        rows = SettlementRun.objects.filter(SETTLED, contract__in=wanted, period__lte=period.label)
        for settled in rows.defer("inputs", "findings").order_by("period", "version"):
            self.history[settled.contract_id].append(settled)

    def fill_sources(
        self, run: AllocationRun, contract_ids: Sequence[int], names: Iterable[str]
    ) -> None:
        """Fetch what contracts got of the sources among the names of quantities."""
        codes = {name.removeprefix(OF_SOURCE) for name in names if name.startswith(OF_SOURCE)}
        wanted = {
            code
            for code in codes
            if any((run.pk, contract, code) not in self.sources for contract in contract_ids)
        }
        if not wanted:
            return
        found = read_parts(run.pk, contract_ids=contract_ids, kinds=["SOURCE"], pools=wanted)
        for (contract, _, code), part in found.items():
            self.sources[run.pk, contract, code] = part

    def prices_of(
        self, needs: Needs, period: Period
    ) -> dict[str, tuple[PriceSeries, dict[str, Any]]]:
        """Return the newest published prices that terms read, with their references, by code."""
        keys = {code: (code, period.label, needs.days_before.get(code, 0)) for code in needs.prices}
        wanted = {code: key[2] for code, key in keys.items() if key not in self.prices}
        if wanted:
            found, pins = prices_for(wanted, period, days_before=wanted)
            for code, prices in found.items():
                reference = price_reference(code, pins, wanted[code])
                self.prices[keys[code]] = (prices, reference)
        return {code: self.prices[key] for code, key in keys.items()}

    def histories_of(self, codes: Iterable[str], period: Period) -> dict[str, dict[str, str]]:
        """Return indices by month, fetching those that are not on the shelf yet."""
        wanted = [code for code in codes if (code, period.label) not in self.histories]
        for code, months in histories_for(wanted, period).items():
            self.histories[code, period.label] = months
        return {code: self.histories[code, period.label] for code in codes}

    def fill_calendars(self, codes: Iterable[str]) -> None:
        """Fetch calendars that are not on the shelf yet, as they stand in the document."""
        wanted = [code for code in codes if code not in self.calendars]
        if not wanted:
            return
        rows = TouCalendar.objects.filter(code__in=wanted)
        for row in rows.prefetch_related("holidays__holidays"):
            days = row.holidays.holidays.all() if row.holidays else ()
            self.calendars[row.code] = {
                "schedule": {**row.schedule, "zone": row.zone},
                "holidays": sorted(holiday.date.isoformat() for holiday in days),
            }

    def events_for(self, contract_id: int, needs: Needs, period: Period) -> tuple[Event, ...]:
        """Return the contract's events that terms read; those of the whole batch come at once."""
        if not (needs.events or needs.facts or needs.systems):
            return ()
        if contract_id not in self.events:
            unread = [one for one in self.versions if one not in self.events]
            found = events_of(unread, period.start_utc, period.end_utc)
            self.events |= {one: found.get(one, []) for one in unread}
        return tuple(one for one in self.events[contract_id] if needs.reads(one))

    def pool_view(self, contract: Contract, label: str, code: str) -> dict[str, Any]:
        """Return what a contract may see of a pool's month; unknown while it is not divided."""
        month = (contract.campus_id, label)
        if month not in self.pools:
            self.pools[month] = views_of_campus(*month)
        views = self.pools[month]
        if (contract.pk, code) in views:
            return views[contract.pk, code]
        if (None, code) in views:
            return outside(views[None, code])
        return {"pool": code, "kind": "COST", "period": label}

    def bound_quantities(
        self, contract_id: int, names: Sequence[str], period: Period
    ) -> dict[str, tuple[Series, dict[str, Any]]]:
        """Return further quantities of a contract with where they stand, by name.

        Readings of the whole batch are read at once; a name that nothing is bound to is left out.
        """
        further = [name for name in names if name not in QUANTITIES]
        if not further:
            return {}
        if self.bound is None or contract_id not in self.bound.contract_ids:
            self.bound = read_bound(list(self.versions), period)
        return self.bound.of(contract_id, further)

    def settled(self, contract_id: int, label: str) -> SettlementRun | None:
        """Return the approved run of a contract's period."""
        runs = [one for one in self.history[contract_id] if one.period == label and one.is_settled]
        return runs[0] if runs else None

    def _fill_parts(self, run: AllocationRun, contract_ids: list[int]) -> None:
        kinds = tuple(QUANTITIES.values())
        found = read_parts(run.pk, contract_ids=contract_ids, kinds=kinds)
        for (contract, kind, _), part in found.items():
            self.parts[run.pk, contract, kind] = part

    def _fill_versions(self, contracts: Sequence[Contract], period: Period) -> None:
        """Read active versions with their terms; gaps are left to `versions_of_period` to name."""
        found: dict[int, list[VersionInputs]] = {one.pk: [] for one in contracts}
        end = period.last_date + timedelta(days=1)
        rows = ContractVersion.objects.filter(
            contract__in=contracts, state="ACTIVE", valid__overlap=(period.first_date, end)
        )
        for row in rows.prefetch_related("terms").order_by("contract", "valid"):
            found[row.contract_id].append(version_inputs(row, period))
        for contract in contracts:
            versions = found[contract.pk]
            days = sum((one.last_date - one.first_date).days + 1 for one in versions)
            if days != len(period.days()):
                versions = [
                    version_inputs(one.version, period)
                    for one in versions_of_period(contract, period)
                ]
            self.versions[contract.pk] = tuple(versions)


def version_inputs(row: ContractVersion, period: Period) -> VersionInputs:
    """Return a version's terms and the days of the period on which it holds."""
    days = VersionDays.within(row, period.first_date, period.last_date)
    return VersionInputs(
        number=row.number,
        first_date=days.first_date,
        last_date=days.last_date,
        anchor_date=row.anchor_date,
        facts=row.facts,
        terms=tuple(map(priced_term, sorted(row.terms.all(), key=lambda one: one.position))),
    )


def price_reference(code: str, pins: Sequence[PricePin], days_before: int = 0) -> dict[str, Any]:
    """Return the reference of a price series: the version of each day that was read."""
    reach = {"days_before": days_before} if days_before else {}
    return {
        "kind": "index",
        **reach,
        "pins": [
            [pin.day.isoformat(), pin.version, pin.digest, pin.vintage, pin.final]
            for pin in pins
            if pin.series == code
        ],
    }
