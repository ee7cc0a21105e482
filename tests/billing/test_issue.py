"""From an approved run to an issued invoice, and all the ways in which that must not go wrong."""

import io
import json
from datetime import date
from decimal import Decimal

import pikepdf
import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection, transaction
from django.db.utils import IntegrityError

from billing.documents import stored_pdf
from billing.models import Invoice, InvoiceLine, NumberSeries
from billing.services import (
    discard_draft,
    draft_invoice,
    issue_checks,
    issue_invoice,
    preview_pdf,
    verify_invoice,
)
from contracts.models import Party
from poweroptix.audit.models import AuditEvent
from poweroptix.kernel.canonical import canonical_json, sha256
from poweroptix.kernel.errors import Conflict, DomainError, Forbidden, Refused
from settlement.services import approve_together, run_settlement
from tests.billing.world import NOW, QUICK_HASHERS, BilledWorld, quick_pdf
from tests.settlement.world import MARCH, readings

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _media(settings, tmp_path, monkeypatch, request):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.PASSWORD_HASHERS = QUICK_HASHERS
    if "paper" not in request.fixturenames:
        quick_pdf(monkeypatch)


@pytest.fixture
def paper():
    """Ask for real PDFs."""


@pytest.fixture
def world():
    return BilledWorld()


def codes(findings):
    return {finding.code for finding in findings}


def test_a_draft_holds_the_lines_of_its_run(world):
    draft = world.draft()
    run = world.runs["PPA-ALFA"]
    assert draft.state == "DRAFT"
    assert draft.number is None
    assert draft.total_usd == run.total_usd
    assert [line.amount_usd for line in draft.lines.all()] == [
        line.amount_usd for line in run.lines.all()
    ]
    assert world.draft().pk == draft.pk


def test_only_an_approved_run_becomes_an_invoice(world):
    readings(world.alfa_meter, "61", now=NOW)
    run = run_settlement(world.alfa, MARCH, kind="TRUE_UP", now=NOW, actor=world.analyst)
    with pytest.raises(Conflict) as error:
        draft_invoice(run, actor=world.billing, now=NOW)
    assert error.value.code == "billing.run_not_approved"
    assert Invoice.objects.count() == 0


def test_an_issued_invoice_is_complete_and_proves_itself(world, paper):
    invoice = world.issue()
    assert invoice.number == "CAP-000001"
    assert invoice.issue_date == date(2026, 4, 3)
    assert invoice.due_date == date(2026, 5, 3)
    assert invoice.issued_by == str(world.billing)
    assert sha256(canonical_json(invoice.document)) == invoice.content_sha256
    assert sha256(stored_pdf(invoice)) == invoice.pdf_sha256
    assert invoice.pdf_bytes == len(stored_pdf(invoice))
    world.runs["PPA-ALFA"].refresh_from_db()
    assert world.runs["PPA-ALFA"].state == "INVOICED"
    assert AuditEvent.objects.filter(action="billing.issue").count() == 1
    report = verify_invoice(invoice.number)
    assert report.ok, report.differences
    assert report.compared["lines"] == 3


def test_the_document_holds_everything_that_is_printed(world):
    document = world.issue().document
    assert document["seller"]["legal_name"] == "Caprock Energy Services LLC"
    assert document["customer"]["address"][-1] == "United States"
    assert document["total"] == str(sum(Decimal(line["amount"]) for line in document["lines"]))
    assert [len(document["usage"]["days"]), document["usage"]["intervals"]] == [31, 2972]
    assert sum(Decimal(day["kwh"]) for day in document["usage"]["days"]) == Decimal(
        document["usage"]["total_kwh"]
    )
    assert document["carbon"]["gwp_set"] == "AR5"
    assert "40 CFR 98" in document["carbon"]["sources"]
    demand = next(line for line in document["lines"] if line["line_code"] == 20)
    assert {"Peak kW", "Billing kW", "Rate"} <= {row["name"] for row in demand["determinants"]}


