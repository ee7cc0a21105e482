"""Pools of money: enter and withdraw what a month cost, and divide it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from meters.models import Campus
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.kernel.canonical import canonical_json
from poweroptix.kernel.errors import Conflict, Refused
from poweroptix.kernel.fixed import EXACT
from poweroptix.kernel.period import Period
from poweroptix.kernel.series import Series
from settlement.calc.money import Division, divide, head, period_of, views
from settlement.models import AllocationRun, MoneyPool, PoolItem, PoolMonth, PoolShare
from settlement.queries.money import (
    PARTS,
    PoolReading,
    current_months,
    handed_down,
    pools_of,
    quantity_of,
    read_pool,
)
from settlement.queries.sales import read_sale_again
from settlement.services.allocation import current_allocation
from settlement.storage import read_parts

MOST_USD = Decimal(10) ** 12
#: Writes a pool's month in the place of the one before.
Writer = Callable[[MoneyPool, PoolReading, PoolMonth | None], PoolMonth]


@dataclass(frozen=True)
class Entry:
    """What a person enters: an amount, or quantity x price in cents and parts of a cent."""

    label: str
    source: str
    evidence: str
    amount_usd: Decimal | None = None
    quantity: Decimal | None = None
    unit: str = ""
    rate: Decimal | None = None

    def exact_usd(self) -> Decimal:
        """Return the exact amount; Refused unless one of both ways is filled in."""
        for name in ("label", "source", "evidence"):
            if not getattr(self, name).strip():
                text = f"Say the {name}: an amount without it cannot be traced."
                raise Refused("settlement.item_untold", text)
        product = self.quantity is not None and self.rate is not None
        if product == (self.amount_usd is not None) or (self.quantity is None) != (
            self.rate is None
        ):
            text = "Enter an amount, or a quantity with its price; one of both."
            raise Refused("settlement.item_amount", text)
        if self.quantity is not None and not self.unit.strip():
            text = f"Say the unit of the quantity {self.quantity:f}, for example MWh."
            raise Refused("settlement.item_unit", text)
        for number, places, said in (
            (self.amount_usd, 8, "an amount"),
            (self.quantity, 6, "a quantity"),
            (self.rate, 8, "a price"),
        ):
            _check_size(number, places, said)
        exact = EXACT.multiply(self.quantity, self.rate) if product else self.amount_usd
        if abs(exact) >= MOST_USD:
            raise Refused("settlement.item_range", f"{exact} is more than a month can cost.")
        return exact


def _check_size(number: Decimal | None, places: int, said: str) -> None:
    """Refuse a number with more digits than its column has."""
    if number is None:
        return
    if -number.as_tuple().exponent > places:
        text = f"{number} has too many decimals: {said} has at most {places}."
        raise Refused("settlement.item_places", text)
    if abs(number) >= MOST_USD:
        raise Refused("settlement.item_range", f"{number} is too large for {said}.")


def enter_item(
    pool: MoneyPool, period: Period, entry: Entry, *, now: datetime, actor: Actor
) -> PoolItem:
    """Add an amount to a pool's month and divide the campus month anew.

    Refused for a pool whose amount comes from another pool, for a month in which none of its
    members takes part, and for an entry without source.
    """
    require(actor, "settlement.edit")
    exact = entry.exact_usd()
    with transaction.atomic():
        _refuse_given(pool, period)
        _refuse_outside(pool, period)
        item = PoolItem.objects.create(
            pool=pool,
            period=period.label,
            label=entry.label.strip(),
            quantity=entry.quantity,
            unit=entry.unit.strip(),
            rate=entry.rate,
            exact_usd=exact,
            source=entry.source.strip(),
            evidence=entry.evidence.strip(),
            created_by=str(actor),
            created_at=now,
        )
        after = {"pool": str(pool), "period": period.label, "exact_usd": exact}
        record("settlement.enter_item", item, actor=actor, after=after)
        divide_month(pool.campus, period, now=now, actor=actor)
    return item


def _refuse_given(pool: MoneyPool, period: Period) -> None:
    """Refuse an amount for a pool that gets it from the pool above, or from what it sells."""
    for one in pools_of(pool.campus_id, period):
        if any(member.part_pool_id == pool.pk for member in one.present):
            text = f"The pool {pool.code} gets its amount from the pool it is a part of."
            raise Refused("settlement.pool_is_part", text)
        if one.pk == pool.pk and one.sold:
            text = (
                f"The amount of {pool.code} is computed: {one.sold[-1]}. Enter what else was paid "
                "or received for a pool of its own."
            )
            raise Refused("settlement.pool_sells", text)


def _refuse_outside(pool: MoneyPool, period: Period) -> None:
    """Refuse an amount of a month that no member bears; a pool that never has members keeps it."""
    spans = [one.valid for one in pool.members.all()]
    days = (period.first_date, period.last_date)
    if not spans or any(
        one.lower <= days[1] and (one.upper is None or days[0] < one.upper) for one in spans
    ):
        return
    later = [one.lower for one in spans if one.lower > days[1]]
    ended = [one.upper for one in spans if one.upper is not None and one.upper <= days[0]]
    told = [f"the next begins on {min(later)}"] if later else []
    told += [f"the last took part until {max(ended) - timedelta(days=1)}"] if ended else []
    text = (
        f"The pool {pool.code} has no member in {period.label}: {', '.join(told)}. Enter the "
        "amount for a month with members, or let the members begin earlier."
    )
    raise Refused("settlement.pool_no_member", text)


def withdraw_item(item: PoolItem, *, reason: str, now: datetime, actor: Actor) -> PoolItem:
    """Take an amount out of its month, with a reason; it stays readable. Conflict when gone."""
    require(actor, "settlement.edit")
    if not reason.strip():
        raise Refused("settlement.reason", "Say why the amount is withdrawn.")
    with transaction.atomic():
        item = PoolItem.objects.select_for_update(of=("self",)).select_related("pool__campus").get(
            pk=item.pk
        )  # fmt: skip
        if item.withdrawn_at is not None:
            who = item.withdrawn_by.partition(":")[2]
            raise Conflict("settlement.item_gone", f"{who} withdrew this amount already.")
        item.withdrawn_by, item.withdrawn_at = str(actor), now
        item.withdrawn_reason = reason.strip()
        item.save(update_fields=["withdrawn_by", "withdrawn_at", "withdrawn_reason"])
        record("settlement.withdraw_item", item, actor=actor, reason=reason)
        period = Period.month(item.pool.campus.zone, item.period)
        divide_month(item.pool.campus, period, now=now, actor=actor)
    return item


def divide_month(
    campus: Campus,
    period: Period,
    *,
    now: datetime,
    actor: Actor,
    allocation: AllocationRun | None = None,
) -> list[PoolMonth]:
    """Divide every pool of a campus month, from above downwards; what is the same stays.

    A pool whose energy or amount is missing is written with findings and without shares. The
    database refuses a month whose shares are not its amount.
    """
    if allocation is None:
        allocation = current_allocation(campus, period.label)
    standing = _divided(campus.pk, period, allocation, None)
    if standing is not None:
        return standing
    with transaction.atomic():
        _wait_for(f"divide:{campus.pk}/{period.label}")
        return (
            _divided(
                campus.pk,
                period,
                allocation,
                lambda pool, reading, before: _write(pool, period, reading, before, now, actor),
            )
            or []
        )


def _divided(
    campus_id: int, period: Period, allocation: AllocationRun | None, write: Writer | None
) -> list[PoolMonth] | None:
    """Return the divisions of a month, written where they differ; None where nobody may write.

    Most calls find everything as it stands, and take no lock.
    """
    pools = pools_of(campus_id, period)
    current = current_months(campus_id, period.label) if pools else {}
    done: list[PoolMonth] = []
    above: dict[int, dict[str, Any]] = {}
    for pool in pools:
        reading = read_pool(pool, period, allocation, above.get(pool.pk))
        before = current.get(pool.pk)
        if before is not None and before.inputs_sha256 == reading.sha256:
            done.append(before)
        elif before is not None or not reading.is_idle:
            if write is None:
                return None
            done.append(write(pool, reading, before))
        if any(member.part_pool_id for member in pool.present):
            above = handed_down(done)
    return done


def divided_again(month: PoolMonth) -> Division:
    """Return the division that the frozen document of a month gives; for proving it."""
    document = json.loads(bytes(month.inputs))
    series: dict[str, Series] = {}
    if document["energy"] and month.allocation_run_id:
        rows = month.shares.filter(contract__isnull=False).select_related("contract")
        ids = {row.contract_id: row.contract.code for row in rows}
        part = PARTS[quantity_of(document["key"], document["parameters"])]
        parts = read_parts(month.allocation_run_id, contract_ids=list(ids), kinds=[part])
        series = {ids[contract]: one for (contract, _kind, _pool), (one, _) in parts.items()}
    if {code: one.digest() for code, one in series.items()} != document["energy"]:
        raise Conflict("settlement.pool_energy", f"{month}: the energy has other digests now.")
    if "sale" not in document:
        return divide(document, series)
    sale = read_sale_again(document["sale"], month.pins, period_of(document)).worksheet()
    if _plain(sale.to_json()) != month.worksheet:
        raise Conflict("settlement.pool_sale", f"{month}: the worksheet of the sale differs now.")
    return divide(document, series, sale)


def _wait_for(name: str) -> None:
    """Take an advisory lock to the end of the transaction; wait for whoever has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def _write(
    pool: MoneyPool,
    period: Period,
    reading: PoolReading,
    before: PoolMonth | None,
    now: datetime,
    actor: Actor,
) -> PoolMonth:
    last = PoolMonth.objects.filter(pool=pool, period=period.label).order_by("version").last()
    version = 1 if last is None else last.version + 1
    document = {**reading.document, "version": version}
    sale = None if reading.sale is None else reading.sale.worksheet()
    division = divide(document, reading.series(), sale)
    if before is not None:
        PoolMonth.objects.filter(pk=before.pk).update(state="SUPERSEDED")
    month = PoolMonth.objects.create(
        pool=pool,
        period=period.label,
        version=version,
        allocation_run=reading.allocation if reading.document["energy"] else None,
        amount_usd=division.amount_usd,
        operator_usd=division.operator_usd,
        inputs=reading.content,
        inputs_sha256=reading.sha256,
        head=_plain(head(document, division)),
        findings=[finding.to_json() for finding in division.findings],
        worksheet={} if sale is None else _plain(sale.to_json()),
        pins={} if reading.sale is None else reading.sale.pins,
        created_by=str(actor),
        created_at=now,
    )
    shown = views(document, division)
    PoolShare.objects.bulk_create(
        PoolShare(
            month=month,
            contract=reading.members[share.member].contract,
            part_pool=reading.members[share.member].part_pool,
            tenant_id=_tenant(reading, share.member),
            amount_usd=share.amount_usd,
            view=_plain(shown[share.member]),
        )
        for share in division.shares
    )
    PoolMonth.objects.filter(pk=month.pk).update(state="CALCULATED")
    month.state = "CALCULATED"
    after = {"version": version, "amount_usd": division.amount_usd}
    record("settlement.divide", month, actor=actor, after=after)
    return month


def _tenant(reading: PoolReading, member: str) -> int | None:
    contract = reading.members[member].contract
    return None if contract is None else contract.tenant_id


def _plain(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document as JSON has it: numbers and days as text."""
    return json.loads(canonical_json(document))
