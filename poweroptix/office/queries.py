"""Questions that look across apps: how far each month is, and what happened lately."""

from django.db.models import BigIntegerField, Exists, OuterRef, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from billing.models import Invoice
from contracts.models import Contract
from meters.models import FileState, ImportFile
from poweroptix.audit.models import AuditEvent
from poweroptix.jobs.models import Job
from poweroptix.jobs.queries import stuck_jobs
from poweroptix.pages.deeds import page_of
from settlement.models import SettlementRun


def month_board(limit: int = 4) -> list[dict]:
    """Return the newest months, each with how far every contract is; three queries."""
    contracts = list(Contract.objects.filter(state="OPEN").order_by("code"))
    counting = SettlementRun.objects.exclude(state__in=["SUPERSEDED", "REJECTED", "DRAFT"])
    months = counting.order_by("-period").values("period").distinct()[:limit]
    runs = (
        counting.filter(period__in=months)
        .order_by("version")
        .only("contract_id", "period", "version", "state", "total_usd", "currency")
    )
    newest = {(run.contract_id, run.period): run for run in runs}
    found = Invoice.objects.exclude(state="VOID").filter(period__in=months).select_related("run")
    columns = ("contract_id", "period", "number", "state", "due_date", "total_usd", "currency")
    invoices = {(i.contract_id, i.period): i for i in found.only(*columns, "run__version")}
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
        for month in sorted({period for _contract, period in newest}, reverse=True)
    ]


def jobs_for_a_person() -> QuerySet[Job]:
    """Return the jobs that ended without doing their work, but refusals that their file tells.

    The reading of a refused file has done its work: what waits is the file, until it is read anew.
    """
    key = Cast(KeyTextTransform("import_file_id", OuterRef("payload")), BigIntegerField())
    told = ImportFile.objects.filter(pk=key, state__in=(FileState.REFUSED, FileState.ACCEPTED))
    return stuck_jobs().exclude(Exists(told), kind="ingest_file", state=Job.State.FAILED)


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
