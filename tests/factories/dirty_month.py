"""The small campus with a month as plants deliver it: gaps, spikes, doubtful, unknown readings."""

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from contracts.models import IndexSeries
from contracts.services import publish_index
from esg.services import load_factors
from meters.models import Campus, Channel
from meters.services import validate_days
from poweroptix.accounts.services import create_user
from poweroptix.kernel.period import local_to_utc
from poweroptix.portfolio.document import read_document
from poweroptix.portfolio.services import apply_document
from tests.factories.campus import (
    HEAD,
    MARCH,
    NOW,
    PASSWORD,
    SYSTEM,
    ZONE,
    CampusWorld,
    deliver,
)

MAIN, CHECK, HALL_B = "HALL-A/DEL_KWH", "CHECK-A/DEL_KWH", "HALL-B/DEL_KWH"
ENGINE, HOUSE = "GEN-1/DEL_KWH", "HOUSE-1/DEL_KWH"
#: The house load is delivered under a name that nobody knows yet.
OLD_HOUSE = "OLD-HOUSE/DEL_KWH"
PEOPLE = (
    ("oli", "operator"),
    ("ana", "analyst"),
    ("ben", "analyst"),
    ("approver", "approver"),
    ("billing", "billing"),
)


def at(day: int, hour: int = 0) -> datetime:
    """Return an hour of March in the time of the campus, as UTC."""
    return local_to_utc(datetime(2026, 3, day, hour), ZONE)


#: What is wrong with the month: channel, from, to (not included), and what the value becomes.
FAULTS = (
    (MAIN, at(24, 10), at(24, 11), None),
    (MAIN, at(25), at(26), None),
    (MAIN, at(18, 14), at(18, 14) + timedelta(minutes=15), Decimal(6800)),
    (MAIN, at(19, 9), at(19, 10), Decimal(9000)),
    (HALL_B, at(20), at(21), Decimal("1510.125")),
    (HALL_B, at(26, 6), at(26, 14), Decimal(0)),
    (CHECK, at(27), at(28), Decimal(2300)),
)


def build_dirty_month() -> CampusWorld:
    """Build the campus and its people, receive the month in two files, and judge it."""
    document = read_document(Path(__file__).with_name("campus.yaml"))
    for code, kind, role in (("CHECK-A", "TENANT_LOAD", "CHECK"), ("HOUSE-1", "HOUSE", "MAIN")):
        _add_channel(document, code, kind, role)
    apply_document(document, actor=SYSTEM, now=MARCH.start_utc - timedelta(days=9))
    world = CampusWorld(Campus.objects.get(code="MESA"))
    for name, role in PEOPLE:
        world.people[name] = create_user(
            name, PASSWORD, role=role, actor=SYSTEM, check_password=False
        )
    load_factors(now=NOW, actor=SYSTEM)
    grid = MARCH.grid(60)
    prices = [(grid.start_of(i), Decimal(20 + (i * 7) % 31)) for i in range(grid.count)]
    series = IndexSeries.objects.get(code="hub")
    publish_index(series, prices, vintage="final", final=True, actor=SYSTEM, now=NOW)
    received = NOW - timedelta(days=1)
    deliver("plant-2026-03.csv", month_file(faults=FAULTS), now=received)
    deliver("house-2026-03.csv", house_file(), now=received + timedelta(hours=1))
    channels = list(Channel.objects.values_list("pk", flat=True))
    validate_days(channels, MARCH.first_date, MARCH.last_date, now=NOW, actor=SYSTEM)
    return world


def month_file(faults=()) -> bytes:
    """Return the month of the known channels with the faults; fuel is hourly and sound."""
    rows, grid = [HEAD], MARCH.grid(15)
    for index in range(grid.count):
        start = grid.start_of(index)
        alfa, bravo = load(index, 2000), load(index, 1500)
        engine = (alfa + bravo + house(index)) * Decimal("1.01")
        energy = {MAIN: alfa, CHECK: alfa, HALL_B: bravo, ENGINE: engine}
        for channel, first, end, value in faults:
            if first <= start < end:
                energy[channel] = value
        rows += [line(code, start, kwh) for code, kwh in energy.items() if kwh is not None]
        if index % 4 == 0:
            rows.append(line("FUEL-1/DEL_MMBTU", start, engine * 36 / 1000, 3600, "MMBtu"))
    return "\n".join([*rows, ""]).encode()


def house_file() -> bytes:
    """Return the month of the house load under its old name."""
    grid = MARCH.grid(15)
    rows = [line(OLD_HOUSE, grid.start_of(i), house(i)) for i in range(grid.count)]
    return "\n".join([HEAD, *rows, ""]).encode()


def load(index: int, base_kwh: int) -> Decimal:
    """Return the energy of a hall in kWh: a wave over the day and a ripple."""
    hour = index // 4 % 24
    return base_kwh + abs(hour - 12) * Decimal(base_kwh) / 200 + Decimal(index * 37 % 400) / 10


def house(index: int) -> Decimal:
    """Return the energy of the house in kWh."""
    return Decimal(12) + Decimal(index * 13 % 50) / 10


def line(channel: str, start: datetime, value: Decimal, seconds: int = 900, unit="kWh") -> str:
    """Return a row of the file."""
    meter, register = channel.split("/")
    return f"{meter},{register},{start:%Y-%m-%dT%H:%M:%SZ},{seconds},{value:.3f},{unit},A"


def _add_channel(document: dict, code: str, kind: str, role: str) -> None:
    point = "HALL-A" if role == "CHECK" else code
    if point == code:
        document["delivery_points"].append(
            {"campus": "MESA", "code": code, "name": "House load", "kind": kind}
        )
    channel, meter = f"{code}/DEL_KWH", f"M-{code}"
    document["meters"].append({"campus": "MESA", "serial": meter, "manufacturer": "SEL"})
    document["channels"].append(
        {
            "campus": "MESA",
            "delivery_point": point,
            "code": channel,
            "quantity": "KWH",
            "direction": "DELIVERED",
            "unit": "kWh",
            "minutes": 15,
            "role": role,
        }
    )
    document["installations"].append(
        {
            "campus": "MESA",
            "channel": channel,
            "meter": meter,
            "valid": ["2026-03-01T00:00:00-06:00", ""],
            "multiplier_applied_by_source": True,
        }
    )
