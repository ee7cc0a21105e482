"""Sections about money of a campus: ownership models with their dated shares."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from poweroptix.audit.actor import Actor
from poweroptix.kernel.errors import Refused
from poweroptix.portfolio.changes import SAME, UPDATE, Change
from poweroptix.portfolio.rows import Section, apply_row, listed
from settlement.weighing.shares import shares_over_time
from settlement.weighing.stays import Stay

OWNERSHIPS = Section("ownerships", "settlement.Ownership", ("campus", "first_date"))
SHARES = Section("owner_shares", "settlement.OwnerShare", ("party", "valid"))
KINDS = ("revenue_share", "cost_share", "upside_share")


def apply_ownership(
    item: Mapping[str, Any], where: str, actor: Actor, _now: datetime
) -> list[Change]:
    """Apply an ownership model with its `shares`: party, shares and `valid` of each.

    Refused when a kind of shares is not one on a day on which somebody holds them.
    """
    plain = {name: value for name, value in item.items() if name != "shares"}
    ownership, change = apply_row(OWNERSHIPS, plain, where, actor)
    changed = []
    for at, share in enumerate(listed(item, "shares", where)):
        _row, made = apply_row(
            SHARES,
            share,
            f"{where}.shares[{at}]",
            actor,
            signature={"ownership": ownership},
            among=ownership.shares.all(),
        )
        if made.action != SAME:
            changed.append(made.key)
    _refuse_not_one(ownership, where)
    if changed and change.action == SAME:
        change = Change(change.section, change.key, UPDATE, {"shares": ("", ", ".join(changed))})
    return [change]


def _refuse_not_one(ownership: Any, where: str) -> None:
    rows = list(ownership.shares.select_related("party"))
    for kind in KINDS:
        stays: dict[str, tuple[Stay, ...]] = {}
        for row in rows:
            if getattr(row, kind):
                stay = Stay(row.valid.lower, row.valid.upper, getattr(row, kind))
                stays[row.party.code] = (*stays.get(row.party.code, ()), stay)
        for finding in shares_over_time(stays):
            text = f"{where}.shares, {kind}: {finding.message} {finding.fix}"
            raise Refused(finding.code, text, findings=[finding])
