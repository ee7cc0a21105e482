"""The campus balance and who gets what of it, on small hand-made days."""

from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import Period
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series
from settlement.calc.balance import campus_balance, residual_kwh
from settlement.calc.campus import (
    CampusInputs,
    Claim,
    PoolRule,
    allocate_campus,
    spread,
)
from settlement.calc.scaling import scaled
from settlement.weighing.stays import Span

ZONE = "America/Chicago"
DAY = Period.day(ZONE, date(2026, 3, 2))
ALWAYS = (Span(date(2020, 1, 1)),)
LOW, HIGH = Decimal("-0.002"), Decimal("0.025")


def flat(kwh, minutes=15, period=DAY, status=Status.VALIDATED):
    grid = period.grid(minutes)
    return Series.of(grid, [Decimal(str(kwh))] * grid.count, "kWh", status)


def loss_pool(members, key="metered_use@1", **parameters):
    spans = dict.fromkeys(members, ALWAYS)
    return PoolRule("LOSS", "LOSS", key, parameters, spans)


def campus(sources, sinks, claims, pools=(), loss_ratios=None, period=DAY, loads=None):
    return CampusInputs(
        period=period,
        sources=sources,
        sinks=sinks,
        loads=loads if loads is not None else sinks,
        claims=tuple(
            Claim(contract, point, Decimal(share), ALWAYS[0]) for contract, point, share in claims
        ),
        pools=tuple(pools),
        loss_ratios=loss_ratios or {},
        low_ratio=LOW,
        high_ratio=HIGH,
    )


def part(outcome, kind, contract="", pool=None):
    [found] = [
        one
        for one in outcome.parts
        if (one.kind, one.contract) == (kind, contract) and pool in (None, one.pool_code)
    ]
    return found.series


def test_losses_are_the_residual_and_delivered_is_metered_plus_loss():
    outcome = allocate_campus(
        campus(
            {"GEN": flat(101)},
            {"A": flat(60), "B": flat(40)},
            [("PPA-A", "A", 1), ("PPA-B", "B", 1)],
            [loss_pool(["PPA-A", "PPA-B"])],
        )
    )
    assert part(outcome, "LOSS", "PPA-A").decimals()[0] == Decimal("0.6")
    assert part(outcome, "TOTAL", "PPA-B").total() == Decimal("40.4") * 96
    assert part(outcome, "WHOLE").total() == 96
    assert residual_kwh(outcome.balance) == 96
    assert outcome.findings == ()


def test_without_losses_delivered_is_what_the_own_meters_show():
    outcome = allocate_campus(campus({}, {}, [("PPA-A", "A", 1)], loads={"A": flat(25)}))
    assert part(outcome, "TOTAL", "PPA-A").equals(part(outcome, "METERED", "PPA-A"))
    assert outcome.balance is None


def test_a_day_outside_tolerance_is_named_with_its_numbers():
    balance = campus_balance(
        {"GEN": flat(100)}, {"A": flat(97)}, DAY, low_ratio=LOW, high_ratio=HIGH
    )
    [finding] = [one for one in balance.findings if one.code == "balance.day"]
    assert finding.message == (
        "2026-03-02: sources 9600 kWh, sinks 9312 kWh, residual 288 kWh (3.000 %); "
        "allowed is -0.200 % to 2.500 %."
    )
    assert finding.threshold == HIGH


def test_a_negative_residual_below_tolerance_is_held_case_b06():
    balance = campus_balance(
        {"BUS": flat("101979.166666")},
        {"A": flat("102252.604166")},
        DAY,
        low_ratio=Decimal("-0.0025"),
        high_ratio=HIGH,
    )
    [finding] = balance.findings
    assert finding.code == "balance.day"
    assert round(finding.metric * 100, 4) == Decimal("-0.2681")


def test_missing_readings_make_the_day_unjudged_and_the_parts_missing():
    values = flat(60).values.copy()
    values[5] = -(2**63)
    broken = Series(DAY.grid(15), values, flat(60).status, "kWh")
    outcome = allocate_campus(
        campus(
            {"GEN": flat(101)},
            {"A": broken, "B": flat(40)},
            [("PPA-A", "A", 1), ("PPA-B", "B", 1)],
            [loss_pool(["PPA-A", "PPA-B"])],
        )
    )
    assert outcome.balance.days[0].missing_count == 1
    assert [p.series.missing_count for p in outcome.parts if p.kind != "METERED"] == [1] * 5
    assert part(outcome, "METERED", "PPA-B").missing_count == 0


