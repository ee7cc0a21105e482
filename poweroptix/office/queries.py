"""Questions that look across apps: what waits today, and how far each month is."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Sum

from billing.models import Invoice
from contracts.models import Contract
from meters.models import (
    FileState,
    Finding,
    FindingState,
    ImportFile,
    QuarantinedRecord,
    RecordState,
)
from meters.queries import late_channels
from poweroptix.audit.models import AuditEvent
from poweroptix.jobs.queries import health, stuck_jobs
from poweroptix.pages.deeds import page_of
from settlement.models import Correction, SettlementRun

HOLDING = ("BLOCK", "REJECT", "HOLD")


@dataclass(frozen=True)
class Tile:
    """One thing that may wait: how many, how bad, and where to go."""

    label: str
    count: int
    url: str
    said: str
    tone: str


def today(now: datetime, actor_name: str) -> list[Tile]:
    """Return what needs somebody now; a zero is shown as calm, not hidden."""
    return [
        _late(now),
        _files(),
        _findings(),
        _corrections(),
        _approvals(actor_name),
        _drafts(),
        _overdue(now),
        _jobs(),
    ]


def _tile(label: str, count: int, url: str, said: str, bad: bool = False) -> Tile:
    tone = "calm" if count == 0 else "bad" if bad else "todo"
    return Tile(label, count, url, said if count else "nothing waits", tone)


def _late(now: datetime) -> Tile:
    late = late_channels(now)
    known = [row.hours_late for row in late if row.hours_late is not None]
    said = f"the oldest {_hours(max(known))} past due" if known else "nothing came for 60 days"
    return _tile("Late channels", len(late), "/office/channels/", said)


def _hours(hours: int) -> str:
    return f"{hours} h" if hours < 48 else f"{hours // 24} days"


def _files() -> Tile:
    refused = ImportFile.objects.filter(state=FileState.REFUSED).count()
    waiting = QuarantinedRecord.objects.filter(state=RecordState.OPEN).count()
    said = f"{refused} refused, {waiting} records in quarantine"
    return _tile("Files with problems", refused + waiting, "/office/imports/?state=REFUSED", said)


def _findings() -> Tile:
    rows = Finding.objects.filter(state=FindingState.OPEN)
    counts = rows.aggregate(all=Count("pk"), oldest=Min("start_utc"))
    holding = rows.filter(severity__in=HOLDING).count()
    said = f"{holding} hold a month back" if holding else "none holds a month back"
    return _tile("Open exceptions", counts["all"], "/office/findings/", said, bad=holding > 0)


def _corrections() -> Tile:
    runs = Correction.objects.filter(cleared_by__isnull=True).values("run").distinct().count()
    return _tile("Corrections waiting", runs, "/office/settlement/", "readings changed after a run")


def _approvals(actor_name: str) -> Tile:
    rows = SettlementRun.objects.filter(state__in=SettlementRun.OPEN)
    counts = rows.aggregate(all=Count("pk"), total=Sum("total_usd"))
    mine = rows.filter(created_by=actor_name).count()
    said = f"${counts['total'] or 0:,.2f}" + (
        f"; {mine} yours, somebody else approves" if mine else ""
    )
    return _tile("Runs to approve", counts["all"], "/office/settlement/?state=REVIEW", said)


def _drafts() -> Tile:
    drafts = Invoice.objects.filter(state="DRAFT").count()
    ready = (
        SettlementRun.objects.filter(state="APPROVED")
        .exclude(pk__in=Invoice.objects.exclude(state="VOID").values("run"))
        .count()
    )
    return _tile(
        "Invoices to issue",
        drafts + ready,
        "/office/invoices/",
        f"{drafts} drafts, {ready} approved runs without one",
    )


def _overdue(now: datetime) -> Tile:
    rows = Invoice.objects.filter(state="ISSUED", due_date__lt=now.date())
    counts = rows.aggregate(all=Count("pk"), total=Sum("total_usd"), oldest=Min("due_date"))
    since = f", the oldest since {counts['oldest']:%-d %b %Y}" if counts["oldest"] else ""
    said = f"${counts['total'] or 0:,.2f}{since}; payments are not recorded here yet"
    return _tile(
        "Past their due date", counts["all"], "/office/invoices/?state=ISSUED&sort=due_date", said
    )


def _jobs() -> Tile:
    stuck, state = stuck_jobs().count(), health()
    said = (
        "failed or given up"
        if state["ok"]
        else f"a job has waited {state['oldest_waiting_seconds']} s"
    )
    return _tile(
        "Jobs that need a person", stuck + (not state["ok"]), "/office/jobs/", said, bad=True
    )


STEPS = ("Settled", "Approved", "Issued")


def month_board(limit: int = 4) -> list[dict]:
    """Return the newest months, each with how far every contract is; three queries."""
    contracts = list(Contract.objects.filter(state="OPEN").order_by("code"))
    runs = (
        SettlementRun.objects.exclude(state__in=["SUPERSEDED", "REJECTED", "DRAFT"])
        .order_by("version")
        .defer("inputs")
    )
    invoices = {
        (i.contract_id, i.period): i
        for i in Invoice.objects.exclude(state="VOID").defer("document")
    }
    newest = {(run.contract_id, run.period): run for run in runs}
    months = sorted({period for _contract, period in newest}, reverse=True)[:limit]
    return [
        {
            "period": month,
            "rows": [
                {
                    "contract": one,
                    "run": newest.get((one.pk, month)),
                    "invoice": invoices.get((one.pk, month)),
                }
                for one in contracts
            ],
        }
        for month in months
    ]


def recent_events(limit: int = 12) -> list[dict]:
    """Return the newest events of the audit trail with names instead of numbers; three queries."""
    events = list(AuditEvent.objects.order_by("-pk")[:limit])
    named = {**_runs_named(events), **_drafts_named(events)}
    return [
        {
            "event": event,
            "label": named.get((event.object_type, event.object_id), event.object_label),
            "url": page_of(event),
        }
        for event in events
    ]


def _runs_named(events: list[AuditEvent]) -> dict[tuple[str, str], str]:
    kind = "settlement.settlementrun"
    ids = [event.object_id for event in events if event.object_type == kind]
    columns = ("pk", "contract__code", "period", "version")
    rows = SettlementRun.objects.filter(pk__in=ids).values_list(*columns)
    return {(kind, str(pk)): f"{code} {period} v{n}" for pk, code, period, n in rows}


def _drafts_named(events: list[AuditEvent]) -> dict[tuple[str, str], str]:
    kind = "billing.invoice"
    ids = [event.object_id for event in events if event.object_type == kind]
    columns = ("pk", "number", "contract__code", "period")
    rows = Invoice.objects.filter(pk__in=ids).values_list(*columns)
    return {(kind, str(pk)): number or f"for {code} {period}" for pk, number, code, period in rows}
