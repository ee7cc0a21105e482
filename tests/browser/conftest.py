"""A real browser against a live server whose requests run with the rights of the web login."""

import os
import shutil
import threading

import pytest
from django.db import connections
from django.db.backends.signals import connection_created

CHROMIUM = os.environ.get("POWEROPTIX_CHROMIUM") or shutil.which("chromium")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


@pytest.fixture(scope="module")
def chromium():
    """Start the browser once; skip where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with playwright.sync_playwright() as started:
        try:
            browser = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        except playwright.Error as fault:
            pytest.skip(f"chromium does not start: {fault}")
        yield browser
        browser.close()
    os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE")


@pytest.fixture
def web_rights():
    """Give every connection of a server thread the rights of the web login alone."""
    mine = threading.get_ident()

    def restrict(connection, **_kwargs):
        if threading.get_ident() != mine:
            with connection.cursor() as cursor:
                cursor.execute("SET ROLE poweroptix_web")

    connection_created.connect(restrict)
    yield
    connection_created.disconnect(restrict)


@pytest.fixture
def log_in(chromium, live_server, web_rights):
    """Return a function that logs a person in and returns the page; page errors fail the test."""
    opened, faults = [], []

    def enter(name, password, **options):
        context = chromium.new_context(viewport={"width": 1280, "height": 850}, **options)
        opened.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda fault: faults.append(str(fault)))
        page.on("response", lambda r: faults.append(r.url) if r.status >= 500 else None)
        page.on(
            "console",
            lambda said: faults.append(said.text) if "Content Security" in said.text else None,
        )
        page.goto(f"{live_server.url}/accounts/login/")
        page.get_by_label("User name").fill(name)
        page.get_by_label("Password").fill(password)
        with page.expect_navigation():
            page.get_by_role("button", name="Log in").click()
        return page

    yield enter
    for context in opened:
        context.close()
    connections.close_all()
    assert not faults, faults
