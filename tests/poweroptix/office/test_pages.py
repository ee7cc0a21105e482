"""The pages of the back office: each opens within its recorded number of queries.

POWEROPTIX_RECORD=1 writes the numbers anew; a review then sees the change.
"""

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from meters.models import Channel, Finding, ImportFile
from poweroptix.clock import now
from poweroptix.jobs.services import enqueue

pytestmark = pytest.mark.django_db
BASELINE = Path(__file__).with_name("queries.json")
LISTS = ("files", "findings", "channels", "contracts", "runs", "invoices", "carbon", "jobs")


def addresses(world):
    """Every page of the back office that shows something."""
    run, invoice = world.runs["PPA-ALFA"], world.invoices["PPA-ALFA"]
    channel = "/office/channels/HALL-A/DEL_KWH/"
    return {
        "today": "/office/",
        "search": "/office/search/?q=alfa",
        "campus": "/office/campus/?month=2026-03",
        "balance": "/office/campus/MESA/2026-03-18/",
        "split": "/office/campus/MESA/2026-03/allocation/",
        "prices": "/office/prices/hub/?month=2026-03",
        "files": "/office/imports/",
        "file": f"/office/imports/{ImportFile.objects.first().pk}/",
        "upload": "/office/imports/upload/",
        "profiles": "/office/profiles/",
        "sources": "/office/sources/",
        "quarantine": "/office/quarantine/",
        "findings": "/office/findings/",
        "edits": "/office/edits/",
        "rules": "/office/rules/HALL-A/DEL_KWH/",
        "exports": "/office/exports/",
        "quality": "/office/quality/?month=2026-03",
        "completeness": "/office/completeness/?month=2026-03",
        "metrology": "/office/metrology/?month=2026-03",
        "plants": "/office/plants/",
        "virtual": "/office/virtual/",
        "history": f"{channel}history/?day=2026-03-12",
        "edit": f"{channel}edit/?start=2026-03-12T12:00:00Z&end=2026-03-12T13:00:00Z",
        "channels": "/office/channels/",
        "channel": f"{channel}?month=2026-03",
        "interval": f"{channel}?day=2026-03-12&at=2026-03-12T12:15:00Z",
        "contracts": "/office/contracts/",
        "contract": "/office/contracts/PPA-ALFA/",
        "contract_take_over": "/office/contracts/PPA-ALFA/take-over/",
        "contract_difference": "/office/contracts/PPA-ALFA/difference/",
        "contract_new_version": "/office/contracts/PPA-ALFA/versions/new/",
        "contract_new_term": "/office/contracts/PPA-ALFA/versions/1/terms/new/?kind=tou_energy@1",
        "desk_checks": "/office/contracts/PPA-ALFA/desk-checks/",
        "statements": "/office/contracts/PPA-ALFA/statements/",
        "diary": "/office/diary/",
        "disputes": "/office/disputes/",
        "events": "/office/contracts/PPA-ALFA/events/",
        "runs": "/office/settlement/",
        "run": f"/office/settlement/{run.pk}/",
        "compare": f"/office/settlement/{run.pk}/compare/",
        "close": "/office/settlement/close/?month=2026-03",
        "line": f"/office/settlement/lines/{run.lines.first().pk}/",
        "invoices": "/office/invoices/",
        "invoice": f"/office/invoices/{invoice.pk}/",
        "carbon": "/office/carbon/",
        "jobs": "/office/jobs/",
    }


@pytest.fixture
def analyst(world, client):
    client.force_login(world.people["analyst"])
    client.get("/office/")
    return client


def counted(client, path):
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(path)
    assert answer.status_code == 200, answer.content.decode(errors="replace")[:1500]
    return len(captured)


def test_every_page_opens_within_its_recorded_queries(analyst, world):
    counts = {name: counted(analyst, path) for name, path in addresses(world).items()}
    if os.environ.get("POWEROPTIX_RECORD"):
        BASELINE.write_text(json.dumps(counts, indent=1) + "\n")
    recorded = json.loads(BASELINE.read_text())
    more = {name: (recorded.get(name), count) for name, count in counts.items()}
    more = {name: pair for name, pair in more.items() if pair[0] is None or pair[1] > pair[0]}
    assert not more, f"page: (recorded, now) {more}"


def test_lists_ask_the_same_number_of_questions_of_more_rows(analyst, world):
    pages = addresses(world)
    grow(0)
    before = {name: counted(analyst, pages[name]) for name in LISTS}
    grow(1)
    after = {name: counted(analyst, pages[name]) for name in LISTS}
    assert after == before


def grow(step):
    """Add thirty files, findings, channels and jobs."""
    at, first = now(), Channel.objects.first()
    for number in range(30 * step, 30 * step + 30):
        file = ImportFile.objects.create(
            sha256=f"{number:064x}",
            source="many",
            name=f"{number}.csv",
            size=1,
            path="x",
            state="REFUSED",
            received_at=at,
            receipt={},
            uploaded_by="user:operator",
        )
        enqueue("ingest_file", f"many/{number}", {"import_file_id": file.pk})
        channel = Channel.objects.create(
            delivery_point=first.delivery_point, code=f"MANY-{number}/K", quantity="KWH",
            direction="DELIVERED", unit="kWh", minutes=15, role="CHECK",
        )  # fmt: skip
        Finding.objects.create(
            channel=channel,
            rule_code="V13",
            severity="WARN",
            start_utc=at,
            end_utc=at + timedelta(minutes=15),
            message="stands out",
            created_at=at,
        )


def test_today_says_what_waits_and_who_did_what(analyst):
    page = analyst.get("/office/").content.decode()
    assert "PPA-ALFA" in page
    assert "issued invoice" in page
    assert "settlement.invoiced" not in page


def test_search_opens_a_single_hit(analyst, world):
    number = world.invoices["PPA-BRAVO"].number
    answer = analyst.get("/office/search/", {"q": number})
    assert answer.status_code == 302
    assert answer["Location"] == f"/office/invoices/{world.invoices['PPA-BRAVO'].pk}/"


def test_a_line_leads_down_to_file_and_row(analyst, world):
    line = world.runs["PPA-ALFA"].lines.first()
    page = analyst.get(
        f"/office/settlement/lines/{line.pk}/",
        {"day": "2026-03-12", "at": "2026-03-12T12:15:00+00:00"},
    ).content.decode()
    assert "march.csv</a>, line " in page
    assert "settled</span>" in page


def test_a_verification_says_what_it_compared(analyst, world):
    for path in (
        f"/office/settlement/{world.runs['PPA-ALFA'].pk}/",
        f"/office/invoices/{world.invoices['PPA-ALFA'].pk}/",
    ):
        page = analyst.post(path, {"action": "verify"}, follow=True).content.decode()
        assert "nothing differs" in page
