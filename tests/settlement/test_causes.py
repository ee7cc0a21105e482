"""Causes of a difference: exact for every charge type, in one order, to the cent."""

from dataclasses import asdict, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.calc.price_terms import PricedTerm
from contracts.charges import charge_types
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import Period
from poweroptix.kernel.series import Series
from settlement.calc.causes import (
    ALLOCATION,
    AMENDMENT,
    CARRY,
    ESTIMATE,
    METER,
    POOL,
    PRICE,
    RULE,
    amounts_of,
    causes_between,
)
from settlement.calc.delta import billed_of, compare
from settlement.calc.inputs import Inputs
from settlement.calc.settle import settle
from settlement.calc.version_inputs import VersionInputs
from tests.contracts.charges.samples import (
    CARRIES,
    GRID,
    PERIOD,
    given_load,
    prices,
    settings_of,
)

ENERGY = PricedTerm(1, 10, "fixed_energy@1", "Energy", parameters={"price": "50"})
BEFORE = Period.month(PERIOD.zone, "2026-02")
MWH = 10**9


@cache
def keys():
    return charge_types.keys()


def series_of(values, status=None, grid=GRID):
    status = np.full(grid.count, 10, np.uint8) if status is None else np.array(status, np.uint8)
    return Series(grid, np.array(values, np.int64), status, "kWh")


def inputs_of(values, *terms, status=None, number=1, **more):
    """Return a day's inputs with everything that `given_load` offers to a charge."""
    offered = given_load(values)
    version = VersionInputs(
        number, PERIOD.first_date, PERIOD.last_date, offered.anchor_date, offered.facts, terms
    )
    fields = {
        "series": {**offered.series, "delivered": series_of(values, status)},
        "prices": offered.prices,
        "events": offered.events,
        "pools": {code: written(one) for code, one in offered.pools.items()},
        "calendars": {
            code: {"schedule": one.schedule.to_json(), "holidays": sorted(one.holidays)}
            for code, one in offered.calendars.items()
        },
        **more,
    }
    told = {
        str(one.line_code): CARRIES[one.charge_type] for one in terms if one.charge_type in CARRIES
    }
    fields["carry_in"] = {**told, **fields.get("carry_in", {})}
    return Inputs("C-1", "USD", PERIOD.zone, PERIOD, (version,), **fields)


def written(pool):
    """Return what a contract sees of a pool as it stands in a document."""
    return {
        name: f"{value:f}" if isinstance(value, Decimal) else value
        for name, value in asdict(pool).items()
        if value is not None
    }


def dearer(inputs, more):
    """Return the inputs with every published price higher by `more` hundred-millionths."""
    higher = {
        code: replace(one, values=one.values + more, vintage="revised")
        for code, one in inputs.prices.items()
    }
    return replace(inputs, prices=higher)


def month_before(prices):
    """Return the same prices over the month before; daily ones from a day earlier."""
    if prices.grid.minutes == 1440:
        start = datetime.combine(BEFORE.first_date, time(), tzinfo=UTC) - timedelta(days=1)
        grid = Grid(start, 1440, len(BEFORE.days()) + 2)
    else:
        grid = BEFORE.grid(60)
    return replace(prices, grid=grid, values=np.resize(prices.values, grid.count))


def carried_from(values, *terms):
    """Return what the month before hands on, had each of its days used these energies."""
    grid = BEFORE.grid(60)
    today = inputs_of(values, *terms)
    longer = {
        name: replace(
            one,
            grid=grid,
            values=np.resize(one.values, grid.count),
            status=np.resize(one.status, grid.count),
        )
        for name, one in today.series.items()
    }
    prices_before = {code: month_before(one) for code, one in today.prices.items()}
    [version] = today.versions
    earlier = replace(
        today,
        period=BEFORE,
        series=longer,
        prices=prices_before,
        versions=(replace(version, first_date=BEFORE.first_date, last_date=BEFORE.last_date),),
    )
    return settle(earlier).carry_out


def sides(outcome):
    return {key: usd or Decimal(0) for key, usd in amounts_of(outcome.lines).items()}


loads = st.lists(st.integers(0, 10**11), min_size=GRID.count, max_size=GRID.count)
statuses = st.lists(st.sampled_from([10, 60]), min_size=GRID.count, max_size=GRID.count)


