"""What the statements of a campus month's owners read, and what keeps them from being made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from contracts.queries import contracts_of_campus
from meters.models import Campus
from poweroptix.kernel.canonical import number
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.fixed import exact_sum
from poweroptix.kernel.period import Period
from settlement.calc.owners import FORMAT
from settlement.models import AllocationRun, Ownership, PoolMonth, PoolShare, SettlementRun
from settlement.models.ownership import SHARES
from settlement.queries.money import billed_otherwise, current_months, pools_of, stale_pools
from settlement.storage import read_parts


def ownership_of(campus: Campus, period: Period) -> Ownership | None:
    """Return the ownership model that holds in a month."""
    rows = Ownership.objects.filter(campus=campus, first_date__lte=period.first_date)
    return rows.select_related("operator").order_by("-first_date").first()


def read_owners(campus: Campus, period: Period) -> dict[str, Any]:
    """Return the document of the statements; Refused with everything that is still in the way.

    It reads the approved runs of all contracts of the month and its pools of money as divided.
    """
    ownership = ownership_of(campus, period)
    findings: list[Finding] = []
    if ownership is None:
        text = f"No ownership model of {campus.code} holds in {period.label}."
        fix = "Set one up: integrated, independent producer or joint venture, with its shares."
        findings.append(Finding("owners.none", text, where=campus.code, fix=fix))
    months = current_months(campus.pk, period.label)
    findings += _open_pools(campus, period, months)
    lines, missing = _lines(campus, period)
    findings += missing
    if findings or ownership is None:
        text = " ".join(f"{one.message} {one.fix}" for one in findings)
        raise Refused("owners.not_ready", text, findings=findings)
    return {
        "format": FORMAT,
        "campus": campus.code,
        "model": ownership.model,
        "share_change": ownership.share_change,
        "evidence": ownership.evidence,
        "period": {
            "start_utc": period.start_utc,
            "end_utc": period.end_utc,
            "zone": period.zone,
            "label": period.label,
        },
        "operator": None if ownership.operator is None else ownership.operator.code,
        "fee": _fee(ownership),
        "shares": _shares(ownership, period),
        "lines": lines,
        "pools": _pools(months),
        "cuts": _cuts(months),
        **({"kwh": _kwh(lines, period)} if ownership.share_change == "ENERGY" else {}),
    }


def _open_pools(campus: Campus, period: Period, months: Mapping[int, PoolMonth]) -> list[Finding]:
    """Return a finding per pool that is not closed or not billed as it is divided."""
    found = []
    allocation = AllocationRun.objects.filter(
        campus=campus, period=period.label, state__in=("CALCULATED", "APPROVED")
    ).first()
    pools = pools_of(campus.pk, period)
    for code in sorted(stale_pools(pools, months, period, allocation)):
        text = f"What the pool {code} rests on changed after it was divided."
        fix = "Divide the month again, then recalculate and approve what changed by it."
        found.append(Finding("owners.pool_stale", text, where=code, fix=fix))
    for pool in pools:
        month = months.get(pool.pk)
        if month is None and not pool.present and not pool.entered and not pool.sold:
            continue
        if month is None or not month.is_divided:
            text = f"The pool {pool.code} is not divided for {period.label}."
            fix = "Enter its amount, 0.00 when there was none."
            if pool.sold:
                fix = "Bring in the readings and prices that it lacks, then divide it."
            found.append(Finding("owners.pool_open", text, where=pool.code, fix=fix))
    unequal = billed_otherwise(campus.pk, period.label)
    for run in SettlementRun.objects.filter(pk__in=unequal).select_related("contract"):
        text = f"{run.contract.code} v{run.version} bills other shares of pools than those of now."
        fix = "Recalculate the month and approve it."
        found.append(Finding("owners.billed_otherwise", text, where=run.contract.code, fix=fix))
    return found


def _lines(campus: Campus, period: Period) -> tuple[list[dict[str, Any]], list[Finding]]:
    """Return the approved total of every contract of the month, and who has none yet."""
    runs = {
        run.contract_id: run
        for run in SettlementRun.objects.filter(
            contract__campus=campus, period=period.label, state__in=SettlementRun.SETTLED
        ).defer("inputs", "findings")
    }
    credited = _credited(campus, period.label)
    lines, findings = [], []
    for contract in contracts_of_campus(campus, period).order_by("code"):
        run = runs.get(contract.pk)
        if run is None:
            text = f"{period.label} of {contract.code} is not approved."
            fix = "Settle and approve it."
            findings.append(Finding("owners.not_approved", text, where=contract.code, fix=fix))
            continue
        lines.append(
            {
                "contract": contract.code,
                "offtaker": contract.offtaker.code,
                "run": run.pk,
                "version": run.version,
                "total_usd": run.total_usd,
                "credits_usd": credited.get(contract.pk, Decimal("0.00")),
            }
        )
    return lines, findings


def _kwh(lines: Sequence[Mapping[str, Any]], period: Period) -> dict[str, Decimal]:
    """Return what all contracts were delivered on each day, as the approved runs read it."""
    runs = SettlementRun.objects.filter(pk__in=[line["run"] for line in lines])
    contracts: dict[int, list[int]] = {}
    for allocation, contract in runs.values_list("allocation_run", "contract"):
        contracts.setdefault(allocation, []).append(contract)
    series = [
        one
        for allocation, ids in sorted(contracts.items())
        for one, _ in read_parts(allocation, contract_ids=sorted(ids), kinds=["TOTAL"]).values()
    ]
    return {
        day.isoformat(): exact_sum([one.slice(*period.day_bounds(day)).total() for one in series])
        for day in period.days()
    }


def _credited(campus: Campus, label: str) -> dict[int, Decimal]:
    """Return what contracts are credited of revenue pools, by contract."""
    rows = PoolShare.objects.filter(
        month__pool__campus=campus,
        month__pool__kind="REVENUE",
        month__period=label,
        month__state="CALCULATED",
        contract__isnull=False,
        amount_usd__isnull=False,
    )
    sums = rows.order_by().values("contract").annotate(usd=Sum("amount_usd"))
    return {row["contract"]: row["usd"] for row in sums}


def _pools(months: Mapping[int, PoolMonth]) -> list[dict[str, Any]]:
    """Return the pools whose amount comes from outside; parts of a pool are inside of it."""
    return [
        {
            "pool": month.pool.code,
            "name": month.pool.name,
            "kind": month.pool.kind,
            "version": month.version,
            "amount_usd": month.amount_usd,
        }
        for month in sorted(months.values(), key=lambda one: one.pool.code)
        if month.head["above"] is None
    ]


def _cuts(months: Mapping[int, PoolMonth]) -> list[dict[str, Any]]:
    """Return the parts that operators keep of revenue pools."""
    return [
        {
            "pool": month.pool.code,
            "party": month.pool.operator.code,
            "amount_usd": month.operator_usd,
        }
        for month in sorted(months.values(), key=lambda one: one.pool.code)
        if month.operator_usd
    ]


def _shares(ownership: Ownership, period: Period) -> dict[str, dict[str, list[list[Any]]]]:
    """Return the dated shares that touch the month, by kind and party."""
    days = (period.first_date, period.last_date + timedelta(days=1))
    found: dict[str, dict[str, list[list[Any]]]] = {}
    rows = ownership.shares.filter(valid__overlap=days).select_related("party")
    for row in rows.order_by("party__code", "valid"):
        for name in SHARES:
            share, kind = getattr(row, name), name.partition("_")[0].upper()
            if share:
                spans = found.setdefault(kind, {}).setdefault(row.party.code, [])
                spans.append([row.valid.lower, row.valid.upper, share])
    return found


def _fee(ownership: Ownership) -> dict[str, Any]:
    fee: dict[str, Any] = {"basis": ownership.fee_basis}
    if ownership.fee_ratio is not None:
        fee["ratio"] = number(ownership.fee_ratio)
    if ownership.fee_usd is not None:
        fee["usd"] = number(ownership.fee_usd)
    return fee
