"""Checks at the end of a month: what only a whole period can tell, beside earlier ones.

They judge final readings and write findings alone: peaks and usage beside the month before and the
same month a year ago, use in and out of service, how much was estimated. What holds blocks the
settlement of the month like any other finding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from django.db import transaction

from meters.calc.circumstances import PastPeriod
from meters.models import Finding, Layer, VeeRun
from meters.queries.series import final_many
from meters.queries.virtual import without_virtual
from meters.services.judging.case import Case, Outcome
from meters.services.judging.findings import closing_codes, keep_in_step
from meters.services.judging.judge import Judging
from meters.services.judging.knowledge import Knowledge
from meters.services.judging.rulebook import Settings
from meters.services.judging.subjects import Subject, Surroundings, subjects_of, surroundings
from meters.services.judging.validate import VeeSummary, revalidate
from meters.services.judging.window import Window
from meters.services.publishing.publish import lock_channels
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import from_micro
from poweroptix.kernel.period import Period, zone_of
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series

CHUNK_INTERVALS = 1_000_000
MEASURED = (Status.VALIDATED, Status.VERIFIED)


@dataclass
class ClosingSummary:
    """What the checks of a month found."""

    period: str
    channels: int = 0
    findings: Counter = field(default_factory=Counter)

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "period": self.period,
            "channels": self.channels,
            "findings": dict(sorted(self.findings.items())),
        }


def close_checks(
    channel_ids: Iterable[int], label: str, *, now: datetime, actor: Actor
) -> ClosingSummary:
    """Judge a local month (`2026-03`) of some channels as a whole; findings are kept in step.

    Virtual channels are left out: their terms are judged.
    Raises Refused `vee.period_open` while the month is not over on the campus of a channel, and
    for a label that is no month; NotFoundError for an unknown channel.
    """
    require(actor, "meters.validate")
    subjects = subjects_of(without_virtual(list(channel_ids)))
    summary = ClosingSummary(label, len(subjects))
    groups: dict[tuple[str, int], list[Subject]] = {}
    for subject in subjects.values():
        groups.setdefault((subject.zone, subject.minutes), []).append(subject)
    for (zone, minutes), group in groups.items():
        period = Period.month(zone, label)
        if now < period.end_utc:
            raise Refused(
                "vee.period_open",
                f"{label} is not over in {zone}; it ends {period.end_utc:%Y-%m-%d %H:%M} UTC.",
            )
        size = max(1, CHUNK_INTERVALS // period.grid(minutes).count)
        for first in range(0, len(group), size):
            with transaction.atomic():
                _close(group[first : first + size], period, now, actor, summary)
    return summary


def look_again(finding: Finding, *, now: datetime, actor: Actor, reason: str = "") -> VeeSummary:
    """Let the rules look again at what a finding is about: its days, or its month."""
    if finding.channel_id is None:
        return VeeSummary()
    if finding.rule_code not in closing_codes():
        end = max(finding.end_utc, finding.start_utc + timedelta(microseconds=1))
        return revalidate(
            finding.channel_id, finding.start_utc, end, now=now, actor=actor, reason=reason
        )
    zone = finding.channel.delivery_point.campus.zone
    label = f"{finding.start_utc.astimezone(zone_of(zone)):%Y-%m}"
    closed = close_checks([finding.channel_id], label, now=now, actor=actor)
    return VeeSummary(channels=closed.channels, findings=closed.findings)


def _close(
    subjects: Sequence[Subject],
    period: Period,
    now: datetime,
    actor: Actor,
    summary: ClosingSummary,
) -> None:
    """Judge one month of channels of one zone and interval length."""
    ids = [subject.channel_id for subject in subjects]
    lock_channels(ids)
    start, end = period.start_utc, period.end_utc
    window = Window.read(ids, start, end, subjects[0].minutes)
    knowledge = Knowledge(window, subjects, now, lambda i: window if window.has(i) else None)
    before, a_year_ago = earlier_periods(ids, period)
    settings = Settings(subjects)
    around = surroundings(ids, start, end)
    codes, runs = closing_codes(), []
    for subject in subjects:
        book = settings.book(subject, period.last_date)
        case = as_published(subject, window, around, now)
        known = knowledge.circumstances(
            subject,
            previous=before.get(subject.channel_id),
            year_ago=a_year_ago.get(subject.channel_id),
        )
        case.known = lambda known=known: known
        outcome = Judging(case, book).at_close()
        keep_in_step(
            subject, outcome, around.findings[subject.channel_id], book, actor, now,
            codes=codes, end_utc=end,
        )  # fmt: skip
        runs.append(_run(subject, period, book.digest, outcome, now, actor))
        summary.findings += Counter(j.finding.code for j in outcome.judgements)
    VeeRun.objects.bulk_create(runs)


def as_published(subject: Subject, window: Window, around: Surroundings, now: datetime) -> Case:
    """Return the final readings of a channel as a case in which every reading stands."""
    final = window.readings(subject.channel_id, Layer.FINAL)
    return Case(
        subject=subject,
        grid=window.grid,
        raw=final,
        final=final,
        edited=np.ones(window.grid.count, bool),
        due_utc=min(now, window.grid.end_utc),
        flags=around.flags(subject, window.grid),
        accepted=around.accepted(subject.channel_id),
    )


def _run(
    subject: Subject, period: Period, digest: str, outcome: Outcome, now: datetime, actor: Actor
) -> VeeRun:
    return VeeRun(
        channel_id=subject.channel_id,
        first_day=period.first_date,
        last_day=period.last_date,
        rules_digest=digest,
        counts={
            "closing": period.label,
            "findings": dict(Counter(j.finding.code for j in outcome.judgements)),
        },
        actor=str(actor)[:150],
        created_at=now,
    )


def earlier_periods(
    ids: Sequence[int], period: Period
) -> tuple[dict[int, PastPeriod], dict[int, PastPeriod]]:
    """Return the totals of the month before and of the same month a year ago, by channel id."""
    return _past(ids, period.previous()), _past(ids, _year_before(period))


def _year_before(period: Period) -> Period:
    """Return the same month of the year before."""
    year, month = period.label.split("-")
    return Period.month(period.zone, f"{int(year) - 1:04d}-{month}")


def _past(ids: Sequence[int], period: Period) -> dict[int, PastPeriod]:
    """Return the totals of an earlier period by channel id, of those that have any."""
    found, _ = final_many(ids, period.start_utc, period.end_utc)
    totals = {channel_id: past_period(period.label, series) for channel_id, series in found.items()}
    return {channel_id: past for channel_id, past in totals.items() if past is not None}


def past_period(name: str, series: Series) -> PastPeriod | None:
    """Return the totals of an earlier period; None where nothing was read.

    Hours without a value count neither way, so `hours` are those of the intervals with one.
    """
    present = ~series.missing
    count = int(present.sum())
    if not count:
        return None
    measured = int(np.isin(series.status, MEASURED).sum())
    return PastPeriod(
        name=name,
        total=series.total_present(),
        peak=from_micro(int(series.values[present].max())),
        hours=Decimal(count * series.grid.minutes) / 60,
        valid_ratio=Decimal(measured) / series.grid.count,
    )
