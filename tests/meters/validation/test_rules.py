"""Validation rules: the worked examples, edges of strict comparison, and laws."""

import datetime as dt
from decimal import Decimal

import pytest

from meters.validation import ValidationContext, rules
from meters.validation.implausible_unit import ImplausibleUnitParameters
from poweroptix.kernel.finding import Severity
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.parameters import describe
from poweroptix.kernel.period import Period
from poweroptix.kernel.series import Series
from tests.meters.cases import example, needs_cases

START = dt.datetime(2026, 3, 2, 6, tzinfo=dt.UTC)  # midnight in Chicago
ZONE = "America/Chicago"


def series(values, minutes=15, start=START, unit="kWh"):
    numbers = [None if value is None else Decimal(str(value)) for value in values]
    return Series.of(Grid(start, minutes, len(numbers)), numbers, unit)


def check(key, given_series, **context):
    return rules.get(key).check(given_series, ValidationContext(zone=ZONE, **context))


@needs_cases
def test_gap_example():
    case = example("G1")
    period = Period.day(case["given"]["tz"], dt.date.fromisoformat(case["given"]["date"]))
    grid = period.grid(15)
    absent = {29, 30, 31, 95}
    numbers = [None if n in absent else Decimal(1) for n in range(grid.count)]
    assert grid.count == case["expect"]["expected"]
    found = check("gap@1", Series.of(grid, numbers, "kWh"))
    shown = [[f"{f.start_utc:%Y-%m-%dT%H:%MZ}", f"{f.end_utc:%Y-%m-%dT%H:%MZ}", int(f.metric)]
             for f in found]  # fmt: skip
    assert shown == case["expect"]["gaps"]
    assert {(f.code, f.severity, f.threshold) for f in found} == {("V01", Severity.ESTIMATE, 0)}
    assert [f.message for f in found] == [
        "3 intervals of 15 minutes missing.", "1 interval of 15 minutes missing."
    ]  # fmt: skip
    assert found[0].fix == "Send the readings again, or let them be estimated."


def test_gap_looks_where_readings_are_expected_and_nowhere_else():
    values = series([None, 1, 1, None])
    wider = Grid(START - dt.timedelta(minutes=30), 15, 5)
    (finding,) = check("gap@1", values, expected=wider)
    assert (finding.start_utc, finding.end_utc) == (
        wider.start_utc,
        START + dt.timedelta(minutes=15),
    )
    assert finding.data == {"count": 3}
    assert check("gap@1", values, expected=Grid(START, 15, 0)) == []
    far = Grid(START + dt.timedelta(days=9), 15, 2)
    assert [f.data["count"] for f in check("gap@1", values, expected=far)] == [2]


@needs_cases
def test_duplicate_example():
    case = example("G2")
    starts = {}
    for clock, value in case["given"]["rows"]:
        starts.setdefault(clock, []).append(Decimal(value))
    given_list = [(START + dt.timedelta(minutes=15 * n), v) for n, v in enumerate(starts.values())]
    found = check("duplicate@1", series([500, None]), duplicates=given_list)
    assert len(found) == case["expect"]["conflicting"]
    assert (found[0].code, found[0].severity) == ("V02", Severity.REJECT)
    assert found[0].message == "Different values for one interval: 510 and 512 kWh."
    assert (found[0].metric, found[0].threshold) == (2, 1)
    at = START + dt.timedelta(minutes=15)
    assert (found[0].start_utc, found[0].end_utc) == (at, at + dt.timedelta(minutes=15))


@needs_cases
def test_negative_example():
    value = example("G7")["given"]["value"]
    (finding,) = check("negative@1", series([1, value, "-5", 1]), direction="DELIVERED")
    assert (finding.code, finding.metric, finding.threshold) == ("V04", Decimal(-5), 0)
    assert finding.severity == Severity.ESTIMATE
    assert finding.message == "-5 kWh on a channel that counts one direction."
    assert finding.start_utc == START + dt.timedelta(minutes=15)
    assert finding.end_utc - finding.start_utc == dt.timedelta(minutes=30)
    assert check("negative@1", series([value]), direction="NET") == []
    assert check("negative@1", series([0, None])) == []


def test_implausible_unit():
    tiny = series(["0.001", "0.249"])  # 1 kW peak on a 1000 kW point
    (finding,) = check("implausible_unit@1", tiny, capacity_kw=Decimal(1000))
    assert (finding.code, finding.severity) == ("F10", Severity.HOLD)
    assert (finding.metric, finding.threshold) == (Decimal("0.249"), Decimal("0.25"))
    assert finding.message == (
        "The highest reading is 0.249 kWh, below 0.25 kWh: the unit or scale of the source may be "
        "wrong."
    )
    assert (finding.start_utc, finding.end_utc) == (START, START + dt.timedelta(minutes=30))
    at = series(["0.250"])
    assert check("implausible_unit@1", at, capacity_kw=Decimal(1000)) == []
    assert check("implausible_unit@1", series([0, 0]), capacity_kw=Decimal(1000)) == []
    assert check("implausible_unit@1", series([None]), capacity_kw=Decimal(1000)) == []
    assert check("implausible_unit@1", tiny) == []
    reactive = series(["0.001"], unit="kVArh")
    assert check("implausible_unit@1", reactive, capacity_kw=Decimal(1000)) == []
    strict = ImplausibleUnitParameters(min_ratio=Decimal("0.0001"))
    assert check("implausible_unit@1", tiny, capacity_kw=Decimal(1000), parameters=strict) == []


@pytest.mark.parametrize("key", rules.keys())
def test_every_rule_explains_itself(key):
    rule = rules.get(key)
    assert rule.code[0] in "VF"
    assert rule.title
    rule.Parameters()
    assert all(entry["help"] for entry in describe(rule.Parameters))
