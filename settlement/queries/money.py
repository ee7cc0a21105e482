"""What dividing a pool of money reads, and what contracts read of the divisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from graphlib import CycleError, TopologicalSorter
from typing import Any

from django.db import connection
from django.db.models import Prefetch, Q

from contracts.models import ContractVersion, Term
from poweroptix.kernel.canonical import canonical_json, number, sha256
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.parameters import parse
from poweroptix.kernel.period import Period
from poweroptix.kernel.series import Series
from settlement.calc.money import FORMAT
from settlement.models import (
    AllocationPart,
    AllocationRun,
    MoneyMember,
    MoneyPool,
    PoolItem,
    PoolMonth,
    PoolSale,
    PoolShare,
)
from settlement.queries.sales import SaleReading, read_sale
from settlement.sharing._base import money_key
from settlement.storage import read_parts

PARTS = {"delivered": "TOTAL", "metered": "METERED"}
BILLS = "pool_share@"


@dataclass(frozen=True)
class PoolReading:
    """The frozen document of a pool's month; the energy it names is only fetched to divide."""

    document: dict[str, Any]
    members: Mapping[str, MoneyMember]
    allocation: AllocationRun | None = None
    sale: SaleReading | None = None

    def series(self) -> dict[str, Series]:
        """Return the energy of the members whose digests stand in the document."""
        ids = [one.contract_id for code, one in self.members.items() if code in self._energy]
        codes = {one.contract_id: code for code, one in self.members.items()}
        if not ids or self.allocation is None:
            return {}
        part = PARTS[quantity_of(self.document["key"], self.document["parameters"])]
        found = read_parts(self.allocation.pk, contract_ids=ids, kinds=[part])
        return {codes[contract]: one for (contract, _kind, _pool), (one, _) in found.items()}

    @property
    def _energy(self) -> Mapping[str, str]:
        return self.document["energy"]

    @property
    def content(self) -> bytes:
        """The canonical bytes of the document."""
        return canonical_json(self.document)

    @property
    def sha256(self) -> str:
        """The digest of the document."""
        return sha256(self.content)

    @property
    def is_idle(self) -> bool:
        """Whether nothing was entered or sold, handed down, or is there to be shared."""
        named = (self.document[name] for name in ("items", "members", "above"))
        return self.sale is None and not any(named)


def pools_of(campus_id: int, period: Period) -> list[MoneyPool]:
    """Return the pools of a campus, those above before their parts, with the month's rows.

    Refused when pools are parts of each other in a circle.
    """
    members = MoneyMember.objects.filter(valid__overlap=_range(period)).select_related(
        "contract", "part_pool"
    )
    items = PoolItem.objects.filter(period=period.label, withdrawn_at__isnull=True)
    sales = PoolSale.objects.filter(first_period__lte=period.label).order_by("first_period")
    pools = MoneyPool.objects.filter(campus=campus_id).select_related("operator", "campus")
    found = {
        pool.pk: pool
        for pool in pools.prefetch_related(
            Prefetch("members", members, to_attr="present"),
            Prefetch("items", items, to_attr="entered"),
            Prefetch("sales", sales.select_related("channel", "index"), to_attr="sold"),
        )
    }
    above = {
        pk: {one.pk for one in found.values() for m in one.present if m.part_pool_id == pk}
        for pk in found
    }
    try:
        return [found[pk] for pk in TopologicalSorter(above).static_order()]
    except CycleError as error:
        names = " > ".join(found[pk].code for pk in error.args[1])
        text = f"Pools are parts of each other in a circle in {period.label}: {names}."
        raise Refused("settlement.pools_circle", text) from error


