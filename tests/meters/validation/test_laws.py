"""What holds for every rule that judges one channel, whatever the readings."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meters.calc.circumstances import Capacity, Circumstances, ClockCheck, Companion, Relation
from meters.validation import ValidationContext, rules
from meters.validation.consecutive import ConsecutiveParameters
from meters.validation.low_limit import LowLimitParameters
from meters.validation.stuck import StuckParameters
from meters.validation.zero_run import ZeroRunParameters
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series
from tests.meters.validation.makers import START, ZONE

KEYS = (
    "sibling@1", "meter_id@1", "channel_count@1", "device_flags@1", "pulse_overflow@1",
    "high_limit@1", "low_limit@1", "spike@1", "consecutive@1", "zero_run@1", "stuck@1", "kvarh@1",
    "kva@1",
)  # fmt: skip
#: Settings under which small random series fail often.
SETTINGS = {
    "low_limit@1": LowLimitParameters(min_kw=Decimal(1)),
    "consecutive@1": ConsecutiveParameters(tolerance_pct=Decimal(20)),
    "zero_run@1": ZeroRunParameters(warn_after_minutes=30, hold_after_minutes=60),
    "stuck@1": StuckParameters(max_repeat=2, min_digits=1),
}
COUNT = 60
FLAGS = ("OVERFLOW", "CLOCK", "RESET", "POWER_FAIL", "LONG", "METER_ID", "CHANNEL_COUNT", "QUALITY")
DETAIL = {"found": "3", "expected": "4", "installed": "7"}


@st.composite
def readings(draw, unit="kWh"):
    """Return a series with small values, zeros, repetitions and holes."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    kinds = [MISSING, 0, 0, 0, 10**6, 10**6, 2 * 10**6, 70_000 * 10**6]
    whole = np.repeat(random.choice(kinds, COUNT), random.integers(1, 4, COUNT))[:COUNT]
    fine = draw(st.sampled_from([Status.VALIDATED, Status.VALIDATED, Status.SUBSTITUTED_FINAL]))
    status = np.where(whole == MISSING, int(Status.MISSING), int(fine)).astype(np.uint8)
    return Series(Grid(START, 15, COUNT), whole, status, unit)


@st.composite
def contexts(draw):
    """Return what may be known beside a channel, at random."""
    spans = st.tuples(st.integers(-5, COUNT + 5), st.integers(1, 20))
    flags = [
        (first, first + length, draw(st.sampled_from(FLAGS)), DETAIL)
        for first, length in draw(st.lists(spans, max_size=6))
    ]
    raw = draw(readings())
    around = Circumstances(
        companions=[
            Companion(Relation.REACTIVE, "Q", draw(readings("kVArh"))),
            Companion(Relation.ACTIVE, "P", draw(readings())),
            Companion(Relation.CHECK, "C", draw(readings())),
        ],
        outages=[(first, first + length) for first, length in draw(st.lists(spans, max_size=3))],
        capacities=[
            Capacity(START + timedelta(minutes=minute), Decimal(kw))
            for minute, kw in draw(
                st.lists(st.tuples(st.integers(-99, 900), st.integers(0, 9)), max_size=3,
                         unique_by=lambda pair: pair[0])
            )
        ],
        clock_checks=[ClockCheck(START, Decimal(1))],
        raw=raw,
        pulse_weight=Decimal(1),
    )  # fmt: skip
    return ValidationContext(
        zone=ZONE,
        capacity_kw=draw(st.sampled_from([None, Decimal(4), Decimal(900_000)])),
        flags=flags,
        facts={"kind": draw(st.sampled_from(["TENANT_LOAD", "GENERATOR"]))},
        circumstances=around,
    )


def spans_of(key, series, context):
    """Return what a rule finds as index ranges with the finding's words."""
    step = timedelta(minutes=series.grid.minutes)
    own = replace(context, parameters=SETTINGS.get(key))
    return [
        ((f.start_utc - series.grid.start_utc) // step, (f.end_utc - series.grid.start_utc) // step,
         str(f.severity), f.message)
        for f in rules.get(key).check(series, own)
    ]  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_findings_lie_in_the_grid_apart_and_on_values(key, data):
    unit = "kVAh" if key == "kva@1" else "kWh"
    series, context = data.draw(readings(unit)), data.draw(contexts())
    found = spans_of(key, series, context)
    seen = np.zeros(COUNT, dtype=int)
    for first, end, _, message in found:
        assert 0 <= first < end <= COUNT
        assert message
        seen[first:end] += 1
        assert not series.missing[first:end].any()
    assert seen.max(initial=0) <= 1
    assert [each[:2] for each in found] == sorted(each[:2] for each in found)


@pytest.mark.parametrize("key", KEYS)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_the_order_in_which_things_are_told_does_not_matter(key, data):
    unit = "kVAh" if key == "kva@1" else "kWh"
    series, context = data.draw(readings(unit)), data.draw(contexts())
    around = context.circumstances
    other = replace(
        context,
        flags=list(reversed(context.flags)),
        circumstances=replace(
            around,
            companions=list(reversed(around.companions)),
            outages=list(reversed(around.outages)),
            capacities=list(reversed(around.capacities)),
        ),
    )
    shown = {each[:3] for each in spans_of(key, series, context)}
    assert {each[:3] for each in spans_of(key, series, other)} == shown


@pytest.mark.parametrize("key", KEYS)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_missing_days_after_the_readings_change_nothing(key, data):
    unit = "kVAh" if key == "kva@1" else "kWh"
    series, context = data.draw(readings(unit)), data.draw(contexts())
    longer = Grid(START, 15, 2 * COUNT)

    def padded(one):
        absent = Series.absent(Grid(one.grid.end_utc, 15, COUNT), one.unit)
        return Series(
            longer,
            np.concatenate((one.values, absent.values)),
            np.concatenate((one.status, absent.status)),
            one.unit,
        )

    around = context.circumstances
    # A clock event after the readings would hold them too: it is their local day.
    context = replace(context, flags=[f for f in context.flags if f[1] <= COUNT])
    other = replace(
        context,
        circumstances=replace(
            around,
            companions=[replace(c, series=padded(c.series)) for c in around.companions],
            raw=padded(around.raw),
        ),
    )
    assert spans_of(key, padded(series), other) == spans_of(key, series, context)


@pytest.mark.parametrize("key", rules.keys())
@settings(max_examples=15, deadline=None)
@given(series=readings())
def test_a_rule_that_lacks_something_finds_nothing(key, series):
    bare = ValidationContext(zone=ZONE)
    rule = rules.get(key)
    if rule.lacks(series, bare):
        assert rule.check(series, bare) == []


@pytest.mark.parametrize("key", rules.keys())
def test_a_range_without_intervals_has_no_findings(key):
    empty = Series.absent(Grid(START, 15, 0), "kWh")
    assert rules.get(key).check(empty, ValidationContext(zone=ZONE)) == []
