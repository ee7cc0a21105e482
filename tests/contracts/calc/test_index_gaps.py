from datetime import UTC, datetime, timedelta

from contracts.calc.index_gaps import Gap, gaps_between

FIRST, HOUR = datetime(2026, 11, 5, 6, tzinfo=UTC), timedelta(hours=1)


def gaps(*known):
    last = FIRST + 9 * HOUR
    found = gaps_between((FIRST + at * HOUR for at in known), FIRST, last, HOUR)
    return [((gap.start_utc - FIRST) // HOUR, (gap.end_utc - FIRST) // HOUR, gap.count)
            for gap in found]  # fmt: skip


def test_gaps_lie_between_the_first_and_the_last():
    assert gaps(*range(10)) == []
    assert gaps(*range(-3, 14)) == []
    assert gaps(9, 0, 1, 2, 5, 6, 7) == [(3, 5, 2), (8, 9, 1)]


def test_empty_prices_at_the_ends_are_gaps():
    assert gaps(*range(2, 8)) == [(0, 2, 2), (8, 10, 2)]
    assert gaps() == [(0, 10, 10)]


def test_a_gap_of_years_is_one_gap():
    last = FIRST + 100_000 * HOUR
    assert gaps_between([FIRST, last], FIRST, last, HOUR) == [Gap(FIRST + HOUR, last, 99_999)]
