"""What is approved on readings: asked before they are changed, and told after they were."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from meters.models import Channel, DeliveryPoint, Publication
from poweroptix.kernel.words import counted
from settlement.calc.dependence import OWN, Dependence
from settlement.models import Correction, SettlementRun
from settlement.services.allocation import document_of

#: Runs that one sentence names; of the others it says how many.
NAMED_MAX = 6
BECAUSE = {True: "its own readings", False: "what it shares"}


def approved_on(channel_ids: Sequence[int], first_utc: datetime, last_utc: datetime) -> list[str]:
    """Say which approved runs rest on readings of some channels in [first, last), by month.

    A run rests on its contract's own channels and on those of what it shares, as the corrections
    know it that a change would make.
    """
    campuses = DeliveryPoint.objects.filter(channels__in=list(channel_ids))
    runs = (
        SettlementRun.objects.filter(
            state__in=SettlementRun.SETTLED,
            start_utc__lt=last_utc,
            end_utc__gt=first_utc,
            contract__campus__in=campuses.values("campus"),
        )
        .select_related("contract__campus", "allocation_run")
        .defer("inputs", "findings", "allocation_run__worksheets")
        .order_by("period", "contract__code")
    )
    behind = {run.pk: Dependence(document_of(run)) for run in {one.allocation_run for one in runs}}
    months: dict[tuple[str, str], list[str]] = {}
    for run in runs:
        scopes = behind[run.allocation_run_id].of(run.contract.code)
        touched = {scopes[one] for one in channel_ids if one in scopes}
        if touched:
            months.setdefault((run.contract.campus.code, run.period), []).append(
                _named(run, is_own=OWN in touched)
            )
    return [
        f"{campus} {period} is approved: a changed value makes a correction of {_few(names)}."
        for (campus, period), names in months.items()
    ]


def corrected_by(publication_ids: Iterable[int]) -> list[str]:
    """Say what publications changed under approved runs: channel, intervals, kWh and runs.

    The figures are those of the corrections that wait, so of the whole month: everything in which
    the readings differ now from those that the run read.
    """
    ids = list(publication_ids)
    if not ids:
        return []
    moments = Publication.objects.filter(pk__in=ids).values_list("published_at", flat=True)
    rows = list(
        # A virtual channel follows in the same transaction, with a publication of its own.
        Correction.objects.filter(
            publication_id__gte=min(ids),
            created_at__in=list(moments),
            run__state__in=SettlementRun.SETTLED,
        )
        .select_related("run__contract__campus")
        .defer("run__inputs", "run__findings")
        .order_by("run__period", "channel_id", "run__contract__code")
    )
    codes = Channel.objects.in_bulk({one.channel_id for one in rows})
    told: dict[str, list[str]] = {}
    for one in rows:
        channel = codes[one.channel_id].code if one.channel_id in codes else "a former channel"
        changed = (
            f"{one.run.contract.campus.code} {one.run.period} is approved, and {channel} differs "
            f"in {counted(one.interval_count, 'interval')} by {one.change_kwh.normalize():+,f} kWh"
        )
        own = one.scope == Correction.Scope.OWN
        told.setdefault(changed, []).append(_named(one.run, is_own=own))
    return [f"{changed}: a correction of {_few(names)} waits." for changed, names in told.items()]


def _named(run: SettlementRun, *, is_own: bool) -> str:
    """Return a run in words: its version, how far it is, and through what it is concerned."""
    return (
        f"{run.contract.code} v{run.version} ({run.get_state_display().lower()}, {BECAUSE[is_own]})"
    )


def _few(names: Sequence[str]) -> str:
    more = len(names) - NAMED_MAX
    return ", ".join(names[:NAMED_MAX]) + (f" and {more} more" if more > 0 else "")
