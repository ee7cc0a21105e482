"""Account the carbon of a campus month, and publish the pool's intensity."""

import json
from datetime import datetime

from django.db import transaction

from contracts.models import Contract, IndexSeries
from contracts.services import publish_index
from esg.calc.account import Account, AccountLine, account
from esg.models import EmissionLine, EmissionRun
from esg.models.runs import MASS_COLUMNS
from esg.queries import inputs_of, plan_of
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.kernel.canonical import canonical_json, digest_of, sha256
from poweroptix.kernel.errors import Conflict
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import MISSING, from_price
from poweroptix.kernel.grid import Grid
from settlement.models import AllocationRun
from settlement.services.allocation import lock

USABLE = ("CALCULATED", "APPROVED")


def account_carbon(allocation: AllocationRun, *, now: datetime, actor: Actor) -> EmissionRun:
    """Account the carbon of an allocation run; once accounted, the same run is returned.

    The account of an earlier version of the month is superseded. Refused when a policy, factor,
    fuel meter or reading is missing; Conflict for a superseded allocation. The database refuses
    lines that do not add up to what was emitted.
    """
    require(actor, "esg.run")
    with transaction.atomic():
        label = f"{allocation.campus.code} {allocation.period}"
        lock(
            f"carbon:{allocation.campus_id}/{allocation.period}",
            f"The carbon of {label} is already being accounted.",
        )
        existing = EmissionRun.objects.filter(allocation_run=allocation).first()
        if existing is not None:
            return existing
        if allocation.state not in USABLE:
            raise Conflict(
                "esg.allocation_superseded",
                f"Version {allocation.version} of the allocation of {label} is superseded; "
                "account the newest one.",
            )
        document, findings = plan_of(allocation)
        result = account(inputs_of(document))
        run = _write(allocation, document, result, [*findings, *_unknown(result)], now, actor)
        publish_intensity(run, now=now, actor=actor)
        record(
            "esg.account",
            run,
            actor=actor,
            after={
                "version": run.version,
                "co2e_kg": run.co2e_kg,
                "inputs_sha256": run.inputs_sha256,
            },
        )
    return run


def _unknown(result: Account) -> list[Finding]:
    return [
        Finding(
            "esg.stored_carbon_unknown",
            f"{code} gave back {kwh:f} kWh more than its record of charging explains; they carry "
            "no carbon.",
            Severity.WARN,
            metric=kwh,
        )
        for code, kwh in result.unknown_origin_kwh.items()
    ]


def _write(
    allocation: AllocationRun,
    document: dict,
    result: Account,
    findings: list[Finding],
    now: datetime,
    actor: Actor,
) -> EmissionRun:
    content = canonical_json(document)
    EmissionRun.objects.filter(
        campus=allocation.campus, period=allocation.period, state="CALCULATED"
    ).update(state="SUPERSEDED")
    run = EmissionRun.objects.create(
        allocation_run=allocation,
        campus=allocation.campus,
        period=allocation.period,
        version=allocation.version,
        gwp_set=document["gwp"]["name"],
        inputs=content,
        inputs_sha256=sha256(content),
        outcome_sha256=digest_of(result.document()),
        start_utc=result.grid.start_utc,
        end_utc=result.grid.end_utc,
        minutes=result.grid.minutes,
        intensity=result.intensity.tolist(),
        energy_in_kwh=result.energy_in_kwh,
        co2e_g=result.co2e_g,
        sources=_plain(result.sources),
        carry_out=_plain(result.carry_out),
        findings=[finding.to_json() for finding in findings],
        created_by=str(actor),
        created_at=now,
        **{column: result.masses_mg[gas] for gas, column in MASS_COLUMNS.items()},
    )
    contracts = {
        code: (pk, tenant)
        for code, pk, tenant in Contract.objects.filter(campus=allocation.campus).values_list(
            "code", "pk", "tenant_id"
        )
    }
    EmissionLine.objects.bulk_create(_row(run, line, contracts) for line in result.lines)
    EmissionRun.objects.filter(pk=run.pk).update(state="CALCULATED")
    run.state = "CALCULATED"
    return run


def _plain(document):
    return json.loads(canonical_json(document))


def _row(run: EmissionRun, line: AccountLine, contracts: dict) -> EmissionLine:
    contract, tenant = contracts[line.code] if line.sink == "CONTRACT" else (None, None)
    return EmissionLine(
        run=run,
        tenant_id=tenant,
        contract_id=contract,
        sink=line.sink,
        code=line.code,
        energy_kwh=line.energy_kwh,
        pooled_kwh=line.pooled_kwh,
        co2e_g=line.co2e_g,
        kg_per_mwh=line.kg_per_mwh,
        worksheet=line.worksheet.to_json(),
        **{column: line.masses_mg[gas] for gas, column in MASS_COLUMNS.items()},
    )


def publish_intensity(run: EmissionRun, *, now: datetime, actor: Actor) -> None:
    """Publish the pool's kg CO2e per MWh as an index series, so that contracts may refer to it.

    Publishing the same values again makes no new version.
    """
    series, _ = IndexSeries.objects.get_or_create(
        code=f"{run.campus.code}-POOL-CO2E",
        defaults={
            "name": f"Carbon intensity of the pool of {run.campus.name}",
            "unit": "kgCO2e/MWh",
            "minutes": run.minutes,
            "zone": run.campus.zone,
        },
    )
    if series.minutes != run.minutes:
        return
    grid = Grid(run.start_utc, run.minutes, len(run.intensity))
    rows = [
        (grid.start_of(at), None if value == MISSING else from_price(value))
        for at, value in enumerate(run.intensity)
    ]
    publish_index(
        series,
        rows,
        vintage=f"carbon v{run.version}",
        final=True,
        source=f"carbon run {run}",
        actor=actor,
        now=now,
    )
