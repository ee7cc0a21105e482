"""What stays due beside a counterparty's statement: by our invoice, or by their bill to us."""

from decimal import Decimal

import pytest

from billing.services import void_invoice
from contracts.models import Party
from poweroptix.accounts.models import User
from settlement.services.statements import (
    decide_dispute,
    load_statement,
    open_dispute,
    undisputed_of,
)
from tests.billing.world import NOW, QUICK_HASHERS, BilledWorld, quick_pdf

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _media(settings, tmp_path, monkeypatch):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.PASSWORD_HASHERS = QUICK_HASHERS
    quick_pdf(monkeypatch)


def statement_of(world, more_usd, name="alfa.csv"):
    """Return ALFA's statement: our lines, the fee with so much more."""
    usd = {one.line_code: one.amount_usd for one in world.runs["PPA-ALFA"].lines.all()}
    usd[40] += Decimal(more_usd)
    rows = [f"L{code},{amount}" for code, amount in usd.items()]
    return load_statement(
        world.alfa,
        "2026-03",
        name=name,
        content="\n".join(["charge,usd", *rows]).encode(),
        columns={"charge": "charge", "amount": "usd"},
        codes={f"L{code}": code for code in usd},
        actor=world.billing,
        now=NOW,
    )


def test_the_invoice_or_their_bill_less_what_is_open_and_credited(client):
    world, by = BilledWorld(carbon=False), {"now": NOW}
    less, more = statement_of(world, "-500"), statement_of(world, "7650.00", "higher.csv")
    client.force_login(User.objects.get(username="bea"))

    def shown(statement):
        answer = client.get(f"/office/statements/{statement.pk}/")
        assert answer.status_code == 200
        return answer.content.decode()

    def contest(statement):
        return open_dispute(
            statement, 40, reason="The fee.", answer_due_date=NOW.date(), actor=world.billing, **by
        )

    def due(statement):
        return undisputed_of(type(statement).objects.get(pk=statement.pk)).stays_due_usd

    assert "The month is not invoiced yet." in shown(less)
    invoice = world.issue()
    total = invoice.total_usd
    assert f"${total:,.2f} invoiced<" in shown(less)
    contested, doubted = contest(less), contest(more)
    assert (due(less), due(more)) == (total - 500, total)
    page = shown(less)
    assert "Undisputed part of our invoice, they owe it" in page
    assert f'<p class="amount">${total - 500:,.2f}</p>' in page
    assert "$500.00 of it disputed" in page
    end = {"outcome": "Agreed.", "actor": world.billing, **by}
    decide_dispute(doubted, state="GRANTED", **end)
    decide_dispute(contested, state="DENIED", **end)
    assert (due(less), due(more)) == (total - 500, total)
    assert "$500.00 of it credited" in shown(less)

    void_invoice(invoice, actor=world.billing, now=NOW, reason="Sent to the wrong address.")
    assert undisputed_of(less) is None

    Party.objects.filter(code="SELLER").update(role="UTILITY")
    assert (due(less), due(more)) == (total - 500, total)
    assert "Undisputed part of their bill, we owe it" in shown(more)
    assert f"${total + 7650:,.2f} invoiced, $7,650.00 of it credited" in shown(more)
