"""A tenant logs in, opens an invoice, and follows a cent back to a line of a file."""

import os
from pathlib import Path

import pytest

from tests.browser.steps import follow
from tests.factories.campus import PASSWORD, build_campus

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.no_doctor(reason="the server's own connection works beside the test's"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs /usr/bin/chromium"),
]


@pytest.fixture
def page(monkeypatch):
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        shown = browser.new_page(viewport={"width": 390, "height": 844})
        shown.complaints = []
        shown.on("pageerror", lambda fault: shown.complaints.append(str(fault)))
        shown.on(
            "console",
            lambda said: shown.complaints.append(said.text) if said.type == "error" else None,
        )
        yield shown
        browser.close()


def test_a_cent_leads_to_a_line_of_a_file(page, live_server, settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    world = build_campus()
    number = world.invoices["PPA-ALFA"].number
    page.goto(live_server.url)
    page.fill("input[name=username]", "alfa")
    page.fill("input[name=password]", PASSWORD)
    follow(page.locator("main button"))
    assert page.inner_text("h1") == "March 2026"

    follow(page.locator(f"main a:text-is('{number}')").first)
    line = page.locator("tbody tr", has_text="hub plus adder")
    assert line.count() == 1
    follow(line.get_by_role("link", name="Explain"))
    assert "plus $6.75 per MWh" in page.inner_text("main")
    follow(page.locator("tbody a:has-text('Thu 2026-03-12')"))
    follow(page.locator("tbody a").first)
    shown = page.inner_text("main")
    assert "march.csv, line" in shown
    assert "your own meters" in shown
    page.goto(f"{live_server.url}/portal/usage/?month=2026-03")
    page.wait_for_selector(".chart canvas")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.complaints == []
