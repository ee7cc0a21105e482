"""From a meter file to an issued invoice by clicks alone, each step by the person whose it is."""

from decimal import Decimal

import pytest

from poweroptix.accounts.services import create_user
from poweroptix.audit.actor import Actor
from poweroptix.jobs.services import drain
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
        capacity_kw="10",
        calendars=[tou(ZONE)],
        profiles=[{"code": "market", "format": "nem12@1", "zone": ZONE}],
    )
    applied = manage("apply", portfolio.write(tmp_path))
    assert applied.code == 0, applied.err


def work(page):
    """Let a worker do what waits, and wait until the job page has noticed by itself."""
    drain(120)
    page.locator("[hx-get]").wait_for(state="detached")


def test_a_file_becomes_an_invoice_by_clicks_alone(house, log_in):
    path = case_path(SOLAR)
    operator = log_in("operator", PASSWORD)
    deliver(operator, path)
    settle_and_fail_to_approve(log_in("analyst", PASSWORD))
    approve(log_in("approver", PASSWORD))
    bill(log_in("billing", PASSWORD), energy_of(list(nem12_net(path, ZONE)), ZONE))


def deliver(page, path):
    """Upload the file, see its receipt, and be told when it comes a second time."""
    upload(page, path)
    page.get_by_text("was received").wait_for()
    work(page)
    page.get_by_role("link", name="Open the outcome").click()
    page.get_by_role("heading", name=path.name).wait_for()
    receipt = page.get_by_role("table").inner_text()
    assert "270.738" in receipt
    assert "589.172" in receipt
    assert page.get_by_text("No exception is open on these channels").is_visible()
    upload(page, path)
    assert "is known already" in page.get_by_role("status").inner_text()


def go(page, name):
    """Choose a page of the navigation."""
    page.get_by_role("navigation", name="Back office").get_by_role("link", name=name).click()


def upload(page, path):
    go(page, "Files")
    page.get_by_role("link", name="Upload files").click()
    page.get_by_label("Drop files here").set_input_files(str(path))
    page.get_by_label("Source").fill("market")
    page.get_by_label("Profile").select_option("market")
    page.get_by_role("button", name="Upload and read").click()


def settle_and_fail_to_approve(page):
    """Settle the month, open the run; its own author is told that somebody else approves."""
    go(page, "Settlement")
    page.get_by_label("Month").first.fill("2023-03")
    page.get_by_role("button", name="Settle the month").click()
    page.get_by_text("The settlement is queued").wait_for()
    work(page)
    page.get_by_role("link", name="Open the outcome").click()
    page.get_by_role("link", name="PPA").first.click()
    assert page.get_by_text("You calculated this run, so somebody else approves it.").is_visible()
    assert page.get_by_role("button", name="Approve").count() == 0
    page.get_by_role("button", name="Hand in for review").click()
    assert "second person" in page.get_by_role("status").inner_text()


def approve(page):
    """Approve what waits on the first page."""
    page.get_by_role("link", name="Runs to approve").click()
    page.get_by_role("link", name="PPA").first.click()
    page.get_by_label("Comment").fill("Compared with the meter.")
    page.get_by_role("button", name="Approve").click()
    assert "approved" in page.get_by_role("status").inner_text()


def bill(page, energy_usd):
    """Draft, look at the preview, issue, verify; the cents are those worked out beside it."""
    total = energy_usd + cents(Decimal(5) * Decimal("4.15")) + Decimal("12.50")
    go(page, "Invoices")
    page.get_by_role("button", name="Draft the invoice").click()
    shown = page.locator(".page-head .amount").inner_text()
    assert shown == f"${total:,.2f}".replace("$-", "−$")
    preview = page.get_by_role("link", name="Preview the PDF").get_attribute("href")
    assert fetched(page, preview).startswith(b"%PDF")
    page.get_by_role("button", name="Issue the invoice").click()
    assert "Issued as SITE-000001" in page.get_by_role("status").inner_text()
    pdf = page.get_by_role("link", name="PDF", exact=True).get_attribute("href")
    assert fetched(page, pdf).startswith(b"%PDF")
    page.get_by_role("button", name="Verify").click()
    assert "nothing differs" in page.get_by_role("status").inner_text()


def fetched(page, href):
    origin = "/".join(page.url.split("/")[:3])
    answer = page.request.get(origin + href)
    assert answer.status == 200
    return answer.body()
