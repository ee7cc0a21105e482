"""Which contracts of a month wait for a decision about readings that their energy depends on."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from contracts.models import Contract
from meters.queries.quarantine import held_of_channels
from meters.queries.work import HOLDING, open_findings
from poweroptix.kernel.period import Period
from settlement.calc.dependence import Dependence
from settlement.calc.plan import period_of
from settlement.models import AllocationRun


def held_contracts(contracts: Sequence[Contract], label: str) -> set[int]:
    """Return the contracts with an open finding that holds readings, or a record in quarantine.

    Both are of channels on which the contract's energy of the month depends. A contract whose
    month is not allocated is not judged. One query, and two to four for each campus.
    """
    campuses = {one.campus_id for one in contracts}
    runs = AllocationRun.objects.filter(
        campus__in=campuses, period=label, state__in=("CALCULATED", "APPROVED")
    ).only("campus", "inputs")
    held: set[int] = set()
    for run in runs:
        document = json.loads(bytes(run.inputs))
        waiting = _waiting([int(key) for key in document["pins"]], period_of(document))
        behind = Dependence(document)
        held |= {
            one.pk
            for one in contracts
            if one.campus_id == run.campus_id
            and any(channel in behind.of(one.code) for channel in waiting)
        }
    return held


def _waiting(channels: Collection[int], period: Period) -> set[int]:
    """Return the channels about which a person still has to decide something in a period."""
    found = open_findings(
        channel_ids=channels,
        start_utc=period.start_utc,
        end_utc=period.end_utc,
        severities=HOLDING,
    )
    in_quarantine = held_of_channels(channels, period.start_utc, period.end_utc)
    return {*found.values_list("channel", flat=True), *in_quarantine}
