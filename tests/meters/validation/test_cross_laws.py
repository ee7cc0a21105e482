"""What holds for every cross-channel, plant and period rule, whatever the readings."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meters.calc.circumstances import (
    Circumstances,
    Companion,
    PastPeriod,
    Plant,
    RegisterAdvance,
    Relation,
)
from meters.validation import Stage, ValidationContext, rules
from meters.validation.storage import StorageEfficiencyParameters
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series
from tests.meters.validation.makers import START, ZONE, D

COUNT = 4 * 96
UNITS = {
    Relation.STATE_OF_CHARGE: "%",
    Relation.FUEL: "MMBtu",
    Relation.IRRADIANCE: "W/m2",
    Relation.SUN_ELEVATION: "deg",
    Relation.WIND_SPEED: "m/s",
    Relation.RUNNING: "count",
}
SOLAR, WIND, GAS = (
    {"kind": "GENERATOR", "technology": each} for each in ("SOLAR", "WIND", "GAS_ENGINE")
)
#: Which channel a rule judges; the others judge a tenant's load.
FACTS = {
    "solar_night@1": SOLAR, "solar_limit@1": SOLAR, "solar_idle_day@1": SOLAR,
    "wind_stopped@1": WIND, "wind_below_cut_in@1": WIND, "heat_rate@1": GAS, "ramp@1": GAS,
    "breaker_open@1": GAS, "auxiliary_above_gross@1": {"kind": "GENERATOR_AUX"},
    "storage_efficiency@1": {"kind": "STORAGE"}, "state_of_charge@1": {"kind": "STORAGE"},
    "both_ways@1": {"kind": "STORAGE"},
}  # fmt: skip
LOAD = {"kind": "TENANT_LOAD"}
KEYS = (
    "sum_check@1", "tou_registers@1", "main_check@1", "main_check_day@1", "scada_check@1", *FACTS,
    "contracted_capacity@1", "register_decimals@1", "register_resolution@1", "usage@1",
    "active_use@1",
    "prolonged_estimation@1", "estimated_days@1",
)  # fmt: skip
#: A few days are enough for the law.
SETTINGS = {"storage_efficiency@1": StorageEfficiencyParameters(days=2, min_days=2)}


@st.composite
def readings(draw, unit="kWh"):
    """Return a series with stretches of small and large values, zeros and holes."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    kinds = [MISSING, 0, 0, 1, 10**6, 10**6, 2 * 10**6, 60 * 10**6, 9 * 10**9]
    whole = np.repeat(random.choice(kinds, COUNT), random.integers(1, 40, COUNT))[:COUNT]
    states = random.choice([Status.VALIDATED, Status.VALIDATED, Status.ESTIMATED], COUNT)
    status = np.where(whole == MISSING, int(Status.MISSING), states).astype(np.uint8)
    return Series(Grid(START, 15, COUNT), whole, status, unit)


@st.composite
def contexts(draw, key):
    """Return a context in which the rule of a key lacks nothing."""
    companions = [
        Companion(each, each.value, draw(readings(UNITS.get(each, "kWh")))) for each in Relation
    ]
    day = timedelta(days=1)
    number = st.integers(0, 10**4).map(Decimal)
    registers = [
        RegisterAdvance(START + day * at, START + day * (at + 1), draw(number), D(1), bucket=bucket,
                        decimals=(0, draw(st.integers(0, 1))))
        for at in range(4)
        for bucket in ("", "peak")
    ]  # fmt: skip
    plant = Plant(
        dc_capacity_kw=D(100), ramp_kw_per_minute=D(1), usable_kwh=D(100), charge_ratio=D("0.9"),
        discharge_ratio=D("0.95"), cut_in_m_per_s=D(3), contracted_kw=D(50),
    )  # fmt: skip
    return ValidationContext(
        zone=ZONE,
        capacity_kw=D(100),
        facts=FACTS.get(key, LOAD),
        parameters=SETTINGS.get(key),
        circumstances=Circumstances(
            companions=companions,
            registers=registers,
            plant=plant,
            active=draw(st.booleans()),
            previous=PastPeriod("before", D(10), D(1), D(24), D(1)),
        ),
    )


