"""Findings of validation, kept in step with what the rules find now.

The same finding on the same range is one row however often rules run. A decision of a person is
never overwritten; a finding that has vanished is closed.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from meters.models import Finding, FindingState
from meters.services.judging.judge import OWN_CODES, Judgement, Outcome
from meters.services.judging.rulebook import Rulebook
from meters.services.judging.subjects import Subject
from meters.validation import rules
from poweroptix.audit.actor import Actor
from poweroptix.kernel.rounding import quantity

DECIDED = (FindingState.ACCEPTED, FindingState.EDITED)
UPDATED = [
    "severity",
    "metric",
    "threshold",
    "message",
    "fix",
    "detail",
    "state",
    "estimate_method",
    "worksheet",
    "run_digest",
]


def managed_codes() -> set[str]:
    """Return the codes of findings that validation makes and may close."""
    return {rule.code for _, rule in rules.items()} | set(OWN_CODES)


def keep_in_step(
    subject: Subject,
    outcome: Outcome,
    known: list[Finding],
    book: Rulebook,
    actor: Actor,
    now: datetime,
) -> None:
    """Create, refresh and close the findings of one channel on the judged days."""
    codes = managed_codes()
    # What ingest found about a file is not validation's to close.
    mine = [f for f in known if f.rule_code in codes and f.import_file_id is None]
    alive = {(f.rule_code, f.start_utc, f.end_utc): f for f in mine}
    fresh, refreshed = [], []
    for judgement in outcome.judgements:
        finding = judgement.finding
        key = (finding.code, finding.start_utc, finding.end_utc)
        row = alive.pop(key, None)
        if row is None:
            row = Finding(
                channel_id=subject.channel_id,
                rule_code=finding.code,
                start_utc=finding.start_utc,
                end_utc=finding.end_utc,
                created_at=now,
            )
            fresh.append(row)
        elif row.state in DECIDED:
            continue
        else:
            refreshed.append(row)
        _describe(row, judgement, book)
    closed = [row for row in alive.values() if row.state not in DECIDED]
    for row in closed:
        row.state, row.decided_by, row.decided_at = FindingState.CLOSED, str(actor)[:150], now
        row.reason = "The rule no longer finds this."
    # Closed rows leave the unique key of living findings before new ones take it.
    Finding.objects.bulk_update(closed, ["state", "decided_by", "decided_at", "reason"])
    Finding.objects.bulk_update(refreshed, UPDATED)
    Finding.objects.bulk_create(_once(fresh))


def _describe(row: Finding, judgement: Judgement, book: Rulebook) -> None:
    """Write what a judgement says into a row."""
    finding = judgement.finding
    row.severity = str(finding.severity)
    row.metric = _micro(finding.metric)
    row.threshold = _micro(finding.threshold)
    row.message = finding.message[:500]
    row.fix = finding.fix[:300]
    row.detail = finding.to_json()["data"]
    row.state = judgement.state
    row.estimate_method = judgement.method
    row.worksheet = judgement.worksheet or None
    row.run_digest = book.digest


def _micro(number: Decimal | None) -> Decimal | None:
    """Return a metric with the places of its column."""
    return None if number is None else quantity(number, 6)


def _once(rows: list[Finding]) -> list[Finding]:
    """Return the rows without repeated keys; the first one counts."""
    seen: dict[tuple, Finding] = {}
    for row in rows:
        seen.setdefault((row.rule_code, row.start_utc, row.end_utc), row)
    return list(seen.values())
