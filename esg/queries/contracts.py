"""What an allocation gave each contract, as carbon accounting reads it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from esg.calc.inputs import ContractShare
from esg.models import CarbonPolicy
from poweroptix.kernel.errors import Conflict
from poweroptix.kernel.series import Series
from settlement.models import AllocationRun
from settlement.storage import read_parts


@dataclass(frozen=True)
class _Parts:
    """What an allocation gave a contract: delivered, of that with carbon, and by its own meters."""

    settled: Series
    pooled: Series
    metered: Series | None


def contract_digests(allocation: AllocationRun, loss_carbon: str) -> list[dict[str, Any]]:
    """Return each contract with the digests of what it took, as a frozen document keeps it."""
    rows = _part_series(allocation, loss_carbon)
    codes = dict(allocation.campus.contracts.values_list("pk", "code"))
    return [
        {
            "code": codes[pk],
            "contract": pk,
            **digests,
        }
        for pk, digests in ((pk, _digests(rows[pk])) for pk in sorted(rows))
    ]


def _digests(row: _Parts) -> dict[str, str | None]:
    """Return the digests of what a contract took."""
    metered = None if row.metered is None else row.metered.digest()
    return {"settled": row.settled.digest(), "pooled": row.pooled.digest(), "metered": metered}


def contract_shares(
    allocation: AllocationRun, document: Mapping[str, Any]
) -> tuple[ContractShare, ...]:
    """Return what each contract of a frozen document took. Conflict when it differs by now."""
    rows = _part_series(allocation, document["policy"]["loss_carbon"])
    shares = []
    for entry in document["contracts"]:
        row = rows[entry["contract"]]
        if _digests(row) != {name: entry[name] for name in ("settled", "pooled", "metered")}:
            raise Conflict(
                "esg.part_differs", f"The energy of {entry['code']} is not what was read."
            )
        shares.append(ContractShare(entry["code"], row.settled, row.pooled, row.metered))
    return tuple(shares)


def _part_series(allocation: AllocationRun, loss_carbon: str) -> dict[int, _Parts]:
    """Return what each contract took; losses are left out when the operator keeps their carbon."""
    parts = read_parts(allocation.pk, kinds=("TOTAL", "LOSS", "METERED"))
    own = {pk: series for (pk, kind, _), (series, _) in parts.items() if kind == "METERED"}
    found = {
        pk: _Parts(series, series, own.get(pk))
        for (pk, kind, _), (series, _) in parts.items()
        if kind == "TOTAL"
    }
    if loss_carbon == CarbonPolicy.LossCarbon.OPERATOR:
        for (pk, kind, _), (series, _) in parts.items():
            if kind == "LOSS" and pk in found:
                pooled = found[pk].pooled
                minutes = max(pooled.grid.minutes, series.grid.minutes)
                pooled = pooled.to_minutes(minutes).subtract(series.to_minutes(minutes))
                found[pk] = replace(found[pk], pooled=pooled)
    return found
