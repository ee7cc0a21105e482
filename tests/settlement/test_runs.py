"""Settlement runs: frozen inputs, one version per inputs, review by a second person."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from poweroptix.audit.models import AuditEvent
from poweroptix.kernel.errors import Conflict, Forbidden, Refused
from settlement.models import SettlementRun
from settlement.services import readiness, reject_run, run_allocation, submit_run
from tests.settlement.acts import approve, force, publish_hub, settle, with_index
from tests.settlement.world import MARCH, NOW, SYSTEM, World, contract, person, readings

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


def test_a_run_has_lines_that_add_up_and_frozen_inputs(world):
    run = settle(world)
    [line] = run.lines.all()
    assert (run.state, run.version, run.kind) == ("CALCULATED", 1, "FINAL")
    assert (line.quantity, line.unit, line.rate) == (Decimal("180.103"), "MWh", Decimal("50"))
    assert run.total_usd == line.amount_usd == Decimal("9005.15")
    document = json.loads(bytes(run.inputs))
    assert document["series"]["delivered"]["ref"]["part"] == "TOTAL"
    assert document["versions"][0]["terms"][0]["parameters"]["price"] == "50"
    assert run.findings == []
    assert run.created_by == "user:ana"


def test_the_same_inputs_make_no_new_version(world):
    assert settle(world).pk == settle(world).pk
    assert SettlementRun.objects.count() == 1


def test_new_readings_make_a_new_version_and_supersede_the_open_one(world):
    first = settle(world)
    readings(world.alfa_meter, 60.5, now=NOW)
    second = settle(world)
    first.refresh_from_db()
    assert (second.version, second.supersedes, first.state) == (2, first, "SUPERSEDED")


def test_a_second_person_approves_and_the_trail_says_so(world):
    run = submit_run(settle(world), actor=world.analyst, now=NOW)
    approved = approve(world, run)
    assert (approved.state, approved.approved_by) == ("APPROVED", "user:bob")
    approved.allocation_run.refresh_from_db()
    assert approved.allocation_run.state == "APPROVED"
    actions = list(
        AuditEvent.objects.filter(object_type="settlement.settlementrun")
        .order_by("id")
        .values_list("action", "actor_name")
    )
    assert actions == [
        ("settlement.calculate", "ana"),
        ("settlement.submit", "ana"),
        ("settlement.approve", "bob"),
    ]


def test_who_calculated_cannot_approve(world):
    both = person("eve", "approver")
    own = _created_by(world, both)
    with pytest.raises(
        Forbidden,
        match="so you cannot approve it: somebody else approves it",
    ):
        approve(world, own, actor=both)


def _created_by(world, actor):
    """Return a run calculated by somebody who was an analyst then and is an approver now."""
    from poweroptix.accounts.models import User

    User.objects.filter(username=actor.name).update(role="analyst")
    run = settle(world, "bravo", actor=actor)
    User.objects.filter(username=actor.name).update(role="approver")
    return run


def test_the_database_itself_refuses_one_person_twice(world):
    run = settle(world)
    with (
        pytest.raises(IntegrityError, match="settlement_run_second_person"),
        transaction.atomic(),
    ):
        SettlementRun.objects.filter(pk=run.pk).update(
            state="APPROVED", approved_by="user:ana", approved_at=NOW
        )


def test_a_machine_cannot_approve(world):
    with pytest.raises(Forbidden, match="A run is approved by a person"):
        approve(world, settle(world), actor=SYSTEM)


def test_an_analyst_may_not_approve(world):
    with pytest.raises(Forbidden, match=r"may not approve in settlement"):
        approve(world, settle(world), actor=person("ann", "analyst"))


def test_who_wrote_the_terms_cannot_approve(world):
    run = settle(world)
    force("UPDATE contracts_contractversion SET created_by = 'user:bob'")
    with pytest.raises(Forbidden, match="You wrote the contract version that this run prices"):
        approve(world, run)


def test_a_decided_run_is_not_decided_again(world):
    run = approve(world, settle(world))
    with pytest.raises(Conflict, match=r"bob approved this run at 2026-04-02 09:00 UTC"):
        approve(world, run, actor=person("cat", "approver"))
    with pytest.raises(Conflict, match="bob approved this run"):
        reject_run(run, actor=world.approver, now=NOW, reason="no")


def test_a_rejected_run_keeps_its_lines_and_can_be_made_again(world):
    run = settle(world)
    with pytest.raises(Refused, match="Say why the run is rejected"):
        reject_run(run, actor=world.approver, now=NOW, reason=" ")
    rejected = reject_run(run, actor=world.approver, now=NOW, reason="wrong meter")
    assert (rejected.state, rejected.lines.count()) == ("REJECTED", 1)
    again = settle(world)
    assert (again.version, again.state) == (2, "CALCULATED")


def test_changed_readings_make_the_run_stale(world):
    run = settle(world)
    readings(world.alfa_meter, 60.5, now=NOW)
    text = r"2972 readings changed since the calculation\. Recalculate the month\."
    with pytest.raises(Conflict, match=text):
        approve(world, run)


def test_the_next_month_arriving_does_not_make_the_run_stale(world):
    run = settle(world)
    world.read(MARCH.next())
    assert settle(world).pk == run.pk
    assert approve(world, run).state == "APPROVED"


def test_changed_pools_make_the_run_stale(world):
    run = settle(world)
    world.pool.members.filter(contract=world.bravo).delete()
    with pytest.raises(Conflict, match="Points, pools or loss factors changed since"):
        approve(world, run)


def test_changed_quality_makes_the_run_stale(world):
    run = settle(world)
    readings(world.alfa_meter, 60, now=NOW, status=60)
    with pytest.raises(Conflict, match="The quality of readings changed since the calculation"):
        approve(world, run)


def test_changed_prices_make_the_run_stale():
    world = with_index()
    publish_hub([Decimal(30)] * 743)
    run = settle(world)
    publish_hub([Decimal(31)], now=NOW)
    with pytest.raises(
        Conflict, match=r"Prices changed since the calculation\. Recalculate the month\."
    ):
        approve(world, run)


def test_a_missing_price_leaves_the_amount_empty_and_blocks_approval():
    world = with_index()
    publish_hub([*[Decimal(30)] * 700, *[None] * 43])
    run = settle(world)
    energy, index = run.lines.order_by("position")
    assert (energy.amount_usd, index.amount_usd, run.total_usd) == (Decimal("9005.15"), None, None)
    assert {"settlement.price_missing", "settlement.no_amount"} <= {
        one["code"] for one in run.findings
    }
    with pytest.raises(Refused, match=r"lines without an amount \(12 Index energy\)"):
        approve(world, run)


def test_a_price_that_is_not_final_blocks_a_final_run_only():
    world = with_index()
    publish_hub([Decimal(30)] * 743, final=False, vintage="prelim")
    with pytest.raises(Refused, match="Not ready: HUB: the prices are prelim, not final"):
        approve(world, settle(world))
    preliminary = settle(world, kind="PRELIMINARY")
    assert approve(world, preliminary).state == "APPROVED"
    publish_hub([Decimal(30)] * 743, vintage="settled")
    final = approve(world, settle(world))
    with pytest.raises(Refused, match="2026-03 is approved as final v3; a preliminary run comes"):
        settle(world, kind="PRELIMINARY")
    assert SettlementRun.objects.latest("pk") == final


def test_a_missing_reading_blocks_and_names_the_page_that_mends_it(world):
    values = [60] * 2972
    values[100] = None
    readings(world.alfa_meter, values, now=NOW)
    run = settle(world)
    assert run.total_usd is None
    [finding] = [one for one in run.findings if one["code"] == "settlement.readings_missing"]
    assert finding["message"] == (
        "delivered: 1 of 2972 intervals have no reading, the first at 2026-03-02 07:00 UTC."
    )
    assert finding["data"]["link"] == "meters.completeness"


def test_an_open_finding_of_validation_blocks(world):
    from meters.models import Finding

    Finding.objects.create(
        channel=world.alfa_meter,
        rule_code="spike@1",
        severity="HOLD",
        start_utc=MARCH.start_utc,
        end_utc=MARCH.start_utc + timedelta(minutes=15),
        message="peak is 4 times the next",
        created_at=NOW,
    )
    with pytest.raises(Refused, match="1 finding of validation is open, the first: TEN-ALFA"):
        approve(world, settle(world))


def test_a_day_out_of_balance_blocks(world):
    readings(world.gen, 110, now=NOW)
    with pytest.raises(Refused, match="Not ready: 2026-03-01: sources"):
        approve(world, settle(world))


def test_readiness_says_what_is_in_the_way_at_each_step():
    world = World(read=False)
    early = MARCH.end_utc - timedelta(days=1)
    codes = lambda now=NOW: [f.code for f in readiness(world.alfa, MARCH, now=now)]  # noqa: E731
    assert codes(early) == ["settlement.period_not_over"]
    assert codes() == ["settlement.not_allocated"]
    world.read()
    run_allocation(world.campus, MARCH, now=NOW, actor=SYSTEM)
    assert codes() == []
    readings(world.gen, 101.5, now=NOW)
    assert codes() == ["settlement.allocation_stale"]


def test_readiness_names_a_contract_without_energy_or_version(world):
    bare = contract(world.campus, "CHARLIE")
    late = contract(world.campus, "DELTA", first_day=MARCH.days()[9])
    run_allocation(world.campus, MARCH, now=NOW, actor=SYSTEM)
    [finding] = readiness(bare, MARCH, now=NOW)
    assert finding.message.startswith("The allocation of 2026-03 (version 1) holds no energy of")
    [finding] = readiness(late, MARCH, now=NOW)
    assert "holds no energy" in finding.message


def test_a_period_that_is_not_over_is_refused(world):
    with pytest.raises(Refused, match="The period 2026-03 is not over"):
        settle(world, now=MARCH.end_utc - timedelta(hours=1))


def test_an_ad_hoc_run_needs_a_reason(world):
    with pytest.raises(Refused, match="An ad hoc run needs a reason"):
        settle(world, kind="AD_HOC")
