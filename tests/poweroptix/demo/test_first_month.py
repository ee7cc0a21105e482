"""The first month of the demonstration campus, built by its command, and what must hold of it."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings

from billing.models import Invoice
from contracts.models import Contract
from esg.models import EmissionLine, EmissionRun
from meters.models import Campus, Channel
from meters.queries import final_many
from poweroptix.accounts.models import User
from poweroptix.audit.actor import Actor
from poweroptix.demo.build import STAFF, Demo, correct
from poweroptix.demo.flows import generate
from poweroptix.kernel.period import Period
from settlement.models import AllocationPart, AllocationRun, Correction, SettlementRun
from settlement.queries.compare import beside
from settlement.queries.runs import waiting_for
from settlement.services import run_allocation, run_settlement, submit_run
from settlement.services.approval import approve_together
from settlement.services.readiness import readiness
from tests.conformance.chain import manage

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
#: What each kind of point gives to the campus bus; what it takes is the other direction.
GIVES = {"GENERATOR": 1, "GRID_TIE": 1, "STORAGE": 1, "GENERATOR_AUX": -1}


@pytest.fixture
def month():
    """Build October 2025; the one build serves every question, because it takes seconds."""
    said = manage("demo", "--last-month", "2025-10")
    assert said.code == 0, said.err
    assert said.out.startswith("Demonstration campus built in ")
    campus = Campus.objects.get(code="CAPROCK")
    return campus, Period.month(campus.zone, "2025-10")


def given_to_the_campus(campus, period):
    """Add up what sources gave minus what auxiliaries, charging and export took, from readings."""
    channels = Channel.objects.filter(
        delivery_point__campus=campus, delivery_point__kind__in=GIVES, quantity="KWH", role="MAIN"
    ).select_related("delivery_point")
    series, _pins = final_many([c.pk for c in channels], period.start_utc, period.end_utc)
    total = Decimal(0)
    for channel in channels:
        sign = GIVES[channel.delivery_point.kind] * (1 if channel.direction == "DELIVERED" else -1)
        total += sign * series[channel.pk].total()
    return total


def energy_is_conserved(campus, period):
    run = AllocationRun.objects.get(campus=campus, period="2025-10", state="APPROVED")
    parts = AllocationPart.objects.filter(run=run)
    totals = {part.contract.code: part.total_kwh for part in parts.filter(kind="TOTAL")}
    assert set(totals) == {"PPA-ALFA", "PPA-BRAVO", "PPA-CHARLIE"}
    assert sum(totals.values()) == given_to_the_campus(campus, period)
    for code, total in totals.items():
        own = parts.filter(contract__code=code, kind__in=["METERED", "SHARED", "LOSS"])
        assert sum(part.total_kwh for part in own) == total
    return totals


def carbon_is_conserved(totals):
    run = EmissionRun.objects.get(period="2025-10")
    lines = EmissionLine.objects.filter(run=run)
    assert sum(line.co2e_kg for line in lines) == run.co2e_kg > 0
    for line in lines.filter(code__in=totals):
        assert line.energy_kwh == totals[line.code]


def invoices_are_issued(totals):
    invoices = list(Invoice.objects.order_by("number"))
    assert [invoice.number for invoice in invoices] == ["CAP-000001", "CAP-000002", "CAP-000003"]
    for invoice in invoices:
        assert invoice.state == "ISSUED"
        assert invoice.energy_kwh == totals[invoice.contract.code]
        assert invoice.total_usd == sum(line.amount_usd for line in invoice.lines.all())
        assert invoice.run.approved_by == "user:approver"
        assert invoice.run.created_by == "user:analyst"
        pdf = Path(settings.MEDIA_ROOT) / invoice.pdf
        assert pdf.read_bytes().startswith(b"%PDF")
    return [invoice.number for invoice in invoices]


def a_corrected_day_is_settled(campus, period):
    """The two files of the demonstration's correction, from delivery to a second person's yes."""
    people = {n: Actor.of_user(User.objects.get(username=n)) for n in STAFF}
    at = period.end_utc + timedelta(days=7)
    demo = Demo(print, "demo", people)
    before = AllocationRun.objects.get(campus=campus, period=period.label, state="APPROVED")
    correct(demo, generate(), "2025-10-17", at)
    waiting = Correction.objects.filter(run__contract__code="PPA-ALFA")
    assert waiting.first().after_kwh - waiting.first().before_kwh == 96 * 120
    allocation = run_allocation(campus, period, now=at, actor=people["analyst"])
    assert allocation.version == before.version + 1
    assert [one for one in allocation.findings if one["severity"] == "BLOCK"] == []
    [old], [new] = (
        [day for day in run.balance["days"] if day["day"] == "2025-10-17"]
        for run in (before, allocation)
    )
    assert Decimal(new["sinks_kwh"]) - Decimal(old["sinks_kwh"]) == 96 * 120
    assert Decimal(new["residual_kwh"]) - Decimal(old["residual_kwh"]) == Decimal("92.16")
    runs = {
        contract.code: submit_run(
            run_settlement(
                contract, period, kind="TRUE_UP", now=at, actor=people["analyst"],
                allocation=allocation,
            ),
            actor=people["analyst"],
            now=at,
        )
        for contract in Contract.objects.filter(campus=campus)
    }  # fmt: skip
    for run in runs.values():
        assert readiness(run.contract, period, now=at) == []
    for run in runs.values():
        run.refresh_from_db()
        if run.is_open:
            approve_together(run, actor=people["approver"], now=at)
        run.refresh_from_db()
        assert (run.state, run.approved_by) == ("APPROVED", "user:approver")
    alfa = runs["PPA-ALFA"]
    assert not waiting_for("correction", SettlementRun.objects.all()).exists()
    billed = beside(alfa.supersedes, alfa).sums()["amount_usd"]
    assert billed == alfa.total_usd - alfa.supersedes.total_usd > 0


def test_first_month_closes_proves_and_is_not_built_twice(month):
    campus, period = month
    totals = energy_is_conserved(campus, period)
    carbon_is_conserved(totals)
    numbers = invoices_are_issued(totals)
    runs = [str(pk) for pk in SettlementRun.objects.values_list("pk", flat=True)]
    verified = manage("verify", *runs, *numbers)
    assert verified.code == 0, verified.out
    doctor = manage("doctor")
    assert doctor.code == 0, doctor.out + doctor.err
    again = manage("demo")
    assert again.code != 0
    assert "The database is not empty" in again.err
    quiet = manage("demo", "--if-empty")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")
    closed = manage("month_end", "--campus", "CAPROCK", "--period", "2025-10", "--json")
    assert closed.code == 0, closed.out
    assert {one["state"] for one in closed.json["contracts"]} == {"issued"}
    assert SettlementRun.objects.count() == len(runs)
    a_corrected_day_is_settled(campus, period)
