"""The ladder: order, plants, what is off, and that estimates never rest on estimates."""

from decimal import Decimal

import pytest

from meters.calc.evidence import Evidence, Named, Span
from meters.calc.ladder import DEFAULT_STEPS, LADDERS, estimate_gap, fill, ladder, steps_for
from meters.estimation import EstimationContext, estimators
from meters.estimation.interpolate import InterpolateParameters
from meters.models import PointKind, Technology
from poweroptix.kernel.quality import Method, Status
from tests.meters.estimation.sheets import series, texts

ORDER = [
    Method.REREAD, Method.CHECK_METER, Method.NODE_CALC, Method.SCADA, Method.ZERO,
    Method.INTERPOLATE, Method.LIKE_DAY, Method.AVG_LIKE_DAY, Method.PREV_YEAR, Method.PROFILE,
    Method.ADL, Method.MANUAL,
]  # fmt: skip


def test_the_ladder_of_loads_has_every_method_in_order():
    assert [estimators.get(key).method for key in LADDERS["LOAD"]] == ORDER
    assert [key for key, _ in DEFAULT_STEPS] == list(LADDERS["LOAD"])


def test_every_estimator_stands_on_some_ladder_and_every_step_exists():
    assert {key for steps in LADDERS.values() for key in steps} == set(estimators.keys())


@pytest.mark.parametrize("name", LADDERS)
def test_a_ladder_asks_no_method_twice_and_keeps_the_order_of_the_methods(name):
    assert len(set(LADDERS[name])) == len(LADDERS[name])
    methods = [estimators.get(key).method for key in LADDERS[name]]
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


def test_the_first_that_applies_wins():
    hole, gap = series([100, None, 110]), slice(1, 2)
    evidence = Evidence(reread=Named("call 2", series([0, 42, 0])))
    assert estimate_gap(hole, gap, EstimationContext()).method == Method.INTERPOLATE
    assert estimate_gap(hole, gap, EstimationContext(evidence=evidence)).method == Method.REREAD


def test_a_confirmed_outage_stands_before_a_guess():
    context = EstimationContext(evidence=Evidence(not_energised=(Span(1, 2, "outage 7"),)))
    found = estimate_gap(series([100, None, 110]), slice(1, 2), context)
    assert (found.method, texts(found)) == (Method.ZERO, ["0.000"])


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
