"""Findings of validation, kept in step with what the rules find now.

The same finding on the same range is one row however often rules run. A decision of a person is
never overwritten; a finding that has vanished is closed.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from meters.models import Finding, FindingState
from meters.services.judging.case import Judgement, Outcome
from meters.services.judging.judge import OWN_CODES
from meters.services.judging.rulebook import Rulebook
from meters.services.judging.subjects import ACCEPTED_VALUES, Subject
from meters.validation import Stage, rules
from poweroptix.audit.actor import Actor
from poweroptix.kernel.rounding import quantity

GONE = "The rule no longer finds this."
VOID = "The readings have changed since they were accepted."
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
    """Return the codes of findings that validation of days makes and may close."""
    judged = {rule.code for _, rule in rules.items() if rule.stage != Stage.PERIOD}
    return judged | set(OWN_CODES)


def closing_codes() -> set[str]:
    """Return the codes of findings that the checks of a closing period make and may close."""
    return {rule.code for _, rule in rules.items() if rule.stage == Stage.PERIOD}


def keep_in_step(
    subject: Subject,
    outcome: Outcome,
    known: list[Finding],
    book: Rulebook,
    actor: Actor,
    now: datetime,
    *,
    codes: set[str],
    end_utc: datetime,
) -> None:
    """Create, refresh and close the findings of one channel on the judged days.

    Only findings of `codes` are touched, and only those that end by `end_utc`: what ends later is
    judged with its end. A void acceptance is closed, so that its finding opens anew.
    """
    # What ingest found about a file is not validation's to close.
    mine = [
        f
        for f in known
        if f.rule_code in codes and f.import_file_id is None and f.end_utc <= end_utc
    ]
    alive = {(f.rule_code, f.start_utc, f.end_utc): f for f in mine if f.pk not in outcome.void}
    void = [f for f in mine if f.pk in outcome.void]
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
    # Closed rows leave the unique key of living findings before new ones take it.
    _close([r for r in alive.values() if r.state not in DECIDED], GONE, actor, now)
    _close(void, VOID, actor, now)
    _remember([f for f in mine if f.pk not in outcome.void], outcome)
    Finding.objects.bulk_update(refreshed, UPDATED)
    Finding.objects.bulk_create(_once(fresh))


def _close(rows: list[Finding], reason: str, actor: Actor, now: datetime) -> None:
    """Close findings; who decided an acceptance stays in the audit trail."""
    for row in rows:
        row.state, row.decided_by, row.decided_at = FindingState.CLOSED, str(actor)[:150], now
        row.reason = reason
    Finding.objects.bulk_update(rows, ["state", "decided_by", "decided_at", "reason"])


def _remember(rows: list[Finding], outcome: Outcome) -> None:
    """Write down which readings an acceptance stands for, when they are first judged again."""
    fresh = [r for r in rows if r.pk in outcome.values_of and ACCEPTED_VALUES not in r.detail]
    for row in fresh:
        row.detail = {**row.detail, ACCEPTED_VALUES: outcome.values_of[row.pk]}
    Finding.objects.bulk_update(fresh, ["detail"])


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
