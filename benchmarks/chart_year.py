"""Draw a year of 5-minute readings of one channel in Chromium, and say when it was on the screen.

    python benchmarks/chart_year.py [--rounds 5] [--width 1280]

Builds a scratch database (the test database of DATABASE_URL) with 105,120 readings, serves it, and
opens the channel's page with twelve months. Printed are milliseconds from the start of the
navigation to the frame that shows the curve (a cold cache each round), the bytes and points of the
document, and the same for a week that is looked at closer.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "poweroptix.settings")
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
os.environ.setdefault("DEBUG", "1")  # scripts come from the tree, not from collected files

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.contrib.staticfiles.handlers import StaticFilesHandler  # noqa: E402
from django.db import connections  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.testcases import LiveServerThread  # noqa: E402
from django.test.utils import (  # noqa: E402
    setup_databases,
    setup_test_environment,
    teardown_databases,
    teardown_test_environment,
)

ZONE = "America/Chicago"
START = datetime(2025, 3, 1, 6, tzinfo=UTC)
COUNT = 365 * 288
MONTH = "2026-02"
SHOWN = "() => performance.getEntriesByName('po:chart').length >= {}"
MARKED = "() => performance.getEntriesByName('po:chart').at(-1).startTime"


def build() -> str:
    """Make a channel with a year of readings and return its address."""
    from meters.services import validate_days
    from tests.meters.builders import ACTOR, ingest, long_csv, make_channel

    channel = make_channel(minutes=5)
    values = [f"{100 + (i * 37) % 50}.{i % 1000:03}" for i in range(COUNT)]
    now = START + timedelta(days=400)
    ingest(long_csv(channel.code, START, values, minutes=5), now=now)
    last = START + timedelta(days=364)
    validate_days([channel.pk], START.date(), last.date(), now=now, actor=ACTOR)
    return f"/office/channels/{channel.code}/?month={MONTH}&span=year"


def measure(server: str, address: str, cookie: str, rounds: int, width: int) -> None:
    """Open the page again and again and print what it took."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        path = os.environ.get("POWEROPTIX_CHROMIUM") or shutil.which("chromium")
        browser = started.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        painted, closer, sizes = [], [], {}
        for _round in range(rounds):
            context = browser.new_context(viewport={"width": width, "height": 850})
            context.add_cookies(
                [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": server}]
            )
            page = context.new_page()
            answers: list = []
            page.on("response", lambda r, kept=answers: "series" in r.url and kept.append(r))
            page.goto(server + address)
            page.wait_for_function(SHOWN.format(1))
            painted.append(page.evaluate(MARKED))
            document = answers[0].json()
            sizes = {
                "bytes": len(answers[0].body()),
                "points": len(document["series"][0]["v"]),
                "intervals a point": document["n"],
            }
            box = page.locator(".chart .u-over").bounding_box()
            begun = page.evaluate("() => performance.now()")
            page.mouse.move(box["x"] + box["width"] * 0.50, box["y"] + 60)
            page.mouse.down()
            page.mouse.move(box["x"] + box["width"] * 0.52, box["y"] + 60)
            page.mouse.up()
            page.wait_for_function(SHOWN.format(2))
            closer.append(page.evaluate(MARKED) - begun)
            context.close()
        browser.close()
    print(f"{COUNT:,} intervals on a page {width} pixels wide: {sizes}")
    print(f"first paint: median {median(painted):,.0f} ms, all {[round(t) for t in painted]}")
    print(f"a week closer: median {median(closer):,.0f} ms, all {[round(t) for t in closer]}")


def main() -> None:
    """Build, serve, measure, and throw the scratch database away."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--width", type=int, default=1280)
    said = parser.parse_args()
    setup_test_environment()
    made = setup_databases(verbosity=0, interactive=False)
    thread = LiveServerThread("127.0.0.1", StaticFilesHandler)
    try:
        address = build()
        person = get_user_model().objects.create_user("ann", role="analyst")
        client = Client()
        client.force_login(person)
        thread.daemon = True
        thread.start()
        thread.is_ready.wait()
        if thread.error:
            raise thread.error
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        measure(f"http://127.0.0.1:{thread.port}", address, cookie, said.rounds, said.width)
    finally:
        thread.terminate()
        thread.join(10)
        connections.close_all()
        teardown_databases(made, verbosity=0)
        teardown_test_environment()


if __name__ == "__main__":
    main()
