"""Ask what a month would have cost; the answer is kept and can never be billed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from contracts.models import ContractVersion
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import Period
from settlement.calc.settle import settle
from settlement.calc.version_inputs import VersionInputs
from settlement.calc.what_if import Changes, changed, read_changes
from settlement.models import SettlementRun, WhatIf
from settlement.queries.causes import stored_inputs
from settlement.queries.contract import with_needs
from settlement.queries.shelf import version_inputs


def ask_what_if(
    run: SettlementRun, document: Mapping[str, Any], *, title: str, now: datetime, actor: Actor
) -> WhatIf:
    """Settle a run's month with what the document says is otherwise, and keep the answer.

    Everything else is what the run pinned. Refused when nothing is changed, when a change cannot
    be read or priced, and without a title.
    """
    require(actor, "settlement.run")
    if not title.strip():
        raise Refused("settlement.what_if", "Give the what-if a title, so that it is found again.")
    changes = read_changes(document)
    version = _version(run, changes)
    given = stored_inputs(run)
    if version is not None:
        given = with_needs(given, run, version.terms)
    inputs = changed(given, changes, version).in_full()
    outcome = settle(inputs)
    content, sha256 = inputs.frozen()
    with transaction.atomic():
        made = WhatIf.objects.create(
            run=run,
            title=title.strip()[:120],
            changes=dict(document),
            inputs=content,
            inputs_sha256=sha256,
            lines_sha256=outcome.lines_sha256(),
            total_usd=outcome.total_usd,
            created_by=str(actor),
            created_at=now,
        )
        record("settlement.what_if", run, actor=actor, reason=made.title, after={"id": made.pk})
    return made


def _version(run: SettlementRun, changes: Changes) -> VersionInputs | None:
    """Return the terms of the version that is asked for, a draft as well."""
    if changes.version is None:
        return None
    row = (
        ContractVersion.objects.filter(contract=run.contract_id, number=changes.version)
        .prefetch_related("terms")
        .first()
    )
    if row is None:
        text = f"{run.contract.code} has no version {changes.version}."
        raise Refused("settlement.what_if", text)
    return version_inputs(row, Period(run.start_utc, run.end_utc, run.contract.zone, run.period))
