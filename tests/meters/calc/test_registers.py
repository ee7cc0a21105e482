"""Registers: the worked examples, the published samples, and laws of the dial."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.calc.registers import (
    Read,
    Verdict,
    advance,
    check_quantity,
    check_sum,
    consumption,
    judge,
    most,
    primary,
    read_dial,
    straddling,
)
from poweroptix.kernel.errors import Refused
from tests.meters.cases import example, expected, needs_cases

D = Decimal
SUMS = ("R1", "R2", "R4", "R6")
JUNE = datetime(2025, 6, 1, 5, tzinfo=UTC)


@needs_cases
@pytest.mark.parametrize("name", SUMS)
def test_worked_sum_checks(name):
    case = example(name)
    given_, wanted = case["given"], case["expect"]
    before = read_dial(given_["start"], given_["digits"])
    after = read_dial(given_["end"], given_["digits"])
    found = check_sum(before, after, D(given_["multiplier"]), D(given_["interval_sum"]))
    assert found.expected == D(wanted["register_kwh"])
    assert found.difference == D(wanted["diff"])
    assert found.tolerance - D("0.000001") == D(wanted["tolerance"])
    assert found.passes == (wanted["result"] == "PASS")
    assert advance(before, after).rolled == wanted["rollover"]


def test_one_millionth_above_two_steps_fails_the_sum_check():
    dials = read_dial("045210"), read_dial("045390")
    assert check_sum(*dials, D(400), D(71200)).passes
    assert not check_sum(*dials, D(400), D("71199.999999")).passes


@needs_cases
def test_worked_register_that_ran_back():
    case = example("R7")
    given_, wanted = case["given"], case["expect"]
    moved = advance(read_dial(given_["start"]), read_dial(given_["end"]))
    elapsed = timedelta(seconds=round(given_["hours"] * 3600, 3))
    capacity = D(given_["capacity_kw"])
    assert moved.forward == D(wanted["forward_delta"])
    assert moved.backward == D(wanted["backward_delta"])
    assert abs(most(capacity, elapsed) - Fraction(wanted["max_plausible_kwh"])) < Fraction(1, 1000)
    assert judge(moved, D(1), elapsed, capacity) == Verdict.RAN_BACK


@needs_cases
def test_worked_exchange_within_an_interval():
    case = example("V4")
    given_, wanted = case["given"], case["expect"]
    measured, filled = straddling(
        D(given_["old_kwh_to_1007"]),
        D(given_["new_kwh_from_1010"]),
        timedelta(seconds=given_["dead_s"]),
        timedelta(minutes=15),
    )
    assert (measured, filled) == (D(wanted["measured"]), D(wanted["estimated_dead"]))
    assert measured + filled == D(wanted["total"])


def published():
    return [
        pytest.param(row, id=f"{path.removeprefix('nem13/')}:{row['suffix']}")
        for path, told in expected("nem13/").items()
        for row in told["register_rows"]
    ]


@needs_cases
@pytest.mark.parametrize("row", published())
def test_published_nem13_rows(row):
    before, after = read_dial(row["prev"]), read_dial(row["cur"])
    assert before.digits == after.digits == row["dial_digits"]
    moved = advance(before, after)
    assert moved.forward == D(row["delta_with_rollover"])
    assert moved.rolled == (D(row["raw_delta"]) < 0)
    reverse = row["direction"] == "I"
    found = check_quantity(before, after, D(1), D(row["stated_quantity"]), reverse=reverse)
    assert found.is_exact == row["matches"]
    # 868.294 against whole dials of 868 is what such a dial hides, not a mismatch.
    assert found.passes == (row["matches"] or row["stated_quantity"] == "868.294")


def test_quantity_one_step_away_is_a_mismatch():
    dials = read_dial("113680"), read_dial("114548")
    assert check_quantity(*dials, D(400), D("347599.999")).passes
    assert not check_quantity(*dials, D(400), D("347600")).passes


def test_decimals_are_no_dials():
    moved = advance(read_dial("9999941.00"), read_dial("0000106.00"))
    assert (moved.forward, moved.rolled) == (D(165), True)


@given(st.integers(1, 12), st.data())
def test_forward_and_backward_close_the_circle(digits, data):
    around = 10**digits
    one, other = (data.draw(st.integers(0, around - 1)) for _ in range(2))
    moved = advance(read_dial(f"{one:0{digits}d}"), read_dial(f"{other:0{digits}d}"))
    assert (one + moved.forward) % around == other
    assert moved.forward + moved.backward == (around if one != other else 0)
    assert moved.rolled == (other < one)


def test_rollover_without_a_capacity_is_not_taken():
    moved = advance(read_dial("99990"), read_dial("00310"))
    year = timedelta(days=365)
    assert judge(moved, D(400), year, None) == Verdict.UNPROVEN
    assert judge(moved, D(400), year, D(1000)) == Verdict.ACCEPTED
    assert judge(moved, D(400), timedelta(hours=1), D(1000)) == Verdict.IMPLAUSIBLE
    plain = advance(read_dial("00310"), read_dial("00311"))
    assert judge(plain, D(400), timedelta(hours=1), None) == Verdict.ACCEPTED
    assert judge(plain, D(400), timedelta(hours=1), D(400)) == Verdict.ACCEPTED


def read_of(meter, day, text, kind="SCHEDULED", multiplier="400"):
    return Read(meter, JUNE + timedelta(days=day), read_dial(text), D(multiplier), kind)


def test_exchange_counts_each_meter_with_its_own_multiplier():
    reads = [
        read_of("OLD", 0, "099900"),
        read_of("OLD", 14, "100240", "REMOVE"),
        Read("NEW", JUNE + timedelta(days=14, minutes=12), read_dial("99990"), D(200), "INSTALL"),
        read_of("NEW", 30, "00310", multiplier="200"),
    ]
    found = consumption(reads)
    assert found.parts == (D(136000), D(64000))
    assert found.total == D(200000)
    assert [exchange.dead for exchange in found.exchanges] == [timedelta(minutes=12)]


@pytest.mark.parametrize(
    ("kinds", "code"),
    [
        (("SCHEDULED", "INSTALL"), "register.exchange"),
        (("REMOVE", "SCHEDULED"), "register.exchange"),
    ],
)
def test_exchange_needs_both_reads(kinds, code):
    reads = [read_of("OLD", 0, "00001", kinds[0]), read_of("NEW", 1, "00002", kinds[1])]
    with pytest.raises(Refused, match="without a REMOVE read of the old") as refused:
        consumption(reads)
    assert refused.value.code == code


def test_reads_out_of_order_are_refused():
    with pytest.raises(Refused, match="2025-06-01 05:00 is out of order"):
        consumption([read_of("M", 1, "00001"), read_of("M", 0, "00002")])


@pytest.mark.parametrize("text", ["", "-1", "1,000", "12a", " 12", "1e3", "1.1234567", "1" * 16])
def test_register_that_is_no_number_is_refused(text):
    with pytest.raises(Refused, match="is not digits with at most 6 decimals; send what it shows"):
        read_dial(text)


def test_more_dials_than_the_meter_are_refused():
    assert read_dial("310", 5).digits == 5
    with pytest.raises(Refused, match="'100000' has 6 dials, the meter has 5"):
        read_dial("100000", 5)
    with pytest.raises(Refused, match="had 6 dials and has 5 now"):
        advance(read_dial("100240"), read_dial("00310"))


def test_dead_time_as_long_as_the_interval_cannot_be_filled():
    quarter = timedelta(minutes=15)
    with pytest.raises(Refused, match="without a meter cannot be filled"):
        straddling(D(1), D(1), quarter, quarter)


def test_primary_energy_is_exact():
    assert primary(D("0.000001"), D("48000.5")) == D("0.0480005")