def test_the_pdf_is_tagged_pdf_a_with_the_document_inside(world, paper):
    invoice = world.issue()
    with pikepdf.open(io.BytesIO(stored_pdf(invoice))) as pdf:
        inside = pdf.attachments["invoice.json"].get_file().read_bytes()
        with pdf.open_metadata() as metadata:
            assert metadata["pdfaid:part"] == "3"
            assert metadata["pdfaid:conformance"] == "B"
        assert pdf.Root.MarkInfo.Marked
        assert str(pdf.Root.Lang) == "en"
    assert inside == canonical_json(invoice.document)


def test_a_failed_pdf_leaves_no_number_used(world, monkeypatch):
    draft = world.draft()

    def broken(_document):
        raise DomainError("pdf.failed", "The PDF could not be made: out of ink.")

    monkeypatch.setattr("billing.services.issue.invoice_pdf", broken)
    with pytest.raises(DomainError, match="out of ink"):
        issue_invoice(draft, actor=world.billing, now=NOW)
    draft.refresh_from_db()
    assert draft.state == "DRAFT"
    assert not NumberSeries.objects.exists()
    monkeypatch.undo()
    assert issue_invoice(draft, actor=world.billing, now=NOW).number == "CAP-000001"


def test_numbers_of_a_seller_follow_each_other(world):
    assert [world.issue("PPA-ALFA").number, world.issue("PPA-BRAVO").number] == [
        "CAP-000001",
        "CAP-000002",
    ]
    assert NumberSeries.objects.get().next_number == 3


def test_an_invoice_is_issued_once(world):
    draft = world.draft()
    issue_invoice(draft, actor=world.billing, now=NOW)
    with pytest.raises(Conflict) as error:
        issue_invoice(draft, actor=world.billing, now=NOW)
    assert error.value.code == "billing.state"
    assert "is already issued" in str(error.value)


def test_a_billed_period_is_not_billed_again(world):
    invoice = world.issue()
    readings(world.alfa_meter, "61", now=NOW)
    run, _other = (
        run_settlement(one, MARCH, kind="TRUE_UP", now=NOW, actor=world.analyst)
        for one in (world.alfa, world.bravo)
    )
    [run, _other] = approve_together(run, actor=world.approver, now=NOW)
    with pytest.raises(Conflict) as error:
        draft_invoice(run, actor=world.billing, now=NOW)
    assert error.value.code == "billing.period_billed"
    assert invoice.number in str(error.value)


def test_verification_still_holds_after_a_later_correction(world):
    invoice = world.issue()
    readings(world.alfa_meter, "61", now=NOW)
    run_settlement(world.alfa, MARCH, kind="TRUE_UP", now=NOW, actor=world.analyst)
    report = verify_invoice(invoice)
    assert report.ok, report.differences


@pytest.mark.no_doctor("a stored document is spoiled on purpose")
def test_verification_finds_a_changed_document_and_pdf(world):
    invoice = world.issue()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE billing_invoice DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE billing_invoice SET document = jsonb_set(document, '{total}', '\"1.00\"')"
        )
        cursor.execute("ALTER TABLE billing_invoice ENABLE TRIGGER USER")
    with default_storage.open(invoice.pdf, "wb") as stream:
        stream.write(b"%PDF-1.7 something else")
    report = verify_invoice(invoice.number)
    said = " ".join(report.differences)
    assert "The document does not have its digest." in said
    assert "The document's 'total' differs" in said
    assert "is not the issued one" in said


def test_what_is_missing_is_named_before_issuing(world):
    draft = world.draft()
    seller = Party.objects.filter(code="SELLER")
    whole = seller.values("bank", "address", "legal_name").get()
    for change, code in (
        ({"bank": {}}, "billing.bank"),
        ({"address": {}}, "billing.party"),
        ({"legal_name": ""}, "billing.party"),
    ):
        seller.update(**change)
        findings = issue_checks(draft)
        assert code in codes(findings)
        assert all(finding.fix for finding in findings if finding.severity == "BLOCK")
        with pytest.raises(Refused) as error:
            issue_invoice(draft, actor=world.billing, now=NOW)
        assert error.value.code == "billing.not_ready"
        seller.update(**whole)
    assert not NumberSeries.objects.exists()


