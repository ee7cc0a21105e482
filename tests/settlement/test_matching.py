"""Which kWh came from which source: the cases, the laws of matching, and what is refused."""

from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.period import Period
from poweroptix.kernel.rounding import money
from poweroptix.kernel.series import Series
from settlement.calc.campus import CampusInputs, Claim, PoolRule, allocate_campus
from settlement.calc.closing import refuse_open
from settlement.calc.matching import SourceRule, match_sources
from settlement.weighing.stays import Span
from tests.contracts.cases import example

DAY = Period.day("America/Chicago", date(2026, 3, 2))
ALWAYS = (Span(date(2020, 1, 1)),)
HALF = {"entitlements": {"ALFA": "0.5", "BRAVO": "0.5"}, "unused": "PASS_ON"}


def hours(*kwh, minutes=60, **at):
    """Return the day's energy: the first intervals as given, zero afterwards."""
    grid = DAY.grid(minutes)
    numbers = [None if n is None else Decimal(str(n)) for n in kwh]
    return Series.of(grid, [*numbers, *[Decimal(0)] * (grid.count - len(numbers))], "kWh")


def rule(
    code, merit, key="capped_share@1", parameters=HALF, points=None, storage=None, spans=ALWAYS
):
    fills = key == "fill_rest@1"
    return SourceRule(
        code,
        merit,
        key,
        {} if fills else parameters,
        dict.fromkeys(("ALFA", "BRAVO"), spans),
        (code.upper(),) if points is None else points,
        storage,
    )


GAS = rule("gas", 9, "fill_rest@1")


def campus(sources, loads, matched, sinks=None, carry_in=None, pools=()):
    return CampusInputs(
        period=DAY,
        sources=sources,
        sinks={**loads, **(sinks or {})},
        loads=loads,
        claims=tuple(Claim(code, code, Decimal(1), ALWAYS[0]) for code in loads),
        pools=tuple(pools),
        loss_ratios={},
        low_ratio=Decimal("-0.002"),
        high_ratio=Decimal("0.025"),
        matched=tuple(matched),
        carry_in=carry_in or {},
    )


def by_source(outcome, kind="SOURCE"):
    return {
        (part.contract, part.pool_code): part.series for part in outcome.parts if part.kind == kind
    }


def assert_matched(outcome):
    """Sources close per interval, and every contract's sources are what it is delivered."""
    parts = {kind: by_source(outcome, kind) for kind in ("WHOLE", "SOURCE", "OPERATOR", "TOTAL")}
    matched = {code for _, code in parts["SOURCE"]}
    for code in matched:
        whole = parts["WHOLE"]["", code]
        given = [
            one.to_minutes(whole.grid.minutes)
            for (_, c), one in parts["SOURCE"].items()
            if c == code
        ]
        together = sum(one.values for one in given) + parts["OPERATOR"]["", code].values
        assert (together == whole.values)[~whole.missing].all()
    for contract, total in ((c, one) for (c, _), one in parts["TOTAL"].items()):
        taken = [one for (c, _), one in parts["SOURCE"].items() if c == contract]
        unknown = taken[0].missing
        assert (sum(one.values for one in taken) == total.values)[~unknown].all()


def test_an_unused_entitlement_is_passed_on_and_gas_fills_the_rest_case_b05():
    case = example("B05")
    loads = {code: hours(*kwh) for code, kwh in case["inputs"]["load_kwh"].items()}
    solar = hours(*case["inputs"]["solar_kwh"])
    need = loads["ALFA"].add(loads["BRAVO"])
    export = hours(0, 1000, 2000, 0)
    gas = need.subtract(solar).add(export)
    outcome = allocate_campus(
        campus(
            {"SOLAR": solar, "GAS": gas},
            loads,
            [GAS, rule("solar", 1)],
            {"TIE out": export},
        )
    )
    assert_matched(outcome)
    got = by_source(outcome)
    expected = case["expected"]
    for code, kwh in expected["kwh"].items():
        assert {s: got[code, s].total() for s in kwh} == {s: Decimal(n) for s, n in kwh.items()}
    prices = {"solar": Decimal("0.038"), "gas": Decimal("0.071")}
    cost = {
        code: money(sum((got[code, s].total() * price for s, price in prices.items()), Decimal(0)))
        for code in loads
    }
    assert cost == {code: Decimal(usd) for code, usd in expected["cost"].items()}
    rest = by_source(outcome, "OPERATOR")["", "solar"]
    assert rest.decimals()[:4] == [0, 1000, 2000, 0]
    assert rest.total() == Decimal(expected["export_kwh"])
    assert money(rest.total() * Decimal("0.025")) == Decimal(expected["export_revenue"])
    assert netted(case, prices) == {
        code: Decimal(usd) for code, usd in expected["monthly_netting_cost"].items()
    }
    assert sum(cost.values()) - sum(netted(case, prices).values()) == Decimal("33.00")


