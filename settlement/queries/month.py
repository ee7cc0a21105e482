"""How the runs of one campus month stand to each other: which rest on other energy.

Energy is conserved only as long as all approved runs of a campus month rest on the same split.
A run of an older allocation still fits when its contract got the same energy in both.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from settlement.models import AllocationRun, SettlementRun
from settlement.queries.money import billed_otherwise

#: True for an approved run `s` whose contract's energy in allocation `a` is another than its own.
#: Sources count where its own split told them apart; else nothing of the run can rest on them.
DIFFERS = """
EXISTS (
  SELECT 1 FROM (SELECT kind, pool_code, minutes, values FROM settlement_allocationpart
                  WHERE run_id = s.allocation_run_id AND contract_id = s.contract_id) own
  FULL JOIN (SELECT kind, pool_code, minutes, values FROM settlement_allocationpart
              WHERE run_id = a.id AND contract_id = s.contract_id
                AND (kind <> 'SOURCE' OR EXISTS (
                  SELECT 1 FROM settlement_allocationpart told WHERE told.kind = 'SOURCE'
                     AND told.run_id = s.allocation_run_id AND told.contract_id = s.contract_id))
            ) new
    ON (own.kind, own.pool_code) = (new.kind, new.pool_code)
 WHERE (own.minutes, own.values) IS DISTINCT FROM (new.minutes, new.values))
"""
APART = f"""
SELECT s.id FROM settlement_settlementrun s
  JOIN settlement_allocationrun a ON a.id = %s
  JOIN contracts_contract c ON c.id = s.contract_id AND c.campus_id = a.campus_id
 WHERE s.period = a.period AND s.state IN ('APPROVED', 'LOCKED', 'INVOICED')
   AND s.allocation_run_id <> a.id AND {DIFFERS}
 ORDER BY c.code
"""  # noqa: S608 - text from this file only


@dataclass(frozen=True)
class Companion:
    """Another contract's run of the same campus month that rests on an older allocation.

    `is_apart`: it is approved and its contract's energy differs, so it has to be replaced together
    with this one; `successor` is the open run that would do so, if it was calculated. With
    `by_shares` it is apart because it bills another share of a pool of money.
    """

    run: SettlementRun
    is_apart: bool
    successor: SettlementRun | None
    by_shares: bool = False

    @property
    def name(self) -> str:
        """The run in words."""
        return f"{self.run.contract.code} v{self.run.version}"


def apart_from(allocation: AllocationRun) -> list[SettlementRun]:
    """Return the approved runs of the month whose contracts got other energy in an allocation."""
    with connection.cursor() as cursor:
        cursor.execute(APART, [allocation.pk])
        ids = [row[0] for row in cursor.fetchall()]
    rows = SettlementRun.objects.filter(pk__in=ids).select_related("contract", "allocation_run")
    return sorted(_light(rows), key=lambda run: run.contract.code)


def companions(run: SettlementRun) -> list[Companion]:
    """Return what other contracts' runs of the month rest on another allocation than this run.

    A run that billed another share of a pool of money than the one that counts now is apart, too.
    Approved runs count with the open run of this run's allocation that would replace them; open
    runs of another allocation count as such.
    """
    others = list(
        _light(
            SettlementRun.objects.filter(
                contract__campus_id=run.allocation_run.campus_id,
                period=run.period,
                state__in=SettlementRun.OPEN + SettlementRun.SETTLED,
            ).exclude(contract=run.contract_id)
        )
        .select_related("contract", "allocation_run")
        .order_by("contract__code", "version")
    )
    apart = {one.pk for one in apart_from(run.allocation_run)}
    pools = json.loads(bytes(run.inputs)).get("pools", ())
    unequal = billed_otherwise(run.allocation_run.campus_id, run.period, list(pools))
    apart |= set(unequal)
    open_runs = {one.contract_id: one for one in others if one.is_open}
    found = []
    for one in others:
        if one.allocation_run_id == run.allocation_run_id and one.pk not in unequal:
            continue
        successor = open_runs.get(one.contract_id) if one.is_settled else None
        if successor is not None and successor.allocation_run_id != run.allocation_run_id:
            successor = None
        if one.is_open or one.pk in apart:
            found.append(Companion(one, one.pk in apart, successor, one.pk in unequal))
    return found


def replaced_together(found: Sequence[Companion]) -> list[SettlementRun]:
    """Return the open runs that have to be approved in the same act."""
    return [one.successor for one in found if one.is_apart and one.successor is not None]


def _light(rows):
    return rows.defer("inputs", "findings", "allocation_run__inputs", "allocation_run__worksheets")
