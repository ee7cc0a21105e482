"""Series, companions and judging for tests of cross-channel, plant and period rules."""

import datetime as dt
from decimal import Decimal

import numpy as np

from meters.calc.circumstances import Circumstances, Companion, Plant, Relation
from meters.validation import ValidationContext, rules
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series

ZONE = "America/Chicago"
START = dt.datetime(2026, 3, 2, 6, tzinfo=dt.UTC)  # midnight in Chicago
QUARTER = dt.timedelta(minutes=15)
D = Decimal


def series(values, minutes=15, start=START, unit="kWh", status=Status.VALIDATED):
    """Return a series of exact numbers; None is missing."""
    numbers = [None if value is None else D(str(value)) for value in values]
    return Series.of(Grid(start, minutes, len(numbers)), numbers, unit, status)


def micro_series(values, start=START, minutes=15, unit="kWh"):
    """Return a series of integers in 10^-6."""
    whole = np.asarray(values, dtype=np.int64)
    status = np.where(whole == MISSING, int(Status.MISSING), int(Status.VALIDATED))
    return Series(Grid(start, minutes, len(whole)), whole, status.astype(np.uint8), unit)


def companion(relation, given, code="B-1", **more):
    """Return a companion of a relation; `given` is a series or its values."""
    found = given if isinstance(given, Series) else series(given, **more)
    return Companion(Relation(relation), code, found)


def context(*companions, plant=None, parameters=None, facts=None, direction="DELIVERED", **more):
    """Return a context; what is not a field of it is one of the circumstances."""
    own = ("capacity_kw", "high_limit_kw", "failed", "flags", "expected")
    given = {name: more.pop(name) for name in own if name in more}
    around = Circumstances(companions=companions, plant=plant or Plant(), **more)
    return ValidationContext(
        zone=ZONE,
        direction=direction,
        parameters=parameters,
        facts=facts or {},
        circumstances=around,
        **given,
    )


def judge(key, given, *companions, **more):
    """Return what a rule finds."""
    return rules.get(key).check(given, context(*companions, **more))


def lacks(key, given, *companions, **more):
    """Return what a rule lacks."""
    return rules.get(key).lacks(given, context(*companions, **more))


def span(finding):
    """Return the range of a finding in quarter-hours from START."""
    return (finding.start_utc - START) // QUARTER, (finding.end_utc - START) // QUARTER
