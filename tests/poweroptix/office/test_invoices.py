"""The office page of an invoice: what it asks back before an act, and what void means on it."""

import re
from datetime import timedelta

import pytest

from billing.models import Invoice
from billing.services import draft_invoice, void_invoice
from tests.factories.campus import NOW

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=1)


@pytest.fixture
def billing(world, client):
    client.force_login(world.people["billing"])
    client.get("/office/")
    return client


def page_of(client, invoice):
    return client.get(f"/office/invoices/{invoice.pk}/").content.decode()


def void(world):
    invoice = world.invoices["PPA-ALFA"]
    actor = world.actor("billing")
    return void_invoice(invoice, actor=actor, now=LATER, reason="wrong address")


def test_issuing_asks_back_with_number_customer_and_amount(billing, world):
    held = void(world)
    draft = draft_invoice(world.runs["PPA-ALFA"], actor=world.actor("billing"), now=LATER)
    page = page_of(billing, draft)
    number = f"{held.number[:-1]}{int(held.number[-1]) + 2}"  # ALFA 1, BRAVO 2
    customer = draft.contract.offtaker.legal_name or draft.contract.offtaker.name
    assert (
        f"Issue this to <strong>{customer}</strong> over <strong>${draft.total_usd:,.2f}</strong> "
        f"for 2026-03 as <strong>{number}</strong>?"
    ) in page
    assert f"Yes, issue {number}</button>" in page
    assert "From then on the invoice is frozen with this number" in page
    assert re.search(r'<input id="reason"[^>]* required>', page)
    assert f'Once issued, this invoice replaces <a href="/office/invoices/{held.pk}/">' in page
    assert str(draft) == "draft for PPA-ALFA 2026-03"
    said = billing.post(f"/office/invoices/{draft.pk}/", {"action": "issue"}, follow=True)
    assert f"Issued as {number}." in said.content.decode()


def test_declaring_void_asks_back_and_wants_a_reason(billing, world):
    invoice = world.invoices["PPA-ALFA"]
    page = page_of(billing, invoice)
    assert f"Yes, declare {invoice.number} void</button>" in page
    assert f"over <strong>${invoice.total_usd:,.2f}</strong> void?" in page
    address = f"/office/invoices/{invoice.pk}/"
    said = billing.post(address, {"action": "void", "reason": " "}, follow=True)
    assert "Say why the invoice is void." in said.content.decode()
    assert Invoice.objects.get(pk=invoice.pk).state == "ISSUED"
    said = billing.post(address, {"action": "void", "reason": "wrong address"}, follow=True)
    assert f"{invoice.number} is void: nothing is due on it." in said.content.decode()


def test_a_void_invoice_says_so_and_leads_to_its_successor(billing, world):
    held = void(world)
    page = page_of(billing, held)
    assert "Void: nothing is due." in page
    assert "No invoice has taken its place yet." in page
    assert "nothing, the invoice is void (was due" in page
    draft = draft_invoice(world.runs["PPA-ALFA"], actor=world.actor("billing"), now=LATER)
    billing.post(f"/office/invoices/{draft.pk}/", {"action": "issue"})
    draft.refresh_from_db()
    page = page_of(billing, held)
    assert f'Replaced by <a href="/office/invoices/{draft.pk}/">{draft.number}</a>' in page
    assert f'This invoice replaces <a href="/office/invoices/{held.pk}/">' in page_of(
        billing, draft
    )
    address = f"/office/invoices/{held.pk}/"
    said = billing.post(address, {"action": "verify"}, follow=True).content.decode()
    assert "The invoice is void: nothing is due." in said


def test_the_notice_is_handed_out_of_a_void_invoice_alone(billing, world):
    held = void(world)
    file = billing.get(f"/office/invoices/{held.pk}.cancellation")
    assert f"{held.number}-cancellation.pdf" in file["Content-Disposition"]
    other = world.invoices["PPA-BRAVO"]
    assert billing.get(f"/office/invoices/{other.pk}.cancellation").status_code == 404


def test_the_list_says_that_nothing_is_due(billing, world):
    void(world)
    assert "nothing due" in billing.get("/office/invoices/").content.decode()


def test_the_api_says_that_nothing_is_due(billing, world):
    held = void(world)
    said = billing.get(f"/api/v1/invoices/{held.number}").json()
    assert (said["state"], said["amount_due"], said["void_reason"]) == (
        *("VOID", "0.00", "wrong address"),
    )
    assert said["cancellation_sha256"] == held.cancellation_sha256
