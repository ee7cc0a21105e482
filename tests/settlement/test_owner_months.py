"""Statements of a campus month's owners: from approved runs and pools to page and file."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.forms.models import inlineformset_factory
from django.test.utils import CaptureQueriesContext

from poweroptix.accounts.models import User
from poweroptix.kernel.errors import Refused
from settlement import invariants
from settlement.admin.owners import OwnerShareFormSet
from settlement.models import MoneyPool, OwnerMonth, OwnerShare, Ownership
from settlement.services import state_owners
from tests.settlement.acts import approve, settle
from tests.settlement.pool_world import PoolWorld
from tests.settlement.world import MARCH, NOW, party

pytestmark = pytest.mark.django_db
PAGE = "/office/settlement/owners/CAP/2026-03/"


def offences():
    with connection.cursor() as cursor:
        return invariants.owners(cursor)


def shared(ownership, code, share, first=date(2026, 1, 1), end=None):
    OwnerShare.objects.create(
        ownership=ownership, party=party(code), revenue_share=share, cost_share=share,
        upside_share=share, valid=(first, end),
    )  # fmt: skip


def state(world):
    return state_owners(world.campus, MARCH, now=NOW, actor=world.analyst)


def test_a_joint_venture_from_approved_runs_to_the_statements(client):
    world = PoolWorld()
    world.enter("1000.01")
    gas = MoneyPool.objects.create(
        campus=world.campus, code="gas", name="Gas", kind="COST", key="equal_parts@1",
        parameters={"part_month": "WHOLE"},
    )  # fmt: skip
    world.enter("50000.00", pool=gas)
    runs = [settle(world, name) for name in ("alfa", "bravo")]
    with pytest.raises(Refused) as refused:
        state(world)
    assert [one.message for one in refused.value.findings] == [
        "No ownership model of CAP holds in 2026-03.",
        "2026-03 of PPA-ALFA is not approved.",
        "2026-03 of PPA-BRAVO is not approved.",
    ]
    for run in runs:
        approve(world, run)
    joint = Ownership.objects.create(
        campus=world.campus, model="JOINT_VENTURE", first_date=date(2026, 1, 1),
        operator=party("OPCO"), share_change="DAYS", evidence="JV of 2025",
        fee_basis="REVENUE", fee_ratio="0.03",
    )  # fmt: skip
    shared(joint, "DEVCO", "0.6", end=date(2026, 3, 11))
    shared(joint, "DEVCO", "0.5", date(2026, 3, 11))
    shared(joint, "FUND", "0.4")
    with pytest.raises(Refused, match="From 2026-03-11 to 2026-03-31 the shares add up to 9/10"):
        state(world)
    shared(joint, "HYPER", "0.1", date(2026, 3, 11))
    month = state(world)
    assert month.net_usd == sum(run.total_usd for run in runs) - Decimal("51000.01")
    assert sum(line.amount_usd for line in month.lines.all()) == month.net_usd
    said = {line.said for line in month.lines.filter(party__code="DEVCO")}
    assert said == {"0.6 x 10 days + 0.5 x 21 days"}
    assert offences() == []
    assert state(world) == month

    client.force_login(User.objects.get(username="ana"))
    with CaptureQueriesContext(connection) as asked:
        shown = client.get(PAGE).content.decode()
    assert len(asked) <= 30
    assert "Joint venture" in shown
    assert "Prove from the frozen inputs" in shown
    assert "Proved: " in client.post(PAGE, {"action": "prove"}, follow=True).content.decode()
    rows = client.get(f"{PAGE}?party=OPCO&export=csv").content.decode().splitlines()
    assert len(rows) == 2
    assert rows[1].startswith("CAP,2026-03,1,OPCO,FEE,Fee of the operator,")
    assert client.get(f"{PAGE}?party=NOBODY").status_code == 404
    assert client.post(PAGE, {"action": "x"}).status_code == 404
    assert "Joint venture" in client.get("/office/settlement/owners/").content.decode()

    # The same approved month under another configuration: one more version, the same lines.
    by_energy = {"model": "INTEGRATED", "share_change": "ENERGY"}
    Ownership.objects.filter(pk=joint.pk).update(fee_basis="NONE", fee_ratio=None, **by_energy)
    assert "State the month again" in client.get(PAGE).content.decode()
    moved = state(world)
    assert (moved.version, moved.net_usd) == (2, Decimal("-51000.01"))
    first, every = 101 * 4 * (24 * 10 - 1), 101 * MARCH.grid(15).count  # clock forward on the 8th
    words = f"0.6 x {first} kWh + 0.5 x {every - first} kWh"
    assert moved.lines.filter(party__code="DEVCO").first().said == words
    assert OwnerMonth.objects.get(version=1).state == "SUPERSEDED"
    assert offences() == []


def test_shares_that_are_not_one_are_not_saved():
    formset = inlineformset_factory(
        Ownership, OwnerShare, formset=OwnerShareFormSet, fields="__all__", extra=2
    )
    devco, fund = party("DEVCO").pk, party("FUND").pk
    said = {"shares-TOTAL_FORMS": "2", "shares-INITIAL_FORMS": "0"}
    for at, (who, share) in enumerate([(devco, "0.55"), (fund, "0.40")]):
        said |= {
            f"shares-{at}-party": who,
            f"shares-{at}-revenue_share": share,
            f"shares-{at}-valid_0": "2026-01-01",
        }
    rows = formset(said, instance=Ownership())
    assert not rows.is_valid()
    assert rows.non_form_errors() == [
        "Revenue shares: On 2026-01-01 the shares add up to 19/20 (DEVCO 0.55, FUND 0.40), they "
        "must add up to 1. Give 1/20 to a member on these days, or start the next member on "
        "2026-01-01."
    ]
    assert formset(said | {"shares-1-revenue_share": "0.45"}, instance=Ownership()).is_valid()
