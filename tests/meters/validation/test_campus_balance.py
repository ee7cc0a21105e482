"""V23: the balance of a campus day, which settlement judges (`settlement/calc/balance.py`)."""

from decimal import Decimal

import pytest

from poweroptix.kernel.finding import Severity
from poweroptix.kernel.period import Period
from poweroptix.kernel.rounding import to_places
from settlement.calc.balance import campus_balance
from tests.meters.cases import example, needs_cases
from tests.meters.validation.makers import START, ZONE, D, series

LOW, HIGH = Decimal("-0.002"), Decimal("0.025")
SOURCES, SINKS = ("gen", "imp", "dis"), ("load", "exp", "chg")


def balanced(facts):
    """Return the balance of a local day whose first quarter-hour carries the energy."""

    def day(kwh):
        return series([D(kwh)] + [0] * 95)

    return campus_balance(
        {name: day(facts[name]) for name in SOURCES},
        {name: day(facts[name]) for name in SINKS},
        Period.day(ZONE, START.date()),
        low_ratio=LOW,
        high_ratio=HIGH,
    )


@needs_cases
@pytest.mark.parametrize("name", ["B1", "B2"])
def test_worked_balances(name):
    facts = example("B1")["given"] | example(name)["given"]
    wanted = example(name)["expect"]
    balance = balanced(facts)
    (day,) = balance.days
    assert (day.sources_kwh, day.sinks_kwh) == (D(wanted["sources"]), D(wanted["sinks"]))
    assert day.residual_kwh == D(wanted["loss"])
    assert to_places(day.residual_ratio * 100, 4) == D(wanted["loss_pct"])
    assert day.within == (wanted["result"] == "PASS")
    held = [each for each in balance.findings if each.code == "balance.day"]
    assert len(held) == (wanted["result"] == "FAIL")
    assert all(each.severity == Severity.BLOCK for each in held)


@needs_cases
@pytest.mark.parametrize(
    ("load", "within"),
    [("42375", True), ("42374.999", False), ("43590", True), ("43590.001", False)],
)
def test_the_limits_themselves_pass(load, within):
    """45,000 kWh of sources: 2.5 % are 1,125 kWh, -0.2 % are -90 kWh."""
    (day,) = balanced(example("B1")["given"] | {"load": load}).days
    assert day.within is within
