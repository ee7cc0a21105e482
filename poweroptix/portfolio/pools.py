"""Pools of energy in a document: their members by days, and the points that they share."""

from collections.abc import Mapping
from typing import Any

from contracts.models import Contract
from poweroptix.audit.actor import Actor
from poweroptix.portfolio.changes import SAME, UPDATE, Change
from poweroptix.portfolio.rows import Section, apply_row, find, known_fields, listed, required
from poweroptix.portfolio.values import as_text, day_of
from settlement.models import Pool, PoolMember

POOLS = Section("pools", "settlement.Pool", ("campus", "code"))


def apply_pool(item: Mapping, where: str, actor: Actor) -> list[Change]:
    """Apply a pool with its `members` and `points`.

    A member is the code of a contract that takes part from `first_date` on, or a block of
    `contract`, `first_date` and, where it left, `end_date`.
    """
    extra = {"members", "points", "first_date"}
    plain = {k: v for k, v in item.items() if k not in extra}
    plain |= {name: as_text(plain[name]) for name in ("parameters", "storage") if name in plain}
    pool, change = apply_row(POOLS, plain, where, actor)
    added = _members(pool, item, where) + _points(pool, item, where)
    if added and change.action == SAME:
        change = Change(change.section, change.key, UPDATE, {"members": ("", ", ".join(added))})
    return [change]


def _members(pool: Pool, item: Mapping, where: str) -> list[str]:
    return [
        code
        for at, member in enumerate(listed(item, "members", where))
        if (code := _member(pool, member, item, f"{where}.members[{at}]"))
    ]


def _member(pool: Pool, member: Any, item: Mapping, where: str) -> str:
    """Add or end a member; return its code where something changed, else nothing."""
    if not isinstance(member, Mapping):
        contract = find(Contract, member, item, where)
        first = day_of(item.get("first_date") or "", where)
        defaults = {"first_date": first}
        _row, new = PoolMember.objects.get_or_create(
            pool=pool, contract=contract, defaults=defaults
        )
        return contract.code if new else ""
    known_fields(member, {"contract", "first_date", "end_date"}, where)
    code, said = required(member, where, "contract", "first_date")
    contract = find(Contract, code, item, f"{where}.contract")
    end = member.get("end_date")
    row, new = PoolMember.objects.get_or_create(
        pool=pool,
        contract=contract,
        first_date=day_of(said, f"{where}.first_date"),
        defaults={"end_date": day_of(end, f"{where}.end_date") if end else None},
    )
    if new or not end or row.end_date == day_of(end, f"{where}.end_date"):
        return contract.code if new else ""
    row.end_date = day_of(end, f"{where}.end_date")
    row.save(update_fields=["end_date"])
    return contract.code


def _points(pool: Pool, item: Mapping, where: str) -> list[str]:
    model = Pool._meta.get_field("points").related_model
    codes = listed(item, "points", where)
    wanted = [find(model, code, item, f"{where}.points") for code in codes]
    known = set(pool.points.values_list("pk", flat=True))
    pool.points.add(*wanted)
    return [point.code for point in wanted if point.pk not in known]
