"""Pools of money on a campus: entered, divided, billed, approved, corrected; a tenant's view."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from contracts.services import desk_check
from poweroptix.db.scope import portal_scope
from poweroptix.kernel.errors import Conflict, Refused
from poweroptix.kernel.period import Period
from settlement import invariants
from settlement.models import MoneyMember, MoneyPool, PoolMonth, PoolShare
from settlement.services import Entry, approve_together, enter_item, withdraw_item
from settlement.services.money import divided_again
from tests.settlement.acts import approve, force, settle
from tests.settlement.pool_world import PoolWorld
from tests.settlement.world import FIRST_DAY, MARCH, NOW

pytestmark = pytest.mark.django_db


def shares(pool="insurance"):
    rows = PoolShare.objects.filter(month__pool__code=pool, month__state="CALCULATED")
    return {str(row): row.amount_usd for row in rows.select_related("contract", "part_pool")}


def alfa_version(world):
    return world.alfa.versions.get()


def offences(check):
    with connection.cursor() as cursor:
        return check(cursor)


def fixed(run):
    return run.lines.get(line_code=40)


def test_a_month_from_invoice_to_approval_and_correction():
    world = PoolWorld()
    run = settle(world)
    assert (run.total_usd, fixed(run).amount_usd) == (None, None)
    with pytest.raises(Refused, match="lines without an amount"):
        approve(world, run)

    item = world.enter("1000.01")
    assert shares() == {"PPA-ALFA": Decimal("600.01"), "PPA-BRAVO": Decimal("400.00")}
    alfa, bravo = settle(world), settle(world, "bravo")
    assert [fixed(one).amount_usd for one in (alfa, bravo)] == list(shares().values())
    own = fixed(alfa).worksheet["rows"][0]["rate"]["inputs"][0]["inputs"]
    assert own[0]["inputs"][0]["source"]["label"] == (
        "Insurance of the plant, 2026-03 version 2: amount of the month"
    )
    approve(world, alfa)
    approve(world, bravo)
    assert offences(invariants.pool_billed) == []

    # The insurer corrects its invoice: both are billed anew, and only together.
    withdraw_item(item, reason="Corrected invoice.", now=NOW, actor=world.clerk)
    world.enter("1300.00")
    again = [settle(world, name, kind="TRUE_UP") for name in ("alfa", "bravo")]
    with pytest.raises(Refused, match="with other shares of pools of money of 2026-03"):
        approve(world, again[0])
    approve_together(again[0], actor=world.approver, now=NOW)
    assert [fixed(one).amount_usd for one in again] == [Decimal("780.00"), Decimal("520.00")]
    assert offences(invariants.pool_billed) == []
    assert offences(invariants.pool_months) == []
    month = PoolMonth.objects.get(state="CALCULATED")
    assert divided_again(month).amount_usd == Decimal("1300.00")
    force("UPDATE settlement_line SET amount_usd = amount_usd + 1 WHERE line_code = 40")
    assert offences(invariants.pool_billed) != []
    force("UPDATE settlement_line SET amount_usd = amount_usd - 1 WHERE line_code = 40")


def test_a_month_that_does_not_close_cannot_be_approved():
    world = PoolWorld(bravo_pays=False)
    world.enter("1000.00")
    alfa = settle(world)
    with pytest.raises(Refused) as refused:
        approve(world, alfa)
    [finding] = refused.value.findings
    assert finding.message == (
        "PPA-BRAVO takes part in the pool insurance and no term bills it in 2026-03."
    )
    assert finding.data["params"]["pool"] == "insurance"

    # The database itself refuses shares that are not the amount.
    month = PoolMonth.objects.get(state="CALCULATED")
    wrong = {
        field.name: getattr(month, field.name)
        for field in PoolMonth._meta.concrete_fields
        if field.name not in ("id", "version", "state")
    }
    with pytest.raises(IntegrityError, match="the shares of 1"):
        _write_short(month, wrong, world.alfa)
    with pytest.raises(Refused, match="one of both"):
        enter_item(world.pool, MARCH, Entry("x", "y", "z"), now=NOW, actor=world.clerk)
    MoneyMember.objects.filter(pool=world.pool).update(valid=(date(2026, 2, 1), date(2026, 5, 1)))
    for outside, told in (
        ("2026-01", "has no member in 2026-01: the next begins on 2026-02-01"),
        ("2026-05", "has no member in 2026-05: the last took part until 2026-04-30"),
    ):
        with pytest.raises(Refused, match=told):
            world.enter("1.00", period=Period.month(world.campus.zone, outside))
    MoneyMember.objects.filter(pool=world.pool).update(valid=(FIRST_DAY, None))

    # Whoever entered the amount does not approve what rests on it; members that changed are seen.
    MoneyMember.objects.filter(contract=world.bravo).delete()
    with pytest.raises(Refused, match="changed after it was divided"):
        approve(world, alfa)


@transaction.atomic
def _write_short(month, columns, contract):
    """Put a version in a month's place whose only share is one dollar."""
    PoolMonth.objects.filter(pk=month.pk).update(state="SUPERSEDED")
    short = PoolMonth.objects.create(version=9, state="DRAFT", **columns)
    PoolShare.objects.create(
        month=short, contract=contract, tenant=contract.tenant, amount_usd=1, view={}
    )
    PoolMonth.objects.filter(pk=short.pk).update(state="CALCULATED")


