"""The pages of pools of money: enter, withdraw, divide, prove, download; what is refused."""

import html

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from poweroptix.accounts.models import User
from settlement.models import PoolItem, PoolMonth
from tests.settlement.pool_world import PoolWorld
from tests.settlement.world import MARCH, NOW

pytestmark = pytest.mark.django_db
PAGE = "/office/settlement/pools/CAP/insurance/2026-03/"


def text(answer):
    assert answer.status_code == 200, answer.content[:500]
    return answer.content.decode()


def refused(answer):
    assert answer.status_code == 400, answer.content[:500]
    return html.unescape(answer.content.decode())


def test_a_clerk_enters_divides_proves_downloads_and_withdraws(client):
    from settlement.services import run_allocation

    world = PoolWorld()
    run_allocation(world.campus, MARCH, now=NOW, actor=world.analyst)
    client.force_login(User.objects.get(username="cleo"))
    assert "Nothing was entered for this month yet" in text(client.get(PAGE))
    said = {"action": "enter", "label": "Premium", "source": "Mutual", "evidence": "INV-77"}
    wrong = {**said, "label": 'Fee "A"', "amount": "a lot", "quantity": "2", "rate": "80,00"}
    kept = refused(client.post(PAGE, {**wrong, "unit": "MWh"}))
    assert "Amount (USD): 'a lot' is not a plain number" in kept
    assert "Price (USD per unit): '80,00' is not a plain number" in kept
    for name, value in {**wrong, "unit": "MWh"}.items():
        if name != "action":
            assert f'name="{name}" value="{value}"' in kept
    assert "Enter an amount, or a quantity with its price" in refused(client.post(PAGE, said))
    unnamed = {**said, "quantity": "10", "rate": "100.001"}
    assert "Say the unit of the quantity 10" in refused(client.post(PAGE, unnamed))
    said |= {"unit": "month"}
    fine = {**said, "quantity": "0.0000001", "rate": "1"}
    assert "at most 6" in refused(client.post(PAGE, fine))
    huge = {**said, "quantity": "9" * 28, "rate": "9" * 28}
    assert "too large for a quantity" in refused(client.post(PAGE, huge))
    assert not PoolItem.objects.exists()
    assert 'name="label" value=""' in text(client.get(PAGE))
    shown = text(client.post(PAGE, {**said, "quantity": "10", "rate": "100.001"}, follow=True))
    assert "The month closes: $1,000.01" in shown
    assert "$600.01" in shown
    assert "Proved: 2 shares" in text(client.post(PAGE, {"action": "prove"}, follow=True))
    assert "are divided" in text(client.post(PAGE, {"action": "divide"}, follow=True))
    rows = client.get(f"{PAGE}?export=csv").content.decode().splitlines()
    assert rows[1].startswith("insurance,2026-03,1,PPA-ALFA,180103.2,kWh,")
    assert rows[1].endswith(",600.00,0.01,600.01")
    with CaptureQueriesContext(connection) as asked:
        client.get(PAGE)
    assert len(asked) <= 25
    assert "insurance" in text(client.get("/office/settlement/pools/"))

    item = PoolItem.objects.get()
    gone = {"action": "withdraw", "item": item.pk, "reason": "Wrong month."}
    assert "Wrong month." in text(client.post(PAGE, gone, follow=True))
    assert PoolMonth.objects.get(state="CALCULATED").amount_usd is None
    assert "$1,000.01" in text(client.get(f"{PAGE}?version=1"))
    for bad in (f"{PAGE}?version=9", PAGE.replace("insurance", "nothing")):
        assert client.get(bad).status_code == 404
    assert client.post(PAGE, {"action": "explode"}).status_code == 404
    assert client.get(PAGE.replace("2026-03", "2026-13")).status_code == 400

    client.force_login(User.objects.get(username="bob"))
    assert 'value="enter"' not in text(client.get(PAGE))
    assert client.post(PAGE, said).status_code == 403