def read_pool(
    pool: MoneyPool,
    period: Period,
    allocation: AllocationRun | None,
    above: Mapping[str, Any] | None,
) -> PoolReading:
    """Return the document of a pool's month; `above` is what it may see of the pool it is in.

    Refused when a contract and a pool of the same code are both members.
    """
    targets: dict[str, MoneyMember] = {}
    spans: dict[str, list[list[Any]]] = {}
    for one in sorted(pool.present, key=lambda each: each.valid.lower):
        known = targets.setdefault(one.code, one)
        if known.contract_id != one.contract_id:
            text = f"The pool {pool.code} has a contract and a pool of the code {one.code}."
            raise Refused("settlement.pool_member_twice", text)
        spans.setdefault(one.code, []).append([one.valid.lower, one.valid.upper, one.weight])
    sale = read_sale(pool.sold[-1], period) if pool.sold else None
    document = {
        "format": FORMAT,
        "campus": pool.campus.code,
        "pool": pool.code,
        "name": pool.name,
        "kind": pool.kind,
        "key": pool.key,
        "parameters": pool.parameters,
        "period": {
            "start_utc": period.start_utc,
            "end_utc": period.end_utc,
            "zone": period.zone,
            "label": period.label,
        },
        "items": [_item(one) for one in pool.entered],
        "operator": _operator(pool),
        "members": spans,
        "energy": _energy(pool, targets, allocation),
        "above": None if above is None else dict(above),
        **({} if sale is None else {"sale": sale.entry}),
    }
    return PoolReading(document, targets, allocation, sale)


def current_months(campus_id: int, label: str) -> dict[int, PoolMonth]:
    """Return the divisions of a campus month that count, by pool."""
    rows = PoolMonth.objects.filter(pool__campus=campus_id, period=label, state="CALCULATED")
    return {row.pool_id: row for row in rows.select_related("pool", "allocation_run")}


def handed_down(months: Sequence[PoolMonth]) -> dict[int, dict[str, Any]]:
    """Return what each pool that is a part of another may see of it; Refused for two above one."""
    rows = PoolShare.objects.filter(month__in=months, part_pool__isnull=False)
    found: dict[int, dict[str, Any]] = {}
    for row in rows.select_related("part_pool"):
        if row.part_pool_id in found:
            text = f"The pool {row.part_pool.code} is a part of two pools; it can be of one."
            raise Refused("settlement.pool_above_twice", text)
        found[row.part_pool_id] = row.view
    return found


def stale_pools(
    pools: Sequence[MoneyPool],
    months: Mapping[int, PoolMonth],
    period: Period,
    allocation: AllocationRun | None,
) -> set[str]:
    """Return the codes of the pools whose division does not rest on what stands now."""
    parted = any(member.part_pool_id for pool in pools for member in pool.present)
    above = handed_down(list(months.values())) if parted else {}
    return {
        pool.code
        for pool in pools
        if pool.pk in months
        and months[pool.pk].inputs_sha256
        != read_pool(pool, period, allocation, above.get(pool.pk)).sha256
    }


def views_of_campus(campus_id: int, label: str) -> dict[tuple[int | None, str], dict[str, Any]]:
    """Return what contracts may see of the pools of a campus month, by contract and pool code.

    The entry of None is for who is no member: the totals, no weight and no share.
    """
    found: dict[tuple[int | None, str], dict[str, Any]] = {}
    months = PoolMonth.objects.filter(pool__campus=campus_id, period=label, state="CALCULATED")
    for month in months.select_related("pool").defer("inputs"):
        found[None, month.pool.code] = month.head
    shares = PoolShare.objects.filter(month__in=months, contract__isnull=False)
    for share in shares.select_related("month__pool").defer("month__inputs"):
        found[share.contract_id, share.month.pool.code] = share.view
    return found


def billed_by(contract_ids: Sequence[int], period: Period) -> dict[tuple[int, str], int]:
    """Return how many terms bill a pool's month, by contract and pool code.

    The version of a contract's last day in force in the period bills it.
    """
    last = (
        ContractVersion.objects.filter(
            contract__in=contract_ids, state="ACTIVE", valid__overlap=_range(period)
        )
        .order_by("contract_id", "-valid")
        .distinct("contract_id")
        .values("pk")
    )
    rows = Term.objects.filter(charge_type__startswith=BILLS, version__in=last)
    found: dict[tuple[int, str], int] = {}
    for key in rows.values_list("version__contract", "parameters__pool"):
        found[key] = found.get(key, 0) + 1
    return found


