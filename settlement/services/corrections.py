"""Late readings and events: which runs rest on what is now out of date, and by how much."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from contracts.calc.documents import read_events
from contracts.calc.price_terms import needs_of
from contracts.events import Event
from contracts.models import Contract, ContractQuantity
from contracts.queries import events_of
from contracts.readings import bound_references
from meters.models import Publication
from settlement.calc.dependence import Dependence
from settlement.calc.inputs import terms_of
from settlement.calc.plan import period_of
from settlement.models import AllocationRun, Correction, SettlementRun
from settlement.queries.changes import Change, changes_of
from settlement.services.allocation import document_of

FLAGGED = SettlementRun.OPEN + SettlementRun.SETTLED
WRITTEN = (
    "scope", "publication_id", "start_utc", "end_utc", "interval_count", "before_kwh",
    "after_kwh", "created_at",
)  # fmt: skip


def flag_runs(
    channel_ids: Sequence[int], first_utc: datetime, last_utc: datetime, publication: Publication
) -> None:
    """Note for every run that rests on these readings how many intervals and kWh differ now.

    Listens to publications, in their transaction. A run rests on its contract's own channels and
    on those of the pools that it shares. Equal values flag nothing, and values that went back to
    what a run read take its flag away. A changed quality alone moves no energy and flags nothing.
    """
    allocations = AllocationRun.objects.filter(
        start_utc__lt=last_utc,
        end_utc__gt=first_utc,
        settlement_runs__state__in=FLAGGED,
        campus__delivery_points__channels__in=list(channel_ids),
    ).distinct()
    for allocation in allocations:
        runs = list(
            SettlementRun.objects.filter(allocation_run=allocation, state__in=FLAGGED)
            .select_related("contract")
            .defer("inputs")
        )
        document = document_of(allocation)
        touched = set(changes_of(document, channel_ids, first_utc, last_utc))
        noted = Correction.objects.filter(run__in=runs, channel_id__in=list(channel_ids))
        touched |= set(noted.values_list("channel_id", flat=True))
        if touched:
            _note(runs, document, touched, publication)


def flag_bound(
    channel_ids: Sequence[int], first_utc: datetime, last_utc: datetime, publication: Publication
) -> None:
    """Note the same for runs that read these channels as a further quantity of their contract.

    Listens to publications after `flag_runs`, whose row for the same channel it replaces.
    """
    bound = ContractQuantity.objects.filter(channel__in=list(channel_ids)).values("contract")
    runs = SettlementRun.objects.filter(
        contract__in=bound, state__in=FLAGGED, start_utc__lt=last_utc, end_utc__gt=first_utc
    )
    for run in runs.select_related("contract"):
        references = bound_references(json.loads(bytes(run.inputs)))
        read = {channel: days for one in references for channel, days in one["pins"].items()}
        touched = [one for one in channel_ids if str(one) in read]
        if not touched:
            continue
        period = {"start_utc": run.start_utc.isoformat(), "end_utc": run.end_utc.isoformat()}
        period |= {"zone": run.contract.zone, "label": run.period}
        document = {"pins": read, "period": period}
        changes = changes_of(document, touched, run.start_utc, run.end_utc)
        noted = Correction.objects.filter(run=run, scope=Correction.Scope.BOUND)
        noted.filter(channel_id__in=[one for one in touched if one not in changes]).delete()
        Correction.objects.bulk_create(
            [_row(run, Correction.Scope.BOUND, one, publication) for one in changes.values()],
            update_conflicts=True,
            unique_fields=["run", "channel_id"],
            update_fields=WRITTEN,
        )


def _note(
    runs: Sequence[SettlementRun],
    document: Mapping[str, Any],
    touched: set[int],
    publication: Publication,
) -> None:
    """Write, rewrite or take away the corrections of these channels, over the whole period."""
    period = period_of(document)
    changes = changes_of(document, sorted(touched), period.start_utc, period.end_utc)
    Correction.objects.filter(
        run__in=runs, channel_id__in=[one for one in touched if one not in changes]
    ).delete()
    rows = []
    behind = Dependence(document)
    for run in runs:
        scopes = behind.of(run.contract.code)
        rows += [
            _row(run, scopes[channel], change, publication)
            for channel, change in changes.items()
            if channel in scopes
        ]
    Correction.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["run", "channel_id"],
        update_fields=WRITTEN,
    )


def _row(run: SettlementRun, scope: str, change: Change, publication: Publication) -> Correction:
    return Correction(
        run=run,
        tenant_id=run.tenant_id,
        channel_id=change.channel_id,
        scope=scope,
        publication_id=publication.pk,
        start_utc=change.start_utc,
        end_utc=change.end_utc,
        interval_count=change.interval_count,
        before_kwh=change.before_kwh,
        after_kwh=change.after_kwh,
        created_at=publication.published_at,
    )


def flag_events(contract: Contract, start_utc: datetime, end_utc: datetime, now: datetime) -> None:
    """Note for every run of the contract how many events differ from those that it read.

    Listens to events that are entered, corrected or withdrawn, in their transaction. Only those
    that the terms of the run read count; when all are again as they were, the flag is taken away.
    """
    runs = SettlementRun.objects.filter(
        contract=contract, state__in=FLAGGED, start_utc__lte=end_utc, end_utc__gte=start_utc
    )
    for run in runs:
        document = json.loads(bytes(run.inputs))
        needs = needs_of(terms_of(document))
        before = set(map(_said, read_events(document.get("events", ()))))
        standing = events_of([contract.pk], run.start_utc, run.end_utc).get(contract.pk, [])
        after = {_said(one) for one in standing if needs.reads(one)}
        differing = before ^ after
        if not differing:
            Correction.objects.filter(run=run, scope=Correction.Scope.EVENTS).delete()
            continue
        Correction.objects.update_or_create(
            run=run,
            channel_id=None,
            scope=Correction.Scope.EVENTS,
            defaults={
                "tenant_id": run.tenant_id,
                "start_utc": min(one[1] for one in differing),
                "end_utc": max(one[2] for one in differing),
                "interval_count": max(len(before - after), len(after - before)),
                "created_at": now,
            },
        )


def _said(event: Event) -> tuple[Any, ...]:
    """Return what an event says, without the row that says it."""
    values = tuple(sorted(event.values.items()))
    return (event.kind, event.start_utc, event.end_utc, values)
