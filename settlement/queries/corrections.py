"""The corrections that wait: which runs, why, by how much, and how far their true-up is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Exists, OuterRef, Q

from contracts.calc.gas_days import DAY_MINUTES
from contracts.models import IndexSeries
from meters.models import Channel
from settlement.calc.words import RECALCULATE
from settlement.models import Correction, SettlementRun

BECAUSE = {
    Correction.Scope.OWN: "Its own readings changed.",
    Correction.Scope.BOUND: "Its further readings changed.",
    Correction.Scope.SHARED: "Shared energy or losses changed.",
    Correction.Scope.EVENTS: "Its events changed.",
    Correction.Scope.TERMS: "",  # a row says it itself
    Correction.Scope.PRICE: "Published prices changed.",
}


def reason_of(rows: Iterable[Correction]) -> str:
    """Return why a run waits, from its corrections; whether only what it shares changed."""
    said = {one.scope: BECAUSE[one.scope] or one.terms_said for one in rows}
    if set(said) == {Correction.Scope.SHARED}:
        return "Only shared energy or losses changed."
    return " ".join(said[scope] for scope in BECAUSE if scope in said)


@dataclass(frozen=True)
class Changed:
    """A channel, price series, events or terms of the contract, changed since a run read them.

    `channel` is the code of the channel or of the series; `is_by_date` says that its prices stand
    for dates, kept at midnight UTC, not for hours.
    """

    row: Correction
    channel: str
    is_by_date: bool = False

    @property
    def dates(self) -> tuple[date, date]:
        """First and last date of prices that stand for dates."""
        return self.row.start_utc.date(), (self.row.end_utc - timedelta(days=1)).date()

    @property
    def is_price(self) -> bool:
        """Whether prices changed, not readings."""
        return self.row.scope == Correction.Scope.PRICE

    @property
    def is_own(self) -> bool:
        """Whether the channel is the contract's own; else it only moves what is shared."""
        return self.row.scope == Correction.Scope.OWN

    @property
    def is_of_events(self) -> bool:
        """Whether events changed, not readings."""
        return self.row.scope == Correction.Scope.EVENTS

    @property
    def is_of_terms(self) -> bool:
        """Whether the terms changed, not readings."""
        return self.row.scope == Correction.Scope.TERMS


@dataclass(frozen=True)
class Waiting:
    """A run that rests on what changed since, with its newest successor if there is one."""

    run: SettlementRun
    changes: tuple[Changed, ...]
    newest: SettlementRun | None = None
    newest_is_stale: bool = False

    @property
    def name(self) -> str:
        """The run in words."""
        return f"{self.run.contract.code} {self.run.period} v{self.run.version}"

    @property
    def reason(self) -> str:
        """What the contract rests on that changed; whether only what it shares did."""
        return reason_of(one.row for one in self.changes)

    @property
    def change_kwh(self) -> Decimal:
        """The change of the contract's own readings, new less old."""
        return sum((one.row.change_kwh for one in self.changes if one.is_own), Decimal(0))

    @property
    def is_calculated(self) -> bool:
        """Whether a run that has read the changed readings only waits for its approval."""
        return self.newest is not None and self.newest.is_open and not self.newest_is_stale

    @property
    def stage(self) -> str:
        """How far the true-up is, and what is to be done next."""
        if self.run.is_open:
            return RECALCULATE
        if self.newest is None:
            return f"No true-up yet. {RECALCULATE}"
        version = f"True-up v{self.newest.version}"
        if self.newest.state == SettlementRun.State.REJECTED:
            return f"{version} was rejected. {RECALCULATE}"
        if self.newest_is_stale:
            return f"{version} is out of date as well. {RECALCULATE}"
        return f"{version} is calculated and waits for approval."


def waiting_runs(*, period: str | None = None, campus: str | None = None) -> list[Waiting]:
    """Return all approved runs that wait for a true-up, newest month first; four queries."""
    rows = _waiting_rows()
    if period is not None:
        rows = rows.filter(run__period=period)
    if campus is not None:
        rows = rows.filter(run__contract__campus__code=campus)
    found = _grouped(rows)
    return sorted(found, key=lambda one: one.run.contract.code)