def test_a_contract_with_its_own_factor_is_billed_by_it_and_the_operator_keeps_the_rest():
    outcome = allocate_campus(
        campus(
            {"GEN": flat(102)},
            {"A": flat(60), "B": flat(40)},
            [("PPA-A", "A", 1), ("PPA-B", "B", 1)],
            [loss_pool(["PPA-A", "PPA-B"])],
            {"A": ((ALWAYS[0], Decimal("1.0123")),)},
        )
    )
    assert part(outcome, "LOSS", "PPA-A").decimals()[0] == Decimal("0.738")
    assert part(outcome, "OPERATOR").decimals()[0] == Decimal("1.2") - Decimal("0.738")
    assert part(outcome, "LOSS", "PPA-B").decimals()[0] == Decimal("0.8")
    assert part(outcome, "TOTAL", "PPA-A").decimals()[0] == Decimal("60.738")


def test_shared_energy_by_fixed_share_is_the_walk_of_one_interval():
    pool = PoolRule(
        "BUS",
        "ENERGY",
        "fixed_share@1",
        {"shares": {"A": "0.625", "B": "0.375"}, "rounding_unit": "0.001"},
        {"A": ALWAYS, "B": ALWAYS},
        ("BUS",),
    )
    outcome = allocate_campus(
        campus(
            {},
            {},
            [],
            [pool],
            {"BUS": ((ALWAYS[0], Decimal("1.01230")),)},
            loads={"BUS": flat(25000)},
        )
    )
    assert part(outcome, "WHOLE").decimals()[0] == Decimal("25307.5")
    assert part(outcome, "SHARED", "A").decimals()[0] == Decimal("15817.188")
    assert part(outcome, "TOTAL", "B").decimals()[0] == Decimal("9490.312")


def test_meters_of_different_length_meet_at_the_coarsest_and_losses_go_back_to_the_finest():
    outcome = allocate_campus(
        campus(
            {"GEN": flat(404, 60)},
            {"A": flat(10, 5), "B": flat(70, 15)},
            [("PPA-A", "A", 1), ("PPA-B", "B", 1)],
            [loss_pool(["PPA-A", "PPA-B"])],
        )
    )
    assert part(outcome, "WHOLE").grid.minutes == 60
    loss = part(outcome, "LOSS", "PPA-A")
    assert loss.grid.minutes == 5
    assert loss.to_minutes(60).decimals()[0] == Decimal("1.2")
    assert part(outcome, "TOTAL", "PPA-A").decimals()[0] == Decimal("10.1")


def test_membership_and_tenancy_begin_and_end_on_local_days():
    period = Period.days_between(ZONE, date(2026, 3, 1), date(2026, 3, 2))
    inputs = CampusInputs(
        period=period,
        sources={"GEN": flat(101, period=period)},
        sinks={"A": flat(60, period=period), "B": flat(40, period=period)},
        loads={"A": flat(60, period=period), "B": flat(40, period=period)},
        claims=(
            Claim("PPA-A", "A", Decimal(1), Span(date(2026, 3, 2))),
            Claim("PPA-B", "B", Decimal(1), Span(date(2020, 1, 1), date(2026, 3, 2))),
        ),
        pools=(loss_pool(["PPA-A", "PPA-B"]),),
        loss_ratios={},
        low_ratio=LOW,
        high_ratio=HIGH,
    )
    outcome = allocate_campus(inputs)
    total = part(outcome, "TOTAL", "PPA-A")
    assert (total.decimals()[95], total.decimals()[96]) == (0, 61)
    assert part(outcome, "LOSS", "PPA-B").decimals()[0] == 1


