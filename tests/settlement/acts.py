"""What tests of runs do: settle, approve, publish prices, forge rows."""

from datetime import timedelta

from django.db import connection

from contracts.models import IndexSeries
from contracts.services import publish_index
from settlement.services import approve_run, run_settlement
from tests.settlement.world import ENERGY, MARCH, NOW, SYSTEM, World

INDEX = {
    "key": "index_adder@1",
    "code": 12,
    "label": "Index energy",
    "parameters": {"index": "HUB", "adder": "3.50"},
}
DEMAND = {
    "key": "demand@1",
    "code": 20,
    "label": "Demand",
    "parameters": {
        "prices": [{"period": "ALL", "blocks": [{"rate": "10"}]}],
        "ratchet_ratio": "0.8",
        "ratchet_months": 11,
    },
}


def settle(world, which="alfa", actor=None, now=NOW, period=MARCH, **more):
    return run_settlement(
        getattr(world, which), period, now=now, actor=actor or world.analyst, **more
    )


def approve(world, run, actor=None, now=NOW):
    return approve_run(run, actor=actor or world.approver, now=now)


def publish_hub(hours, *, final=True, now=NOW, vintage="final"):
    series, _ = IndexSeries.objects.get_or_create(
        code="HUB", defaults={"name": "Hub", "zone": "America/Chicago"}
    )
    rows = [(MARCH.start_utc + timedelta(hours=at), price) for at, price in enumerate(hours)]
    publish_index(series, rows, vintage=vintage, final=final, actor=SYSTEM, now=now)


def with_index():
    """Return a world whose ALFA pays hub + 3.50 besides energy at 50."""
    example = (
        {
            "period": "2026-03",
            "series": {"delivered": {"flat": "1000", "minutes": 15}},
            "prices": {"HUB": {"flat": "30"}},
        },
        {"10": "148600.00", "12": "99562.00"},
    )
    IndexSeries.objects.create(code="HUB", name="Hub", zone="America/Chicago")
    return World(terms=(ENERGY, INDEX), example=example)


def force(sql):
    """Change a table behind the back of its triggers, as an intruder would."""
    with connection.cursor() as cursor:
        table = sql.split()[1]
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"GRANT UPDATE ON {table} TO CURRENT_USER")
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(sql)
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
