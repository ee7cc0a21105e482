"""Today: every tile counts what its page lists, words what holds a month, and fails alone."""

import logging
from datetime import timedelta

import pytest
from django.core.paginator import Page
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.services import draft_invoice, void_invoice
from contracts.models import Contract
from meters.models import Channel, EditProposal, ImportFile, QuarantinedRecord
from poweroptix.clock import now
from poweroptix.jobs.services import enqueue
from poweroptix.office import queries, tiles
from settlement.models import SettlementRun
from settlement.services import run_allocation, run_settlement
from settlement.services.readiness import readiness
from tests.factories.campus import MARCH, NOW
from tests.poweroptix.office.acts import check_channel, finding, halve_the_engine, refused_file

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def analyst(world, client):
    client.force_login(world.people["analyst"])
    client.get("/office/")
    return client


def make_work(world):
    """Let something wait for every tile."""
    check_channel("HALL-A/DEL_KWH")
    finding("HALL-A/DEL_KWH", "HOLD")
    finding("HALL-A/DEL_KWH/CHECK", "HOLD")
    finding("HALL-B/DEL_KWH", "WARN")
    files = [refused_file(number) for number in range(3)]
    accepted = ImportFile.objects.exclude(state="REFUSED").first()
    for file, line in ((accepted, 2), (accepted, 3), (files[0], 4)):
        QuarantinedRecord.objects.create(
            import_file=file, line_first=line, line_last=line, channel_text="NEW/1",
            code="channel.unknown", message="NEW/1 is not known.",
        )  # fmt: skip
    wait_in_settlement(world)
    failed_job("reread_file", accepted)
    failed_job("ingest_file", files[0])  # refused: the file waits, not its reading
    proposal()


def failed_job(kind, file):
    job = enqueue(kind, f"{file.pk}/1", {"import_file_id": file.pk})
    mine = type(job).objects.filter(pk=job.pk)
    mine.update(state="running", owner="worker", lease_until=NOW)
    mine.update(state="failed", finished_at=NOW)
    return job


def proposal(proposed_by="user:ann"):
    return EditProposal.objects.create(
        channel=Channel.objects.first(), start_utc=NOW - DAY, end_utc=NOW, action="SET",
        operand=1, reason_code="OTHER", comment="By hand",
        totals=[{"before": "1", "after": "2"}], readings_digest="0" * 64,
        proposed_by=proposed_by, proposed_at=NOW,
    )  # fmt: skip


def wait_in_settlement(world):
    """Void both invoices and draft one again; then correct the month and calculate it anew."""
    billing, analyst, at = world.actor("billing"), world.actor("analyst"), NOW + DAY
    for invoice in world.invoices.values():
        void_invoice(invoice, actor=billing, now=at, reason="To be issued again.")
    draft_invoice(world.runs["PPA-ALFA"], actor=billing, now=at)
    halve_the_engine(world)
    allocation = run_allocation(world.campus, MARCH, now=at, actor=analyst)
    for contract in Contract.objects.filter(campus=world.campus):
        run_settlement(contract, MARCH, kind="TRUE_UP", now=at, actor=analyst,
                       allocation=allocation)  # fmt: skip


def listed(client, url):
    """Return how many rows the page of a tile lists."""
    answer = client.get(url)
    assert answer.status_code == 200, answer.content.decode(errors="replace")[:800]
    if url.endswith("#to-bill"):
        return len(answer.context["waiting"])
    page = answer.context["page"]
    assert isinstance(page, Page)
    return page.paginator.count


@pytest.mark.no_doctor(reason="work is made up beside the services")
def test_the_number_on_a_tile_is_the_number_of_rows_it_opens(world, client):
    client.force_login(world.people["administrator"])
    make_work(world)
    shown = {tile.label: tile for tile in client.get("/office/").context["tiles"]}
    counts = {label: tile.count for label, tile in shown.items()}
    assert counts == {label: listed(client, tile.url) for label, tile in shown.items()}
    assert counts == {
        "Late channels": 5,
        "Sources in trouble": 0,
        "Files with problems": 4,
        "Records in quarantine": 3,
        "Open exceptions": 3,
        "Edits to confirm": 1,
        "Corrections waiting": 2,
        "Runs to approve": 2,
        "Runs to bill": 1,
        "Drafts to issue": 1,
        "Due before today": 0,
        "Contract dates near": 0,
        "Jobs that need a person": 1,
    }
    assert shown["Files with problems"].said == "3 refused, 1 with records in quarantine"
    assert shown["Open exceptions"].said == "1 holds a month back"


def test_a_hold_on_a_check_channel_is_said_to_hold_nothing(analyst, world):
    check_channel("HALL-A/DEL_KWH")
    finding("HALL-A/DEL_KWH/CHECK", "HOLD")
    contract = Contract.objects.get(code="PPA-ALFA")
    assert readiness(contract, MARCH, now=NOW) == []
    page = analyst.get("/office/findings/").content.decode()
    assert "check channel: holds no month" in page
    tile = tiles.findings(None)
    assert (tile.count, tile.said, tile.tone) == (1, "none holds a month back", "todo")
    finding("HALL-A/DEL_KWH", "HOLD")
    [held] = readiness(contract, MARCH, now=NOW)
    assert held.code == "settlement.findings_open"
    assert "holds the month" in analyst.get("/office/findings/").content.decode()
    assert tiles.findings(None).said == "1 holds a month back"
    assert listed(analyst, "/office/findings/?holds=yes") == 1