@settings(max_examples=6, deadline=None)
@given(loads, loads, loads, statuses, prices, prices, st.integers(0, 10**9))
def test_causes_sum_to_the_delta_of_every_line_for_every_charge_type(
    first, second, third, status, price, other, more
):
    for key in keys():
        old_term = PricedTerm(2, 60, key, "Line", parameters=settings_of(key, price))
        new_term = PricedTerm(2, 60, key, "Line", parameters=settings_of(key, other))
        before = inputs_of(
            first, ENERGY, old_term, status=status, carry_in=carried_from(first, ENERGY, old_term)
        )
        after = inputs_of(
            third, ENERGY, new_term, number=2, carry_in=carried_from(second, ENERGY, old_term)
        )
        after = dearer(after, more)
        same_key = {"delivered": series_of(second)}
        was, now = sides(settle(before)), sides(settle(after))
        deltas = causes_between(before, after, same_key=same_key)
        for delta in deltas:
            assert sum(delta.by_cause.values()) == delta.amount_usd, key
            assert delta.amount_usd == now.get(delta.key, 0) - was.get(delta.key, 0)
            assert delta.by_cause.get(RULE.key, 0) == 0
        told = {delta.key for delta in deltas}
        assert all(was.get(line, 0) == now[line] for line in now if line not in told), key
        caused = sum(sum(delta.by_cause.values()) for delta in deltas)
        assert caused == sum(now.values()) - sum(was.values())


@settings(max_examples=6, deadline=None)
@given(st.lists(st.tuples(loads, prices, st.integers(0, 10**9)), min_size=2, max_size=4), prices)
def test_original_and_all_deltas_are_one_final_settlement_for_every_charge_type(runs, price):
    for key in keys():
        chain = [
            settle(
                dearer(
                    inputs_of(
                        load,
                        ENERGY,
                        PricedTerm(2, 60, key, "Line", parameters=settings_of(key, each)),
                    ),
                    more,
                )
            )
            for load, each, more in runs
        ]
        billed = chain[0].total_usd
        entries = [
            {"period": "2026-03", "runs": {"before_run": at, "after_run": at + 1},
             "deltas": [one.document() for one in compare(billed_of(a.lines), billed_of(b.lines))]}
            for at, (a, b) in enumerate(pairwise(chain), 1)
        ]  # fmt: skip
        later = settle(replace(inputs_of([0] * GRID.count, ENERGY), adjustments=entries))
        corrections = [line for line in later.lines if line.corrects_period]
        assert billed + sum(line.amount_usd for line in corrections) == chain[-1].total_usd, key


def test_a_measured_and_an_estimated_interval_are_told_apart():
    before = inputs_of([MWH] * 23, ENERGY, status=[60, *[10] * 22])
    after = inputs_of([3 * MWH, 2 * MWH, *[MWH] * 21], ENERGY)
    [delta] = causes_between(before, after)
    assert delta.by_cause == {METER.key: Decimal("50.00"), ESTIMATE.key: Decimal("100.00")}
    assert [cause.title for cause, _usd in delta.causes()] == [
        "Meter revision",
        "Estimate replaced",
    ]