def test_levels_close_and_a_tenant_sees_its_own_share_and_the_totals():
    world = PoolWorld()
    hall = MoneyPool.objects.create(
        campus=world.campus, code="campus", name="Campus", kind="COST", key="stated_weights@1",
        parameters={"unit": "parts", "part_month": "WHOLE"},
    )  # fmt: skip
    other = MoneyPool.objects.create(
        campus=world.campus, code="office", name="Office", kind="COST", key="equal_parts@1",
        parameters={"part_month": "WHOLE"},
    )  # fmt: skip
    for part, weight in ((world.pool, "3"), (other, "2")):
        MoneyMember.objects.create(
            pool=hall, part_pool=part, weight=weight, valid=("2026-01-01", None)
        )
    world.enter("99999.99", pool=hall)
    assert shares("campus") == {
        "CAP/insurance": Decimal("59999.99"),
        "CAP/office": Decimal("40000.00"),
    }
    alfa = settle(world)
    assert sum(shares().values()) == Decimal("59999.99")
    assert fixed(alfa).amount_usd == shares()["PPA-ALFA"]
    with pytest.raises(Refused, match="gets its amount from the pool it is a part of"):
        world.enter("1.00")

    checked = {term.line_code: sheet for term, sheet in desk_check(alfa_version(world), "2026-03")}
    assert (checked[10].amount_usd is None, checked[40].amount_usd) == (False, None)

    with portal_scope(world.alfa.tenant_id):
        assert not PoolShare.objects.exclude(tenant=world.alfa.tenant_id).exists()
        mine = PoolShare.objects.values("amount_usd", "view").last()
        assert mine["view"]["amount_usd"] == "59999.99"
        assert mine["view"]["above"]["amount_usd"] == "99999.99"
        assert "BRAVO" not in repr(mine)
        with pytest.raises(Exception, match="permission denied"), transaction.atomic():
            PoolMonth.objects.count()

    MoneyMember.objects.create(
        pool=world.pool, part_pool=hall, weight="", valid=("2026-01-01", None)
    )
    with pytest.raises(Refused, match="parts of each other in a circle"):
        settle(world)


def test_an_item_is_withdrawn_once_and_never_changed():
    world = PoolWorld()
    item = world.enter("10.00")
    with pytest.raises(Refused, match="Say why the amount is withdrawn"):
        withdraw_item(item, reason=" ", now=NOW, actor=world.clerk)
    withdraw_item(item, reason="Entered twice.", now=NOW, actor=world.clerk)
    with pytest.raises(Conflict, match="cleo withdrew this amount already"):
        withdraw_item(item, reason="Again.", now=NOW, actor=world.clerk)
    with pytest.raises(IntegrityError), transaction.atomic():
        type(item).objects.filter(pk=item.pk).update(exact_usd=11)
    with pytest.raises(IntegrityError), transaction.atomic():
        MoneyMember.objects.create(pool=world.pool, contract=world.alfa, valid=("2026-03-01", None))
