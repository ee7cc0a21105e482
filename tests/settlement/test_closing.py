"""The close of a month on the page; small corrections are carried; the window of true-ups ends."""

import re
from datetime import date, timedelta

import pytest

from contracts.models import Holiday, HolidayCalendar
from contracts.services import activate_version, add_example, new_version
from meters.models import Finding
from poweroptix.accounts.models import User
from poweroptix.kernel.errors import Refused
from settlement.models import CloseCalendar, CloseContract
from settlement.queries.causes import causes_of_runs
from settlement.queries.closing import close_board
from settlement.queries.held import held_contracts
from settlement.queries.outdated import changed_since_approval
from settlement.services import mark_invoiced, readiness, verify_run
from tests.settlement.acts import approve, publish_hub, settle, with_index
from tests.settlement.world import MARCH, NOW, SYSTEM, World, readings

pytestmark = pytest.mark.django_db
APRIL = MARCH.next()
LATER = APRIL.end_utc + timedelta(days=1)


def calendar(world, **more):
    holidays = HolidayCalendar.objects.create(code="H", name="Holidays")
    Holiday.objects.create(calendar=holidays, date=date(2026, 4, 3), name="Good Friday")
    return CloseCalendar.objects.create(
        code="CAP", name="Caprock", campus=world.campus, holidays=holidays, **more
    )


def test_the_board_says_which_step_is_due_when_and_done_by_whom(client):
    world = World()
    calendar(world)
    own = CloseCalendar.objects.create(
        code="QUICK",
        name="Quick",
        steps=[{"step": "final", "after": "PERIOD_END", "days": 1, "count": "BUSINESS"}],
    )
    CloseContract.objects.create(calendar=own, contract=world.bravo)
    approve(world, settle(world, now=NOW), now=NOW)
    alfa, bravo = close_board([world.alfa, world.bravo], "2026-03", NOW + timedelta(days=3))
    steps = {one.key: one for one in alfa.steps}
    assert steps["preliminary"].due == date(2026, 4, 6)  # Friday the 3rd is a holiday
    assert (steps["final"].due, steps["final"].state) == (date(2026, 4, 15), "DONE")
    assert steps["final"].who == str(world.approver)
    assert (steps["true_up"].state, steps["due"].state) == ("NOTHING", "DATE")
    assert [(one.key, one.due, one.state) for one in bravo.steps] == [
        ("final", date(2026, 4, 1), "OVERDUE")
    ]
    assert steps["meter_data_final"].state == "DONE"
    held = Finding.objects.create(
        channel=world.alfa_meter,
        rule_code="spike@1",
        severity="HOLD",
        start_utc=MARCH.start_utc,
        end_utc=MARCH.start_utc + timedelta(minutes=15),
        message="peak is 4 times the next",
        created_at=NOW,
    )
    both = close_board([world.alfa, world.bravo], "2026-03", NOW + timedelta(days=30))
    [final] = [one for one in both[0].steps if one.key == "meter_data_final"]
    assert (final.state, final.who, final.at) == ("OVERDUE", "", None)
    said = {one.code for one in readiness(world.alfa, MARCH, now=NOW)}
    assert "settlement.findings_open" in said  # the run page holds the month for the same reason
    held.delete()
    assert held_contracts([world.alfa, world.bravo], "2026-03") == set()
    readings(world.alfa_meter, 61, now=LATER)
    [alfa] = close_board([world.alfa], "2026-03", LATER)
    assert alfa.next_due.key == "true_up"

    client.force_login(User.objects.get(username="ana"))
    content = client.get("/office/settlement/close/?month=2026-03").content.decode()
    said = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", content))
    assert "Close of 2026-03" in said
    assert "PPA-BRAVO QUICK" in said
    rows = client.get("/office/settlement/close/?month=2026-03&export=csv").content.decode()
    assert "PPA-ALFA,CAP,preliminary,2026-04-06,done,user:ana," in rows
    assert client.get("/office/settlement/close/?month=x").status_code == 400


