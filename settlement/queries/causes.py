"""The causes of the differences between two stored runs of a contract month."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from poweroptix.kernel.period import Period
from poweroptix.kernel.series import Series
from settlement.calc.campus import allocate_campus
from settlement.calc.causes import CausedDelta, amounts_of, causes_between
from settlement.calc.inputs import Inputs, from_bytes
from settlement.calc.plan import campus_inputs
from settlement.models import AllocationRun, Line, SettlementRun
from settlement.queries.campus import pinned
from settlement.queries.resolver import StoredResolver
from settlement.queries.shelf import QUANTITIES

#: What of an allocation's document is a rule; the rest is readings.
RULES = ("claims", "pools", "loss_ratios")


def causes_of_runs(before_id: int, after_id: int) -> list[CausedDelta]:
    """Return why the lines of two runs of one contract month differ.

    Both are settled again from what they pinned, so nothing that happened since has a say; runs do
    not change, so the answer is kept. Refused when the runs are not of one contract and period.
    """
    rows = SettlementRun.objects.filter(pk__in=[before_id, after_id])
    digests = dict(rows.values_list("pk", "inputs_sha256"))
    return list(_causes(before_id, digests[before_id], after_id, digests[after_id]))


@lru_cache(maxsize=256)
def _causes(before_id: int, _before: str, after_id: int, _after: str) -> tuple[CausedDelta, ...]:
    rows = SettlementRun.objects.select_related("contract", "allocation_run")
    light = rows.defer("allocation_run__inputs", "allocation_run__worksheets", "findings")
    runs = light.in_bulk([before_id, after_id])
    before, after = runs[before_id], runs[after_id]
    return tuple(
        causes_between(
            stored_inputs(before),
            stored_inputs(after),
            same_key=_same_key(before, after),
            printed=(_printed(before), _printed(after)),
        )
    )


def stored_inputs(run: SettlementRun) -> Inputs:
    """Return the inputs that a run froze, with the quantities and prices that it pinned."""
    period = Period(run.start_utc, run.end_utc, run.contract.zone, run.period)
    return from_bytes(bytes(run.inputs), StoredResolver(period))


def _printed(run: SettlementRun) -> dict[Any, Any]:
    rows = Line.objects.filter(run=run).order_by("position")
    return amounts_of(
        rows.only("line_code", "label", "first_date", "corrects_period", "amount_usd")
    )


def _same_key(before: SettlementRun, after: SettlementRun) -> Mapping[str, Series] | None:
    """Return the contract's energy had the newer readings been split by the older rules.

    None where the rules are the same, or where a run has no allocation. A point that only the
    older rules know has no newer readings; then the rules cannot be told from the readings either.
    """
    splits = [run.allocation_run for run in (before, after)]
    if None in splits or splits[0].pk == splits[1].pk:
        return None
    parts = _split_otherwise(*((one.pk, one.inputs_sha256) for one in splits))
    if parts is None:
        return None
    names = {kind: name for name, kind in QUANTITIES.items()}
    code = before.contract.code
    return {names[kind]: one for (kind, contract), one in parts.items() if contract == code}


@lru_cache(maxsize=2)
def _split_otherwise(
    before: tuple[int, str], after: tuple[int, str]
) -> dict[tuple[str, str], Series] | None:
    """Split the readings of a newer allocation by the rules of an older one, for all contracts.

    Returns the quantities by kind and contract, None where the rules are alike. Kept, because all
    contracts of a month ask the same.
    """
    rows = AllocationRun.objects.filter(pk__in=[before[0], after[0]])
    found = dict(rows.values_list("pk", "inputs"))
    old, new = (json.loads(bytes(found[pk])) for pk, _sha256 in (before, after))
    points = {one["code"] for one in new["points"]}
    if all(old[name] == new[name] for name in RULES) or not _named_points(old) <= points:
        return None
    document = {**new, **{name: old[name] for name in RULES}}
    outcome = allocate_campus(campus_inputs(document, pinned(document)))
    return {
        (part.kind, part.contract): part.series
        for part in outcome.parts
        if part.contract and part.kind in QUANTITIES.values()
    }


def _named_points(document: Mapping[str, Any]) -> set[str]:
    claimed = {claim[1] for claim in document["claims"]}
    return claimed | {code for pool in document["pools"] for code in pool["points"]}
