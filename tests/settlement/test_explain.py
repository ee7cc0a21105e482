"""One cent back to a row of a file, and what a tenant cannot see on the way."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from meters.services import ingest_file, receive_file, validate_days
from poweroptix.kernel.errors import NotFoundError
from settlement.queries.explain import explain_line, largest_interval
from settlement.services import run_settlement
from tests.meters.builders import install, long_csv
from tests.settlement.world import MARCH, NOW, SYSTEM, World, readings

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    """Return a campus whose ALFA readings came in a file."""
    import io

    world = World(read=False)
    for channel, kwh in ((world.gen, 101), (world.bravo_meter, 40)):
        readings(channel, kwh, now=NOW)
    install(world.alfa_meter, MARCH.start_utc - timedelta(days=30), None)
    values = [60] * 2972
    values[1000] = "61.5"
    text = long_csv(world.alfa_meter.code, MARCH.start_utc, values)
    kept = receive_file(
        io.BytesIO(text.encode()), name="alfa_march.csv", source="t", now=NOW, actor=SYSTEM
    )
    ingest_file(kept.pk, now=NOW, actor=SYSTEM)
    validate_days([world.alfa_meter.pk], MARCH.first_date, MARCH.last_date, now=NOW, actor=SYSTEM)
    return world


def test_a_line_is_traced_to_file_and_row(world):
    run = run_settlement(world.alfa, MARCH, now=NOW, actor=world.analyst)
    line = run.lines.get()
    at = MARCH.start_utc + timedelta(minutes=15 * 1000)
    day = MARCH.days()[10]
    tree = explain_line(line.pk, day=day, instant=at)
    assert tree["line"]["amount_usd"] == line.amount_usd
    assert tree["quantity"] == "delivered"
    assert sum(one["total_kwh"] for one in tree["days"]) == sum(
        one["metered_kwh"] + one["loss_kwh"] for one in tree["days"]
    )
    assert len(tree["days"]) == 31
    assert len(tree["intervals"]) == 96
    assert largest_interval(tree)["metered_kwh"] == Decimal("61.5")
    assert tree["interval"]["metered_kwh"] == Decimal("61.5")
    [reading] = tree["readings"]
    assert reading["channel"] == "TEN-ALFA/DEL_KWH"
    assert (reading["used"]["version"], reading["used"]["quantity"]) == (1, Decimal("61.5"))
    assert (reading["raw"]["file"], reading["raw"]["line"]) == ("alfa_march.csv", 1002)


def test_the_spring_day_has_92_intervals(world):
    run = run_settlement(world.alfa, MARCH, now=NOW, actor=world.analyst)
    tree = explain_line(run.lines.get().pk, day=MARCH.days()[7])
    assert len(tree["intervals"]) == 92


def test_the_used_version_stays_marked_after_a_correction(world):
    run = run_settlement(world.alfa, MARCH, now=NOW, actor=world.analyst)
    readings(world.alfa_meter, 70, now=NOW + timedelta(days=1))
    at = MARCH.start_utc + timedelta(hours=3)
    [reading] = explain_line(run.lines.get().pk, instant=at)["readings"]
    assert reading["used"]["version"] == 1
    assert max(one["version"] for one in reading["versions"]) == 2


def test_queries_do_not_grow_with_the_month(world):
    run = run_settlement(world.alfa, MARCH, now=NOW, actor=world.analyst)
    line = run.lines.get()
    with CaptureQueriesContext(
        connection,
    ) as context:
        explain_line(line.pk)
    assert len(context) <= 2
    with CaptureQueriesContext(connection) as context:
        explain_line(line.pk, day=MARCH.days()[3], instant=MARCH.start_utc)
    assert len(context) <= 12


def test_an_unknown_line_is_named():
    with pytest.raises(NotFoundError, match="There is no line 7"):
        explain_line(7)
