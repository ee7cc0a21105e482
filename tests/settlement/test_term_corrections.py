"""An amendment that reaches back: who is told, where it waits, and when it no longer does."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from contracts.services import (
    activate_version,
    add_example,
    new_version,
    run_examples,
    supersede_version,
)
from poweroptix.accounts.models import User
from poweroptix.kernel.errors import Conflict
from settlement.models import CloseCalendar, Correction
from settlement.queries.corrections import waiting_of, waiting_runs
from settlement.queries.month import companions
from settlement.services import mark_invoiced, verify_run
from settlement.services.judgement import _changed
from settlement.services.recalculation import _kept
from tests.settlement.acts import approve, settle
from tests.settlement.world import MARCH, NOW, SYSTEM, World

LATER = NOW + timedelta(hours=1)
REACHED = "2026-03 (v1, invoiced)"
SAID = "The terms changed: version 2 holds from 2026-03-16."


def amended(world, first_day=date(2026, 3, 16), price="49"):
    """Return a draft that holds from a day on at another price."""
    version = new_version(world.alfa, first_day=first_day, note="other", actor=SYSTEM, now=NOW)
    version.terms.filter(line_code=10).update(parameters={"price": price})
    add_example(
        version,
        name="March",
        inputs={"period": "2026-03", "series": {"delivered": {"flat": "1000", "minutes": 15}}},
        expected={"10": f"{2972 * int(price)}.00"},
        actor=SYSTEM,
    )
    return version


def page(client, address, name="ana"):
    """Return a page as a person sees it, its white space made single."""
    client.force_login(User.objects.get(username=name))
    answer = client.get(address)
    assert answer.status_code == 200, answer.content[:500]
    return words(answer)


def true_up_of(client):
    """Return how the true-up of ALFA's March stands in the close calendar."""
    close = client.get("/office/settlement/close/?month=2026-03&export=csv").content.decode()
    [row] = [one for one in close.splitlines() if "PPA-ALFA,CAP,true_up" in one]
    return row.split(",")[4]


def words(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


@pytest.mark.django_db
def test_an_amendment_that_reaches_a_settled_month_waits_on_every_list(client):
    world = World()
    CloseCalendar.objects.create(code="CAP", name="Caprock", campus=world.campus)
    run = mark_invoiced(approve(world, settle(world)), actor=SYSTEM)
    version = amended(world)
    run_examples(version, now=NOW)
    User.objects.create_user("con", password="x", role="administrator")
    own = f"/office/contracts/{world.alfa.code}/"
    before = page(client, f"{own}?version=2", "con")
    assert f"It reaches settled months, and each will wait for a true-up: {REACHED}." in before
    assert true_up_of(client) == "nothing"
    assert waiting_runs() == []

    client.force_login(User.objects.get(username="con"))
    done = client.post(own, {"action": "activate", "version": version.pk}, follow=True)
    assert f"It reaches settled months, and a correction waits: {REACHED}." in words(done)
    [waiting] = waiting_runs()
    assert (waiting.run, waiting.reason) == (run, SAID)
    row = waiting.changes[0].row
    assert str(row) == "Terms of the contract, 16 days"
    assert (row.start_utc, row.end_utc) == (datetime(2026, 3, 16, 5, tzinfo=UTC), MARCH.end_utc)

    client.force_login(User.objects.get(username="ana"))
    tiles = {one.label: one for one in client.get("/office/").context["tiles"]}
    assert tiles["Corrections waiting"].count == 1
    listed = page(client, "/office/settlement/?waits=correction")
    assert "Corrections waiting: CAP, 2026-03" in listed
    assert SAID in listed
    assert "terms: 16 days, 2026-03-16 00:00 CDT to 2026-04-01 00:00 CDT" in listed
    assert true_up_of(client) == "overdue"
    assert f"overdue {SAID}" in page(client, "/office/settlement/close/?month=2026-03")
    shown = page(client, f"/office/settlement/{run.pk}/")
    assert f"A correction waits {SAID} No true-up yet. Recalculate the month." in shown
    allocation = run.allocation_run
    assert _kept(allocation, [world.alfa], MARCH, "") == set()  # the campus month takes it up

    second = settle(world, kind="TRUE_UP", now=LATER)
    assert waiting_runs()[0].is_calculated
    assert companions(second) == []
    approve(world, second, now=LATER)
    assert waiting_runs() == []
    assert verify_run(run).ok


@pytest.mark.django_db
def test_an_open_run_with_old_terms_says_so_to_the_analyst_and_the_approver(client):
    world = World()
    run = settle(world)
    version = activate_version(amended(world), actor=SYSTEM, now=NOW)
    address = f"/office/settlement/{run.pk}/"
    assert f"Its inputs changed {SAID} Recalculate the month." in page(client, address)
    refusal = "The terms of the contract changed since the calculation. Recalculate the month."
    assert f"Cannot be approved now: {refusal}" in page(client, address, "bob")
    with pytest.raises(Conflict, match=f"^{refusal}$"):
        approve(world, run)
    activate_version(amended(world, date(2026, 4, 1)), actor=SYSTEM, now=NOW)  # not in March
    assert waiting_of(run).reason == SAID
    supersede_version(version, actor=SYSTEM, now=NOW)
    assert waiting_of(run).reason == "The terms changed: no version holds on some of its days."
    assert Correction.objects.get().interval_count == 16


def test_what_changed_is_one_sentence():
    then = b'{"format": 1, "versions": [1], "prices": 1, "histories": 1}'
    both = b'{"format": 2, "versions": [1, 2], "prices": 1, "histories": 1}'
    more = b'{"format": 2, "versions": [1, 2], "prices": 2, "histories": 2}'
    assert _changed(then, both) == "The terms of the contract"
    assert _changed(then, more) == (
        "The terms of the contract, prices and something else that the run reads"
    )
    other = b'{"format": 1, "versions": [1], "prices": 1, "histories": 2}'
    assert _changed(then, other) == "What the run reads"
