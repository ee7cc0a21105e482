"""How sure a day is, and since when each interval has been what it is now."""

from decimal import Decimal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from meters.calc.day_quality import KINDS, NEVER, day_qualities, energy, settled_since
from poweroptix.kernel.fixed import MICRO, MISSING
from poweroptix.kernel.quality import Status

HISTORY = st.lists(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from([10, 60])), min_size=3, max_size=3),
    min_size=1,
    max_size=6,
)


def test_a_day_by_kind_with_the_worst_letter_and_the_time_to_final():
    status = np.array([10, 20, 40, 45, 60, 50, 10, 75, 80, 100], np.uint8)
    since = np.array([5, 5, 5, 5, 9, 7, 9, 9, 9, NEVER])
    sure, unsure = day_qualities(status, since, [0, 7, 10], [6, 6])
    assert dict(zip(KINDS.values(), sure.counts, strict=True)) == {
        "measured": 4, "substituted": 1, "estimated": 1, "edited": 1, "suspect": 0, "missing": 0
    }  # fmt: skip
    assert (sure.letter, sure.minutes_to_final, sure.unsure_count) == ("E", 3, 3)
    assert (unsure.letter, unsure.minutes_to_final, unsure.expected) == ("X", None, 3)
    assert unsure.in_words() == "1 suspect, 2 missing"


def test_a_day_that_was_final_before_it_ended_waited_for_nothing():
    [day] = day_qualities(np.array([10], np.uint8), np.array([100]), [0, 1], [900])
    assert day.minutes_to_final == 0


def test_energy_counts_both_directions_and_what_was_guessed():
    values = np.array([5, -3, 2, MISSING, 7], np.int64)
    values[values != MISSING] *= MICRO
    status = np.array([10, 60, 45, 100, 50], np.uint8)
    assert energy(values, status) == (Decimal(17), Decimal(5))


@given(st.lists(HISTORY, max_size=4))
def test_an_interval_is_as_old_as_the_first_version_that_says_what_it_is_now(days):
    rows = [(at, version) for at, day in enumerate(days) for version in day]
    group = np.array([at for at, _ in rows], np.int64)
    published = np.arange(len(rows), dtype=np.int64) * 10
    shape = (len(rows), 3)
    values = np.array([[v for v, _ in one] for _, one in rows], np.int64).reshape(shape)
    status = np.array([[s for _, s in one] for _, one in rows], np.uint8).reshape(shape)
    now, sure, since = settled_since(group, published, values, status)
    assert len(now) == len(days)
    for at, day in enumerate(days):
        mine = np.flatnonzero(group == at).tolist()
        for slot in range(3):
            last = day[-1][slot]
            assert (now[at, slot], sure[at, slot]) == last
            first = len(day)
            while first and day[first - 1][slot] == last:
                first -= 1
            assert since[at, slot] == published[mine[first]]


def test_nothing_was_ever_published():
    empty = np.empty((0, 4), np.int64)
    none = np.empty(0, np.int64)
    now, sure, since = settled_since(none, none, empty, empty.astype(np.uint8))
    assert now.shape == sure.shape == since.shape == (0, 4)
    [day] = day_qualities(
        np.full(4, Status.MISSING, np.uint8), np.full(4, NEVER), [0, 4], [1440]
    )  # fmt: skip
    assert (day.letter, day.minutes_to_final) == ("X", None)
