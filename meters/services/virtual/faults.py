"""Intervals that an expression has no value for: findings on the virtual channel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from meters.calc.expressions import Fault
from meters.models import Channel, Finding, FindingSeverity, FindingState

CODE = "VIRTUAL"
FIX = "Give the expression a value there, such as max(1, ...) under a division, or edit a term."


def keep_faults(
    faults: Mapping[int, list[Fault]],
    channel_ids: Iterable[int],
    start: datetime,
    end: datetime,
    *,
    now: datetime,
) -> None:
    """Open a finding for each run of intervals without a value, close those that are gone."""
    ids = list(channel_ids)
    wanted = {}
    if faults:
        lengths = dict(Channel.objects.filter(pk__in=faults).values_list("pk", "minutes"))
        for pk, rows in faults.items():
            for first, last, message in _runs(rows, timedelta(minutes=lengths[pk])):
                wanted[pk, first, last] = message
    known = Finding.objects.filter(
        channel__in=ids, rule_code=CODE, state=FindingState.OPEN,
        start_utc__lt=end, end_utc__gt=start,
    )  # fmt: skip
    for row in known:
        if wanted.pop((row.channel_id, row.start_utc, row.end_utc), None) is None:
            row.state, row.decided_at, row.decided_by = FindingState.CLOSED, now, "system:virtual"
            row.reason = "The expression has a value there now."
            row.save(update_fields=["state", "decided_at", "decided_by", "reason"])
    Finding.objects.bulk_create(
        Finding(
            channel_id=pk,
            rule_code=CODE,
            severity=FindingSeverity.HOLD,
            start_utc=first,
            end_utc=last,
            message=message[:500],
            fix=FIX,
            created_at=now,
        )
        for (pk, first, last), message in wanted.items()
    )


def _runs(rows: list[Fault], step: timedelta) -> list[tuple[datetime, datetime, str]]:
    """Return faults that follow each other as ranges, with the message of the first."""
    found: list[tuple[datetime, datetime, str]] = []
    for row in sorted(rows, key=lambda one: one.start_utc):
        if found and found[-1][1] == row.start_utc:
            found[-1] = (found[-1][0], row.start_utc + step, found[-1][2])
        else:
            found.append((row.start_utc, row.start_utc + step, row.message))
    return found
