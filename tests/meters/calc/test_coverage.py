"""What a file has no value for, in whatever order its blocks come."""

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from meters.calc.coverage import LISTED, Coverage
from poweroptix.kernel.fixed import MISSING

START = datetime(2026, 3, 3, 6, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def covered(blocks):
    seen = Coverage(15)
    for first, values in blocks:
        seen.add(START + first * QUARTER, np.array(values, np.int64))
    return seen


def holes(seen):
    return [((h.start_utc - START) // QUARTER, h.intervals) for h in seen.holes()]


def test_absent_and_empty_intervals_that_touch_are_one_hole():
    seen = covered([(0, [1, 1, MISSING]), (6, [1, MISSING, 1])])
    assert (seen.absent, holes(seen)) == (3, [(2, 4), (7, 1)])


def test_many_holes_are_counted_and_the_first_are_listed():
    seen = covered([(2 * n, [1]) for n in range(50)])
    assert (seen.absent, len(seen.holes())) == (49, LISTED)
    empty = covered([(0, [1, MISSING] * 50)])
    assert (empty.absent, holes(empty)[:2]) == (0, [(1, 1), (3, 1)])


@given(st.sets(st.integers(0, 60), min_size=1), st.randoms())
def test_the_order_of_blocks_is_indifferent(there, chance):
    blocks = [(at, [1]) for at in sorted(there)]
    expected = covered(blocks)
    chance.shuffle(blocks)
    mixed = covered(blocks)
    assert (mixed.absent, holes(mixed)) == (expected.absent, holes(expected))
    assert mixed.absent == max(there) - min(there) + 1 - len(there)
