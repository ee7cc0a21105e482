"""The pages of settlement say what waits, why, and why a button cannot be pressed."""

import re
from datetime import date, timedelta

import pytest

from contracts.services import activate_version, add_example, new_version
from poweroptix.accounts.models import User
from poweroptix.jobs.models import Job
from poweroptix.jobs.services import run_now
from poweroptix.kernel.period import Period
from settlement.models import SettlementRun
from settlement.pages.run import rail
from settlement.services import mark_invoiced, recalculate_month, submit_run
from tests.settlement.acts import approve, settle
from tests.settlement.world import NOW, SYSTEM, World, readings

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def world():
    return World()


def page(client, name, address):
    """Return a page as a person sees it, its white space made single."""
    client.force_login(User.objects.get(username=name))
    answer = client.get(address)
    assert answer.status_code == 200, answer.content[:500]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def button(client, name, run):
    """Return the approve button of a run's page as HTML."""
    client.force_login(User.objects.get(username=name))
    content = client.get(f"/office/settlement/{run.pk}/").content.decode()
    return re.search(r'<button[^>]*value="approve"[^>]*>[^<]*', content)[0]


def corrected(world):
    """Approve both contracts, then correct ALFA's meter."""
    runs = [approve(world, settle(world, which)) for which in ("alfa", "bravo")]
    readings(world.alfa_meter, 61, now=LATER)
    return runs


def again(world):
    run_now(
        recalculate_month(
            world.campus, "2026-03", reason="Read again.", now=LATER, actor=world.analyst
        )
    )
    return SettlementRun.objects.filter(version=2).order_by("contract__code")


def test_the_list_shows_what_waits_with_codes_and_kwh(world, client):
    corrected(world)
    said = page(client, "ana", "/office/settlement/")
    assert "Corrections waiting: CAP, 2026-03" in said
    assert "PPA-ALFA 2026-03 v1 approved Its own readings changed." in said
    assert "PPA-BRAVO 2026-03 v1 approved Only shared energy or losses changed." in said
    assert "TEN-ALFA/DEL_KWH: +2,972.000 kWh" in said
    assert "No true-up yet. Recalculate the month." in said
    again(world)
    said = page(client, "ana", "/office/settlement/")
    assert "True-up v2 is calculated and waits for approval." in said


def test_one_press_recalculates_the_month(world, client):
    corrected(world)
    client.force_login(User.objects.get(username="ana"))
    said = {"action": "again", "campus": "CAP", "period": "2026-03", "reason": "Pulses"}
    answer = client.post("/office/settlement/", said)
    job = Job.objects.get(kind="recalculate_month")
    assert answer["Location"] == f"/office/jobs/{job.pk}/"
    assert (job.payload["campus"], job.payload["reason"]) == ("CAP", "Pulses")


def test_a_run_page_names_channels_and_the_other_runs_of_the_month(world, client):
    alfa, _bravo = corrected(world)
    said = page(client, "ana", f"/office/settlement/{alfa.pk}/")
    assert "A correction waits Its own readings changed. No true-up yet." in said
    assert "TEN-ALFA/DEL_KWH Own readings" in said
    run = settle(world, kind="TRUE_UP", now=LATER)
    said = page(client, "bob", f"/office/settlement/{run.pk}/")
    assert "The month rests on more than one split of its energy." in said
    assert "PPA-BRAVO v1 (approved) rests on version 1 with other kWh; it needs a new run" in said
    assert "disabled" in button(client, "bob", run)
    assert "Cannot be approved now: PPA-BRAVO v1 is approved with the energy of an older" in said


def test_runs_of_a_new_split_are_approved_with_one_press(world, client):
    corrected(world)
    alfa, bravo = again(world)
    assert button(client, "bob", alfa).endswith("Approve 2 runs together")
    client.force_login(User.objects.get(username="bob"))
    answer = client.post(f"/office/settlement/{alfa.pk}/", {"action": "approve"}, follow=True)
    assert "Approved together: PPA-ALFA 2026-03 v2, PPA-BRAVO 2026-03 v2." in (
        answer.content.decode()
    )
    bravo.refresh_from_db()
    assert bravo.state == "APPROVED"


def test_approve_is_disabled_with_the_reason_in_words(world, client):
    run = settle(world)
    assert "disabled" not in button(client, "bob", run)
    readings(world.gen, 101.5, now=LATER)
    assert "disabled" in button(client, "bob", run)
    text = "2972 readings changed since the calculation. Recalculate the month."
    said = page(client, "bob", f"/office/settlement/{run.pk}/")
    assert f"Cannot be approved now: {text}" in said
    assert said.count(text) == 2
    assert "Run the allocation" not in said


def test_the_comparison_has_a_totals_row_and_says_what_its_effects_mean(world, client):
    corrected(world)
    run = again(world)[0]
    said = page(client, "bob", f"/office/settlement/{run.pk}/")
    assert "Against version 1, the last that was approved" in said
    assert "The volume effect is what changed because the quantities changed" in said
    assert "of the contract changed" not in said
    change = f"${run.total_usd - run.supersedes.total_usd:,.2f}"
    assert f"{change} {change} $0.00" in said
    assert f"Total ${run.supersedes.total_usd:,.2f} ${run.total_usd:,.2f} {change}" in said