@dataclass(frozen=True)
class WaitingMonth:
    """The waiting runs of one campus month."""

    campus: str
    period: str
    runs: tuple[Waiting, ...]

    @property
    def is_calculated(self) -> bool:
        """Whether all true-ups are there and only wait for approval."""
        return all(one.is_calculated for one in self.runs)


def waiting_months(found: Iterable[Waiting]) -> list[WaitingMonth]:
    """Return the waiting runs by campus month, the newest month first."""
    months: dict[tuple[str, str], list[Waiting]] = {}
    for one in found:
        months.setdefault((one.run.period, one.run.contract.campus.code), []).append(one)
    return [
        WaitingMonth(campus, period, tuple(months[period, campus]))
        for period, campus in sorted(months, reverse=True)
    ]


def waiting_of(run: SettlementRun) -> Waiting | None:
    """Return what changed since one run read it; None when nothing did or it was replaced."""
    if not (run.is_settled or run.is_open):
        return None
    found = _grouped(Correction.objects.filter(run=run))
    return found[0] if found else None


def corrected_before(campus_id: int, period: str) -> dict[int, list[SettlementRun]]:
    """Return the approved runs before a month that are to be corrected, by contract; one query.

    To be corrected: readings changed since, or another run of their month waits for approval. Only
    those that feed later months count: through what they carry, or because they are billed and the
    difference goes with a later bill. The newest month comes last.
    """
    changed = Correction.objects.filter(run=OuterRef("pk")).order_by().values("id")
    waiting = SettlementRun.objects.filter(
        contract=OuterRef("contract"), period=OuterRef("period"), state__in=SettlementRun.OPEN
    )
    rows = (
        SettlementRun.objects.filter(
            Exists(changed) | Exists(waiting.order_by().values("id")),
            ~Q(carry_out={}) | Q(was_invoiced=True),
            contract__campus=campus_id,
            period__lt=period,
            state__in=SettlementRun.SETTLED,
        )
        .only("id", "contract_id", "period", "version", "state")
        .order_by("period")
    )
    found: dict[int, list[SettlementRun]] = {}
    for run in rows:
        found.setdefault(run.contract_id, []).append(run)
    return found


def _waiting_rows():
    return Correction.objects.filter(run__state__in=SettlementRun.SETTLED)


def _grouped(rows) -> list[Waiting]:
    corrections = list(
        rows.select_related("run__contract__campus", "version").defer(
            "run__inputs", "run__findings"
        )
    )
    runs = {one.run_id: one.run for one in corrections}
    if not runs:
        return []
    codes = dict(
        Channel.objects.filter(pk__in={one.channel_id for one in corrections}).values_list(
            "pk", "code"
        )
    )
    newest = _newest(runs.values())
    stale = set(
        Correction.objects.filter(run__in=list(newest.values())).values_list("run_id", flat=True)
    )
    named = {one.series for one in corrections if one.series}
    daily = set()
    if named:
        rows = IndexSeries.objects.filter(code__in=named, minutes=DAY_MINUTES)
        daily = set(rows.values_list("code", flat=True))
    changes: dict[int, list[Changed]] = {pk: [] for pk in runs}
    for one in corrections:
        name = one.series or codes.get(one.channel_id, "a former channel")
        if one.scope == Correction.Scope.EVENTS:
            name = "events"
        if one.scope == Correction.Scope.TERMS:
            name = "terms"
        changes[one.run_id].append(Changed(one, name, one.series in daily))
    return [
        Waiting(
            run,
            tuple(sorted(changes[pk], key=lambda one: (one.row.scope, one.channel))),
            newest.get(pk),
            pk in newest and newest[pk].pk in stale,
        )
        for pk, run in runs.items()
    ]


def _newest(runs: Iterable[SettlementRun]) -> dict[int, SettlementRun]:
    """Return the newest later version of each run's period, by the id of the run."""
    runs = list(runs)
    later = SettlementRun.objects.filter(
        contract__in={one.contract_id for one in runs}, period__in={one.period for one in runs}
    ).defer("inputs", "findings")
    newest: dict[tuple[int, str], SettlementRun] = {}
    for one in later.order_by("version"):
        newest[one.contract_id, one.period] = one
    return {
        run.pk: newest[run.contract_id, run.period]
        for run in runs
        if newest[run.contract_id, run.period].version > run.version
    }
