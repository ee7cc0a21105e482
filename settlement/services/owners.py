"""State what a campus month earned and cost its owners."""

from __future__ import annotations

import json
from datetime import datetime

from django.db import transaction

from contracts.models import Party
from meters.models import Campus
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.kernel.canonical import canonical_json, number, sha256
from poweroptix.kernel.errors import Conflict
from poweroptix.kernel.period import Period
from settlement.calc.owners import Statements, expected_net, statements
from settlement.models import OwnerLine, OwnerMonth
from settlement.queries.owners import read_owners
from settlement.services.allocation import lock


def state_owners(campus: Campus, period: Period, *, now: datetime, actor: Actor) -> OwnerMonth:
    """Write the statements of all parties; the same inputs give the version that exists.

    Refused with findings while a contract is not approved, a pool is open or shares are not one on
    some day; Conflict if the statements did not add up to what came in from outside.
    """
    require(actor, "settlement.run")
    with transaction.atomic():
        text = f"The statements of {campus.code} {period.label} are being written."
        lock(f"owners:{campus.pk}/{period.label}", text)
        content = canonical_json(read_owners(campus, period))
        digest = sha256(content)
        rows = OwnerMonth.objects.filter(campus=campus, period=period.label)
        last = rows.order_by("version").last()
        if last is not None and last.inputs_sha256 == digest and last.state == "CALCULATED":
            return last
        document = json.loads(content)
        found = statements(document)
        if found.net_usd != expected_net(document):
            text = (
                f"The statements add up to {found.net_usd}, lines and pools to "
                f"{expected_net(document)}."
            )
            raise Conflict("owners.differs", text)
        rows.filter(state="CALCULATED").update(state="SUPERSEDED")
        month = OwnerMonth.objects.create(
            campus=campus,
            period=period.label,
            version=1 if last is None else last.version + 1,
            net_usd=found.net_usd,
            inputs=content,
            inputs_sha256=digest,
            created_by=str(actor),
            created_at=now,
        )
        _write_lines(month, found)
        rows.filter(pk=month.pk).update(state="CALCULATED")
        month.state = "CALCULATED"
        after = {"version": month.version, "net_usd": month.net_usd}
        record("settlement.state_owners", month, actor=actor, after=after)
    return month


def stated_again(month: OwnerMonth) -> Statements:
    """Return the statements that a month's frozen document gives."""
    return statements(json.loads(bytes(month.inputs)))


def _write_lines(month: OwnerMonth, found: Statements) -> None:
    parties = {one.code: one for one in Party.objects.filter(code__in=found.parties)}
    OwnerLine.objects.bulk_create(
        OwnerLine(
            month=month,
            position=at,
            party=parties[line.party],
            kind=line.kind,
            label=line.label,
            base_usd=line.base_usd,
            weight="" if line.weight is None else number(line.weight),
            weights="" if line.weights is None else number(line.weights),
            said=line.said,
            amount_usd=line.amount_usd,
        )
        for at, line in enumerate(found.lines, 1)
    )
