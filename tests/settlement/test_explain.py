"""One cent back to a row of a file, and what a tenant cannot see on the way."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contracts.models import TouCalendar
from meters.services import ingest_file, receive_file, validate_days
from poweroptix.kernel.errors import NotFoundError
from settlement.queries.explain import explain_line, interval_rows, line_intervals
from settlement.services import run_settlement
from tests.meters.builders import install, long_csv
from tests.settlement.world import MARCH, NOW, SYSTEM, World, readings

pytestmark = pytest.mark.django_db
CHICAGO = "America/Chicago"


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
    assert max(one["metered_kwh"] for one in tree["intervals"]) == Decimal("61.5")
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
    assert len(context) <= 4
    with CaptureQueriesContext(connection) as context:
        explain_line(line.pk, day=MARCH.days()[3], instant=MARCH.start_utc)
    assert len(context) <= 16


TOU = {
    "key": "tou_energy@1", "code": 10, "label": "Energy", "parameters": {
        "calendar": "desk", "price_unit": "USD/MWh",
        "prices": [{"period": "PEAK", "price": "60"}, {"period": "OFF", "price": "40"}],
    },
}  # fmt: skip
HOURS = [
    ("weekday", "00:00", "14:00", "OFF"),
    ("weekday", "14:00", "19:00", "PEAK"),
    ("weekday", "19:00", "24:00", "OFF"),
    ("weekend", "00:00", "24:00", "OFF"),
]


def test_a_time_of_use_line_owns_the_intervals_of_its_period_alone():
    rows = [
        {"day_types": [days], "start": start, "end": end, "period": period}
        for days, start, end, period in HOURS
    ]
    TouCalendar.objects.create(code="desk", name="Desk", zone=CHICAGO, schedule={"rows": rows})
    flat = {"period": "2026-03", "series": {"delivered": {"flat": "1000", "minutes": 15}}}
    world = World(terms=(TOU,), example=(flat, {"10": "127680.00"}))
    run = run_settlement(world.alfa, MARCH, now=NOW, actor=world.analyst)
    trees = {line.label: explain_line(line.pk, day=MARCH.days()[10]) for line in run.lines.all()}
    peak = next(tree for label, tree in trees.items() if label.endswith("PEAK"))
    off = next(tree for label, tree in trees.items() if label.endswith("OFF"))
    assert (peak["interval_count"], off["interval_count"]) == (22 * 20, 2972 - 22 * 20)
    for tree in (peak, off):
        assert sum(one["total_kwh"] for one in tree["days"]) == tree["sum_kwh"]
        assert sum(one["interval_count"] for one in tree["days"]) == tree["interval_count"]
        line = next(one for one in run.lines.all() if one.pk == tree["line"]["id"])
        [row] = line.worksheet["rows"]
        assert Decimal(row["quantity"]["inputs"][0]["value"]) == tree["sum_kwh"]
    assert len(peak["days"]) == 22
    assert [one["start_utc"].hour for one in peak["intervals"]] == [
        hour for hour in range(19, 24) for _ in range(4)
    ]
    assert {one["period"][-4:] for one in peak["intervals"]} == {"PEAK"}
    head, rows = interval_rows(line_intervals(peak["line"]["id"]))
    assert len(rows) == peak["interval_count"]
    at = {name: head.index(name) for name in ("priced_kwh", "price")}
    assert sum(row[at["priced_kwh"]] for row in rows) == peak["priced_kwh"] == peak["sum_kwh"]
    assert {row[at["price"]] for row in rows} == {60}
    assert len(off["intervals"]) == 96 - 20


def test_the_parts_of_an_interval_add_up_and_name_their_source(world):
    run = run_settlement(world.alfa, MARCH, now=NOW, actor=world.analyst)
    tree = explain_line(run.lines.get().pk, instant=MARCH.start_utc)
    *parts, settled = tree["interval"]["parts"]
    assert [(one["kind"], one["pool"] != "") for one in parts] == [
        ("METERED", False), ("LOSS", True),
    ]  # fmt: skip
    assert sum(one["kwh"] for one in parts) == settled["kwh"] == tree["interval"]["total_kwh"]
    assert parts[1]["rule"]
    assert parts[1]["whole_kwh"] > parts[1]["kwh"] > 0
    assert tree["allocation"]["run"] == run.allocation_run_id
    assert tree["allocation"]["version"] == run.allocation_run.version


def test_an_unknown_line_is_named():
    with pytest.raises(NotFoundError, match="There is no line 7"):
        explain_line(7)
