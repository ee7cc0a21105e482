"""Local and absolute time tell the same readings; the order of rows counts only where it must."""

import random
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meters.formats import Profile
from poweroptix.kernel.period import Period
from tests.meters.cases import as_dict, blocks, errors, read
from tests.meters.properties.places import (
    CHANGES,
    ZONES,
    absolute_rows,
    local_days,
    local_rows,
    text,
)


def readings(count):
    """Return as many different values, as texts."""
    return [f"{Decimal(n) / 8 + 1:.3f}" for n in range(count)]


def parse(rows, profile=None):
    return read("csv_long@1", text(rows), profile)


@settings(max_examples=60, deadline=None)
@given(local_days(), st.sampled_from([15, 30, 60]), st.sampled_from(["BEGIN", "END"]))
def test_a_file_of_local_time_gives_the_readings_of_the_file_with_offsets(place, minutes, label):
    zone, day = place
    grid = Period.day(zone, day).grid(minutes)
    values = readings(grid.count)
    exact = parse(absolute_rows(grid, values, zone))
    local = parse(local_rows(grid, values, zone, label), Profile(zone=zone, label=label))
    assert errors(exact) == errors(local) == []
    assert as_dict(local) == as_dict(exact)
    assert len(as_dict(exact)) == grid.count
    assert min(block.start_utc for block in blocks(local)) == grid.start_utc


@settings(max_examples=60, deadline=None)
@given(local_days(), st.sampled_from([5, 15, 60]), st.randoms(use_true_random=False))
def test_rows_with_offsets_may_come_in_any_order(place, minutes, chance):
    zone, day = place
    grid = Period.day(zone, day).grid(minutes)
    rows = absolute_rows(grid, readings(grid.count), zone)
    ordered = as_dict(parse(rows))
    chance.shuffle(rows)
    shuffled = parse(rows)
    assert errors(shuffled) == []
    assert as_dict(shuffled) == ordered


@pytest.mark.parametrize("label", ["BEGIN", "END"])
@pytest.mark.parametrize("zone", [zone for zone in ZONES if CHANGES[zone, 25]])
def test_shuffled_rows_of_local_time_are_refused_in_an_autumn_night(zone, label):
    for day in CHANGES[zone, 25]:
        grid = Period.day(zone, day).grid(15)
        rows = local_rows(grid, readings(grid.count), zone, label)
        random.Random(day.toordinal()).shuffle(rows)
        items = parse(rows, Profile(zone=zone, label=label))
        assert errors(items), f"{day}: rows of an hour that happens twice were taken in any order"
        assert all(error.code in ("R302", "R005", "R110") for error in errors(items))


@settings(max_examples=30, deadline=None)
@given(local_days(), st.randoms(use_true_random=False))
def test_shuffled_rows_of_local_time_are_taken_on_every_other_day(place, chance):
    zone, day = place
    if day in CHANGES[zone, 25]:
        return
    grid = Period.day(zone, day).grid(60)
    rows = local_rows(grid, readings(grid.count), zone, "BEGIN")
    ordered = as_dict(parse(rows, Profile(zone=zone)))
    chance.shuffle(rows)
    items = parse(rows, Profile(zone=zone))
    assert errors(items) == []
    assert as_dict(items) == ordered