@pytest.mark.no_doctor(reason="work is made up beside the services")
def test_ones_own_edit_waits_for_somebody_else(analyst, world):
    mine = str(world.actor("analyst"))
    proposal()
    tile = tiles.proposals(tiles.Asked(NOW, mine))
    assert (tile.count, tile.said) == (1, "proposed, counted once a second person confirms")
    proposal(mine)
    tile = tiles.proposals(tiles.Asked(NOW, mine))
    assert (tile.count, tile.said) == (2, "1 yours, somebody else confirms")


@pytest.mark.no_doctor(reason="work is made up beside the services")
def test_a_refused_file_waits_once_and_a_lost_reading_of_a_file_is_told(world):
    refused = refused_file(1)
    failed_job("ingest_file", refused)
    accepted = ImportFile.objects.exclude(state="REFUSED").first()
    failed_job("ingest_file", accepted)  # read since, by another job
    assert (tiles.files(None).count, tiles.jobs(None).count) == (1, 0)
    ImportFile.objects.filter(pk=refused.pk).update(state="READING")
    assert (tiles.files(None).count, tiles.jobs(None).count) == (0, 1)


@pytest.mark.no_doctor(reason="work is made up beside the services")
def test_a_contract_that_was_never_settled_stands_on_the_month_board(analyst, world):
    old = Contract.objects.get(code="PPA-ALFA")
    Contract.objects.create(
        code="PPA-NEW", name="New agreement", seller=old.seller, offtaker=old.offtaker,
        campus=old.campus, currency="USD", zone=old.zone, payment_days=30,
    )  # fmt: skip
    answer = analyst.get("/office/")
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "not settled" in page[page.index("PPA-NEW") :][:300]


def test_the_month_says_which_run_its_invoice_bills(analyst, world):
    invoice = world.invoices["PPA-ALFA"]
    halve_the_engine(world)
    at, actor = NOW + DAY, world.actor("analyst")
    allocation = run_allocation(world.campus, MARCH, now=at, actor=actor)
    run = world.runs["PPA-ALFA"]
    calm = analyst.get("/office/").content.decode()
    assert "bills v" not in calm
    run_settlement(run.contract, MARCH, kind="TRUE_UP", now=at, actor=actor, allocation=allocation)
    page = analyst.get("/office/").content.decode()
    assert f"bills v1: ${invoice.total_usd:,.2f}</span>" in page


def test_a_broken_tile_takes_nothing_else_with_it(analyst, settings, monkeypatch, caplog):
    def broken(_asked):
        return tiles.Tile("x", SettlementRun.objects.extra(where=["no_such_column = 1"]).count(),
                          "", "", "")  # fmt: skip

    monkeypatch.setattr(tiles, "corrections", broken)
    settings.TESTING = False
    with caplog.at_level(logging.ERROR):
        answer = analyst.get("/office/")
    assert answer.status_code == 200
    failed = [tile for tile in answer.context["tiles"] if tile.count is None]
    assert [tile.label for tile in failed] == ["Corrections waiting"]
    reference = failed[0].said.rpartition(" ")[2]
    assert f"could not be computed; reference {reference}" in answer.content.decode()
    [logged] = [one for one in caplog.records if one.name == tiles.__name__]
    assert reference in logged.getMessage()
    assert "no_such_column" in str(logged.exc_info[1])
    assert "PPA-ALFA" in answer.content.decode()


def test_what_was_entered_afterwards_bears_its_own_date(analyst, world):
    """The trail keeps the clock of the wall; the world is dated to the months it tells of."""
    rows = {row["event"].action: row for row in reversed(queries.recent_events(200))}
    run, invoice = world.runs["PPA-BRAVO"], world.invoices["PPA-BRAVO"]
    assert rows["billing.issue"]["label"] == invoice.number
    assert rows["billing.issue"]["dated"] == invoice.issued_at
    assert rows["settlement.approve"]["label"] == f"{run.contract.code} 2026-03 v1"
    assert rows["file.receive"]["dated"] == ImportFile.objects.latest("pk").received_at
    event = rows["billing.issue"]["event"]
    invoice.issued_at = event.at - timedelta(hours=23)
    assert queries._dated(event, invoice) is None
    content = analyst.get("/office/").content.decode()
    assert '<span class="muted">dated <time' in content


def test_a_broken_tile_is_loud_in_tests(analyst, monkeypatch):
    monkeypatch.setattr(tiles, "files", lambda _asked: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        analyst.get("/office/")


def test_today_asks_at_most_twenty_questions(analyst):
    """Beside what opens and closes the database scope of every page."""
    with CaptureQueriesContext(connection) as asked:
        analyst.get("/office/")
    scope = ("SAVEPOINT", "RELEASE", "SET LOCAL", "SELECT current_setting")
    questions = [one["sql"] for one in asked if not one["sql"].startswith(scope)]
    assert len(questions) <= 20, "\n".join(text[:160] for text in questions)


def test_a_calm_tile_and_a_queue_that_stands_still(world, monkeypatch):
    tile = tiles.overdue(tiles.Asked(now() - timedelta(days=4000), ""))
    assert (tile.count, tile.tone, tile.said) == (0, "calm", "nothing waits")
    monkeypatch.setattr(tiles, "oldest_waiting_seconds", lambda: 3600)
    tile = tiles.jobs(None)
    assert (tile.count, tile.tone) == (0, "bad")
    assert tile.said == "a job has waited 3,600 s; is the worker running?"
