"""A battery's stock goes on to the next month: when it changes, that month is split again."""

from __future__ import annotations

import json

from poweroptix.jobs.models import Job
from poweroptix.jobs.services import enqueue
from poweroptix.kernel.canonical import canonical_json
from poweroptix.kernel.period import Period
from settlement.models import AllocationRun, SettlementRun

KIND = "recalculate_month"


def queue_following(run: AllocationRun) -> Job | None:
    """Queue the next month when it was split with another stock than this one hands on.

    A month that nothing was settled of is only read anew when somebody settles it. The system is
    the author of what follows; the month after comes by its own turn, if its stock changes too.
    A job that has begun may have read the stock of before, so that only a queued one is enough.
    """
    label = Period(run.start_utc, run.end_utc, run.campus.zone, run.period).next().label
    if not run.carry_out or not _is_given_another(run, label) or not _is_settled(run, label):
        return None
    prefix = f"follows/{run.campus.code}/{label}/stock"
    jobs = Job.objects.filter(kind=KIND, key__startswith=f"{prefix}/")
    waiting = jobs.filter(state="queued").first()
    if waiting is not None:
        return waiting
    payload = {
        "campus": run.campus.code,
        "period": label,
        "reason": f"The stock of a battery from {run.period} changed: allocation v{run.version}.",
        "contract": "",
        "follows": True,
    }
    return enqueue(KIND, f"{prefix}/{jobs.count() + 1}", payload)


def _is_given_another(run: AllocationRun, label: str) -> bool:
    """Say whether the split of the next month that counts began with another stock."""
    following = AllocationRun.objects.filter(
        campus=run.campus_id, period=label, state__in=("CALCULATED", "APPROVED")
    ).first()
    if following is None:
        return False
    given = json.loads(bytes(following.inputs)).get("carry_in", {})
    handed_on = json.loads(canonical_json(run.carry_out))
    return any(handed_on.get(code) != stock for code, stock in given.items())


def _is_settled(run: AllocationRun, label: str) -> bool:
    """Say whether a run of the next month stands, open or approved."""
    states = SettlementRun.OPEN + SettlementRun.SETTLED
    return SettlementRun.objects.filter(
        contract__campus=run.campus_id, period=label, state__in=states
    ).exists()