def test_each_cause_is_counted_at_the_old_value_of_those_behind_it():
    index = PricedTerm(1, 10, "index_adder@1", "Index", parameters={"index": "HUB", "adder": "5"})
    amended = replace(index, parameters={"index": "HUB", "adder": "7"})
    before = inputs_of([MWH] * 23, index)
    after = dearer(inputs_of([2 * MWH] * 23, amended, number=2), 10**8)
    [delta] = causes_between(
        before, after, same_key={"delivered": series_of([MWH + MWH // 2] * 23)}
    )
    assert delta.by_cause == {
        METER.key: Decimal("345.00"),  # 11.5 MWh more at 25 + 5
        PRICE.key: Decimal("34.50"),  # 34.5 MWh at one dollar more
        AMENDMENT.key: Decimal("69.00"),  # 34.5 MWh at two dollars more
        ALLOCATION.key: Decimal("379.50"),  # 11.5 MWh more at 26 + 7
    }
    assert delta.amount_usd == Decimal("828.00")


def test_an_earlier_month_moves_a_ratchet():
    demand = PricedTerm(
        1,
        20,
        "demand@1",
        "Demand",
        parameters={
            **settings_of("demand@1", Decimal("10")),
            "ratchet_ratio": "0.8",
            "ratchet_months": 11,
            "lookback_counts": "EXACTLY_K",
        },
    )
    low, high = ([kw * 10**6] * 23 for kw in (1000, 2000))
    before = inputs_of([10**8] * 23, demand, carry_in=carried_from(low, demand))
    after = inputs_of([10**8] * 23, demand, carry_in=carried_from(high, demand))
    [delta] = causes_between(before, after)
    assert set(delta.by_cause) == {CARRY.key}
    assert delta.amount_usd > 0


def test_a_minimum_bill_has_the_causes_of_the_lines_it_rests_on():
    least = PricedTerm(
        2, 60, "minimum_bill@1", "Minimum",
        parameters={"minimum": "2000", "lines": [10], "part_month": "WHOLE"},
    )  # fmt: skip
    before, after = inputs_of([MWH] * 23, ENERGY, least), inputs_of([2 * MWH] * 23, ENERGY, least)
    energy, topped = causes_between(before, after)
    assert energy.by_cause == {METER.key: Decimal("1150.00")}
    assert topped.by_cause == {METER.key: Decimal("-850.00")}


def test_a_pool_of_another_amount_is_a_cause_of_its_own():
    share = PricedTerm(1, 45, "pool_share@1", "Insurance", parameters={"pool": "site"})
    before = inputs_of([MWH] * 23, share)
    site = before.pools["site"]
    more = {**site, "amount_usd": "121.00", "share_usd": "40.34"}
    [delta] = causes_between(before, replace(before, pools={"site": more}))
    assert delta.by_cause == {POOL.key: Decimal("7.00")}


def test_an_index_of_a_month_is_a_price():
    terms = {
        "price": "50",
        "escalator": "INDEX",
        "index_parts": [{"index": "CPI"}],
        "index_lag_months": 0,
        "index_limits": "NONE",
        "index_rounding": "ONCE",
    }
    grown = PricedTerm(1, 10, "fixed_energy@1", "Energy", parameters=terms)
    months = {"2024-03": "100", "2025-03": "102"}
    before, after = (
        inputs_of([MWH] * 23, grown, histories={"CPI": {**months, "2026-03": value}})
        for value in ("104.04", "105.06")
    )
    before, after = (
        replace(one, versions=(replace(one.versions[0], anchor_date=date(2024, 3, 1)),))
        for one in (before, after)
    )
    [delta] = causes_between(before, after)
    assert delta.by_cause == {PRICE.key: Decimal("11.73")}


def test_a_line_that_is_new_or_gone_is_put_down_to_the_amendment():
    fee = PricedTerm(2, 40, "recurring_fee@1", "Fee", parameters={"fee": "310"})
    before = inputs_of([MWH] * 23, ENERGY)
    after = inputs_of([MWH] * 23, ENERGY, fee, number=2)
    [new] = causes_between(before, after)
    assert (new.label, new.before_usd, set(new.by_cause)) == ("Fee", 0, {AMENDMENT.key})
    [gone] = causes_between(after, before)
    assert gone.amount_usd == -new.amount_usd


def test_what_was_printed_otherwise_than_the_rules_give_today_is_a_rule_change():
    before, after = inputs_of([MWH] * 23, ENERGY), inputs_of([2 * MWH] * 23, ENERGY)
    was, now = (amounts_of(settle(one).lines) for one in (before, after))
    old = {key: usd - 1 for key, usd in was.items()}
    [delta] = causes_between(before, after, printed=(old, now))
    assert delta.by_cause == {METER.key: Decimal("1150.00"), RULE.key: Decimal(1)}
    assert delta.amount_usd == Decimal("1151.00")


def test_a_missing_reading_that_arrives_is_a_meter_revision():
    absent = series_of([MWH] * 22 + [-(2**63)], [10] * 22 + [100])
    before = inputs_of([MWH] * 23, ENERGY, series={"delivered": absent})
    [delta] = causes_between(before, inputs_of([MWH] * 23, ENERGY))
    assert (delta.before_usd, delta.by_cause) == (0, {METER.key: Decimal("1150.00")})


def test_a_line_that_becomes_another_charge_reads_its_own_carry():
    old = PricedTerm(1, 20, "recurring_fee@1", "Fee", parameters={"fee": "31"})
    new = PricedTerm(1, 20, "demand@1", "Fee", parameters=settings_of("demand@1", Decimal("10")))
    before = inputs_of([MWH] * 23, old, carry_in={"20": {"peaks": "of another charge"}})
    after = inputs_of([MWH] * 23, new, number=2)
    [delta] = causes_between(before, after)
    assert set(delta.by_cause) == {AMENDMENT.key}


def test_a_step_that_cannot_be_priced_goes_with_the_next_one():
    """The new terms price a quantity that only the newer allocation gives."""
    shared = replace(ENERGY, quantity_name="shared")
    before = inputs_of([MWH] * 23, ENERGY)
    after = inputs_of([MWH] * 23, shared, number=2)
    more = {"shared": series_of([3 * MWH] * 23)}
    after = replace(after, series={**after.series, **more})
    same_key = {"shared": series_of([-(2**63)] * 23, [100] * 23)}
    [delta] = causes_between(before, after, same_key=same_key)
    assert delta.by_cause == {ALLOCATION.key: Decimal("2300.00")}


def test_equal_runs_have_no_cause():
    assert causes_between(inputs_of([MWH] * 23, ENERGY), inputs_of([MWH] * 23, ENERGY)) == []


def test_runs_of_other_contracts_are_not_compared():
    one = inputs_of([MWH] * 23, ENERGY)
    with pytest.raises(Refused, match="both runs must be of one contract and one period"):
        causes_between(one, replace(one, contract="C-2"))
