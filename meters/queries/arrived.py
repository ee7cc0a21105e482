"""What rules found on what a file brought: its own exceptions, apart from those there before."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, DurationField, ExpressionWrapper, F, Min, Q, QuerySet, Sum

from meters.models import Channel, Finding, FindingState, ImportFile

GAP = "V01"
#: Different ranges of channels in one file; a file has one, or a few.
RANGES = 200


@dataclass(frozen=True)
class Found:
    """Exceptions of one rule on one channel that ended alike; `intervals` they stand on.

    `finding_id` is the first of them, `method` how they were estimated, where they were.
    """

    rule_code: str
    channel_code: str
    state: str
    severity: str
    method: str
    findings: int
    intervals: int
    finding_id: int

    @property
    def is_open(self) -> bool:
        """Whether a person is to decide."""
        return self.state == FindingState.OPEN


def findings_of_file(file: ImportFile, rows: QuerySet[Finding] | None = None) -> QuerySet[Finding]:
    """Return the living exceptions that came with a file.

    Those that its reading raised, and those that rules raised since on the intervals it brought. A
    gap counts whenever it was found: the file has not filled it.
    """
    rows = Finding.objects.all() if rows is None else rows
    since = Q(created_at__gte=file.received_at) | Q(rule_code=GAP)
    mine = Q(import_file_id=file.pk) | (_brought(file.receipt) & since)
    return rows.filter(mine).exclude(state=FindingState.CLOSED)


def found_of_file(file: ImportFile) -> list[Found]:
    """Return the exceptions of a file by rule and channel, open ones first. Two queries."""
    said = ("rule_code", "channel", "state", "severity", "estimate_method")
    length = ExpressionWrapper(F("end_utc") - F("start_utc"), output_field=DurationField())
    rows = list(
        findings_of_file(file)
        .order_by()
        .values(*said)
        .annotate(count=Count("pk"), lasting=Sum(length), first=Min("pk"))
        .values_list(*said, "count", "lasting", "first")
    )
    keys = {row[1] for row in rows}
    named = {c.pk: c for c in Channel.objects.filter(pk__in=keys)} if rows else {}
    found = []
    for code, key, state, severity, method, count, lasting, first in rows:
        channel = named.get(key)
        steps = int(lasting.total_seconds()) // (60 * channel.minutes) if channel else 0
        channel_code = channel.code if channel else ""
        found.append(Found(code, channel_code, state, severity, method, count, steps, first))
    return sorted(found, key=lambda f: (not f.is_open, f.rule_code, f.channel_code, f.state))


def _brought(receipt: dict[str, Any]) -> Q:
    """Return what lies on the intervals of a receipt, channels of one range together."""
    spans: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in receipt.get("channels", []):
        spans[row["first_utc"], row["end_utc"]].append(row["code"])
    brought = Q(pk__in=[])
    for (first, end), codes in list(spans.items())[:RANGES]:
        brought |= Q(
            channel__code__in=codes,
            start_utc__lt=datetime.fromisoformat(end),
            end_utc__gt=datetime.fromisoformat(first),
        )
    return brought