def test_a_small_correction_is_carried_said_and_billed_when_it_is_no_longer_small(client):
    world = World()
    limits = calendar(world, materiality_usd="5.00")
    mark_invoiced(approve(world, settle(world)), actor=SYSTEM)
    readings(world.alfa_meter, [80, *[60] * 2971], now=NOW)
    true_up = approve(world, settle(world, kind="TRUE_UP"))
    world.read(APRIL)
    run = settle(world, period=APRIL, now=LATER)
    assert not run.lines.filter(line_code=70).exists()
    [said] = [one for one in run.findings if one["code"] == "settlement.below_materiality"]
    assert "is below the limit of 5.00 USD: it is carried, not billed" in said["message"]
    assert verify_run(run).ok
    client.force_login(User.objects.get(username="ana"))
    assert "carried, not billed" in client.get(f"/office/settlement/{run.pk}/").content.decode()
    assert "True-up 1 run" in client.get(f"/office/settlement/{true_up.pk}/").content.decode()

    mark_invoiced(approve(world, run, now=LATER), actor=SYSTEM)
    limits.materiality_usd = 0
    limits.save()
    may = APRIL.next()
    world.read(may)
    [correction] = settle(world, period=may, now=may.end_utc).lines.filter(line_code=70)
    assert correction.corrects_run_id == true_up.pk


def test_after_the_window_a_true_up_is_refused_and_an_ad_hoc_run_needs_its_reason():
    world = World()
    calendar(world)
    approve(world, settle(world))
    readings(world.alfa_meter, 61, now=NOW)
    last = MARCH.end_utc + timedelta(days=179)
    assert settle(world, kind="TRUE_UP", now=last).kind == "TRUE_UP"
    late = MARCH.end_utc + timedelta(days=181)
    with pytest.raises(Refused, match="2026-03 is final: its last true-up was due on 2026-09-27"):
        settle(world, kind="TRUE_UP", now=late)
    with pytest.raises(Refused, match="An ad hoc run needs a reason"):
        settle(world, kind="AD_HOC", now=late)
    agreed = settle(world, kind="AD_HOC", reason="Both sides agree.", now=late)
    assert (agreed.kind, agreed.reason) == ("AD_HOC", "Both sides agree.")


def test_what_changed_under_an_approved_month_is_said_with_the_way_that_is_left(client):
    world = with_index()
    publish_hub([30] * 743)
    calendar(world)
    run = approve(world, settle(world))
    assert changed_since_approval(run, NOW) == []
    publish_hub([30, 31] * 371 + [30], now=NOW + timedelta(hours=1), vintage="revised")
    [prices] = changed_since_approval(run, NOW)
    assert prices.code == "settlement.prices_since"
    assert prices.message.startswith("Prices of HUB were revised after the approval, on 32 UTC")
    assert prices.fix.startswith("Recalculate the month")

    version = new_version(
        world.alfa, first_day=date(2026, 3, 15), note="cheaper", actor=SYSTEM, now=NOW
    )
    version.terms.filter(line_code=10).update(parameters={"price": "49"})
    add_example(
        version,
        name="March",
        inputs={
            "period": "2026-03",
            "series": {"delivered": {"flat": "1000", "minutes": 15}},
            "prices": {"HUB": {"flat": "30"}},
        },
        expected={"10": "145628.00", "12": "99562.00"},
        actor=SYSTEM,
    )
    activate_version(version, actor=SYSTEM, now=NOW)
    amended, _prices = changed_since_approval(run, NOW)
    assert amended.message == (
        "The terms of 2026-03 were amended after the approval: it was settled with version 1, in "
        "force now are version 1; from 15 March version 2."
    )
    late = changed_since_approval(run, MARCH.end_utc + timedelta(days=181))
    assert all("make an ad hoc run with the reason" in one.fix for one in late)
    client.force_login(User.objects.get(username="ana"))
    assert "were amended after" in client.get(f"/office/settlement/{run.pk}/").content.decode()
    before = approve(world, settle(world, kind="TRUE_UP", now=LATER), now=LATER)
    causes = {key for one in causes_of_runs(run.pk, before.pk) for key in one.by_cause}
    assert causes == {"PRICE_REVISION", "CONTRACT_AMENDMENT"}
    assert changed_since_approval(before, NOW) == []