def netted(case, prices):
    """The other way, which the product does not go: a month's solar against a month's load."""
    solar = Decimal(sum(case["inputs"]["solar_kwh"])) / 2
    costs = {}
    for code, kwh in case["inputs"]["load_kwh"].items():
        load = Decimal(sum(kwh))
        gas = max(load - solar, Decimal(0))
        costs[code] = money(min(load, solar) * prices["solar"] + gas * prices["gas"])
    return costs


LOADS_OF_TEN = {"ALFA": hours(5), "BRAVO": hours(5)}


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("OPERATOR", "What source solar gave is not what came of it in 1 intervals, the first"),
        ("SOURCE", "What source solar gave is not what came of it in 1 intervals"),
        (
            "TOTAL",
            "The sources of ALFA are not what it is delivered in 1 intervals, the first at 2",
        ),
    ],
)
def test_one_micro_kwh_in_one_interval_is_found(kind, message):
    outcome = allocate_campus(
        campus({"SOLAR": hours(6), "GAS": hours(4)}, LOADS_OF_TEN, [rule("solar", 1), GAS])
    )
    refuse_open(outcome.parts)
    found = [part for part in outcome.parts if part.kind == kind]
    crooked = next(
        part for part in found if part.pool_code in ("", "solar") and part.contract in ("", "ALFA")
    )
    crooked.series.values[3] += 1
    with pytest.raises(Refused, match=message):
        refuse_open(outcome.parts)


def test_finer_intervals_of_a_member_add_up_to_its_total():
    loads = {
        "ALFA": hours(*[100, 0, 300, 200] * 2, minutes=15),
        "BRAVO": hours(500, 400),
    }
    outcome = allocate_campus(
        campus({"SOLAR": hours(601, 100), "GAS": hours(499, 900)}, loads, [rule("solar", 1), GAS])
    )
    assert_matched(outcome)
    got = by_source(outcome)
    assert got["ALFA", "solar"].grid.minutes == 15
    assert got["ALFA", "solar"].decimals()[:2] == [Decimal("50.083333"), 0]
    assert (got["ALFA", "gas"].values >= 0).all()


def test_what_is_metered_beyond_the_need_stays_with_the_operator_with_its_sign():
    outcome = allocate_campus(
        campus(
            {"SOLAR": hours(-3, 10), "GAS": hours(5, 0)},
            {"ALFA": hours(6, 4), "BRAVO": hours(-1, 0)},
            [rule("solar", 1), rule("gas", 2, "fill_rest@1", points=())],
        )
    )
    assert_matched(outcome)
    rest = by_source(outcome, "OPERATOR")
    assert rest["", "solar"].decimals()[:2] == [-3, 6]
    assert rest["", "gas"].decimals()[:2] == [0, 0]
    assert by_source(outcome)["BRAVO", "gas"].decimals()[0] == -1


def test_a_member_from_noon_on_takes_from_then_on():
    tomorrow = (Span(date(2026, 3, 3)),)
    late = rule("solar", 1)
    late = SourceRule(
        late.code, 1, late.key, late.parameters, {"ALFA": ALWAYS, "BRAVO": tomorrow}, late.points
    )
    loads = {"ALFA": hours(6), "BRAVO": hours(6)}
    outcome = allocate_campus(campus({"SOLAR": hours(10), "GAS": hours(2)}, loads, [late, GAS]))
    got = by_source(outcome)
    assert got["ALFA", "solar"].total() == 6
    assert got["BRAVO", "solar"].total() == 0
    assert got["BRAVO", "gas"].total() == 6
    assert_matched(outcome)