@pytest.mark.parametrize("key", KEYS)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_findings_lie_in_the_range_once_and_say_what_is_wrong(key, data):
    series, context = data.draw(readings()), data.draw(contexts(key))
    rule = rules.get(key)
    assert rule.lacks(series, context) == ""
    found = rule.check(series, context)
    step = timedelta(minutes=15)
    ranges = [((f.start_utc - START) // step, (f.end_utc - START) // step) for f in found]
    assert all(0 <= first < end <= COUNT for first, end in ranges)
    assert len(set(ranges)) == len(ranges)
    for each in found:
        assert each.code == rule.code
        assert 0 < len(each.message) <= 500
        assert 0 < len(each.fix) <= 300
        assert each.message.endswith(".")
        assert each.fix.endswith(".")
        assert each.metric is None or isinstance(each.metric, Decimal)


@pytest.mark.parametrize("key", KEYS)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_a_rule_that_lacks_something_finds_nothing(key, data):
    series, context = data.draw(readings()), data.draw(contexts(key))
    bare = replace(context, circumstances=Circumstances(), capacity_kw=None, facts={})
    if rules.get(key).lacks(series, bare):
        assert rules.get(key).check(series, bare) == []
    else:
        assert key in ("prolonged_estimation@1", "estimated_days@1")


@pytest.mark.parametrize("key", KEYS)
def test_no_readings_at_all_are_no_reason_to_fail(key):
    nothing = Series.absent(Grid(START, 15, COUNT), "kWh")
    context = ValidationContext(
        zone=ZONE, facts=FACTS.get(key, LOAD), capacity_kw=D(1), parameters=SETTINGS.get(key),
        circumstances=Circumstances(
            companions=[
                Companion(each, each.value, Series.absent(nothing.grid, UNITS.get(each, "kWh")))
                for each in Relation
            ],
            plant=Plant(dc_capacity_kw=D(1), ramp_kw_per_minute=D(1), usable_kwh=D(1),
                        charge_ratio=D(1), discharge_ratio=D(1), cut_in_m_per_s=D(1)),
            active=True,
            previous=PastPeriod("before", D(10), D(1), D(24), D(1)),
        ),
    )  # fmt: skip
    assert rules.get(key).check(nothing, context) == []


class Unasked(Circumstances):
    """Circumstances that must not be asked for: asking reads the database."""

    def __getattribute__(self, name):
        if name in ("companions", "registers", "plant", "beside", "outages"):
            raise AssertionError(f"asked for {name}")
        return super().__getattribute__(name)


@pytest.mark.parametrize("key", [*FACTS, "contracted_capacity@1"])
def test_a_rule_of_a_plant_asks_nothing_about_other_channels(key):
    one = Series.of(Grid(START, 15, 2), [D(1), D(2)], "kWh")
    house = {"kind": "HOUSE", "technology": ""}
    context = ValidationContext(zone=ZONE, facts=house, capacity_kw=D(1), circumstances=Unasked())
    assert rules.get(key).check(one, context) == []
    assert rules.get(key).lacks(one, context)


def test_one_code_is_one_test():
    """People accept a code on a range: two rules of one code could not be told apart."""
    codes = [rule.code for _, rule in rules.items()]
    assert len(set(codes)) == len(codes)


def test_estimates_are_looked_at_again_by_what_judges_readings():
    """Not by what judges registers alone, nor where a measured excess warns of a contract."""
    again = {key for key in KEYS if rules.get(key).after_estimates}
    closing = {key for key in KEYS if rules.get(key).stage == Stage.PERIOD}
    assert set(KEYS) - again - closing == {
        "tou_registers@1", "register_decimals@1", "contracted_capacity@1"
    }  # fmt: skip