def test_warnings_do_not_block():
    world = BilledWorld(carbon=False)
    Party.objects.filter(code="SELLER").update(tax_id="")
    draft = world.draft()
    assert codes(issue_checks(draft)) == {"billing.tax_id", "billing.no_carbon"}
    assert issue_invoice(draft, actor=world.billing, now=NOW).document["carbon"] is None


def test_carbon_accounted_after_issuing_does_not_disturb_verification():
    world = BilledWorld(carbon=False)
    invoice = world.issue()
    from esg.services import account_carbon
    from settlement.services import current_allocation

    account_carbon(current_allocation(world.campus, "2026-03"), now=NOW, actor=world.analyst)
    report = verify_invoice(invoice)
    assert report.ok, report.differences


def test_only_billing_issues(world):
    draft = world.draft()
    with pytest.raises(Forbidden):
        issue_invoice(draft, actor=world.approver, now=NOW)


def test_a_draft_can_be_previewed_and_thrown_away(world, paper):
    draft = world.draft()
    assert preview_pdf(draft).startswith(b"%PDF-")
    assert not NumberSeries.objects.exists()
    discard_draft(draft, actor=world.billing, reason="run is wrong")
    assert Invoice.objects.count() == 0


CHANGES = (
    "UPDATE billing_invoice SET total_usd = 1",
    "UPDATE billing_invoice SET document = '{}'",
    "UPDATE billing_invoice SET state = 'DRAFT'",
    "UPDATE billing_invoice SET number = 'X-1'",
    "DELETE FROM billing_invoice",
    "UPDATE billing_invoiceline SET amount_usd = amount_usd + 1",
    "DELETE FROM billing_invoiceline",
    "UPDATE billing_numberseries SET next_number = next_number + 2",
    "UPDATE billing_numberseries SET next_number = 1",
)


def test_the_database_keeps_issued_invoices_as_they_are(world):
    world.issue()
    for statement in CHANGES:
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_the_database_refuses_a_total_that_is_not_the_sum(world):
    draft = world.draft()
    told = pytest.raises(IntegrityError, match="is not the sum of its lines")
    with told, transaction.atomic():
        InvoiceLine.objects.filter(invoice=draft, position=1).update(amount_usd=1)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_a_line_cannot_slip_into_an_issued_invoice(world):
    invoice = world.issue()
    line = invoice.lines.first()
    line.pk, line.position = None, 99
    with pytest.raises(IntegrityError), transaction.atomic():
        line.save(force_insert=True)


def test_the_command_drafts_issues_and_refuses_in_words(world, capsys):
    from poweroptix.accounts.models import User

    name = User.objects.get(pk=world.billing.id).username
    call_command("invoice", contract="PPA-ALFA", period="2026-03", as_json=True)
    [said] = json.loads(capsys.readouterr().out)
    assert [said["state"], said["number"]] == ["DRAFT", None]
    call_command("invoice", "--campus=CAP", "--period=2026-03", "--issue", f"--as={name}")
    out = capsys.readouterr().out
    assert "PPA-ALFA 2026-03: CAP-000001, issued" in out
    assert "PPA-BRAVO 2026-03: CAP-000002, issued" in out
    call_command("invoice", "--campus=CAP", "--period=2026-03", "--issue", f"--as={name}")
    assert "CAP-000001, issued" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        call_command("invoice", "--contract=PPA-ALFA", "--period=2026-04")
    assert "No approved run of PPA-ALFA for 2026-04" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        call_command("invoice", "--contract=PPA-ALFA", "--period=2026-03", "--as=nobody")
    assert "There is no active user nobody" in capsys.readouterr().err
