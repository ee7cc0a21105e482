"""Late readings: which runs have used what is now out of date."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from meters.models import Publication
from settlement.calc.plan import contract_channels
from settlement.models import AllocationRun, Correction, SettlementRun
from settlement.queries.changes import Change, changes_of

FLAGGED = SettlementRun.OPEN + SettlementRun.SETTLED


def flag_runs(
    channel_ids: Sequence[int], first_utc: datetime, last_utc: datetime, publication: Publication
) -> None:
    """Note for every run that used these readings how many intervals and kWh have changed.

    Listens to publications, in their transaction. Runs that used equal values are not flagged.
    """
    runs = AllocationRun.objects.filter(
        start_utc__lt=last_utc,
        end_utc__gt=first_utc,
        settlement_runs__state__in=FLAGGED,
        campus__delivery_points__channels__in=list(channel_ids),
    ).distinct()
    for allocation in runs:
        document = json.loads(bytes(allocation.inputs))
        changes = changes_of(document, channel_ids, first_utc, last_utc)
        if changes:
            _write(allocation, document, changes, publication)


def _write(
    allocation: AllocationRun,
    document: Mapping[str, Any],
    changes: Mapping[int, Change],
    publication: Publication,
) -> None:
    runs = SettlementRun.objects.filter(
        allocation_run=allocation, state__in=FLAGGED
    ).select_related("contract")
    rows = []
    for run in runs:
        for channel_id in contract_channels(document, run.contract.code):
            if channel_id in changes:
                rows.append(_row(run, changes[channel_id], publication))
    Correction.objects.bulk_create(rows, ignore_conflicts=True)


def _row(run: SettlementRun, change: Change, publication: Publication) -> Correction:
    return Correction(
        run=run,
        tenant_id=run.tenant_id,
        channel_id=change.channel_id,
        publication_id=publication.pk,
        start_utc=change.start_utc,
        end_utc=change.end_utc,
        interval_count=change.interval_count,
        before_kwh=change.before_kwh,
        after_kwh=change.after_kwh,
        created_at=publication.published_at,
    )
