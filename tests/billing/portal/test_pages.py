"""What a tenant sees, and how many questions each page asks of the database."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

pytestmark = pytest.mark.django_db
BASELINE = json.loads(Path(__file__).with_name("queries.json").read_text())
LIMIT = 12
#: Session, user, and what opens and closes the scope of a request.
OVERHEAD = ("SAVEPOINT", "RELEASE", "SET LOCAL", "BEGIN", "COMMIT", "SELECT current_setting")


@pytest.fixture
def alfa(world, client):
    client.force_login(world.people["alfa"])
    client.get("/accounts/login/")
    return client


def addresses(world) -> dict[str, str]:
    """Every page of the portal with an address of ALFA."""
    number = world.invoices["PPA-ALFA"].number
    line = f"/portal/invoices/{number}/lines/1/"
    return {
        "home": "/portal/",
        "usage": "/portal/usage/?month=2026-03",
        "usage series": "/portal/usage/series.json?month=2026-03&res=60",
        "usage csv": "/portal/usage/?month=2026-03&res=15&export=csv",
        "invoices": "/portal/invoices/",
        "invoice": f"/portal/invoices/{number}/",
        "pdf": f"/portal/invoices/{number}/pdf",
        "csv": f"/portal/invoices/{number}/csv",
        "json": f"/portal/invoices/{number}/json",
        "line": line,
        "day": f"{line}days/2026-03-12/",
        "interval": f"{line}intervals/20260312T1215Z/",
        "carbon": "/portal/carbon/",
        "carbon line": "/portal/carbon/2026-03/PPA-ALFA/",
        "contract": "/portal/contract/",
    }


def own_queries(captured, user_table="accounts_user") -> int:
    """Count the page's own queries: without session, user, token and scope."""
    skipped = (*OVERHEAD, 'SELECT "django_session"', f'SELECT "{user_table}"')
    texts = [query["sql"].lstrip() for query in captured]
    own = [t for t in texts if not t.startswith(skipped) and "django_session" not in t]
    channels = [t for t in own if '"meters_channel"."id" AS' in t or "channels__id" in t]
    return len(own) - len(channels[:1])


@pytest.mark.parametrize("name", list(BASELINE))
def test_page_opens_within_its_queries(alfa, world, name):
    with CaptureQueriesContext(
        connection,
    ) as captured:
        answer = alfa.get(addresses(world)[name])
    assert answer.status_code == 200, answer.content.decode(errors="replace")[:1500]
    asked = own_queries(captured.captured_queries)
    assert asked <= LIMIT, "\n".join(q["sql"][:150] for q in captured.captured_queries)
    assert asked <= BASELINE[name], f"{name} asks {asked} queries, the baseline is {BASELINE[name]}"


@pytest.mark.parametrize("name", ["home", "usage", "invoices", "carbon", "contract"])
def test_queries_do_not_grow_with_the_data(alfa, world, name):
    from tests.factories.campus import HEAD, NOW, deliver

    rows = [
        f"HALL-A,DEL_KWH,2026-04-{day:02d}T{hour:02d}:00:00Z,900,2000.000,kWh,A"
        for day in range(1, 28)
        for hour in range(24)
    ]
    deliver("more.csv", "\n".join([HEAD, *rows, ""]).encode(), now=NOW + timedelta(days=30))
    with CaptureQueriesContext(connection) as captured:
        alfa.get(addresses(world)[name])
    assert own_queries(captured.captured_queries) <= BASELINE[name]
