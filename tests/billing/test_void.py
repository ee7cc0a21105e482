"""A void invoice asks for nothing: document, notice, verification, database, successor."""

import io
from datetime import UTC, datetime
from decimal import Decimal

import pikepdf
import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection, transaction
from django.db.utils import IntegrityError

from billing.documents import stored_cancellation, stored_pdf
from billing.models import Invoice
from billing.services import issue_invoice, verify_invoice, void_invoice
from poweroptix.audit.models import AuditEvent
from poweroptix.kernel.canonical import canonical_json, sha256
from poweroptix.kernel.errors import Conflict, DomainError, Forbidden, Refused
from tests.billing.world import QUICK_HASHERS, BilledWorld, quick_pdf

pytestmark = pytest.mark.django_db
LATER = datetime(2026, 4, 10, 4, 30, tzinfo=UTC)  # still 9 April in Chicago


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


def void(world, invoice, reason="wrong address"):
    return void_invoice(invoice, actor=world.billing, now=LATER, reason=reason)


def test_a_reason_and_the_right_are_needed(world):
    invoice = world.issue()
    with pytest.raises(Refused, match="Say why the invoice is void"):
        void(world, invoice, " ")
    with pytest.raises(Forbidden):
        void_invoice(invoice, actor=world.analyst, now=LATER, reason="wrong address")
    void(world, invoice)
    with pytest.raises(Conflict, match="is void; only an issued invoice is voided"):
        void(world, invoice)


def test_the_issued_bytes_stay_and_nothing_is_due(world):
    invoice = world.issue()
    before = (invoice.content_sha256, stored_pdf(invoice))
    assert invoice.amount_due == invoice.total_usd
    held = void(world, invoice)
    assert (held.content_sha256, stored_pdf(held)) == before
    assert (held.amount_due, held.total_usd) == (Decimal("0.00"), invoice.total_usd)
    event = AuditEvent.objects.get(action="billing.void")
    assert event.after["cancellation_sha256"] == held.cancellation_sha256


def test_the_notice_says_which_since_when_and_why(world):
    held = void(world, world.issue())
    notice = held.cancellation
    assert sha256(canonical_json(notice)) == held.cancellation_sha256
    assert [notice[name] for name in ("number", "void_date", "reason", "amount_due")] == [
        *("CAP-000001", "2026-04-09", "wrong address", "0.00"),
    ]
    assert notice["invoice"]["content_sha256"] == held.content_sha256
    assert notice["invoice"]["total"] == str(held.total_usd)


def test_the_notice_is_a_pdf_with_its_document_inside(world, paper):
    held = void(world, world.issue())
    content = stored_cancellation(held)
    assert sha256(content) == held.cancellation_pdf_sha256
    with pikepdf.open(io.BytesIO(content)) as pdf:
        inside = pdf.attachments["cancellation.json"].get_file().read_bytes()
        assert str(pdf.docinfo["/Title"]) == "Cancellation of invoice CAP-000001"
    assert inside == canonical_json(held.cancellation)


def test_a_failed_notice_leaves_the_invoice_standing(world, monkeypatch):
    invoice = world.issue()

    def broken(_document):
        raise DomainError("pdf.failed", "The PDF could not be made: out of ink.")

    monkeypatch.setattr("billing.services.void.cancellation_pdf", broken)
    with pytest.raises(DomainError, match="out of ink"):
        void(world, invoice)
    invoice.refresh_from_db()
    assert invoice.state == "ISSUED"
    assert not AuditEvent.objects.filter(action="billing.void").exists()


def test_the_next_invoice_of_the_period_names_the_one_it_replaces(world):
    invoice = void(world, world.issue())
    again = issue_invoice(world.draft(), actor=world.billing, now=LATER)
    assert again.number == "CAP-000002"
    assert again.document["replaces"] == {
        "number": "CAP-000001",
        "content_sha256": invoice.content_sha256,
    }
    said = "This invoice replaces CAP-000001, which is void; nothing is due on that one."
    assert said in again.document["notes"]
    for number in ("CAP-000001", "CAP-000002"):
        report = verify_invoice(number)
        assert report.ok, report.differences
    void_invoice(again, actor=world.billing, now=LATER, reason="again")
    assert verify_invoice("CAP-000001").ok


def test_an_invoice_that_stands_replaces_nothing(world):
    assert world.issue().document["replaces"] is None


def test_verify_says_void(world, capsys):
    void(world, world.issue())
    call_command("verify", "CAP-000001")
    said = "invoice CAP-000001, VOID since 2026-04-09, nothing is due: proved ("
    assert capsys.readouterr().out.startswith(said)
    assert verify_invoice("CAP-000001").to_json()["state"] == "VOID"


@pytest.mark.no_doctor("a stored notice is spoiled on purpose")
def test_verify_finds_a_changed_notice(world):
    held = void(world, world.issue())
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE billing_invoice DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE billing_invoice SET cancellation = "
            "jsonb_set(cancellation, '{amount_due}', '\"5.00\"')"
        )
        cursor.execute("ALTER TABLE billing_invoice ENABLE TRIGGER USER")
    with default_storage.open(held.cancellation_pdf, "wb") as stream:
        stream.write(b"%PDF-1.7 something else")
    said = " ".join(verify_invoice("CAP-000001").differences)
    assert "The cancellation notice does not have its digest." in said
    assert "The cancellation notice's 'amount_due' differs from the invoice." in said
    assert "The stored cancellation notice of CAP-000001 is not the issued one." in said


CHANGES = (
    "UPDATE billing_invoice SET void_reason = 'another'",
    "UPDATE billing_invoice SET cancellation = NULL, cancellation_sha256 = ''",
    "UPDATE billing_invoice SET cancellation_pdf = 'elsewhere'",
    "UPDATE billing_invoice SET state = 'ISSUED'",
)


@pytest.mark.parametrize("change", CHANGES)
def test_the_database_keeps_what_is_void(world, change):
    void(world, world.issue())
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)
    assert Invoice.objects.get().state == "VOID"


def test_an_invoice_that_stands_has_no_notice(world):
    world.issue()
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE billing_invoice SET cancellation = '{}'")
