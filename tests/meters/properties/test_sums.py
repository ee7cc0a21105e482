"""Energy is the same in every length of interval, on every local day, and no gap becomes a sum."""

from decimal import Decimal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from meters.calc.expressions import compute
from meters.calc.resolution import change_length
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.period import Period
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series
from tests.meters.properties.places import local_days


@st.composite
def days(draw, holes=False):
    """Return a local day of five-minute readings; with holes where asked."""
    zone, day = draw(local_days())
    grid = Period.day(zone, day).grid(5)
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    values = random.integers(0, 10**10, grid.count)
    status = random.choice([Status.VALIDATED, Status.ESTIMATED, Status.EDITED], grid.count)
    if holes:
        absent = random.random(grid.count) < draw(st.sampled_from([0.01, 0.2, 0.9]))
        values = np.where(absent, MISSING, values)
        status = np.where(absent, int(Status.MISSING), status)
    return Series(grid, values.astype(np.int64), status.astype(np.uint8), "kWh")


@settings(max_examples=60, deadline=None)
@given(days())
def test_five_fifteen_and_sixty_minutes_hold_the_same_energy_to_the_last_digit(five):
    quarter, hour = change_length(five, 15), change_length(five, 60)
    exact = Decimal(sum(five.values.tolist())).scaleb(-6)
    assert five.total() == quarter.total() == hour.total() == exact
    assert change_length(quarter, 60).equals(hour)
    assert hour.grid.count in (23, 24, 25)
    assert compute("A", {"A": five}, minutes=60).values.tolist() == hour.values.tolist()


@settings(max_examples=60, deadline=None)
@given(days(holes=True), st.sampled_from([15, 30, 60]))
def test_an_interval_with_a_hole_is_missing_and_never_a_smaller_sum(five, minutes):
    longer = change_length(five, minutes)
    parts = five.missing.reshape(longer.grid.count, minutes // 5)
    assert (longer.missing == parts.any(axis=1)).all()
    worst = five.status.reshape(parts.shape).max(axis=1)
    assert (longer.status == worst).all()
    there = ~longer.missing
    sums = five.values.reshape(parts.shape).sum(axis=1)
    assert (longer.values[there] == sums[there]).all()
