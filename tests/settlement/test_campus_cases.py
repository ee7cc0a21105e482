"""The campus cases through the allocation of a campus: losses, the negative residual, days."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Severity
from poweroptix.kernel.period import Period
from poweroptix.kernel.series import Series
from settlement.calc.campus import CampusInputs, Claim, PoolRule, allocate_campus
from settlement.calc.gate import blocking
from settlement.weighing.stays import Span
from tests.contracts.cases import example

ZONE = "America/Chicago"
DAYS = Period.days_between(ZONE, date(2026, 3, 1), date(2026, 3, 2))
ALWAYS = (Span(date(2020, 1, 1)),)
SECOND_DAY = (Span(date(2026, 3, 2)),)


def days(first, second=0):
    """All energy of each of the two days in its first interval."""
    numbers = [Decimal(0)] * 48
    numbers[0], numbers[24] = Decimal(str(first)), Decimal(str(second))
    return Series.of(DAYS.grid(60), numbers, "kWh")


def kwh(text):
    return str(text).replace(",", "")


def campus(bus, loads, pools, low="-0.0025"):
    series = {code: days(kwh(one)) for code, one in loads.items()}
    return CampusInputs(
        period=DAYS,
        sources={"BUS": days(kwh(bus))},
        sinks=series,
        loads=series,
        claims=tuple(Claim(code, code, Decimal(1), ALWAYS[0]) for code in loads),
        pools=tuple(pools),
        loss_ratios={},
        low_ratio=Decimal(low),
        high_ratio=Decimal("0.025"),
    )


def losses(loads, unit="1"):
    members = dict.fromkeys(loads, ALWAYS)
    return PoolRule("losses", "LOSS", "metered_use@1", {"rounding_unit": unit}, members)


def totals(outcome, kind):
    return {
        part.contract: part.series.total()
        for part in outcome.parts
        if part.kind == kind and part.contract
    }


def numbers(expected):
    return {code: Decimal(text) for code, text in expected.items()}


def test_losses_of_a_campus_in_whole_kwh_case_b01():
    case = example("B01")
    loads = case["inputs"]["tenants_kwh"]
    outcome = allocate_campus(campus(case["inputs"]["bus_kwh"], loads, [losses(loads)]))
    assert totals(outcome, "LOSS") == numbers(case["expected"]["loss_kwh"])
    assert totals(outcome, "TOTAL") == numbers(case["expected"]["adjusted_kwh"])
    assert not blocking(outcome.findings)


@pytest.mark.parametrize(("low", "held"), [("-0.0025", True), ("-0.003", False)])
def test_a_negative_residual_is_held_below_the_limit_else_shared_like_a_loss_case_b06(low, held):
    case = example("B06")
    loads = example("B01")["inputs"]["tenants_kwh"]
    outcome = allocate_campus(campus(case["inputs"]["bus_kwh"], loads, [losses(loads)], low))
    day = outcome.balance.days[0]
    assert day.residual_kwh == Decimal(case["expected"]["residual_kwh"])
    assert f"{day.residual_ratio * 100:.4f}" == case["expected"]["pct"]
    assert [one.severity for one in outcome.findings if one.code == "balance.day"] == (
        [Severity.BLOCK] * held
    )
    assert totals(outcome, "LOSS") == numbers(case["expected"]["if_allocated"])


def shared(key, parameters, members):
    pool = PoolRule("plant", "ENERGY", key, parameters, members, ("CHILLER",))
    series = {"A": days(30, 30), "B": days(10, 10), "CHILLER": days(90, 90)}
    return CampusInputs(
        period=DAYS,
        sources={},
        sinks={},
        loads=series,
        claims=tuple(Claim(code, code, Decimal(1), ALWAYS[0]) for code in ("A", "B")),
        pools=(pool,),
        loss_ratios={},
        low_ratio=Decimal("-0.002"),
        high_ratio=Decimal("0.025"),
    )


def test_a_member_that_joins_on_the_second_day_counts_from_then_on():
    members = {"A": ALWAYS, "B": SECOND_DAY}
    outcome = allocate_campus(
        shared("capacity@1", {"capacity_mw": {"A": "20", "B": "10"}}, members)
    )
    parts = {
        part.contract: part.series.values[[0, 24]]
        for part in outcome.parts
        if part.kind == "SHARED"
    }
    assert {code: (one // 10**6).tolist() for code, one in parts.items()} == {
        "A": [90, 60],
        "B": [0, 30],
    }


def test_a_shared_plant_gives_no_more_than_the_use_and_the_rest_stays_with_the_operator():
    members = {"A": ALWAYS, "B": ALWAYS}
    key = {"classes": [["A"], ["B"]], "short_by": "USE"}
    outcome = allocate_campus(shared("waterfall@1", key, members))
    assert totals(outcome, "SHARED") == {"A": 60, "B": 20}
    [rest] = [part.series for part in outcome.parts if part.kind == "OPERATOR"]
    assert rest.total() == 100


def test_weights_that_are_written_down_hold_for_members_of_the_whole_period():
    tree = {"A": "1", "B": "1"}
    said = {"tree": tree, "groups_by": "WEIGHT", "members_by": "WEIGHT"}
    with pytest.raises(Refused, match="has fixed shares, but B is no member on 2026-03-01"):
        allocate_campus(shared("levels@1", said, {"A": ALWAYS, "B": SECOND_DAY}))


FIRST_DAY = (Span(date(2020, 1, 1), date(2026, 3, 2)),)


def by_pool(outcome, kind):
    return {
        (part.pool_code, part.contract): [int(kwh) for kwh in part.series.decimals()[0::24]]
        for part in outcome.parts
        if part.kind == kind
    }


def fixed(code, shares, spans, kind="ENERGY"):
    points = ("CHILLER",) if kind == "ENERGY" else ()
    return PoolRule(
        code, kind, "fixed_share@1", {"shares": shares}, dict.fromkeys(shares, spans), points
    )


def test_a_pool_with_other_shares_takes_over_on_a_day():
    inputs = shared("equal@1", {}, {})
    pools = (
        fixed("before", {"A": "1"}, FIRST_DAY),
        fixed("after", {"A": "0.5", "B": "0.5"}, SECOND_DAY),
    )
    outcome = allocate_campus(replace(inputs, pools=pools))
    assert by_pool(outcome, "SHARED") == {
        ("before", "A"): [90, 0],
        ("after", "A"): [0, 45],
        ("after", "B"): [0, 45],
    }
    assert by_pool(outcome, "TOTAL") == {("", "A"): [120, 75], ("", "B"): [10, 55]}
    both = (fixed("before", {"A": "1"}, ALWAYS), *pools[1:])
    with pytest.raises(Refused, match="Pools after and before both share CHILLER on 2026-03-02"):
        allocate_campus(replace(inputs, pools=both))


def test_losses_change_their_pool_on_a_day_and_a_loss_factor_holds_through_it():
    loads = {"A": days(60, 60), "B": days(40, 40)}
    inputs = replace(
        campus("0", {"A": "60", "B": "40"}, []),
        sources={"BUS": days(102, 101)},
        sinks=loads,
        loads=loads,
        pools=(
            fixed("old", {"A": "0.5", "B": "0.5"}, FIRST_DAY, "LOSS"),
            PoolRule("new", "LOSS", "equal@1", {}, dict.fromkeys("AB", SECOND_DAY)),
        ),
        loss_ratios={"B": ((ALWAYS[0], Decimal("1.05")),)},
    )
    outcome = allocate_campus(inputs)
    assert by_pool(outcome, "WHOLE") == {("old", ""): [2, 0], ("new", ""): [0, 1]}
    assert totals(outcome, "TOTAL") == {"A": Decimal("121.5"), "B": Decimal(84)}
    for code in ("old", "new"):
        [whole] = [p.series for p in outcome.parts if p.kind == "WHOLE" and p.pool_code == code]
        given = [
            p.series.values
            for p in outcome.parts
            if p.pool_code == code and p.kind in ("LOSS", "OPERATOR")
        ]
        assert (sum(given) == whole.values).all()


def test_a_point_of_a_contract_cannot_be_shared():
    inputs = shared("equal@1", {}, {"A": ALWAYS, "B": ALWAYS})
    claims = (*inputs.claims, Claim("A", "CHILLER", Decimal(1), ALWAYS[0]))
    with pytest.raises(Refused, match="The energy of CHILLER belongs to A and is shared by pool p"):
        allocate_campus(replace(inputs, claims=claims))
