"""Allocation keys: parts close in every interval, ties are decided, bad pools are refused."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poweroptix.kernel.errors import NotFoundError, Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.parameters import parse
from poweroptix.kernel.series import Series
from settlement.allocation._base import allocation_key, allocation_keys
from settlement.weighing.shares import exact_shares

START = datetime(2026, 3, 1, 6, tzinfo=UTC)
ABC = ("ALFA", "BRAVO", "CHARLIE")


def series(*numbers, unit="kWh"):
    values = [None if n is None else Decimal(str(n)) for n in numbers]
    return Series.of(Grid(START, 15, len(values)), values, unit)


def split(key, supply, claims, **parameters):
    plugin = allocation_key(key)
    return plugin.allocate(supply, claims, parse(plugin.Parameters, parameters), {})


def totals(allocation):
    return {code: part.total() for code, part in allocation.parts.items()}


def assert_closes(supply, allocation):
    summed = sum(part.values for part in allocation.parts.values())
    known = supply.values != MISSING
    assert (summed[known] == supply.values[known]).all()


def test_loss_by_metered_use_in_whole_kwh_is_case_b01():
    use = {"ALFA": series(4120400), "BRAVO": series(3305150), "CHARLIE": series(2390700)}
    allocation = split("metered_use@1", series(183750), use, rounding_unit="1")
    assert totals(allocation) == {"ALFA": 77130, "BRAVO": 61869, "CHARLIE": 44751}


def test_cost_in_cents_by_delivered_energy_is_case_b01():
    use = {"ALFA": series(4197530), "BRAVO": series(3367019), "CHARLIE": series(2435451)}
    cost = series("612345.67", unit="USD")
    allocation = split("metered_use@1", cost, use, rounding_unit="0.01")
    assert totals(allocation) == {
        "ALFA": Decimal("257033.93"),
        "BRAVO": Decimal("206177.95"),
        "CHARLIE": Decimal("149133.79"),
    }


@pytest.mark.parametrize("sign", [1, -1])
def test_equal_thirds_tie_by_code_and_a_credit_mirrors_case_b03(sign):
    cost = series(100_000 * sign, unit="USD")
    shares = dict.fromkeys(ABC, "1/3")
    allocation = split("fixed_share@1", cost, {}, shares=shares, rounding_unit="0.01")
    assert totals(allocation) == {
        "ALFA": Decimal("33333.34") * sign,
        "BRAVO": Decimal("33333.33") * sign,
        "CHARLIE": Decimal("33333.33") * sign,
    }


def test_negative_residual_is_split_like_a_loss_case_b06():
    use = {"ALFA": series(4120400), "BRAVO": series(3305150), "CHARLIE": series(2390700)}
    allocation = split("metered_use@1", series(-26250), use, rounding_unit="1")
    assert totals(allocation) == {"ALFA": -11019, "BRAVO": -8838, "CHARLIE": -6393}


def test_a_coarse_rounding_unit_still_closes_below_it():
    supply = series("10.4", "-3.000001")
    use = {"ALFA": series(1, 5), "BRAVO": series(2, 1)}
    allocation = split("metered_use@1", supply, use, rounding_unit="1")
    assert_closes(supply, allocation)
    assert allocation.parts["ALFA"].decimals()[0] == Decimal("3.133333")


def test_missing_use_leaves_the_interval_missing_for_everybody():
    use = {"ALFA": series(1, None), "BRAVO": series(2, 1)}
    allocation = split("metered_use@1", series(3, 3), use)
    assert [part.missing_count for part in allocation.parts.values()] == [1, 1]
    assert allocation.parts["ALFA"].decimals() == [1, None]


def test_fed_back_energy_is_no_use():
    allocation = split("metered_use@1", series(9), {"ALFA": series(-5), "BRAVO": series(3)})
    assert totals(allocation) == {"ALFA": 0, "BRAVO": 9}


def test_nobody_uses_falls_back_to_the_period_then_refuses():
    use = {"ALFA": series(0, 3), "BRAVO": series(0, 1)}
    assert split("metered_use@1", series(8, 0), use).parts["ALFA"].decimals()[0] == 6
    equal = split("metered_use@1", series(8, 0), use, when_nobody_uses="EQUAL")
    assert equal.parts["ALFA"].decimals()[0] == 4
    with pytest.raises(Refused, match="In 1 of 2 intervals all weights are zero"):
        split("metered_use@1", series(8, 0), use, when_nobody_uses="REFUSE")
    with pytest.raises(Refused, match="all weights are zero"):
        split("metered_use@1", series(8), {"ALFA": series(0), "BRAVO": series(0)})


def test_pool_without_members_is_refused():
    with pytest.raises(Refused, match="The pool has no members, so nobody can bear it"):
        split("metered_use@1", series(1), {})


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({"A": "0.3333", "B": "0.3333", "C": "0.3333"}, r"add up to 99\.99 %, they must be 100"),
        ({"A": "1.5", "B": "-0.5"}, "The share -0.5 of B is negative"),
        ({"A": "half", "B": "0.5"}, 'The share "half" of A is no number'),
        ({"A": "1/0", "B": "0.5"}, 'The share "1/0" of A is no number'),
        ({"A": "NaN", "B": "1"}, 'The share "NaN" of A is no number'),
        ({}, "The pool has no members"),
    ],
)
def test_shares_that_are_not_one_are_refused(shares, message):
    with pytest.raises(Refused, match=message):
        exact_shares(shares)


def test_shares_must_name_the_members():
    with pytest.raises(Refused, match="The shares name A, B; the pool's members are A, C"):
        split(
            "fixed_share@1",
            series(1),
            {"A": series(1), "C": series(1)},
            shares={"A": "0.5", "B": "0.5"},
        )


def test_a_rounding_unit_finer_than_the_grid_is_refused():
    with pytest.raises(Refused, match="below the smallest allowed value"):
        split("fixed_share@1", series(1), {}, shares={"A": "1"}, rounding_unit="0.0000001")


def test_unknown_key_names_the_known_ones():
    with pytest.raises(NotFoundError, match=r"known: area@1, .*, metered_use@1, "):
        allocation_key("by_mood@1")


def test_every_key_has_title_and_words():
    for key, title in allocation_keys.choices():
        assert title
        assert allocation_keys.get(key).__doc__


quantities = st.integers(min_value=-(10**13), max_value=10**13)
uses = st.integers(min_value=0, max_value=10**12)


@given(
    st.lists(st.tuples(quantities, uses, uses, uses), min_size=1, max_size=40),
    st.sampled_from([1, 1000, 1_000_000]),
)
def test_metered_use_closes_and_does_not_depend_on_order(rows, unit):
    grid = Grid(START, 15, len(rows))
    columns = np.array(rows, dtype=np.int64).T
    columns[1] += 1  # somebody always uses something
    supply = Series(grid, columns[0], np.full(grid.count, 10, np.uint8), "kWh")
    claims = {
        code: Series(grid, columns[at], np.full(grid.count, 10, np.uint8), "kWh")
        for at, code in enumerate(ABC, 1)
    }
    rounding = str(Decimal(unit) / 1_000_000)
    allocation = split("metered_use@1", supply, claims, rounding_unit=rounding)
    assert_closes(supply, allocation)
    turned = split("metered_use@1", supply, dict(reversed(claims.items())), rounding_unit=rounding)
    for code in ABC:
        assert allocation.parts[code].equals(turned.parts[code])
    for code in ABC:  # nobody is more than one unit (and its crumbs) away from the exact share
        exact = [
            Fraction(int(s) * int(u), int(total))
            for s, u, total in zip(
                columns[0], claims[code].values, columns[1:].sum(axis=0), strict=True
            )
        ]
        for part, share in zip(allocation.parts[code].values.tolist(), exact, strict=True):
            assert abs(part - share) <= 2 * unit


@given(
    st.lists(quantities, min_size=1, max_size=20),
    st.lists(st.integers(1, 9), min_size=1, max_size=6),
)
def test_fixed_share_closes_and_a_credit_mirrors(values, weights):
    grid = Grid(START, 15, len(values))
    status = np.full(grid.count, 10, np.uint8)
    charge = Series(grid, np.array(values, np.int64), status, "kWh")
    shares = {f"T{at}": f"{weight}/{sum(weights)}" for at, weight in enumerate(weights)}
    allocation = split("fixed_share@1", charge, {}, shares=shares)
    assert_closes(charge, allocation)
    credit = split("fixed_share@1", charge.negated(), {}, shares=shares)
    for code, part in allocation.parts.items():
        assert (credit.parts[code].values == -part.values).all()
