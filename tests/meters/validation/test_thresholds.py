"""A metric equal to its threshold passes, the smallest step beyond it fails; pulses differ."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from meters.calc.circumstances import ClockCheck, PastPeriod
from meters.validation.clock import ClockParameters
from meters.validation.consecutive import ConsecutiveParameters
from meters.validation.high_limit import HighLimitParameters
from meters.validation.kvarh import KvarhParameters
from meters.validation.low_limit import LowLimitParameters
from meters.validation.peak import PeakParameters
from meters.validation.pulse_overflow import PulseOverflowParameters
from meters.validation.stuck import StuckParameters
from meters.validation.zero_run import ZeroRunParameters
from tests.meters.validation.makers import START, companion, judge, micro_series

LOAD = {"kind": "TENANT_LOAD"}
lengths = st.sampled_from([5, 15, 30, 60])
kws = st.decimals("0.001", 900_000, places=3)


def floor(number):
    return int(Fraction(number) // 1)


@given(kws, st.decimals("0.5", 2, places=4), lengths)
def test_high_limit(kw, factor, minutes):
    edge = floor(Fraction(kw) * Fraction(factor) * 10**6 * minutes / 60)
    parameters = HighLimitParameters(factor=factor)
    (found,) = judge(
        "high_limit@1", micro_series([edge, edge + 1], minutes=minutes),
        capacity_kw=kw, parameters=parameters,
    )  # fmt: skip
    assert (found.metric, found.threshold) == (
        Decimal(edge + 1).scaleb(-6),
        Decimal(edge).scaleb(-6),
    )


@given(kws, lengths)
def test_low_limit(kw, minutes):
    edge = -floor(-Fraction(kw) * 10**6 * minutes / 60)
    found = judge(
        "low_limit@1", micro_series([edge - 1, edge], minutes=minutes),
        parameters=LowLimitParameters(min_kw=kw),
    )  # fmt: skip
    assert [f.metric for f in found] == [Decimal(edge - 1).scaleb(-6)]


@given(st.integers(1, 10**12), st.decimals(0, 400, places=3))
def test_consecutive(before, percent):
    edge = floor(before * Fraction(percent) / 100)
    parameters = ConsecutiveParameters(tolerance_pct=percent)
    at = micro_series([before, before + edge])
    assert judge("consecutive@1", at, parameters=parameters) == []
    over = micro_series([before, before + edge + 1])
    assert len(judge("consecutive@1", over, parameters=parameters)) == 1


@given(st.decimals(0, 9999, places=6))
def test_kvarh(least):
    edge = int(least * 10**6)
    other = companion("REACTIVE", micro_series([edge, edge + 1], unit="kVArh"))
    parameters = KvarhParameters(min_kvarh=least)
    found = judge("kvarh@1", micro_series([0, 0]), other, facts=LOAD, parameters=parameters)
    assert [f.metric for f in found] == [Decimal(edge + 1).scaleb(-6)]


@given(st.integers(1, 10**12), st.decimals(0, 400, places=3))
def test_peak(before, percent):
    edge = floor(before * (1 + Fraction(percent) / 100))
    peak = Decimal(before).scaleb(-6)
    past = PastPeriod("February", peak, peak, Decimal(672), Decimal(1))
    parameters = PeakParameters(growth_pct=percent)
    assert judge("peak@1", micro_series([edge]), previous=past, parameters=parameters) == []
    over = judge("peak@1", micro_series([edge + 1]), previous=past, parameters=parameters)
    assert len(over) == 1
    assert over[0].metric > percent


@given(st.decimals(0, 3600, places=3), st.booleans())
def test_clock(tolerance, fast):
    sign = 1 if fast else -1
    parameters = ClockParameters(tolerance_s=tolerance)
    for drift, count in ((tolerance, 0), (tolerance + Decimal("0.001"), 1)):
        checks = [ClockCheck(START, sign * drift)]
        found = judge("clock@1", micro_series([1]), clock_checks=checks, parameters=parameters)
        assert len(found) == count


@given(st.integers(0, 40), lengths)
def test_zero_run(count, minutes):
    limit = count * minutes
    parameters = ZeroRunParameters(warn_after_minutes=limit, hold_after_minutes=limit)
    at, over = (micro_series([0] * n + [1], minutes=minutes) for n in (count, count + 1))
    assert judge("zero_run@1", at, facts=LOAD, parameters=parameters) == []
    (found,) = judge("zero_run@1", over, facts=LOAD, parameters=parameters)
    assert (found.metric, found.threshold) == (limit + minutes, limit)


@given(st.integers(1, 40), st.integers(10**4, 10**15).filter(lambda n: n % 10))
def test_stuck(count, value):
    parameters = StuckParameters(max_repeat=count)
    assert judge("stuck@1", micro_series([value] * count), parameters=parameters) == []
    (found,) = judge("stuck@1", micro_series([value] * (count + 1)), parameters=parameters)
    assert (found.metric, found.threshold) == (count + 1, count)


@given(st.integers(8, 24), st.decimals("0.000001", 100, places=6))
def test_a_full_counter_fails_at_its_ceiling(bits, weight):
    ceiling = 2**bits - 1
    full = int(weight * 10**6) * ceiling
    raw = micro_series([full - 1, full])
    (found,) = judge(
        "pulse_overflow@1", raw, raw=raw, pulse_weight=weight,
        parameters=PulseOverflowParameters(bits=bits),
    )  # fmt: skip
    assert (found.metric, found.threshold) == (ceiling, ceiling)
    assert found.start_utc > START
