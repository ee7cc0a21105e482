"""From the first reading to the issued invoice: what the portal says on the way."""

import json
from datetime import date, timedelta

import pytest
from django.core.management import call_command

from billing.access import runs_of
from billing.portal import standing
from billing.services import draft_invoice, issue_invoice
from meters.models import Channel, QuarantinedRecord
from meters.queries.quarantine import days_in_words, waiting_in
from meters.services import validate_days
from settlement.models import SettlementRun
from settlement.pages.mends import mend_url
from settlement.queries.held import held_contracts
from settlement.services import (
    approve_run,
    approve_together,
    readiness,
    run_settlement,
    submit_run,
)
from tests.billing.world import QUICK_HASHERS, quick_pdf
from tests.factories.campus import HEAD, MARCH, NOW, SYSTEM, _judge, build_campus, deliver

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=3)


@pytest.fixture(autouse=True)
def _media(settings, tmp_path, monkeypatch):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.PASSWORD_HASHERS = QUICK_HASHERS
    quick_pdf(monkeypatch)


@pytest.fixture
def settled():
    """March is read and calculated, and nobody has approved it."""
    return build_campus(issue=False)


def home(client, world) -> str:
    client.force_login(world.people["alfa"])
    answer = client.get("/portal/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_some_readings_of_the_next_month(client, settled):
    row = "HALL-A,DEL_KWH,2026-04-01T05:00:00Z,900,2000.000,kWh,A"
    deliver("april.csv", "\n".join([HEAD, row, ""]).encode(), now=NOW)
    channels = list(Channel.objects.values_list("pk", flat=True))
    first = date(2026, 4, 1)
    validate_days(channels, first, first, now=NOW, actor=SYSTEM)
    page = home(client, settled)
    assert "April 2026" in page
    assert standing.PARTLY.sentence in page
    assert "Energy so far, on your own meters" in page
    assert "2,000.000 kWh measured, 191.9 MWh estimated." in page


def test_from_calculated_to_issued(client, settled):
    run = settled.runs["PPA-ALFA"]
    first = standing.of_run(run).sentence
    assert first in (standing.CALCULATED.sentence, standing.PRELIMINARY.sentence)
    assert first in home(client, settled)
    SettlementRun.objects.filter(pk=run.pk).update(kind="FINAL")
    run.refresh_from_db()
    submit_run(run, actor=settled.actor("analyst"), now=NOW)
    assert standing.REVIEW.sentence in home(client, settled)
    run = approve_run(run, actor=settled.actor("approver"), now=NOW)
    assert standing.APPROVED.sentence in home(client, settled)
    draft = draft_invoice(run, actor=settled.actor("billing"), now=NOW)
    assert standing.APPROVED.sentence in home(client, settled)
    issue_invoice(draft, actor=settled.actor("billing"), now=NOW)
    page = home(client, settled)
    assert not any(
        one.sentence in page for one in (standing.REVIEW, standing.APPROVED, standing.CORRECTED)
    )


def test_an_approved_amount_stands_until_the_next_is_approved(client, settled):
    approver = settled.actor("approver")
    first = approve_run(settled.runs["PPA-ALFA"], actor=approver, now=NOW)
    assert f"{first.total_usd:,.2f}" in home(client, settled)
    row = "HALL-A,DEL_KWH,2026-03-12T12:15:00Z,900,2500.000,kWh,A"
    deliver("late.csv", "\n".join([HEAD, row, ""]).encode(), now=LATER)
    _judge()
    assert standing.CORRECTING.sentence in home(client, settled)
    second = run_settlement(first.contract, MARCH, now=LATER, actor=settled.actor("analyst"))
    assert second.total_usd != first.total_usd
    page = home(client, settled)
    assert f"{first.total_usd:,.2f}" in page
    assert f"{second.total_usd:,.2f}" not in page
    assert standing.CORRECTING.sentence in page
    assert list(runs_of(first.tenant_id)) == [first]
    approve_together(second, actor=approver, now=LATER)
    page = home(client, settled)
    assert f"{second.total_usd:,.2f}" in page
    assert standing.APPROVED.sentence in page
    assert list(runs_of(first.tenant_id)) == [second]


def test_records_of_the_month_in_quarantine_are_named_at_the_gate(settled):
    rows = [
        "HALL-A,DEL_KWH,2026-03-12T12:15:00Z,900,2500.000,kvarh,A",  # its channel counts kWh
        "HALL-A,DEL_KWH,2026-04-02T12:15:00Z,900,2500.000,kvarh,A",
        "NOBODY,DEL_KWH,2026-03-12T12:15:00Z,900,1.000,kWh,A",
    ]
    for number, row in enumerate(rows):
        deliver(f"{number}.csv", "\n".join([HEAD, row, ""]).encode(), now=LATER)
    contract = settled.runs["PPA-ALFA"].contract
    [held] = readiness(contract, MARCH, now=LATER)
    assert (held.code, held.severity) == ("settlement.records_held", "WARN")
    named = "1 record of the month waits in quarantine: HALL-A/DEL_KWH 2026-03-12."
    assert held.message == named
    assert mend_url(held) == "/office/quarantine/?q=HALL-A%2FDEL_KWH"
    waiting = [days_in_words(one, MARCH.zone) for one in waiting_in(MARCH.start_utc, MARCH.end_utc)]
    assert waiting == ["2026-03-12", "2026-03-12"]
    assert contract.pk in held_contracts([contract], "2026-03")
    QuarantinedRecord.objects.update(state="DISMISSED")
    assert readiness(contract, MARCH, now=LATER) == []
    assert held_contracts([contract], "2026-03") == set()


def test_vee_says_which_approved_runs_it_changes(settled, capsys):
    approver = settled.actor("approver")
    for code in ("PPA-ALFA", "PPA-BRAVO"):
        approve_run(settled.runs[code], actor=approver, now=NOW)
    row = "HALL-A,DEL_KWH,2026-03-12T12:15:00Z,900,2500.000,kWh,A"
    deliver("late.csv", "\n".join([HEAD, row, ""]).encode(), now=LATER)
    said = (
        "MESA 2026-03 is approved, and HALL-A/DEL_KWH differs in 1 interval by +460.3 kWh: "
        "a correction of PPA-ALFA v1 (approved, its own readings), PPA-BRAVO v1 (approved, what "
        "it shares) waits."
    )
    asked = ("--campus", settled.campus.code, "--from", "2026-03-12")
    call_command("vee", *asked)
    assert said in capsys.readouterr().out
    call_command("vee", *asked, "--json")  # nothing is changed a second time
    assert json.loads(capsys.readouterr().out)["corrections"] == []
