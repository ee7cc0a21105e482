"""The ladder: order, plants, what is off, and that estimates never rest on estimates."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meters.calc.evidence import Check, Evidence, Named, Span
from meters.calc.ladder import DEFAULT_STEPS, LADDERS, estimate_gap, fill, ladder, steps_for
from meters.estimation import EstimationContext, estimators
from meters.estimation.interpolate import InterpolateParameters
from meters.models import PointKind, Technology
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.quality import Method, Status
from poweroptix.kernel.series import Series
from tests.meters.estimation.sheets import START, series, texts

ORDER = [
    Method.REREAD, Method.CHECK_METER, Method.NODE_CALC, Method.SCADA, Method.ZERO,
    Method.INTERPOLATE, Method.LIKE_DAY, Method.AVG_LIKE_DAY, Method.PREV_YEAR, Method.PROFILE,
    Method.ADL, Method.MANUAL,
]  # fmt: skip
#: One interval in which a meter was exchanged: registers tell, before any other channel.
EXCHANGE = "exchange@1"


def test_the_ladder_of_loads_has_every_method_in_order():
    assert [estimators.get(key).method for key in LADDERS["LOAD"] if key != EXCHANGE] == ORDER
    assert [key for key, _ in DEFAULT_STEPS] == list(LADDERS["LOAD"])


def test_every_estimator_stands_on_some_ladder_and_every_step_exists():
    assert {key for steps in LADDERS.values() for key in steps} == set(estimators.keys())
    assert {steps.index(EXCHANGE) for steps in LADDERS.values()} == {1}


@pytest.mark.parametrize("name", LADDERS)
def test_a_ladder_asks_no_method_twice_and_keeps_the_order_of_the_methods(name):
    assert len(set(LADDERS[name])) == len(LADDERS[name])
    methods = [estimators.get(key).method for key in LADDERS[name] if key != EXCHANGE]
    plain = [method for method in methods if method != Method.PLANT_MODEL]
    assert plain == [method for method in ORDER if method in plain]


@pytest.mark.parametrize("name", ["SOLAR", "WIND", "BATTERY"])
def test_plants_without_like_days_have_none(name):
    assert not {"like_day@1", "avg_like_day@1", "prev_year@1"} & set(LADDERS[name])


def test_ladders_are_named_by_technology_or_kind():
    assert set(LADDERS) - {"LOAD"} <= {*Technology.values, *PointKind.values}
    assert ladder({"technology": "WIND", "kind": "GENERATOR"}) == LADDERS["WIND"]
    assert ladder({"technology": "", "kind": "TENANT_LOAD"}) == LADDERS["TENANT_LOAD"]
    assert ladder({"technology": "OTHER", "kind": "GRID_TIE"}) == LADDERS["LOAD"]


def test_what_is_no_active_energy_has_a_shorter_ladder():
    solar = {"technology": "SOLAR", "kind": "GENERATOR"}
    assert "solar@1" in ladder(solar | {"quantity": "KWH"})
    assert "solar@1" not in ladder(solar | {"quantity": "KVARH"})
    assert ladder({"kind": "TENANT_LOAD", "quantity": "KVARH"}) == LADDERS["TENANT_LOAD"]
    assert ladder({"quantity": "RUNNING"}) == ("reread@1", "agreed@1")
    assert ladder({"quantity": "SOC"})[-2:] == ("interpolate@1", "agreed@1")


def test_the_page_shows_the_ladders_as_they_are():
    page = (Path(__file__).parents[3] / "docs/vee/estimation.md").read_text(encoding="utf-8")
    lines = page.split("## The ladder\n")[1].split("\n\n")[0].splitlines()
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    columns = ["LOAD", "TENANT_LOAD", "GAS_TURBINE", "NUCLEAR", "SOLAR", "WIND", "BATTERY"]
    for at, name in enumerate(columns, 1):
        steps = []
        for first, *cells in table[2:]:
            cell = cells[at - 1]
            if cell:
                steps.append((cell if "@" in cell else first.split(" ")[1]).strip("`"))
        assert tuple(steps) == LADDERS[name]
    assert LADDERS["GAS_TURBINE"] == LADDERS["GAS_ENGINE"] == LADDERS["FUEL_CELL"]


def test_the_first_that_applies_wins():
    hole, gap = series([100, None, 110]), slice(1, 2)
    evidence = Evidence(reread=Named("call 2", series([0, 42, 0])))
    assert estimate_gap(hole, gap, EstimationContext()).method == Method.INTERPOLATE
    assert estimate_gap(hole, gap, EstimationContext(evidence=evidence)).method == Method.REREAD


def test_a_confirmed_outage_stands_before_a_guess():
    context = EstimationContext(evidence=Evidence(not_energised=(Span(1, 2, "outage 7"),)))
    found = estimate_gap(series([100, None, 110]), slice(1, 2), context)
    assert (found.method, texts(found)) == (Method.ZERO, ["0.000"])


def test_only_the_part_of_a_gap_that_was_off_is_zero():
    hole = series([100, None, None, None, None, 150])
    context = EstimationContext(evidence=Evidence(not_energised=(Span(2, 4, "outage 7"),)))
    filled = fill(hole, hole.missing, context)
    assert filled.series.decimals() == [100, 110, 0, 0, 140, 150]
    assert [each.method for each in filled.estimates] == [
        Method.INTERPOLATE, Method.ZERO, Method.INTERPOLATE,
    ]  # fmt: skip


def test_parameters_and_what_is_off():
    short = InterpolateParameters(limit_minutes=15)
    steps = steps_for({}, {"interpolate@1": short}, off={"reread@1"})
    assert ("interpolate@1", short) in steps
    assert "reread@1" not in [key for key, _ in steps]
    hole = series([100, None, None, 130])
    assert estimate_gap(hole, slice(1, 3), EstimationContext(), steps) is None
    assert texts(estimate_gap(hole, slice(1, 3), EstimationContext())) == ["110.000", "120.000"]


def test_estimates_never_rest_on_estimates():
    gaps = series([100, None, 200, None, 300])
    filled = fill(gaps, gaps.missing, EstimationContext())
    assert [each.decimals()[0] for each in filled.estimates] == [Decimal(150), Decimal(250)]
    again = fill(filled.series, gaps.missing, EstimationContext())
    assert again.series.equals(filled.series)
    beside = series([100, None, None, 300])
    one = fill(beside, beside.missing & (beside.status > 0), EstimationContext())
    assert one.series.status.tolist()[1:3] == [Status.ESTIMATED] * 2
    assert one.method.tolist() == [0, Method.INTERPOLATE, Method.INTERPOLATE, 0]


def test_what_no_step_can_fill_stays_open():
    nothing = series([None] * 4)
    filled = fill(nothing, nothing.missing, EstimationContext())
    assert filled.unfilled == (slice(0, 4),)
    assert filled.series.missing_count == 4


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.booleans()), min_size=200, max_size=200),
    st.integers(0, 10**9),
    st.sampled_from(["", "SOLAR", "WIND", "BATTERY", "NUCLEAR"]),
    st.sampled_from(["GENERATOR", "TENANT_LOAD"]),
    st.integers(1, 20),
)
def test_no_method_looks_at_what_was_estimated(rows, other, technology, kind, length):
    """Other figures in the estimated intervals change nothing, on any ladder."""
    gap = slice(180, 180 + length)
    values = np.array([value for value, _ in rows]) * 10**6
    status = np.where([guessed for _, guessed in rows], Status.ESTIMATED, Status.VALIDATED)
    values[gap], status[gap] = MISSING, Status.MISSING
    changed = np.where(status == Status.ESTIMATED, other, values)
    grid = Grid(START, 60, 200)
    one = Series(grid, values, status, "kWh")
    two = Series(grid, changed, status, "kWh")
    facts = {"technology": technology, "kind": kind}
    sheets = []
    for each in (one, two):
        evidence = Evidence(checks=(Check("C1", each),), last_year=each)
        context = EstimationContext(zone="America/Chicago", facts=facts, evidence=evidence)
        found = estimate_gap(each, gap, context)
        sheets.append(None if found is None else found.worksheet)
    assert sheets[0] == sheets[1]
