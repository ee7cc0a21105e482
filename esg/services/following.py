"""Carbon follows the energy: a month that is split anew is accounted anew."""

from __future__ import annotations

from esg.models import CarbonPolicy
from poweroptix.jobs.services import enqueue
from settlement.models import AllocationRun


def account_later(allocation: AllocationRun) -> None:
    """Queue the carbon account of an allocation, where the campus has a carbon policy."""
    campus = allocation.campus
    if not CarbonPolicy.objects.filter(campus=campus).exists():
        return
    key = f"{campus.code}/{allocation.period}/v{allocation.version}"
    enqueue("account_carbon", key, {"allocation_run": allocation.pk})
