"""A correction on an invoice can be followed: month, days, meter, both versions, the cents."""

from decimal import Decimal

import pytest
from django.template.loader import render_to_string
from django.urls import reverse

from billing.documents.correction_view import correction_at, corrections_view
from billing.documents.view import view_of
from billing.models import Invoice
from billing.portal.months import Month
from billing.services import draft_invoice, issue_invoice, verify_invoice
from poweroptix.accounts.models import User
from poweroptix.jobs.models import Job
from poweroptix.jobs.services import run_now
from settlement.models import SettlementRun
from settlement.services import approve_run, approve_together
from tests.billing.world import QUICK_HASHERS, quick_pdf
from tests.settlement.test_correction_path import (
    CORRECTED,
    ISSUED,
    LATE,
    OCTOBER,
    SEPTEMBER,
    Campus,
    recalculated,
)
from tests.settlement.world import readings

pytestmark = pytest.mark.django_db


@pytest.fixture
def billed(settings, tmp_path, monkeypatch):
    """Return September's invoices and October's, which bill its corrections, by contract."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.PASSWORD_HASHERS = QUICK_HASHERS
    quick_pdf(monkeypatch)
    campus = Campus()
    september = campus.billed(campus.calculated(SEPTEMBER, ISSUED), ISSUED)
    campus.calculated(OCTOBER, LATE)
    readings(campus.alfa_meter, CORRECTED, period=SEPTEMBER, now=LATE)
    true_ups = recalculated(campus)
    approve_together(true_ups[0], actor=campus.approver, now=LATE, comment="Pulses restored.")
    for job in Job.objects.filter(kind="settle_contract", state="queued").order_by("pk"):
        assert run_now(job).state == "done"
    october = []
    for new in true_ups:
        run = SettlementRun.objects.get(contract=new.contract, period="2026-10", state="CALCULATED")
        approve_run(run, actor=campus.approver, now=LATE)
        october.append(
            issue_invoice(
                draft_invoice(run, actor=campus.billing, now=LATE), actor=campus.billing, now=LATE
            )
        )
    both = zip(september, october, strict=True)
    return dict(zip(("alfa", "bravo", "charlie"), both, strict=True))


def invoice_html(document) -> str:
    """Return the page that the PDF is made from."""
    view = view_of(document, "0" * 64)
    return render_to_string("billing/documents/invoice.html", {"v": view})


def test_the_document_says_days_meter_and_both_versions_of_each_line(billed):
    old, new = billed["alfa"]
    [month] = new.document["corrections"]
    assert (month["period"], month["before"]["version"], month["after"]["version"]) == (
        *("2026-09", 1, 2),
    )
    assert month["before"]["invoice"] == old.number
    [channel] = month["readings"]
    [day] = channel["days"]
    assert channel["channel"] == "TEN-ALFA/DEL_KWH"
    assert (day["date"], day["intervals"]) == ("2026-09-11", 4)
    assert (Decimal(day["before"]), Decimal(day["after"])) == (240, 284)
    assert Decimal(month["energy"]["after"]["metered"]) == Decimal(
        month["energy"]["before"]["metered"]
    ) + Decimal(44)
    for line in month["lines"]:
        billing = next(one for one in new.document["lines"] if one["position"] == line["position"])
        before, after = (Decimal(line[side]["amount"]) for side in ("before", "after"))
        assert after - before == Decimal(line["amount"]) == Decimal(billing["amount"])
        for side in ("before", "after"):
            exact = sum(Decimal(row["exact"]) for row in line[side]["rows"])
            assert exact == Decimal(line[side]["exact"])
        was = next(o for o in old.document["lines"] if o["position"] == line["before"]["position"])
        assert Decimal(was["amount"]) == before
    assert verify_invoice(new).ok


def test_the_paper_shows_before_now_and_why_and_nothing_else(billed):
    old, new = billed["alfa"]
    view = view_of(new.document, new.content_sha256)
    html = invoice_html(new.document)
    corrected = [line for line in view["lines"] if line.get("correction")]
    assert [line["label"] for line in corrected] == [
        "Correction of September 2026: Energy at hub price",
        "Correction of September 2026: Demand",
    ]
    assert all(not line["determinants"] and not line["sums"] for line in corrected)
    demand = corrected[1]["correction"]
    [row] = demand["rows"]
    assert row["before"] == "242 kW × 10 USD/kW-month = 2,420.00"
    after = Decimal(corrected[1]["amount"].replace(",", "")) + 2420
    assert row["after"] == f"{after / 10:.0f} kW × 10 USD/kW-month = {after:,.2f}"
    assert demand["peaks"][0].startswith("Highest 242.4 kW in 2026-09-01 00:00 to 00:15 CDT")
    assert demand["effects"] == "All of it because the quantity changed; no price changed."
    for said in (
        *("What changed in September 2026", "2026-09-11, 4 intervals", "TEN-ALFA/DEL_KWH"),
        *(f"Billed, version 1 on {old.number}", "Now, version 2", "+44 kWh"),
    ):
        assert said in html
    assert "2026-09 v2 against v1" not in html


def test_a_tenant_whose_meters_did_not_change_sees_no_channel_of_another(billed):
    _old, new = billed["bravo"]
    [month] = new.document["corrections"]
    assert month["readings"] == []
    assert "ALFA" not in str(month)
    assert "No reading of your own meters changed" in invoice_html(new.document)


def test_the_portal_leads_from_a_correction_to_the_line_as_it_was_billed(billed, client):
    old, new = billed["alfa"]
    client.force_login(
        User.objects.create_user(username="finance", role="owner", tenant=new.tenant)
    )
    found = [one for one in new.document["lines"] if one["line_code"] == 70]
    answer = client.get(reverse("portal-line", args=[new.number, found[0]["position"]]))
    page = answer.content.decode()
    assert reverse("portal-line", args=[old.number, 1]) in page
    assert reverse("portal-invoice", args=[old.number]) in page
    for said in ("What changed in September 2026", "2026-09-11", "TEN-ALFA/DEL_KWH", "Before and"):
        assert said in page
    for foreign in ("Your share of what is shared", "Digest of the claims", "1 at "):
        assert foreign not in page
    client.get(reverse("portal-line", args=[old.number, 1]))


def test_an_older_document_without_the_trace_still_prints(billed):
    _old, new = billed["alfa"]
    older = {k: v for k, v in new.document.items() if k not in {"corrections", "terms"}}
    assert corrections_view(older) == []
    assert correction_at(older, 1) is None
    assert "Correction of 2026-09" in invoice_html(older)


def test_the_average_price_of_a_month_leaves_corrections_of_others_out(billed, client):
    _old, new = billed["alfa"]
    client.force_login(
        User.objects.create_user(username="finance", role="owner", tenant=new.tenant)
    )
    answer = client.get("/portal/")
    month = answer.context["month"]
    lines = new.document["lines"]
    corrections = sum(Decimal(one["amount"]) for one in lines if one["line_code"] == 70)
    assert (month.label, month.cost_usd, month.correction_usd) == (
        *("2026-10", new.total_usd, corrections),
    )
    assert month.price_usd_per_mwh == (new.total_usd - corrections) * 1000 / new.energy_kwh
    assert f"without ${corrections:,.2f} of corrections to earlier months" in (
        answer.content.decode()
    )
    september = answer.context["months"][1]
    assert (september.label, september.correction_usd) == ("2026-09", 0)


def test_carbon_that_was_accounted_again_says_what_the_invoice_said():
    billed = Invoice(co2e_g=7_918_065_000)
    month = Month("2026-09", co2e_g=7_923_065_500, invoices=[billed])
    assert month.billed_co2e_kg == Decimal("7918065")
    assert Month("2026-09", co2e_g=7_918_065_000, invoices=[billed]).billed_co2e_kg is None
    assert Month("2026-09", co2e_g=5, invoices=[Invoice(co2e_g=None)]).billed_co2e_kg is None
