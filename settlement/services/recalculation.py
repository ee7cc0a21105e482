"""Recalculate a campus month in one go: split it anew once, then every contract that it changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from contracts.models import Contract
from contracts.queries import contracts_of_campus
from meters.models import Campus
from poweroptix.kernel.period import Period
from settlement.models import AllocationRun, Correction, SettlementRun
from settlement.queries.money import billed_otherwise
from settlement.queries.month import apart_from
from settlement.services.allocation import run_allocation
from settlement.services.listeners import announce
from settlement.services.money import divide_month
from settlement.services.month import actor_of, batched
from settlement.services.runs import calculate

#: What moves nobody else's energy, so that the split of the month does not tell it.
BESIDE = (
    Correction.Scope.BOUND,
    Correction.Scope.EVENTS,
    Correction.Scope.TERMS,
    Correction.Scope.PRICE,
)


def work_recalculation(context: Any) -> None:
    """Do a recalculate_month job: one allocation, then a stage per group of contracts."""
    payload = context.payload
    campus = Campus.objects.get(code=payload["campus"])
    period = Period.month(campus.zone, payload["period"])
    saved = context.saved
    with context.stage(1, "Allocating energy", done=0, total=1) as todo:
        if todo:
            run = run_allocation(campus, period, now=context.now, actor=actor_of(context))
            announce(run)
            divide_month(campus, period, now=context.now, actor=actor_of(context), allocation=run)
            saved = _planned(run, campus, period, payload["contract"])
            context.result(saved)
    allocation = AllocationRun.objects.select_related("campus").get(pk=saved["allocation_run"])
    codes = saved["contracts"]
    for stage, group in enumerate(batched(codes), 2):
        done = codes.index(group[-1]) + 1
        label = f"Calculating {' to '.join(dict.fromkeys([group[0], group[-1]]))}"
        with context.stage(stage, label, done=done, total=len(codes)) as todo:
            if todo:
                runs = _calculate(group, period, allocation, context)
                saved = {**saved, "runs": [*saved["runs"], *(run.pk for run in runs)]}
                context.result(saved)


def _planned(
    allocation: AllocationRun, campus: Campus, period: Period, wanted: str
) -> dict[str, Any]:
    """Return the beginning of the job's result: who gets a run, and who keeps the approved one."""
    contracts = contracts_of_campus(campus, period)
    keep = _kept(allocation, contracts, period, wanted)
    return {
        "allocation_run": allocation.pk,
        "contracts": [one.code for one in contracts if one.pk not in keep],
        "kept": [one.code for one in contracts if one.pk in keep],
        "runs": [],
    }


def _kept(
    allocation: AllocationRun, contracts: Sequence[Contract], period: Period, wanted: str
) -> set[int]:
    """Return the contracts whose approved run stays: same inputs, and nothing open beside it."""
    rows = SettlementRun.objects.filter(contract__in=contracts, period=period.label)
    settled = set(rows.filter(state__in=SettlementRun.SETTLED).values_list("contract", flat=True))
    open_ones = set(rows.filter(state__in=SettlementRun.OPEN).values_list("contract", flat=True))
    moved = {run.contract_id for run in apart_from(allocation)}
    beside = Correction.objects.filter(
        run__in=rows.filter(state__in=SettlementRun.SETTLED),
        scope__in=BESIDE,
    )
    moved |= set(beside.values_list("run__contract", flat=True))
    moved |= set(billed_otherwise(allocation.campus_id, period.label).values())
    return {
        one.pk for one in contracts if one.pk in settled - open_ones - moved and one.code != wanted
    }


def _calculate(
    codes: Sequence[str], period: Period, allocation: AllocationRun, context: Any
) -> list[SettlementRun]:
    """Calculate a group together, those of one kind at a time; what they share is read once."""
    found = Contract.objects.select_related("campus", "tenant").filter(code__in=codes)
    ordered = sorted(found, key=lambda one: codes.index(one.code))
    kinds = _kinds(ordered, period)
    by_kind: dict[str, list[Contract]] = {}
    for contract in ordered:
        by_kind.setdefault(kinds.get(contract.pk, SettlementRun.Kind.FINAL), []).append(contract)
    runs = []
    for kind, contracts in by_kind.items():
        runs += calculate(
            contracts,
            period,
            allocation,
            kind=kind,
            reason=context.payload["reason"],
            now=context.now,
            actor=actor_of(context),
            takes_over=True,
        )
    return runs


def _kinds(contracts: Iterable[Contract], period: Period) -> dict[int, str]:
    """Return the kind that follows the approved run, else that of the run that is replaced."""
    rows = (
        SettlementRun.objects.filter(contract__in=contracts, period=period.label)
        .only("contract", "kind", "state")
        .order_by("version")
    )
    settled = {run.contract_id: run.kind_after for run in rows if run.is_settled}
    return {run.contract_id: run.kind_after for run in rows} | settled
