"""`manage.py month_end`: as far as it can go, as often as one likes, never past a signature."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from billing.models import Invoice
from meters.models import VeeRun
from poweroptix.audit.models import AuditEvent
from settlement.models import AllocationRun, SettlementRun
from tests.conformance.chain import Portfolio, fee_example, long_csv, manage, people, term

pytestmark = pytest.mark.django_db
ZONE = "Etc/GMT+6"
START = datetime(2026, 3, 1, 6, tzinfo=UTC)
HOURS = 31 * 24
MONTH = ("--campus", "SITE", "--period", "2026-03")


@pytest.fixture
def site(tmp_path):
    """A campus with one hourly load; returns a function that delivers hours of March."""
    people()
    portfolio = Portfolio(
        zone=ZONE,
        minutes=60,
        first_day="2026-03-01",
        terms=[
            term(10, "fixed_energy@1", "Energy", price="0.05", price_unit="USD/kWh"),
            term(40, "recurring_fee@1", "Fee", fee="30", per="MONTH"),
        ],
        example=fee_example("2026-03", "30.00"),
    )
    assert manage("apply", portfolio.write(tmp_path)).code == 0

    def deliver(values):
        file = long_csv(tmp_path / "march.csv", START, 60, values)
        assert manage("ingest", file, "--source", "site").code == 0

    return deliver


def close(*words):
    return manage("month_end", *MONTH, "--json", *words)


def counts():
    models = (SettlementRun, AllocationRun, Invoice, VeeRun, AuditEvent)
    return [model.objects.count() for model in models]


def test_stops_before_approval_and_says_who_is_waited_for(site):
    site([Decimal(100)] * HOURS)
    said = close("--as", "analyst")
    assert said.code == 0, said.out
    [contract] = said.json["contracts"]
    assert contract["state"] == "review"
    assert contract["waits_for"] == "approver"
    assert contract["total"] == "3750.00"
    assert SettlementRun.objects.get().submitted_by == "user:analyst"
    [carbon] = said.json["findings"]
    assert carbon["code"] == "month_end.no_carbon"
    assert carbon["severity"] == "WARN"
    assert "PPA: review, 3750.00, waits for approver" in manage("month_end", *MONTH).out


def test_again_changes_nothing(site):
    site([Decimal(100)] * HOURS)
    first = close("--as", "analyst")
    before = counts()
    second = close("--as", "analyst")
    assert second.json["contracts"] == first.json["contracts"]
    assert counts()[:3] == before[:3]
    assert counts()[4] == before[4]


def test_named_people_approve_and_issue(site):
    site([Decimal(100)] * HOURS)
    said = close("--approve-as", "approver")
    assert said.code == 0
    [contract] = said.json["contracts"]
    assert (contract["state"], contract["waits_for"]) == ("approved", "billing")
    said = close("--issue-as", "billing")
    [contract] = said.json["contracts"]
    assert (contract["state"], contract["invoice"]) == ("issued", "SITE-000001")
    assert Invoice.objects.get().issued_by == "user:billing"
    before = counts()
    said = close("--approve-as", "approver", "--issue-as", "billing")
    assert said.json["contracts"] == [contract]
    assert counts()[:3] == before[:3]


def test_nobody_approves_the_own_run_and_not_everybody_may(site):
    site([Decimal(100)] * HOURS)
    said = close("--as", "analyst", "--approve-as", "analyst", "--issue-as", "billing")
    assert said.code == 1
    refusals = [one["message"] for one in said.json["findings"] if one["severity"] == "BLOCK"]
    text = "analyst may not approve in settlement; it takes the role approver."
    assert refusals == [text]
    assert said.json["contracts"][0]["state"] == "review"
    assert not Invoice.objects.exists()


def test_a_hole_in_the_month_is_named_and_nothing_is_submitted(site):
    site([Decimal(100)] * 24)  # one day is no history to estimate a month from
    said = close("--approve-as", "approver", "--issue-as", "billing")
    assert said.code == 1
    found = {one["code"]: one for one in said.json["findings"]}
    text = "LOAD/DEL_KWH: nothing arrived for 30 of 31 days."
    assert found["month_end.days_absent"]["message"] == text
    assert found["settlement.readings_missing"]["where"] == "PPA"
    [contract] = said.json["contracts"]
    assert (contract["state"], contract["waits_for"]) == ("calculated", "operator")
    assert SettlementRun.objects.get().state == "CALCULATED"
    site([Decimal(100)] * HOURS)
    mended = close("--approve-as", "approver", "--issue-as", "billing")
    assert mended.code == 0, mended.out
    assert mended.json["contracts"][0]["invoice"] == "SITE-000001"
    assert SettlementRun.objects.get(version=2).supersedes.version == 1


def test_late_readings_after_the_invoice_go_with_the_next_period(site):
    site([Decimal(100)] * HOURS)
    close("--approve-as", "approver", "--issue-as", "billing")
    site([Decimal(100)] * (HOURS - 1) + [Decimal(160)])
    said = close("--approve-as", "approver", "--issue-as", "billing")
    assert said.code == 0, said.out
    [contract] = said.json["contracts"]
    assert (contract["version"], contract["invoice"]) == (2, "SITE-000001")
    told = [one["message"] for one in said.json["findings"] if one["severity"] == "INFO"]
    assert told == ["SITE-000001 is issued; what this run changes goes with the next period."]
    [changed] = [one for one in said.json["findings"] if one["code"] == "month_end.corrects"]
    assert changed["severity"] == "WARN"
    assert (
        "differs in 1 interval by +60 kWh: a correction of PPA v1 (invoiced, its own readings)"
        in (changed["message"])
    )
    assert Invoice.objects.count() == 1


def test_refusals_and_wrong_usage(site, monkeypatch):
    said = manage("month_end", "--campus", "NOWHERE", "--period", "2026-03")
    assert (said.code, said.err) == (1, "refused: There is no campus NOWHERE.")
    said = close("--as", "nobody")
    assert (said.code, said.json["refused"]) == (1, "There is no active user nobody.")
    said = manage("month_end", "--campus", "SITE", "--period", "2026-02")
    assert (said.code, said.err) == (1, "refused: No contract of SITE is in force in 2026-02.")
    said = manage("month_end", "--campus", "SITE", "--period", "March")
    assert (said.code, said.err) == (2, "'March' is not a month; write it as 2026-03.")
    assert manage("month_end", "--campus", "SITE").code == 2
    noon = datetime(2026, 3, 31, 12, tzinfo=UTC)
    monkeypatch.setattr("poweroptix.office.management.commands.month_end.now", lambda: noon)
    said = close()
    assert said.code == 1
    assert said.json["refused"] == "2026-03 of SITE is not over; it ends 2026-04-01 00:00 UTC-06."
    assert not SettlementRun.objects.exists()
