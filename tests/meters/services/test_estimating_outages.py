"""Interruptions on record: zero where they prove it, and no example for other days."""

from datetime import timedelta

import pytest

from tests.meters.builders import make_channel
from tests.meters.services.campus import (
    finals,
    flag,
    interrupted,
    judge,
    local,
    quiet,
    sheet,
    sheets,
    store,
    store_day,
)

pytestmark = pytest.mark.django_db
DAY = "2025-06-17"
MIDNIGHT = local(DAY)


@pytest.fixture(autouse=True)
def _ruler():
    quiet()


def hole(channel, first, count, value=100):
    store(channel, MIDNIGHT, [value] * first + [None] * count + [value] * (96 - first - count))


def test_a_gap_is_cut_where_the_outage_begins_and_ends():
    channel = make_channel(kind="HOUSE")
    hole(channel, 40, 8)
    interrupted(channel, local(DAY, "10:30"), local(DAY, "11:15"))
    judge(channel, first=DAY)
    values = ["100.000"] * 2 + ["0.000"] * 3 + ["100.000"] * 3
    assert finals(channel, local(DAY, "10:00"), 8) == values
    methods = [made["method"] for made in sheets(channel)]
    assert methods == ["interpolate@1", "zero@1", "interpolate@1"]
    (span,) = sheets(channel)[1]["not_energised"]
    assert span["range"] == ["2025-06-17T15:30Z", "2025-06-17T16:15Z"]
    assert span["reason"].endswith(
        "2025-06-17T15:30Z to 2025-06-17T16:15Z, fault of the grid, recorded by user:operator"
    )


def test_part_of_an_interval_without_power_is_no_zero_and_no_end_of_a_line():
    channel = make_channel(kind="HOUSE")
    store(channel, MIDNIGHT, [100] * 39 + [20] + [None] * 4 + [100] * 52)
    interrupted(channel, local(DAY, "09:50"), local(DAY, "10:05"))
    judge(channel, first=DAY)
    assert finals(channel, local(DAY, "10:00"), 4) == ["100.000"] * 4
    assert sheet(channel)["used"] == ["2025-06-17T14:30Z", "2025-06-17T16:00Z"]


def test_an_outage_that_lasts_is_confirmed_until_now():
    channel = make_channel(kind="HOUSE")
    hole(channel, 40, 56)
    interrupted(channel, local(DAY, "10:00"), None)
    judge(channel, first=DAY, now=local("2025-06-18", "06:00"))
    assert finals(channel, local(DAY, "10:00"), 56) == ["0.000"] * 56
    assert "still open" in sheet(channel)["used"][0]


def test_the_flag_of_a_device_proves_nothing():
    channel = make_channel(kind="HOUSE")
    hole(channel, 40, 4)
    flag(channel, local(DAY, "10:00"), minutes=60)
    judge(channel, first=DAY)
    assert finals(channel, local(DAY, "10:00"), 4) == ["100.000"] * 4


@pytest.mark.parametrize(
    ("kind", "direction", "values"),
    [
        ("GENERATOR", "DELIVERED", ["0.000"] * 4),
        ("GENERATOR", "NET", ["100.000"] * 4),
        ("GENERATOR", "RECEIVED", ["100.000"] * 4),
        ("STORAGE", "RECEIVED", ["0.000"] * 4),
        ("GRID_TIE", "NET", ["0.000"] * 4),
    ],
)
def test_a_generator_at_rest_still_draws_its_own_supply(kind, direction, values):
    channel = make_channel(kind=kind, direction=direction)
    hole(channel, 40, 4)
    interrupted(channel, local(DAY, "09:00"), local(DAY, "12:00"), cause="MAINTENANCE")
    judge(channel, first=DAY)
    assert finals(channel, local(DAY, "10:00"), 4) == values


def test_a_voltage_is_not_zero_because_no_energy_flowed():
    channel = make_channel(kind="HOUSE", quantity="VOLT", unit="V")
    hole(channel, 40, 4, 240)
    interrupted(channel, local(DAY, "10:00"), local(DAY, "11:00"))
    judge(channel, first=DAY)
    assert finals(channel, local(DAY, "10:00"), 4) == ["240.000"] * 4


def test_a_day_with_an_interruption_is_no_reference():
    channel = make_channel(kind="HOUSE")
    for day, value in (("2025-06-10", 1000), ("2025-06-03", 1060)):
        store_day(channel, day, [value])
        judge(channel, first=day)
    hole(channel, 40, 12)
    interrupted(channel, local("2025-06-10", "20:00"), local("2025-06-10", "20:05"))
    judge(channel, first=DAY)
    assert finals(channel, local(DAY, "10:00"), 12) == ["1060.000"] * 12


def test_an_interruption_of_another_point_is_nobody_elses():
    channel, other = make_channel(kind="HOUSE"), make_channel("B/KWH", kind="HOUSE")
    hole(channel, 40, 4)
    interrupted(other, local(DAY, "10:00"), local(DAY, "10:00") + timedelta(hours=1))
    judge(channel, first=DAY)
    assert finals(channel, local(DAY, "10:00"), 4) == ["100.000"] * 4
