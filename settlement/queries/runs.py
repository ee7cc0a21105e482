"""Finding runs."""

from __future__ import annotations

import re

from django.db.models import Exists, OuterRef, QuerySet

from poweroptix.kernel.errors import NotFoundError
from settlement.models import Correction, SettlementRun

#: What a run may wait for, as lists offer it.
WAITS = (("approval", "Approval"), ("correction", "A correction"))

_NAMED = re.compile(r"(?P<contract>.+)/(?P<period>\d{4}-\d{2})(/v?(?P<version>\d+))?")


def waiting_for(what: str, runs: QuerySet) -> QuerySet:
    """Return the runs that wait for `approval`, or that rest on what changed since they read it."""
    if what == "approval":
        return runs.filter(state__in=SettlementRun.OPEN)
    changed = Correction.objects.filter(run=OuterRef("pk"))
    return runs.filter(Exists(changed), state__in=SettlementRun.SETTLED)


def compared_with(run: SettlementRun) -> SettlementRun | None:
    """Return the version that a run is read against: the last approved one before it.

    A period that was never approved gives the version before.
    """
    if run.version == 1:
        return None
    earlier = list(
        SettlementRun.objects.filter(
            contract=run.contract_id, period=run.period, version__lt=run.version
        )
        .defer("inputs", "findings")
        .order_by("version")
    )
    return next((one for one in reversed(earlier) if one.approved_by), earlier[-1])


def run_with_its_split(pk: int) -> SettlementRun:
    """Return a run with its contract, its allocation and the run before it; NotFoundError."""
    rows = SettlementRun.objects.select_related("contract", "allocation_run", "carry_in_run")
    run = rows.filter(pk=pk).first()
    if run is None:
        raise NotFoundError("settlement.run", f"There is no run {pk}.")
    return run


def other_versions(run: SettlementRun) -> list[SettlementRun]:
    """Return the other runs of the contract month, the oldest first."""
    rows = SettlementRun.objects.filter(contract=run.contract_id, period=run.period)
    return list(rows.exclude(pk=run.pk).defer("inputs", "findings").order_by("version"))


def read_against(
    after: SettlementRun, versions: list[SettlementRun], said: str
) -> SettlementRun | None:
    """Return the version that is asked for, else the one that the run is read against.

    None where the month has one run; NotFoundError for a version that is not there.
    """
    if said:
        found = next((one for one in versions if str(one.version) == said.removeprefix("v")), None)
        if found is None:
            text = f"{after.contract.code} {after.period} has no other version '{said[:12]}'."
            raise NotFoundError("settlement.run", text)
        return run_with_its_split(found.pk)
    default = compared_with(after) or (versions[-1] if versions else None)
    return None if default is None else run_with_its_split(default.pk)


def kind_words(run: SettlementRun) -> str:
    """Return the kind of a run; true-ups are counted: the second approved one is "True-up 2"."""
    if run.kind != SettlementRun.Kind.TRUE_UP:
        return run.get_kind_display()
    earlier = SettlementRun.objects.filter(
        contract=run.contract_id,
        period=run.period,
        kind=run.kind,
        version__lt=run.version,
        approved_at__isnull=False,
    )
    return f"{run.get_kind_display()} {earlier.count() + 1}"


def find_run(name: str) -> SettlementRun:
    """Return the run that a text names: an id, CONTRACT/2026-03 (newest) or CONTRACT/2026-03/v2.

    NotFoundError when there is none.
    """
    runs = SettlementRun.objects.select_related("contract__campus", "allocation_run__campus")
    named = _NAMED.fullmatch(name)
    if named is not None:
        runs = runs.filter(contract__code=named["contract"], period=named["period"])
        if named["version"]:
            runs = runs.filter(version=int(named["version"]))
    elif name.isascii() and name.isdigit() and len(name) < 19:
        runs = runs.filter(pk=int(name))
    else:
        runs = runs.none()
    run = runs.order_by("version").last()
    if run is None:
        text = f"There is no run '{name}'; name it by its number or as CONTRACT/2026-03/v1."
        raise NotFoundError("settlement.run", text)
    return run
