"""What one month hands to the next: peaks, corrections, changed carries."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from contracts.calc.opening_carry import opened
from contracts.calc.price_terms import PricedTerm
from contracts.services import approve_opening_balance, set_opening_balance
from poweroptix.accounts.models import User
from poweroptix.jobs.models import Job
from poweroptix.jobs.services import run_now
from poweroptix.kernel.errors import Forbidden, Refused
from settlement.models import SettlementRun
from settlement.pages.mends import mend_url
from settlement.services import mark_invoiced, readiness, settle_contract, verify_run
from settlement.services.judgement import Judge
from tests.settlement.acts import DEMAND, approve, settle
from tests.settlement.world import MARCH, NOW, SYSTEM, World, person, readings

pytestmark = pytest.mark.django_db
INTEREST = {
    "code": 90,
    "key": "late_interest@1",
    "label": "Late interest",
    "parameters": {
        "rates": [{"from_date": "2026-01-01", "rate_ratio": "0.10"}],
        "method": "SIMPLE",
        "day_count": "ACTUAL_365",
        "tax": "EXCLUDED",
        "billed": "EACH_PERIOD",
    },
}
OWED = (
    {"period": "2026-03", "carry_in": {"90": {"open_items": []}}},
    {"90": "0.00"},
)


@pytest.fixture
def world():
    return World()


def test_peaks_are_carried_from_the_approved_month_before():
    example = (
        {"period": "2026-03", "series": {"delivered": {"flat": "1000", "minutes": 15}}},
        {"20": "40000.00"},
    )
    world = World(terms=(DEMAND,), example=example)
    balance = set_opening_balance(
        world.alfa,
        period="2026-03",
        carry={"20": {"peaks": {"2026-02": "400"}}},
        reason="agreed",
        actor=SYSTEM,
        now=NOW,
    )
    march = settle(world)
    with pytest.raises(Refused, match="from 2026-03 waits for a second person"):
        approve(world, march)
    approve_opening_balance(balance, actor=world.approver, now=NOW)
    march = approve(world, march)
    assert march.lines.get().quantity == 320
    assert json.loads(bytes(march.inputs))["carry_from"]["kind"] == "opening"
    april = MARCH.next()
    world.read(april)
    later = april.end_utc + timedelta(days=1)
    run = settle(world, period=april, now=later)
    assert run.carry_in_run == march
    assert run.carry_out["20"]["peaks"]["2026-02"] == "400"
    assert run.lines.get().quantity == 320


def test_open_items_of_a_take_over_bear_interest_until_they_are_paid():
    """36,500.00 due on 28 February at 10 %: 31 days of March are 310.00, 30 of April 300.00."""
    world = World(terms=(INTEREST,), example=OWED)
    balance = set_opening_balance(
        world.alfa,
        period="2026-03",
        carry={},
        open_items=[{"reference": "2026-014", "due_date": "2026-02-28", "amount": "36500.00"}],
        reason="agreed",
        actor=SYSTEM,
        now=NOW,
    )
    approve_opening_balance(balance, actor=world.approver, now=NOW)
    march = approve(world, settle(world))
    assert march.total_usd == Decimal("310.00")
    april = MARCH.next()
    world.read(april)
    later = april.end_utc + timedelta(days=1)
    assert settle(world, period=april, now=later).total_usd == Decimal("300.00")


def test_an_opening_without_open_items_says_that_nothing_was_owed():
    term = PricedTerm(1, 90, "late_interest@1", "Interest")
    nothing, item = {"open_items": []}, {"open_items": [{"reference": "A"}]}
    assert opened({}, [], [term], {}) == {"90": nothing}
    assert opened({}, [], [term], {"90": item}) == {"90": item}
    assert opened({"90": item}, [], [term], {}) == {"90": item}
    assert opened({}, [], [], {"20": {}}) == {"20": {}}


def test_a_month_after_an_unsettled_one_waits_for_it():
    world = World()
    april, may = MARCH.next(), MARCH.next().next()
    approve(world, settle(world))
    for period in (april, may):
        world.read(period)
    later = may.end_utc + timedelta(days=1)
    run = settle(world, period=may, now=later)
    assert [one["code"] for one in run.findings] == ["settlement.previous_not_settled"]
    with pytest.raises(Refused, match="2026-04 of PPA-ALFA is not approved; peaks and banks"):
        approve(world, run, now=later)


def test_a_correction_supersedes_the_approved_run_and_the_next_month_bills_the_difference(world):
    first = mark_invoiced(approve(world, settle(world)), actor=SYSTEM)
    assert first.was_invoiced
    readings(world.alfa_meter, [61, *[60] * 2971], now=NOW)
    second = approve(world, settle(world, kind="TRUE_UP"))
    first.refresh_from_db()
    assert (first.state, second.state, second.was_invoiced) == ("SUPERSEDED", "APPROVED", False)
    difference = second.total_usd - first.total_usd
    april = MARCH.next()
    world.read(april)
    later = april.end_utc + timedelta(days=1)
    run = settle(world, period=april, now=later)
    own, correction = run.lines.order_by("position")
    assert (correction.line_code, correction.amount_usd) == (70, difference)
    assert correction.label == "Correction 2026-03, Energy"
    assert (correction.corrects_period, correction.corrects_run_id) == ("2026-03", second.pk)
    assert run.total_usd == own.amount_usd + difference
    assert [row["label"] for row in correction.worksheet["rows"]] == [
        "volume effect",
        "price effect",
    ]
    assert verify_run(run).ok
    approve(world, run, now=later)
    may = april.next()
    world.read(may)
    assert settle(world, period=may, now=may.end_utc).lines.count() == 1


def test_a_correction_of_a_month_with_a_correction_repeats_it(world):
    mark_invoiced(approve(world, settle(world)), actor=SYSTEM)
    readings(world.alfa_meter, [61, *[60] * 2971], now=NOW)
    approve(world, settle(world, kind="TRUE_UP"))
    april = MARCH.next()
    world.read(april)
    later = april.end_utc + timedelta(days=1)
    run = mark_invoiced(
        approve(world, settle(world, period=april, now=later), now=later), actor=SYSTEM
    )
    readings(world.alfa_meter, 60.1, period=april, now=later)
    again = settle(world, period=april, now=later, kind="TRUE_UP")
    assert again.adjustments == run.adjustments
    assert again.lines.filter(line_code=70).count() == 1


def with_carry():
    """Return a world with demand, of which March and April are approved."""
    example = (
        {"period": "2026-03", "series": {"delivered": {"flat": "1000", "minutes": 15}}},
        {"20": "40000.00"},
    )
    world = World(terms=(DEMAND,), example=example)
    approve(world, settle(world))
    april = MARCH.next()
    world.read(april)
    later = april.end_utc + timedelta(days=1)
    approve(world, settle(world, period=april, now=later), now=later)
    return world


def test_a_changed_carry_queues_the_next_month():
    world = with_carry()
    later = MARCH.next().end_utc + timedelta(days=1)
    readings(world.alfa_meter, [100, *[60] * 2971], now=later)
    approve(world, settle(world, kind="TRUE_UP", now=later), now=later)
    job = Job.objects.get(kind="settle_contract")
    assert job.payload == {
        "contract": "PPA-ALFA",
        "period": "2026-04",
        "kind": "TRUE_UP",
        "reason": "The carry from 2026-03 changed: bob approved PPA-ALFA 2026-03 v2.",
        "follows": True,
    }
    assert run_now(job).state == "done", job.error
    [again] = SettlementRun.objects.filter(period="2026-04", state="CALCULATED")
    assert (job.created_by, again.created_by, again.kind) == (None, "system:follow-up", "TRUE_UP")
    assert again.reason == job.payload["reason"]
    assert approve(world, again, now=later).approved_by == str(world.approver)


def test_a_month_warns_of_a_correction_that_waits_before_it():
    world = World()
    april, later = MARCH.next(), MARCH.next().end_utc + timedelta(days=1)
    first = mark_invoiced(approve(world, settle(world)), actor=SYSTEM)
    world.read(april)
    run = settle(world, period=april, now=later)
    assert readiness(world.alfa, april, now=later) == []
    readings(world.alfa_meter, [61, *[60] * 2971], now=later)
    [warning] = readiness(world.alfa, april, now=later)
    assert (warning.code, warning.severity) == ("settlement.correction_before", "WARN")
    assert warning.message.startswith("2026-03 of PPA-ALFA is approved as v1 and waits for a")
    assert mend_url(warning) == "/office/settlement/?contract=PPA-ALFA&period=2026-03"
    assert Judge(world.approver, later).why_not(run) == ""
    assert not readiness(world.bravo, april, now=later)
    true_up = settle(world, kind="TRUE_UP", now=later)
    assert [one.code for one in readiness(world.alfa, april, now=later)] == [warning.code]
    approve(world, true_up, now=later)
    assert readiness(world.alfa, april, now=later) == []
    assert first.was_invoiced


def test_who_asks_by_hand_for_a_month_that_follows_is_its_author():
    world = with_carry()
    april, later = MARCH.next(), MARCH.next().end_utc + timedelta(days=1)
    readings(world.alfa_meter, [100, *[60] * 2971], now=later)
    approve(world, settle(world, kind="TRUE_UP", now=later), now=later)
    both = person("eve", "analyst")
    asked = settle_contract(
        world.alfa, "2026-04", kind="TRUE_UP", reason="asked", now=later, actor=both
    )
    following = Job.objects.get(kind="settle_contract", created_by=None)
    assert asked.pk != following.pk
    assert run_now(asked).state == "done"
    [run] = SettlementRun.objects.filter(period=april.label, state="CALCULATED")
    assert run.created_by == "user:eve"
    assert run_now(following).result["run"] == run.pk  # the same inputs: there is nothing to add
    User.objects.filter(username="eve").update(role="approver")
    with pytest.raises(Forbidden, match="You calculated this run, so you cannot approve it"):
        approve(world, run, actor=both, now=later)