@pytest.mark.parametrize(
    ("pools", "sources", "message"),
    [
        ([loss_pool(["A"]), PoolRule("L2", "LOSS", "metered_use@1", {}, {"A": ALWAYS})],
         {"G": flat(2)}, "Pools L2 and LOSS both share the losses on 2026-03-02; keep one for"),
        ([loss_pool(["A"])], {}, "Pool LOSS shares losses, but the campus has no metered source"),
        ([loss_pool(["A", "Z"])], {"G": flat(2)}, "Pool LOSS: Z is a member but has no metered"),
        ([loss_pool(["A"], "fixed_share@1", shares={"A": "0.5", "Q": "0.5"})], {"G": flat(2)},
         "Pool LOSS splits to A, Q, but its members are A"),
        ([PoolRule("LOSS", "LOSS", "fixed_share@1", {"shares": {"A": "1"}},
                   {"A": (Span(date(2026, 3, 3)),)})], {"G": flat(2)},
         "fixed shares, but A is no member on 2026-03-02"),
        ([PoolRule("E", "ENERGY", "metered_use@1", {}, {"A": ALWAYS})], {},
         "Pool E shares energy but names no point"),
    ],
)  # fmt: skip
def test_pools_that_contradict_are_refused(pools, sources, message):
    with pytest.raises(Refused, match=message):
        allocate_campus(campus(sources, {"A": flat(1)}, [("A", "A", 1)], pools))


def test_estimated_generation_does_not_make_a_tenants_energy_estimated():
    outcome = allocate_campus(
        campus(
            {"GEN": flat(101, status=Status.ESTIMATED)},
            {"A": flat(100)},
            [("PPA-A", "A", 1)],
            [loss_pool(["PPA-A"])],
        )
    )
    assert part(outcome, "LOSS", "PPA-A").worst_status == Status.ESTIMATED
    assert part(outcome, "TOTAL", "PPA-A").worst_status == Status.VALIDATED


@pytest.mark.parametrize(
    ("value", "ratio", "expected"),
    [("25000", "1.0123", "25307.5"), ("0.000001", "0.5", "0"), ("0.000003", "0.5", "0.000002"),
     ("-0.000003", "0.5", "-0.000002"), ("123456789.123456", "-1.99999999", "-246913577.012344")],
)  # fmt: skip
def test_scaling_is_exact_then_half_even(value, ratio, expected):
    assert scaled(flat(value), Decimal(ratio)).decimals()[0] == Decimal(expected)


@pytest.mark.parametrize("ratio", ["2.5", "1.000000001"])
def test_a_ratio_out_of_bounds_is_refused(ratio):
    with pytest.raises(Refused, match="between -2 and 2 and have at most 8 decimals"):
        scaled(flat(1), Decimal(ratio))


@given(
    st.lists(
        st.tuples(st.integers(-(10**9), 10**9), *[st.integers(0, 10**9)] * 3),
        min_size=4,
        max_size=4,
    )
)
def test_spreading_closes_in_every_coarse_interval(rows):
    period = Period.day("UTC", date(2026, 1, 1))
    coarse, fine = period.grid(360), period.grid(120)
    share = Series(coarse, np.array([r[0] for r in rows]), np.full(4, 10, np.uint8), "kWh")
    use = Series(
        fine, np.array([r[1:] for r in rows]).reshape(-1), np.full(12, 10, np.uint8), "kWh"
    )
    assert (spread(share, use).to_minutes(360).values == share.values).all()


@given(st.lists(st.tuples(*[st.integers(0, 10**10)] * 3), min_size=24, max_size=24))
def test_conservation_every_kwh_of_the_sources_has_a_sink(rows):
    period = Period.day("UTC", date(2026, 1, 1))
    grid = period.grid(60)
    generated, first, second = (
        Series(grid, np.array(column), np.full(24, 10, np.uint8), "kWh")
        for column in zip(*rows, strict=True)
    )
    second = Series(grid, second.values + 1, second.status, "kWh")
    outcome = allocate_campus(
        campus(
            {"GEN": generated},
            {"A": first, "B": second},
            [("PPA-A", "A", 1), ("PPA-B", "B", 1)],
            [loss_pool(["PPA-A", "PPA-B"])],
            period=period,
        )
    )
    delivered = sum(p.series.values for p in outcome.parts if p.kind == "TOTAL")
    assert (delivered == generated.values).all()
