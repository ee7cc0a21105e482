"""V20: intervals against registers, and registers against each other."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.calc.circumstances import RegisterAdvance
from meters.calc.registers import advance, check_sum, primary, read_dial
from meters.validation.sum_check import (
    SumCheckParameters,
    TouRegistersParameters,
    tolerance,
)
from poweroptix.kernel.finding import Severity
from tests.meters.cases import example, needs_cases
from tests.meters.validation.makers import START, D, judge, lacks, micro_series, series, span

DAY = dt.timedelta(days=1)


def read(energy, unit_energy, start=START, end=START + DAY, **more):
    return RegisterAdvance(start, end, D(energy), D(unit_energy), **more)


def of_case(case):
    """Return the advance of a worked case and a day of intervals with its sum."""
    facts = case["given"]
    before, after = (read_dial(facts[name], facts["digits"]) for name in ("start", "end"))
    moved, factor = advance(before, after), D(facts["multiplier"])
    energy, unit = primary(moved.forward, factor), primary(after.least, factor)
    total = D(facts["interval_sum"])
    values = [Decimal(0)] * 95 + [total]
    return read(energy, unit, rolled_over=moved.rolled), series(values)


@needs_cases
@pytest.mark.parametrize("name", ["R1", "R2", "R4", "R6"])
def test_worked_sum_checks(name):
    case = example(name)
    wanted = case["expect"]
    register, intervals = of_case(case)
    assert register.energy == D(wanted["register_kwh"])
    assert register.rolled_over == wanted["rollover"]
    assert intervals.total() - register.energy == D(wanted["diff"])
    assert tolerance(register, SumCheckParameters()) == D(wanted["tolerance"])
    assert judge("sum_check@1", intervals, registers=[register]) == []


@needs_cases
def test_a_millionth_above_two_steps_is_held():
    register, _ = of_case(example("R2"))
    short = series([Decimal(0)] * 95 + [D("71199.999999")])
    (finding,) = judge("sum_check@1", short, registers=[register])
    assert (finding.code, finding.severity) == ("V20", Severity.HOLD)
    assert (finding.metric, finding.threshold) == (D("800.000001"), D(800))
    assert span(finding) == (0, 96)
    assert finding.message == (
        "The intervals sum to 71,199.999999 kWh, the register advanced by 72,000 kWh: 800.000001 "
        "kWh apart, allowed are 800 kWh."
    )
    assert finding.fix


def test_a_rollover_is_named():
    over = read(100, 1, rolled_over=True)
    (finding,) = judge("sum_check@1", series([2] * 96), registers=[over])
    assert "the register advanced over zero by 100 kWh" in finding.message


def test_each_pair_of_reads_is_judged_for_itself():
    days = [
        read(96, 1),
        read(196, 1, START + DAY, START + 2 * DAY),
        read(99, 1, START + 2 * DAY, START + 3 * DAY),
    ]
    found = judge("sum_check@1", series([1] * 288), registers=days)
    assert [(span(f), f.metric) for f in found] == [((96, 192), 100), ((192, 288), 3)]


def test_not_judged_with_a_gap_a_failed_interval_or_reads_outside():
    far = [read(1000, 1)]
    assert len(judge("sum_check@1", series([1] * 96), registers=far)) == 1
    assert judge("sum_check@1", series([1] * 95 + [None]), registers=far) == []
    failed = np.zeros(96, dtype=bool)
    failed[7] = True
    assert judge("sum_check@1", series([1] * 96), registers=far, failed=failed) == []
    for start, end in ((START - DAY, START + DAY), (START, START + 2 * DAY), (START, START)):
        assert judge("sum_check@1", series([1] * 96), registers=[read(1000, 1, start, end)]) == []


def test_reads_beside_the_edges_allow_what_flowed_meanwhile():
    late = START + DAY + dt.timedelta(seconds=60)
    register = read(86460, 0, end=late)  # 1 kWh a second
    allowed = [D(900)] * 95 + [D(840)]  # 86,340 of the 86,460 kWh; 60 s x 1 kWh/s
    (finding,) = judge("sum_check@1", series(allowed), registers=[register])
    assert (finding.metric, finding.threshold) == (120, 60)
    assert judge("sum_check@1", series([900] * 96), registers=[register]) == []
    told = read(86400, 0, skew_s=60)
    assert judge("sum_check@1", series([D(900)] * 95 + [D(840)]), registers=[told]) == []
    (finding,) = judge("sum_check@1", series([D(900)] * 95 + [D("839.999999")]), registers=[told])
    assert finding.metric == D("60.000001")


def test_parameters_widen_the_tolerance():
    off_by_five = [read(101, 1)]
    assert len(judge("sum_check@1", series([1] * 96), registers=off_by_five)) == 1
    for parameters in (SumCheckParameters(units=5), SumCheckParameters(share_ratio=D("0.03"))):
        assert (
            judge("sum_check@1", series([1] * 96), registers=off_by_five, parameters=parameters)
            == []
        )


def test_lacks_registers():
    wanted = "two exact reads of a register that enclose readings of the range"
    assert lacks("sum_check@1", series([1])) == wanted
    assert lacks("sum_check@1", series([1]), registers=[read(1, 1, bucket="peak")]) == wanted
    assert lacks("sum_check@1", series([1]), registers=[read(1, 1)]) == ""


@given(
    st.integers(0, 99_999),
    st.integers(0, 99_999),
    st.sampled_from(["1", "0.5", "400", "48000"]),
    st.integers(-3_000_000, 3_000_000),
)
def test_agrees_with_the_check_of_two_dials(before, after, multiplier, off_micro):
    dials = read_dial(f"{before:05}"), read_dial(f"{after:05}")
    moved, factor = advance(*dials), D(multiplier)
    energy = primary(moved.forward, factor)
    off = D(off_micro) / 1_000_000 * factor
    intervals = micro_series([0] * 95 + [int((energy + off) * 1_000_000)])
    found = judge("sum_check@1", intervals, registers=[read(energy, factor)])
    assert (not found) == check_sum(*dials, factor, intervals.total()).passes


@given(st.lists(st.integers(0, 10**9), min_size=96, max_size=96))
def test_a_register_that_counted_the_intervals_is_never_held(values):
    intervals = micro_series(values)
    exact_register = read(intervals.total(), 0)
    assert judge("sum_check@1", intervals, registers=[exact_register]) == []


class TestTou:
    def registers(self, total, *parts, unit=1):
        return [
            read(total, unit),
            *(read(e, unit, bucket=name) for name, e in zip("abcdef", parts, strict=False)),
        ]

    def test_two_steps_pass_and_one_more_is_held(self):
        assert (
            judge("tou_registers@1", series([1] * 96), registers=self.registers(100, 60, 38)) == []
        )
        (finding,) = judge(
            "tou_registers@1", series([1] * 96), registers=self.registers(100, 60, 37)
        )
        assert (finding.code, finding.severity) == ("V20T", Severity.HOLD)
        assert (finding.metric, finding.threshold) == (3, 2)
        assert span(finding) == (0, 96)
        assert finding.message == (
            "The registers a, b advanced together by 97 kWh, the total register by 100 kWh: 3 kWh "
            "apart, allowed are 2 kWh."
        )

    def test_every_register_drops_what_is_below_its_last_digit(self):
        assert (
            judge("tou_registers@1", series([1] * 96), registers=self.registers(100, 32, 32, 33))
            == []
        )
        assert (
            judge("tou_registers@1", series([1] * 96), registers=self.registers(100, 32, 32, 32))
            != []
        )

    def test_registers_read_at_other_instants_are_not_added(self):
        later = read(60, 1, end=START + 2 * DAY, bucket="a")
        registers = [read(100, 1), later]
        assert judge("tou_registers@1", series([1] * 96), registers=registers) == []
        wanted = "a total and time-of-use registers read together"
        assert lacks("tou_registers@1", series([1] * 96), registers=registers) == wanted
        assert lacks("tou_registers@1", series([1]), registers=self.registers(1, 1)) == ""
        assert judge("tou_registers@1", series([1] * 96)) == []

    def test_more_steps_may_be_allowed(self):
        more = TouRegistersParameters(units=3)
        three = self.registers(100, 60, 37)
        assert judge("tou_registers@1", series([1] * 96), registers=three, parameters=more) == []

    @given(st.lists(st.integers(0, 10**6), min_size=1, max_size=6), st.integers(0, 999))
    def test_truncated_registers_of_one_flow_are_never_held(self, parts, offset):
        """Whatever stood on the dials before, cut digits alone never make a finding."""
        cut = [
            (offset * (at + 1) + part) // 1000 - offset * (at + 1) // 1000
            for at, part in enumerate(parts)
        ]
        total = (offset + sum(parts)) // 1000 - offset // 1000
        assert (
            judge("tou_registers@1", series([1] * 96), registers=self.registers(total, *cut)) == []
        )