def test_a_comparison_over_changed_terms_says_so_and_leads_to_the_causes(world, client):
    approve(world, settle(world))
    version = new_version(
        world.alfa, first_day=date(2026, 3, 1), note="dearer", actor=SYSTEM, now=NOW
    )
    version.terms.filter(line_code=10).update(parameters={"price": "60"})
    flat = {"period": "2026-03", "series": {"delivered": {"flat": "1000", "minutes": 15}}}
    expected = {"10": "178320.00"}
    add_example(version, name="March", inputs=flat, expected=expected, actor=SYSTEM)
    activate_version(version, actor=SYSTEM, now=NOW)
    run = settle(world, kind="TRUE_UP", now=LATER)
    address = f"/office/settlement/{run.pk}/"
    said = page(client, "bob", address)
    assert "The terms of the contract changed: before, version 1; now, version 2." in said
    compare = f"{address}compare/"
    assert f'href="{compare}#causes"' in client.get(address).content.decode()
    assert "Contract amendment Terms, facts" in page(client, "bob", compare)


def test_the_rail_tells_what_happened(world):
    def told(run):
        return [
            (one["label"], one.get("is_done"), one["is_now"], one.get("is_skipped"))
            for one in rail(run)
        ]

    run = approve(world, settle(world))
    assert told(run) == [
        ("Calculated", True, False, False),
        ("In review", False, False, True),
        ("Approved", False, True, False),
        ("Invoiced", False, False, False),
    ]
    other = submit_run(settle(world, "bravo"), actor=world.analyst, now=NOW)
    assert told(other)[1] == ("In review", False, True, False)
    other = mark_invoiced(approve(world, other), actor=SYSTEM)
    assert told(other)[1] == ("In review", True, False, False)
    assert [one[1] for one in told(other)] == [True, True, True, False]


def test_a_run_that_was_replaced_keeps_the_steps_that_it_went(world):
    alfa, _bravo = corrected(world)
    for run in again(world):
        run.refresh_from_db()
    from settlement.services import approve_together

    approve_together(run, actor=world.approver, now=LATER)
    alfa.refresh_from_db()
    steps = rail(alfa)
    assert (steps[2]["label"], steps[2]["is_done"]) == ("Approved", True)
    assert (steps[-1]["label"], steps[-1]["is_now"]) == ("Superseded", True)


def test_no_page_shows_the_number_of_a_row(world, client):
    corrected(world)
    run = again(world)[0]
    for address in ("/office/settlement/", f"/office/settlement/{run.pk}/"):
        said = page(client, "bob", address)
        assert not re.search(r"\b(channel|campus|contract|run) \d", said)
        assert "user:" not in said
    assert str(run) == "PPA-ALFA 2026-03 v2"
    assert str(run.allocation_run) == "CAP 2026-03 v2"


def test_the_queries_of_the_pages_do_not_grow_with_what_waits(
    world, client, django_assert_max_num_queries
):
    corrected(world)
    run = again(world)[0]
    client.force_login(User.objects.get(username="bob"))
    with django_assert_max_num_queries(24):
        client.get("/office/settlement/")
    with django_assert_max_num_queries(72):
        client.get(f"/office/settlement/{run.pk}/")


def test_who_may_not_approve_is_not_told_why_a_button_is_missing(world, client):
    run = settle(world)
    assert "Cannot be approved" not in page(client, "ana", f"/office/settlement/{run.pk}/")


BLOCKS = [{"up_to_kw": "100", "rate": "4.20"}, {"rate": "5.10"}]
BY_BLOCK = (
    {
        "key": "demand@1",
        "code": 20,
        "label": "Demand",
        "clause": "4.2",
        "parameters": {"prices": [{"period": "ALL", "blocks": BLOCKS}]},
    },
)
FLAT = (
    {"period": "2026-03", "series": {"delivered": {"flat": "1000", "minutes": 15}}},
    {"20": "20310.00"},  # 100 kW at 4.20 and 3,900 kW at 5.10
)


def test_several_rates_are_counted_and_their_range_is_said(client):
    world = World(terms=BY_BLOCK, example=FLAT)
    said = page(client, "ana", f"/office/settlement/{settle(world).pk}/")
    assert "2 rates, 4.20 to 5.10 USD/kW-month" in said


def form_of(client, at, monkeypatch, query=""):
    """Return (text, value, greatest month) of the form that starts a month, at an instant."""
    monkeypatch.setattr("settlement.pages.runs.now", lambda: at)
    client.force_login(User.objects.get(username="ana"))
    content = client.get(f"/office/settlement/{query}").content.decode()
    field = re.search(r'<input id="period"[^>]*value="([^"]*)" max="([^"]*)"', content)
    return content, field[1], field[2]


def test_a_month_that_runs_is_not_offered_but_when_it_can_be_settled_is_said(
    world, client, monkeypatch
):
    settle(world)
    end = Period.month(world.campus.zone, "2026-04").end_utc
    content, value, greatest = form_of(client, end - timedelta(minutes=1), monkeypatch)
    assert (value, greatest) == ("", "2026-03")
    said = re.sub(r"<[^>]+>", "", content)
    assert "2026-04 is not over: it can be settled from 2026-05-01 00:00 CDT." in said
    content, value, greatest = form_of(client, end, monkeypatch)
    assert (value, greatest) == ("2026-04", "2026-04")
    assert "is not over" not in content


def test_the_form_starts_with_the_month_that_a_link_asks_for(world, client, monkeypatch):
    """A month without any run is what the gate leads here for; it lists nothing."""
    content, value, _ = form_of(client, NOW + timedelta(days=90), monkeypatch, "?period=2026-05")
    assert (value, "Nothing matches" in content) == ("2026-05", True)
    content, value, _ = form_of(client, NOW, monkeypatch, "?period=nonsense")
    assert (value, "Nothing matches" in content) == ("2026-03", True)