def entered_by(campus_id: int, label: str, codes: Sequence[str], actor: str) -> bool:
    """Say whether a person entered or withdrew an amount of these pools' month."""
    rows = PoolItem.objects.filter(pool__campus=campus_id, pool__code__in=codes, period=label)
    return rows.filter(Q(created_by=actor) | Q(withdrawn_by=actor)).exists()


#: Approved runs whose frozen share of a pool is another than the one that counts now.
OTHERWISE = """
SELECT DISTINCT s.id, s.contract_id
  FROM settlement_settlementrun s
  JOIN contracts_contract c ON c.id = s.contract_id
  JOIN settlement_moneypool p ON p.campus_id = c.campus_id
  JOIN settlement_poolmonth m
    ON m.pool_id = p.id AND m.period = s.period AND m.state = 'CALCULATED'
  LEFT JOIN settlement_poolshare h ON h.month_id = m.id AND h.contract_id = s.contract_id
 CROSS JOIN LATERAL (SELECT (convert_from(s.inputs, 'UTF8')::jsonb
                     #>> ARRAY['pools', p.code, 'share_usd'])::numeric AS share_usd) b
 WHERE s.state IN ('APPROVED', 'LOCKED', 'INVOICED')
   AND coalesce(b.share_usd, 0) IS DISTINCT FROM
       CASE WHEN h.id IS NULL THEN 0 ELSE h.amount_usd END
"""


def billed_otherwise(
    campus_id: int, label: str, codes: Sequence[str] | None = None
) -> dict[int, int]:
    """Return approved runs of a campus month that bill other shares of pools: run to contract.

    `codes` names the pools that are looked at; all of the campus without them.
    """
    if codes is not None and not codes:
        return {}
    pools = " AND p.code = ANY(%s)" if codes is not None else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"{OTHERWISE} AND c.campus_id = %s AND s.period = %s{pools}",
            [campus_id, label, *([list(codes)] if codes is not None else [])],
        )
        return dict(cursor.fetchall())


def quantity_of(key: str, parameters: Mapping[str, Any]) -> str:
    """Return the name of the quantity that a money key reads; empty when it reads none."""
    kind = money_key(key)
    return kind.quantity(parse(kind.Parameters, parameters))


def _energy(
    pool: MoneyPool, members: Mapping[str, MoneyMember], allocation: AllocationRun | None
) -> dict[str, str]:
    """Return the digests of the energy of the member contracts where the key reads it."""
    quantity = quantity_of(pool.key, pool.parameters)
    codes = {one.contract_id: code for code, one in members.items() if one.contract_id}
    if not quantity or allocation is None or not codes:
        return {}
    rows = AllocationPart.objects.filter(
        run=allocation.pk, contract__in=list(codes), kind=PARTS[quantity]
    )
    digests = rows.order_by("contract_id").values_list("contract_id", "digest")
    return {codes[contract]: digest for contract, digest in digests}


def _operator(pool: MoneyPool) -> dict[str, Any] | None:
    if pool.operator is None:
        return None
    return {"party": pool.operator.code, "cut_ratio": number(pool.operator_cut_ratio)}


def _item(row: PoolItem) -> dict[str, Any]:
    return {
        "id": row.pk,
        "label": row.label,
        "quantity": row.quantity,
        "unit": row.unit,
        "rate": row.rate,
        "amount_usd": row.exact_usd,
        "source": row.source,
        "evidence": row.evidence,
    }


def _range(period: Period) -> tuple[date, date]:
    return (period.first_date, period.last_date + timedelta(days=1))
