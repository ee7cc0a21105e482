"""From a meter file to an issued invoice by clicks alone, each step by the person whose it is."""

from decimal import Decimal

import pytest

from poweroptix.accounts.services import create_user
from poweroptix.audit.actor import Actor
from tests.browser.steps import (
    approve,
    bill,
    follow,
    settle_and_fail_to_approve,
    told,
    upload,
    work,
)
from tests.conformance.chain import Portfolio, fee_example, manage
from tests.conformance.test_real_files import SOLAR, cents, energy_of, nem12_net, terms, tou
from tests.contracts.cases import case_path

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ZONE, PASSWORD = "Etc/GMT-10", "correct horse battery staple"


@pytest.fixture
def house(tmp_path, settings):
    """A house with solar under a TOU + capacity + fee contract, and one person per role."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    for role in ("operator", "analyst", "approver", "billing"):
        create_user(role, PASSWORD, role=role, actor=Actor.system("test"), check_password=False)
    portfolio = Portfolio(
        zone=ZONE,
        minutes=5,
        first_day="2023-03-01",
        terms=terms("5"),
        example=fee_example("2023-03", "12.50"),
        channels=("NMI1234567/E1", "NMI1234567/B1"),
        directions=("DELIVERED", "RECEIVED"),
        serial="SERNO1234",
        capacity_kw="10",
        calendars=[tou(ZONE)],
        profiles=[{"code": "market", "format": "nem12@1", "zone": ZONE}],
    )
    applied = manage("apply", portfolio.write(tmp_path))
    assert applied.code == 0, applied.err


def test_a_file_becomes_an_invoice_by_clicks_alone(house, log_in):
    path = case_path(SOLAR)
    operator = log_in("operator", PASSWORD)
    deliver(operator, path)
    settle_and_fail_to_approve(log_in("analyst", PASSWORD), "2023-03")
    approve(log_in("approver", PASSWORD))
    energy_usd = energy_of(list(nem12_net(path, ZONE)), ZONE)
    capacity_usd = cents(Decimal(5) * Decimal("4.15"))
    bill(log_in("billing", PASSWORD), energy_usd + capacity_usd + Decimal("12.50"))


def deliver(page, path):
    """Upload the file, see its receipt, and be told when it comes a second time."""
    upload(page, path)
    page.get_by_text("was received").wait_for()
    work(page)
    follow(page.get_by_role("link", name="Open the outcome"))
    page.get_by_role("heading", name=path.name).wait_for()
    receipt = page.get_by_role("table").inner_text()
    assert "270.738" in receipt
    assert "589.172" in receipt
    page.get_by_text("No exception is open on these channels").wait_for()
    upload(page, path)
    told(page, "is known already")