LOADS = {"ALFA": hours(1), "BRAVO": hours(1)}
SOURCES = {"SOLAR": hours(1), "GAS": hours(1)}


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([rule("solar", 1)], "Exactly the last source fills what the others leave open"),
        ([rule("solar", 10), GAS], "Exactly the last source fills"),
        (
            [rule("solar", 1, "metered_use@1", {}), GAS],
            "the key metered_use@1 can give a member more than it needs",
        ),
        ([rule("solar", 1, points=("WIND",)), GAS], "WIND is no metered source of the campus"),
        ([rule("solar", 1, points=("GAS",)), GAS], "GAS belongs to the sources solar and gas"),
        ([rule("solar", 1, points=()), GAS], "SOLAR: a source of the campus that no pool"),
        (
            [rule("solar", 1, points=()), rule("gas", 2, "fill_rest@1", points=())],
            "Source solar names no point",
        ),
        (
            [
                rule("solar", 1),
                SourceRule("gas", 9, "fill_rest@1", {}, {"ALFA": ALWAYS}, ("GAS",)),
            ],
            "BRAVO takes from solar but is no member of gas",
        ),
        (
            [SourceRule("gas", 9, "fill_rest@1", {}, {"CHARLIE": ALWAYS})],
            "CHARLIE is a member but is delivered nothing",
        ),
        (
            [rule("solar", 1), rule("gas", 9, "fill_rest@1", spans=(Span(date(2026, 3, 3)),))],
            "ALFA is delivered energy at 2026-03-02 06:00 UTC but is then no member of gas",
        ),
    ],
)
def test_sources_that_contradict_each_other_are_refused(rules, message):
    with pytest.raises(Refused, match=message):
        allocate_campus(campus(SOURCES, LOADS, rules))


energies = st.integers(min_value=0, max_value=10**10)
hour = st.tuples(*[energies] * 5)


@settings(max_examples=40)
@given(
    st.lists(hour, min_size=24, max_size=24),
    st.tuples(st.integers(0, 9), st.integers(1, 9)),
    st.sampled_from(["PASS_ON", "KEEP"]),
    st.randoms(use_true_random=False),
)
def test_matching_closes_and_does_not_depend_on_order(rows, share, unused, random):
    grid = DAY.grid(60)
    columns = np.array(rows, np.int64).T
    solar, wind, gas, alfa, bravo = (
        Series(grid, column, np.full(grid.count, 10, np.uint8), "kWh") for column in columns
    )
    entitled = {"ALFA": str(share[0]), "BRAVO": str(share[1])}
    rules = [
        rule("solar", 1, parameters={"entitlements": entitled, "unused": unused}),
        rule("wind", 2, "waterfall@1", {"classes": [["BRAVO"], ["ALFA"]], "short_by": "USE"}),
        GAS,
    ]
    sources = {"SOLAR": solar, "WIND": wind, "GAS": gas}
    totals = {"ALFA": alfa, "BRAVO": bravo}
    matching = match_sources(rules, sources, totals, DAY)
    got = {(p.contract, p.pool_code): p.series.values for p in matching.parts if p.kind == "SOURCE"}
    for code, total in totals.items():
        assert (sum(got[code, one.code] for one in rules) == total.values).all()
        assert all((got[code, one.code] >= 0).all() for one in rules)
    for one in matching.sources:
        given_ = sum(part.values for part in one.allocation.parts.values())
        assert (given_ + one.rest.values == one.whole.values).all()
    random.shuffle(rules)
    turned = match_sources(
        rules, dict(reversed(sources.items())), dict(reversed(totals.items())), DAY
    )
    assert [(p.kind, p.pool_code, p.contract, p.series.digest()) for p in matching.parts] == [
        (p.kind, p.pool_code, p.contract, p.series.digest()) for p in turned.parts
    ]


def test_matching_leaves_what_is_delivered_as_it_is():
    loads = {"ALFA": hours(60), "BRAVO": hours(40)}
    sources = {"SOLAR": hours(50), "GAS": hours(51)}
    losses = PoolRule("LOSS", "LOSS", "metered_use@1", {}, dict.fromkeys(loads, ALWAYS))
    with_, without = (
        allocate_campus(campus(sources, loads, rules, pools=[losses]))
        for rules in ([rule("solar", 1), GAS], [])
    )
    assert_matched(with_)
    own = [
        (p.kind, p.contract, p.series.digest())
        for p in with_.parts
        if p.pool_code not in ("solar", "gas")
    ]
    assert own == [(p.kind, p.contract, p.series.digest()) for p in without.parts]
    got = by_source(with_)
    assert got["ALFA", "solar"].total() + got["ALFA", "gas"].total() == Decimal("60.6")
    assert MISSING not in got["ALFA", "solar"].values
