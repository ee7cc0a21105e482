"""Estimates from totals, facts and agreements: profile, average daily load, zero, agreed."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meters.calc.evidence import Agreed, Evidence, Exchanged, Known, Named, Span
from poweroptix.kernel.quality import Status
from poweroptix.kernel.rounding import cumulative
from tests.meters.cases import example, needs_cases
from tests.meters.estimation.sheets import number, run, series, texts, with_status

# -- profile@1 -----------------------------------------------------------------------------------


def profiled(given_series, gap, energy, weights, first=0, end=None):
    known = Known(first, end or given_series.grid.count, Decimal(str(energy)), "register 1-2")
    shape = Named("evening", series(weights))
    return run("profile@1", given_series, gap, Evidence(shape=shape, known=(known,)))


@needs_cases
def test_profile_example():
    case = example("C7")["given"]
    hole = series([None] * len(case["weights"]))
    estimate = profiled(hole, slice(0, len(case["weights"])), case["register"], case["weights"])
    assert texts(estimate) == example("C7")["expect"]["values"]


def test_what_was_metered_is_taken_off_and_two_gaps_share_the_rest():
    values = series([100, None, None, 200, None, 100])
    weights = [9, 1, 1, 9, 1, 9]
    first = profiled(values, slice(1, 3), 500, weights)
    second = profiled(values, slice(4, 5), 500, weights)
    assert texts(first) + texts(second) == ["33.333", "33.334", "33.333"]
    sheet = first.worksheet
    assert sheet["known"]["metered"] == "400"
    need = number(sheet["known"]["energy"]) - number(sheet["known"]["metered"])
    whole = sum(map(number, sheet["weights"]))
    parts = [need * number(weight) / whole for weight in sheet["weights"]]
    assert cumulative(parts, 3)[:2] == first.decimals()


def test_the_shortest_known_range_wins_and_weights_of_nothing_are_even():
    values = series([None, None, 50, 50])
    evidence = Evidence(
        shape=Named("flat", series([0, 0, 0, 0])),
        known=(Known(0, 4, Decimal(1100), "month"), Known(0, 2, Decimal(90), "day")),
    )
    assert texts(run("profile@1", values, slice(0, 2), evidence)) == ["45.000", "45.000"]


def test_the_shortest_range_need_not_be_the_first_to_end():
    evidence = Evidence(
        shape=Named("flat", series([1] * 8)),
        known=(Known(0, 7, Decimal(700), "early"), Known(4, 8, Decimal(390), "short")),
    )
    found = run("profile@1", series([100] * 5 + [None] + [100] * 2), slice(5, 6), evidence)
    assert (texts(found), found.used) == (["90.000"], ("flat", "short"))


def test_more_metered_than_known_or_a_doubtful_reading_is_no_answer():
    values = series([None, 60])
    assert profiled(values, slice(0, 1), 59, [1, 1]) is None
    assert texts(profiled(values, slice(0, 1), 60, [1, 1])) == ["0.000"]
    assert profiled(with_status(values, 1, Status.SUSPECT), slice(0, 1), 100, [1, 1]) is None
    assert profiled(with_status(values, 1, Status.ESTIMATED), slice(0, 1), 100, [1, 1]) is None
    assert profiled(values, slice(0, 1), 100, [-1, 1]) is None
    assert profiled(values, slice(0, 1), 100, [None, 1]) is None
    assert profiled(values, slice(0, 1), 100, [1, 1], first=1) is None
    assert profiled(values, slice(0, 1), 100, [1, 1], end=3) is None


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5000), st.booleans()), min_size=1, max_size=40),
    st.integers(0, 10**6),
)
def test_metered_and_profiled_add_up_to_the_known_energy_to_the_last_digit(rows, rest):
    numbers = [None if gone else Decimal(weight) for weight, gone in rows]
    metered = sum((n for n in numbers if n is not None), Decimal(0))
    values, weights = series(numbers), [weight for weight, _ in rows]
    energy = metered + Decimal(rest).scaleb(-3)
    filled = []
    for index, value in enumerate(numbers):
        if value is None:
            estimate = profiled(values, slice(index, index + 1), energy, weights)
            filled += estimate.decimals()
    assert not filled or metered + sum(filled) == energy


# -- average_daily_load@1 ------------------------------------------------------------------------

DAY = dt.date(2026, 3, 2)


def daily(given_series, gap, evidence, **context):
    context.setdefault("zone", "America/Chicago")
    return run("average_daily_load@1", given_series, gap, evidence, **context)


def test_the_rest_of_the_day_is_spread_evenly_over_what_is_missing():
    values = series([100] * 18 + [None] * 6, minutes=60)
    evidence = Evidence(daily_kwh={DAY: Decimal(1900)})
    estimate = daily(values, slice(18, 24), evidence)
    assert sum(estimate.decimals()) == 100
    assert texts(estimate) == ["16.667", "16.666", "16.667", "16.667", "16.666", "16.667"]
    [sheet] = estimate.worksheet["days"]
    need = number(sheet["total"]) - number(sheet["metered"])
    assert number(sheet["each"]) == need / sheet["missing"] == Fraction(50, 3)


def test_two_gaps_of_a_day_share_its_rest():
    values = series([None, *[100] * 22, None], minutes=60)
    evidence = Evidence(daily_kwh={DAY: Decimal("2200.001")})
    one = daily(values, slice(0, 1), evidence)
    two = daily(values, slice(23, 24), evidence)
    assert sum(one.decimals() + two.decimals()) == Decimal("0.001")


def test_more_metered_than_the_day_or_half_a_day_is_no_answer():
    values = series([100] * 23 + [None], minutes=60)
    gap = slice(23, 24)
    assert daily(values, gap, Evidence(daily_kwh={DAY: Decimal(2299)})) is None
    assert daily(values, gap, Evidence(daily_kwh={DAY: Decimal(2300)})) is not None
    assert daily(values, gap, Evidence()) is None
    known = Evidence(daily_kwh={DAY: Decimal(9999)})
    assert daily(with_status(values, 0, Status.SUSPECT), gap, known) is None
    assert daily(series([100] * 22 + [None], minutes=60), slice(22, 23), known) is None
    assert daily(values, gap, known, facts={"technology": "SOLAR"}) is None


def test_an_average_gives_a_long_day_more():
    start = dt.datetime(2026, 11, 1, 5, tzinfo=dt.UTC)  # 25 hours in Chicago
    estimate = daily(
        series([None] * 25, minutes=60, start=start),
        slice(0, 25),
        Evidence(average_daily_kwh=Decimal(2400)),
    )
    assert set(texts(estimate)) == {"100.000"}
    assert sum(estimate.decimals()) == 2500


# -- zero@1 --------------------------------------------------------------------------------------


def test_a_confirmed_outage_is_zero_only_where_it_covers_the_whole_gap():
    values = series([10, None, None, None, 10])
    outage = Span(0, 4, "work order 12")
    estimate = run("zero@1", values, slice(1, 4), Evidence(not_energised=(outage,)))
    assert texts(estimate) == ["0.000"] * 3
    assert estimate.worksheet["not_energised"][0]["reason"] == "work order 12"
    short = Evidence(not_energised=(Span(0, 3, "first half"),))
    assert run("zero@1", values, slice(1, 4), short) is None
    both = Evidence(not_energised=(Span(0, 3, "first half"), Span(3, 9, "second half")))
    assert run("zero@1", values, slice(1, 4), both).used == ("first half", "second half")
    assert run("zero@1", values, slice(1, 4)) is None


def test_a_power_failure_flag_of_the_device_alone_is_no_zero():
    values = series([10, None, 10])
    assert run("zero@1", values, slice(1, 2), flags=[(1, 2, "POWER_FAIL", {})]) is None


# -- agreed@1 ------------------------------------------------------------------------------------


def agreed(values, person="A. Meier", reason="letter of 3 March", **facts):
    return run(
        "agreed@1", series([1, None, None, 1]), slice(1, 3),
        Evidence(agreed=Agreed(series(values), person, reason)), facts=facts,
    )  # fmt: skip


def test_agreed_values_name_the_person_and_the_reason():
    estimate = agreed([None, "7.123456", 8, None])
    assert estimate.decimals() == [Decimal("7.123456"), Decimal(8)]
    assert estimate.worksheet["person"] == "A. Meier"
    assert estimate.worksheet["reason"] == "letter of 3 March"


@pytest.mark.parametrize(("person", "reason"), [("", "because"), ("A. Meier", " ")])
def test_nobody_and_no_reason_agree_on_nothing(person, reason):
    assert agreed([1, 7, 8, 1], person, reason) is None


def test_agreed_values_must_cover_the_gap_and_keep_the_direction():
    assert agreed([1, 7, None, 1]) is None
    assert agreed([1, -7, 8, 1]) is None
    assert texts(agreed([1, -7, 8, 1], direction="NET")) == ["-7.000", "8.000"]


# -- exchange@1 ----------------------------------------------------------------------------------


def exchanged(dead_minutes, index=1, gap=slice(1, 2), minutes=15):
    reads = [{"register": "1", "read_at": "a"}, {"register": "2", "read_at": "b"}]
    sheet = {"reads": reads, "multiplier": "1"}
    one = Exchanged(
        index, Decimal(70), Decimal(50), dt.timedelta(minutes=dead_minutes), (sheet, sheet)
    )
    return run("exchange@1", series([1, None, 1], minutes), gap, Evidence(exchanges=(one,)))


def test_dead_time_runs_at_the_mean_rate_of_both_meters():
    estimate = exchanged(3)
    assert (texts(estimate), estimate.status) == (["150.000"], Status.ESTIMATED)
    assert Decimal(estimate.worksheet["dead_part"]) == 30
    assert exchanged(7).decimals()[0] == Decimal("225")


def test_an_exchange_without_dead_time_is_calculated():
    estimate = exchanged(0)
    assert (texts(estimate), estimate.status) == (["120.000"], Status.CALCULATED)


def test_an_exchange_elsewhere_or_longer_than_the_interval_tells_nothing():
    assert exchanged(3, index=0) is None
    assert exchanged(3, gap=slice(1, 3)) is None
    assert exchanged(15) is None
    assert run("exchange@1", series([1, None, 1]), slice(1, 2)) is None
