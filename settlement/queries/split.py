"""Who got which energy in a campus month, and from which source, as one table.

The columns of a contract add up to what it is delivered; a source adds up, over contracts and the
operator's rest, to what it gave. Intervals are not read, only the totals of the parts.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from meters.models import Campus
from settlement.models import AllocationPart, AllocationRun

OWN = {"METERED": "Own meters", "SHARED": "Shared points", "LOSS": "Losses"}
CURRENT = ("CALCULATED", "APPROVED")
#: Figures of a pool's worksheet that stand in its row or in the table of contracts.
IN_THE_TABLE = ("use of ", "part of ", "shared quantity", "left over")
MOST_FIGURES = 60


@dataclass(frozen=True)
class Share:
    """What one contract got: a figure per column, and all of it; None is not known."""

    code: str
    name: str
    cells: tuple[Decimal | None, ...]
    total_kwh: Decimal | None


@dataclass(frozen=True)
class PoolSplit:
    """What a pool shared: its rule, the whole, what members got, what stayed with the operator."""

    code: str
    title: str
    whole_kwh: Decimal | None
    given_kwh: Decimal | None
    rest_kwh: Decimal | None
    is_battery: bool
    figures: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Split:
    """The table of a month; `by_source` says whether its columns are sources or parts."""

    run: AllocationRun
    by_source: bool
    columns: tuple[str, ...]
    shares: tuple[Share, ...]
    pools: tuple[PoolSplit, ...]

    def sums(self) -> tuple[Decimal | None, ...]:
        """Return the sum of every column over the contracts, and of all of it."""
        rows = [(*share.cells, share.total_kwh) for share in self.shares]
        return tuple(_sum(list(column)) for column in zip(*rows, strict=True))


def month_split(campus: Campus, label: str) -> Split | None:
    """Return the split of a month that counts, in three queries; None before it is allocated."""
    run = AllocationRun.objects.filter(campus=campus, period=label, state__in=CURRENT).first()
    if run is None:
        return None
    document = json.loads(bytes(run.inputs))
    sources = {one["code"]: one for one in document.get("sources", ())}
    order = tuple(sorted(sources, key=lambda code: (sources[code]["merit"], code)))
    rows = list(
        AllocationPart.objects.filter(run=run)
        .order_by("contract__code", "kind", "pool_code")
        .values_list("kind", "pool_code", "contract__code", "contract__name", "total_kwh")
    )
    columns = order or tuple(OWN.values())
    batteries = {code for code, one in sources.items() if "storage" in one}
    pools = _pools(run, rows, [*order, *sorted(set(run.worksheets) - set(order))], batteries)
    return Split(run, bool(order), columns, _shares(rows, order), pools)


def sources_of(run_id: int, contract_id: int) -> list[tuple[str, Decimal | None]]:
    """Return what a contract got of each source by code; empty where none is told apart."""
    rows = AllocationPart.objects.filter(run=run_id, contract=contract_id, kind="SOURCE")
    return list(rows.order_by("pool_code").values_list("pool_code", "total_kwh"))


def _shares(rows: Sequence[tuple], order: Sequence[str]) -> tuple[Share, ...]:
    found: dict[str, dict[str, list[Decimal | None]]] = {}
    names: dict[str, str] = {}
    for kind, pool, code, name, kwh in rows:
        if code is None:
            continue
        names[code] = name
        column = pool if kind == "SOURCE" else kind
        found.setdefault(code, {}).setdefault(column, []).append(kwh)
    wanted = order or tuple(OWN)
    return tuple(
        Share(
            code,
            names[code],
            tuple(_sum(parts.get(column, [])) for column in wanted),
            _sum(parts.get("TOTAL", [])),
        )
        for code, parts in found.items()
    )


def _pools(
    run: AllocationRun, rows: Sequence[tuple], order: Sequence[str], batteries: Collection[str]
) -> tuple[PoolSplit, ...]:
    found: dict[str, dict[str, list[Decimal | None]]] = {}
    for kind, pool, _code, _name, kwh in rows:
        side = kind if kind in ("WHOLE", "OPERATOR") else "GIVEN"
        found.setdefault(pool, {}).setdefault(side, []).append(kwh)
    return tuple(
        PoolSplit(
            code,
            run.worksheets[code]["title"],
            _sum(found.get(code, {}).get("WHOLE", [])),
            _sum(found.get(code, {}).get("GIVEN", [])),
            _sum(found.get(code, {}).get("OPERATOR", [])),
            code in batteries,
            tuple(
                figure
                for figure in run.worksheets[code]["figures"]
                if not figure["name"].startswith(IN_THE_TABLE)
            )[:MOST_FIGURES],
        )
        for code in order
        if code in run.worksheets
    )


def _sum(numbers: Sequence[Decimal | None]) -> Decimal | None:
    """Return the sum; not known when one of them is not."""
    known = [number for number in numbers if number is not None]
    return sum(known, Decimal(0)) if len(known) == len(numbers) else None
