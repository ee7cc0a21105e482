"""Questions that look across apps: how far each month is, and what happened lately."""

from datetime import datetime, timedelta

from django.db.models import BigIntegerField, Exists, Model, OuterRef, QuerySet
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

#: Where the object of a deed keeps the moment of it.
MOMENTS = {
    "billing.draft": "prepared_at",
    "billing.issue": "issued_at",
    "billing.void": "voided_at",
    "file.receive": "received_at",
    "settlement.approve": "approved_at",
    "settlement.calculate": "created_at",
    "settlement.submit": "submitted_at",
}


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
    """Return the newest events of the audit trail with names instead of numbers; four queries.

    The trail keeps the moment at which something was written. `dated` is the moment that the deed
    itself bears where that is another day: a month that was entered afterwards.
    """
    events = list(AuditEvent.objects.order_by("-pk")[:limit])
    found = _objects(events)
    rows = []
    for event in events:
        one = found.get((event.object_type, event.object_id))
        rows.append(
            {
                "event": event,
                "label": event.object_label if one is None else _name(one),
                "url": page_of(event),
                "dated": _dated(event, one),
            }
        )
    return rows


def _objects(events: list[AuditEvent]) -> dict[tuple[str, str], Model]:
    """Return the runs, invoices and files that events are about; one query each."""
    found: dict[tuple[str, str], Model] = {}
    for rows in (
        SettlementRun.objects.select_related("contract").defer("inputs", "carry_out", "findings"),
        Invoice.objects.select_related("contract").defer("document", "cancellation"),
        ImportFile.objects.defer("receipt"),
    ):
        kind = rows.model._meta.label_lower
        keys = [event.object_id for event in events if event.object_type == kind]
        found |= {(kind, str(one.pk)): one for one in rows.filter(pk__in=keys)}
    return found


def _name(one: Model) -> str:
    """Return what an object is called behind its deed."""
    if isinstance(one, Invoice):
        return one.number or f"for {one.contract.code} {one.period}"
    return str(one)


def _dated(event: AuditEvent, one: Model | None) -> datetime | None:
    """Return the moment that a deed bears, if it is not the day on which it was written."""
    moment = getattr(one, MOMENTS.get(event.action, ""), None)
    return moment if moment is not None and abs(event.at - moment) >= timedelta(days=1) else None
