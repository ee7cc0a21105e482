"""Small series, and the promise of every worksheet: plain data that ends in the values."""

import datetime as dt
import json
from decimal import Decimal
from fractions import Fraction

from meters.calc.evidence import Evidence
from meters.estimation import EstimationContext, estimators
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series

START = dt.datetime(2026, 3, 2, 6, tzinfo=dt.UTC)  # Monday, midnight in Chicago


def series(values, minutes=15, unit="kWh", status=Status.VALIDATED, start=START):
    numbers = [None if value is None else Decimal(str(value)) for value in values]
    return Series.of(Grid(start, minutes, len(numbers)), numbers, unit, status)


def with_status(given, index, status):
    changed = given.status.copy()
    changed[index] = status
    return Series(given.grid, given.values, changed, given.unit)


def run(key, given, gap, evidence=None, parameters=None, **context):
    estimate = estimators.get(key).estimate(
        given,
        gap,
        EstimationContext(evidence=evidence or Evidence(), parameters=parameters, **context),
    )
    if estimate is not None:
        sheet = json.loads(json.dumps(estimate.worksheet))
        assert sheet["method"] == key
        assert sheet["unit"] == given.unit
        assert [Decimal(text) for text in sheet["values"]] == estimate.decimals()
        assert len(estimate.values) == gap.stop - gap.start
        assert estimate.method == estimators.get(key).method
    return estimate


def texts(estimate):
    return [f"{value:.3f}" for value in estimate.decimals()]


def number(text):
    """Return the exact number that a worksheet writes."""
    return Fraction(text)
