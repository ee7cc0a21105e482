"""A real Green Button week with a wrong unit: held, mended and billed by clicks alone."""

from decimal import Decimal

import pytest

from poweroptix.accounts.services import create_user
from poweroptix.audit.actor import Actor
from tests.browser.steps import approve, bill, follow, go, settle_and_fail_to_approve, upload, work
from tests.conformance.chain import manage
from tests.conformance.test_real_files import WEEK, cents, energy_of, espi_net, house
from tests.contracts.cases import case_path

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "correct horse battery staple"


@pytest.fixture
def site(tmp_path, settings):
    """The house under its contract; its profile takes the unit of the file at its word."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    for role in ("operator", "analyst", "approver", "billing", "administrator"):
        more = {"is_superuser": True} if role == "administrator" else {}
        create_user(
            role, PASSWORD, role=role, actor=Actor.system("test"), check_password=False, **more
        )
    portfolio = house({})
    applied = manage("apply", portfolio.write(tmp_path))
    assert applied.code == 0, applied.err
    return portfolio


def test_a_week_with_a_wrong_unit_is_held_mended_and_billed(site, log_in):
    path = case_path(WEEK)
    operator = log_in("operator", PASSWORD)
    upload(operator, path, profile="house")
    work(operator)
    follow(operator.get_by_role("link", name="Open the outcome"))
    assert "open exception" in operator.get_by_role("main").inner_text()
    see_it_held(operator)
    mend_the_profile(log_in("administrator", PASSWORD))
    read_again(operator)
    settle_and_fail_to_approve(log_in("analyst", PASSWORD), "2014-01")
    approve(log_in("approver", PASSWORD))
    seven_days = Decimal(7) / Decimal(31)
    energy_usd = energy_of(list(espi_net(path)), site.zone)
    capacity_usd = cents(20 * Decimal("4.15") * seven_days)
    fee_usd = cents(Decimal("12.50") * seven_days)
    bill(log_in("billing", PASSWORD), energy_usd + capacity_usd + fee_usd)


def see_it_held(page):
    """The exceptions name the unit as the likely fault."""
    go(page, "Exceptions")
    follow(page.get_by_role("link", name="F10").first)
    said = page.get_by_role("main").inner_text()
    assert "unit or scale of the source may be wrong" in said


def mend_the_profile(page):
    """The administrator says what one unit of this source is worth."""
    page.goto("/".join(page.url.split("/")[:3]) + "/admin/meters/importprofile/")
    follow(page.get_by_role("link", name="house"))
    page.get_by_label("Unit", exact=True).fill("kWh")
    page.get_by_label("Unit factor").fill("0.0001")
    page.get_by_label("Options").fill('{"accumulation": "delta"}')
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("was changed successfully").wait_for()


def read_again(page):
    """The operator reads the kept file again; the totals are the ones the week really has."""
    go(page, "Files")
    follow(page.locator("tbody a").first)
    page.get_by_text("Read this file again").click()
    form = page.locator("form[action$='/again/']")
    form.get_by_role("button", name="Read again").click()
    assert "again" not in page.url, "the browser asks for the reason before it sends"
    form.get_by_label("Reason").fill("One unit is 1e-4 kWh, says the sender")
    follow(form.get_by_role("button", name="Read again"))
    work(page)
    follow(page.get_by_role("link", name="Open the outcome"))
    page.get_by_role("heading", name="Read again").wait_for()
    table = page.get_by_role("table", name="What the channels hold since").inner_text()
    assert "348.181" in table or "348.1808" in table
    assert "94.594" in table
    page.get_by_text("No exception is open on these channels").wait_for()
