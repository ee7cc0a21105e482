"""Amended terms: which runs were priced with others than hold now, and on which of their days."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from contracts.models import Contract, ContractVersion
from poweroptix.kernel.canonical import canonical_json
from poweroptix.kernel.period import Period, day_start
from settlement.calc.version_inputs import version_document
from settlement.models import Correction, SettlementRun
from settlement.queries.shelf import version_inputs
from settlement.services.corrections import FLAGGED


def flag_terms(contract: Contract, first_day: date, now: datetime) -> None:
    """Note for every run from a local day on, on how many of its days other terms hold now.

    Listens to versions, in the transaction in which they begin to hold or cease to. Terms that are
    again what a run read take its flag away. A month that no version reaches any more is not
    flagged: it cannot be settled again, and the page of its run says so.
    """
    runs = _from_day(contract, first_day).filter(state__in=FLAGGED).select_related("contract")
    active = ContractVersion.objects.filter(contract=contract, state="ACTIVE").order_by("valid")
    versions = list(active.prefetch_related("terms")) if runs else []
    for run in runs:
        period = Period(run.start_utc, run.end_utc, contract.zone, run.period)
        holding = [one for one in versions if _reaches(one, period)]
        written = [version_document(version_inputs(one, period)) for one in holding]
        before = _by_day(json.loads(bytes(run.inputs))["versions"])
        after = _by_day(json.loads(canonical_json(written)))
        days = before.keys() | after.keys()
        differing = sorted(day for day in days if before.get(day) != after.get(day))
        if after and differing:
            _note(run, holding, differing, now)
        else:
            Correction.objects.filter(run=run, scope=Correction.Scope.TERMS).delete()


def settled_by(version: ContractVersion) -> list[str]:
    """Return the settled months that the days of a version reach, each with its run, in words."""
    runs = _from_day(version.contract, version.first_date).filter(state__in=SettlementRun.SETTLED)
    if version.last_date is not None:
        end = day_start(version.last_date + timedelta(days=1), version.contract.zone)
        runs = runs.filter(start_utc__lt=end)
    return [
        f"{run.period} (v{run.version}, {run.get_state_display().lower()})"
        for run in runs.defer("inputs", "findings")
    ]


def _from_day(contract: Contract, first_day: date):
    """Return the runs of a contract that hold a local day or later ones, the oldest first."""
    start_utc = day_start(first_day, contract.zone)
    runs = SettlementRun.objects.filter(contract=contract, end_utc__gt=start_utc)
    return runs.order_by("period", "version")


def _reaches(version: ContractVersion, period: Period) -> bool:
    last = version.last_date
    return version.first_date <= period.last_date and (last is None or last >= period.first_date)


def _by_day(versions: Iterable[Mapping[str, Any]]) -> dict[date, Mapping[str, Any]]:
    """Return what versions of a document say of each of their days."""
    found = {}
    for one in versions:
        first, last = (date.fromisoformat(day) for day in one["in_force"])
        said = {name: value for name, value in one.items() if name != "in_force"}
        for at in range((last - first).days + 1):
            found[first + timedelta(days=at)] = said
    return found


def _note(
    run: SettlementRun, holding: list[ContractVersion], differing: list[date], now: datetime
) -> None:
    """Write the correction of a run, or write it again."""
    first, last = differing[0], differing[-1]
    zone = run.contract.zone
    Correction.objects.update_or_create(
        run=run,
        channel_id=None,
        scope=Correction.Scope.TERMS,
        defaults={
            "tenant_id": run.tenant_id,
            "version": next((one for one in holding if first in one.valid), None),
            "start_utc": day_start(first, zone),
            "end_utc": day_start(last + timedelta(days=1), zone),
            "interval_count": len(differing),
            "created_at": now,
        },
    )
