"""V05: kWh without the kVArh of the same meter."""

import datetime as dt

from poweroptix.kernel.finding import Severity
from poweroptix.kernel.grid import Grid
from tests.meters.validation.makers import START, companion, judge, lacks, series, span

KEY = "sibling@1"
ENERGY = series([1, 1, 1, None, 1])


def test_what_arrived_without_its_reactive_energy_is_named():
    reactive = companion("REACTIVE", [5, None, None, None, 5], "TEN/Q1", unit="kVArh")
    (found,) = judge(KEY, ENERGY, reactive)
    assert (found.code, found.severity) == ("V05", Severity.WARN)
    assert (found.metric, found.threshold, span(found)) == (2, 0, (1, 3))
    assert found.message == "kWh arrived, but TEN/Q1 has no value: 2 intervals of 15 minutes."


def test_one_of_two_siblings_is_enough():
    first = companion("REACTIVE", [5, None, 5, None, None], "Q1", unit="kVArh")
    second = companion("REACTIVE", [None, 5, None, None, None], "K1", unit="kVArh")
    (found,) = judge(KEY, ENERGY, first, second)
    assert span(found) == (4, 5)
    assert "Q1, K1 has no value: 1 interval of 15 minutes." in found.message


def test_only_due_intervals_and_only_energy_are_judged():
    absent = companion("REACTIVE", [None] * 5, unit="kVArh")
    due = Grid(START + dt.timedelta(minutes=15), 15, 1)
    assert [span(f) for f in judge(KEY, ENERGY, absent, expected=due)] == [(1, 2)]
    assert judge(KEY, ENERGY, absent, expected=Grid(START, 15, 0)) == []
    assert judge(KEY, series([1] * 5, unit="kVArh"), absent) == []


def test_without_a_reactive_channel_it_says_so():
    assert lacks(KEY, ENERGY) == "a kVArh channel of the same point"
    assert judge(KEY, ENERGY) == []
    assert lacks(KEY, series([1], unit="kVArh")) == "active energy in kWh"
    assert lacks(KEY, ENERGY, companion("REACTIVE", [1] * 5, unit="kVArh")) == ""
