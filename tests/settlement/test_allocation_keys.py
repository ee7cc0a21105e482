"""Keys by capacity, area, peak, class and entitlement: figures of the cases, laws, refusals."""

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poweroptix.kernel.caps import split_capped
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.parameters import parse
from poweroptix.kernel.series import Series
from settlement.allocation._base import allocation_key
from tests.contracts.cases import example

START = datetime(2026, 3, 1, 6, tzinfo=UTC)


def series(*numbers, minutes=15, unit="kWh"):
    values = [None if n is None else Decimal(str(n)) for n in numbers]
    return Series.of(Grid(START, minutes, len(values)), values, unit)


def split(key, supply, claims, **parameters):
    plugin = allocation_key(key)
    return plugin.allocate(supply, claims, parse(plugin.Parameters, parameters), {})


def totals(allocation):
    return {code: part.total() for code, part in allocation.parts.items()}


def numbers(expected):
    return {code: Decimal(text) for code, text in expected.items()}


def assert_closes(supply, allocation):
    rest = 0 if allocation.rest is None else allocation.rest.values
    summed = sum(part.values for part in allocation.parts.values()) + rest
    known = supply.values != MISSING
    assert (summed[known] == supply.values[known]).all()


CLASSES = [["ALFA", "BRAVO"], ["CHARLIE"], ["DELTA"]]


@pytest.mark.parametrize("supply", [22500, 15001, 40000])
def test_the_firm_class_is_served_first_in_whole_kwh_case_b04(supply):
    case = example("B04")
    demand = {code: series(kwh) for code, kwh in case["inputs"]["demand"].items()}
    expected = case["expected"][f"supply_{supply}"]
    allocation = split(
        "waterfall@1", series(supply), demand, classes=CLASSES, short_by="USE", rounding_unit="1"
    )
    assert totals(allocation) == {code: Decimal(expected[code]) for code in demand}
    assert allocation.rest.total() == Decimal(expected["surplus"])
    unserved = {code: demand[code].total() - part for code, part in totals(allocation).items()}
    assert unserved == numbers(expected["unserved"])


def test_a_short_class_may_share_by_entitlement_up_to_its_need():
    demand = {"ALFA": series(10), "BRAVO": series(90)}
    allocation = split(
        "waterfall@1",
        series(60),
        demand,
        classes=[["BRAVO", "ALFA"]],
        short_by="ENTITLEMENT",
        entitlements={"ALFA": "1", "BRAVO": "1"},
    )
    assert totals(allocation) == {"ALFA": 10, "BRAVO": 50}


def test_shares_with_caps_are_given_again_case_b13():
    case = example("B13")
    demand = {code: series(kwh) for code, kwh in case["inputs"]["demand"].items()}
    allocation = split(
        "capped_share@1",
        series(30000),
        demand,
        entitlements={"ALFA": "60", "BRAVO": "45", "CHARLIE": "30"},
        unused="PASS_ON",
        rounding_unit="1",
    )
    assert totals(allocation) == numbers(case["expected"]["kwh"])
    assert allocation.rest.total() == Decimal(case["expected"]["unallocated"])


def test_an_unused_entitlement_goes_last_to_those_without_one_or_stays():
    demand = {"ALFA": series(30), "BRAVO": series(20), "CHARLIE": series(100)}
    entitled = {"ALFA": "0.5", "BRAVO": "0.5", "CHARLIE": "0"}
    passed = split("capped_share@1", series(80), demand, entitlements=entitled, unused="PASS_ON")
    assert totals(passed) == {"ALFA": 30, "BRAVO": 20, "CHARLIE": 30}
    kept = split("capped_share@1", series(80), demand, entitlements=entitled, unused="KEEP")
    assert totals(kept) == {"ALFA": 30, "BRAVO": 20, "CHARLIE": 0}
    assert kept.rest.total() == 30


def test_capacity_counts_on_the_days_of_membership_like_case_b07():
    """60, 45 and, from the second half on, 30 MW: 1,800 / 1,350 / 450 of 3,600 MW-days."""
    present = {"ALFA": series(1, 1), "BRAVO": series(1, 1), "CHARLIE": series(0, 1)}
    shares = {"ALFA": "60", "BRAVO": "45", "CHARLIE": "30"}
    first, second = 105, 135
    allocation = split("capacity@1", series(first, second), present, capacity_mw=shares)
    assert totals(allocation) == {"ALFA": 120, "BRAVO": 90, "CHARLIE": 30}
    with pytest.raises(Refused, match="all weights are zero"):
        split("capacity@1", series(1), {"A": series(0)}, capacity_mw={"A": "1"})


def test_area_and_equal_parts_in_cents_are_case_b07():
    case = example("B07")
    fee = series(90000, unit="USD")
    present = dict.fromkeys(("ALFA", "BRAVO", "CHARLIE"), series(1))
    area = case["inputs"]["area_sqft"]
    by_area = split("area@1", fee, present, area_sqft=area, rounding_unit="0.01")
    assert totals(by_area) == numbers(case["expected"]["area"])
    equal = split("equal@1", fee, present, rounding_unit="0.01")
    assert totals(equal) == numbers(case["expected"]["equal"])


def test_losses_by_use_times_distance():
    use = {"ALFA": series(30, 0), "BRAVO": series(10, 0)}
    far = {"ALFA": "0.5", "BRAVO": "1.5"}
    allocation = split("weighted_use@1", series(8, 4), use, factors=far)
    assert allocation.parts["ALFA"].decimals() == [4, 2]  # 15 : 15, then that of the period
    with pytest.raises(Refused, match="The factors name ALFA; the pool's members are ALFA, BRAVO"):
        split("weighted_use@1", series(8, 4), use, factors={"ALFA": "1"})


USE = {"ALFA": series(5, 1, 9, 2), "BRAVO": series(3, 8, 1, 1)}


def test_coincident_peak_is_the_window_of_all_and_the_first_of_equals():
    allocation = split("coincident_peak@1", series(20, 0, 0, 0), USE, window_minutes=15)
    assert totals(allocation) == {"ALFA": 18, "BRAVO": 2}  # 9 + 1 is the highest, 10 kWh
    half = split("coincident_peak@1", series(17, 0, 0, 0), USE, window_minutes=30)
    assert totals(half) == {"ALFA": 6, "BRAVO": 11}  # the first half-hour: 6 + 11
    equals = {"ALFA": series(3, 1), "BRAVO": series(1, 3)}
    tie = split("coincident_peak@1", series(4, 0), equals, window_minutes=15)
    assert totals(tie) == {"ALFA": 3, "BRAVO": 1}


def test_own_peak_is_each_members_highest_window():
    assert totals(split("own_peak@1", series(34, 0, 0, 0), USE, window_minutes=15)) == {
        "ALFA": 18,
        "BRAVO": 16,
    }


def test_unused_entitlement_is_counted_interval_by_interval():
    entitled = {"ALFA": "20", "BRAVO": "16"}  # 5 and 4 kWh a quarter-hour
    allocation = split("unused_entitlement@1", series(28, 0, 0, 0), USE, entitlement_kw=entitled)
    assert totals(allocation) == {"ALFA": 14, "BRAVO": 14}  # 0+4+0+3 and 1+0+3+3


def tree(**groups):
    return {
        name: {"weight": weight, "members": members} for name, (weight, members) in groups.items()
    }


BUILDINGS = tree(
    B1=("3", {"ALFA": "1", "BRAVO": "1"}),
    B2=("2", {"CHARLIE": "2", "DELTA": "1", "ECHO": "1"}),
)
FIVE = ("ALFA", "BRAVO", "CHARLIE", "DELTA", "ECHO")


def test_two_levels_keep_the_total_case_b12():
    expected = example("B12")["expected"]
    cost = series("99999.99", unit="USD")
    allocation = split(
        "levels@1",
        cost,
        dict.fromkeys(FIVE, series(1)),
        tree=BUILDINGS,
        groups_by="WEIGHT",
        members_by="WEIGHT",
        rounding_unit="0.01",
    )
    assert totals(allocation) == numbers(expected["tenants"])
    groups = {one.name: one.value for one in allocation.worksheet.figures}
    for code, usd in expected["buildings"].items():
        assert groups[f"part of group {code}"] == Decimal(usd)
    assert sum(totals(allocation).values()) == Decimal(expected["sum"])


def test_a_building_by_area_and_its_tenants_by_use():
    use = {code: series(kwh) for code, kwh in zip(FIVE, (1, 2, 3, 0, 0), strict=True)}
    said = {"tree": BUILDINGS, "members_by": "USE"}
    by_area = split("levels@1", series(50), use, groups_by="WEIGHT", **said)
    assert totals(by_area) == {"ALFA": 10, "BRAVO": 20, "CHARLIE": 20, "DELTA": 0, "ECHO": 0}
    by_use = split("levels@1", series(60), use, groups_by="USE", **said)
    assert totals(by_use) == {"ALFA": 10, "BRAVO": 20, "CHARLIE": 30, "DELTA": 0, "ECHO": 0}


@pytest.mark.parametrize("key", ["coincident_peak@1", "own_peak@1"])
def test_a_missing_use_leaves_a_peak_unknown(key):
    use = {"ALFA": series(5, None), "BRAVO": series(3, 8)}
    allocation = split(key, series(1, 1), use, window_minutes=15)
    assert [part.missing_count for part in allocation.parts.values()] == [2, 2]


def test_the_source_that_fills_gives_what_is_needed_and_shows_what_its_meter_lacks():
    allocation = split("fill_rest@1", series(10, 3), {"A": series(4, 4), "B": series(2, -1)})
    assert totals(allocation) == {"A": 8, "B": 1}
    assert allocation.rest.decimals() == [4, 0]


@pytest.mark.parametrize(
    ("key", "parameters", "message"),
    [
        ("capacity@1", {"capacity_mw": {"A": "-1"}}, "The capacity -1 of A is negative"),
        ("capacity@1", {"capacity_mw": {"A": "0"}}, "The capacity of every member is zero"),
        ("area@1", {"area_sqft": {"A": "wide"}}, 'The area "wide" of A is no number'),
        ("area@1", {"area_sqft": {"B": "1"}}, "The areas name B; the pool's members are A"),
        ("capped_share@1", {"entitlements": {"A": "1"}}, "unused: is required"),
        ("waterfall@1", {"classes": [["A"], ["A"]], "short_by": "USE"}, "listed twice"),
        ("waterfall@1", {"classes": ["A"], "short_by": "USE"}, "A class is a list of members"),
        ("waterfall@1", {"classes": [["A"]]}, "short_by: is required"),
        ("waterfall@1", {"classes": [["A"]], "short_by": "ENTITLEMENT"}, "no members"),
        (
            "levels@1",
            {"tree": {"B1": {"weight": "1"}}, "members_by": "USE", "groups_by": "USE"},
            "The group B1 is written as",
        ),
        (
            "levels@1",
            {"tree": {"A": "0"}, "members_by": "USE", "groups_by": "USE"},
            "The weight of every member is zero",
        ),
        ("coincident_peak@1", {"window_minutes": 7}, "is not one of 5, 15, 30, 60"),
        ("coincident_peak@1", {"window_minutes": 5}, "cannot be summed"),
    ],
)
def test_what_contradicts_itself_is_refused(key, parameters, message):
    with pytest.raises(Refused, match=message):
        split(key, series(1), {"A": series(1)}, **parameters)


amounts = st.integers(min_value=0, max_value=10**12)
rows = st.lists(st.tuples(amounts, amounts, amounts, amounts, amounts), min_size=1, max_size=12)
weights = st.lists(st.integers(0, 9), min_size=4, max_size=4).filter(any)
CODES = ["A", "B", "C", "D"]


def of(values, grid):
    return Series(grid, np.array(values, np.int64), np.full(grid.count, 10, np.uint8), "kWh")


@settings(max_examples=40)
@given(rows, weights, st.sampled_from(["0.000001", "0.001", "1"]))
def test_entitlements_close_keep_the_caps_and_do_not_depend_on_order(rows, weights, unit):
    grid = Grid(START, 15, len(rows))
    supply, *needs = (of(column, grid) for column in zip(*rows, strict=True))
    claims = dict(zip(CODES, needs, strict=True))
    said = {
        "entitlements": {code: str(w) for code, w in zip(CODES, weights, strict=True)},
        "unused": "PASS_ON",
        "rounding_unit": unit,
    }
    allocation = split("capped_share@1", supply, claims, **said)
    assert_closes(supply, allocation)
    for code, part in allocation.parts.items():
        assert (part.values <= claims[code].values).all()
    wanted = sum(claim.values for claim in claims.values())
    assert (allocation.rest.values == np.maximum(supply.values - wanted, 0)).all()
    turned = split("capped_share@1", supply, dict(reversed(claims.items())), **said)
    for code in CODES:
        assert allocation.parts[code].equals(turned.parts[code])


@settings(max_examples=40)
@given(rows, st.permutations(CODES), st.integers(1, 3), st.sampled_from(["USE", "ENTITLEMENT"]))
def test_a_lower_class_gets_nothing_while_a_higher_one_is_short(rows, order, cut, short_by):
    grid = Grid(START, 15, len(rows))
    supply, *needs = (of(column, grid) for column in zip(*rows, strict=True))
    claims = dict(zip(CODES, needs, strict=True))
    classes = [order[:cut], order[cut:]]
    entitled = {"entitlements": {code: str(at + 1) for at, code in enumerate(CODES)}}
    allocation = split(
        "waterfall@1", supply, claims, classes=classes, short_by=short_by, **entitled
    )
    assert_closes(supply, allocation)
    high, low = (
        {
            "need": sum(claims[code].values for code in one),
            "got": sum(allocation.parts[code].values for code in one),
        }
        for one in classes
    )
    assert (high["got"] == np.minimum(supply.values, high["need"])).all()
    assert (low["got"] == np.minimum(supply.values - high["got"], low["need"])).all()
    for code in CODES:
        assert (allocation.parts[code].values <= claims[code].values).all()


def test_weights_beyond_64_bits_are_compared_exactly():
    caps = np.array([[10**12], [10**12], [5 * 10**11]])
    wide = np.array([[10**13], [10**13 + 1], [10**13]])
    parts = split_capped(np.array([2 * 10**12]), wide, caps, ["A", "B", "C"])
    assert parts[2, 0] == 5 * 10**11
    assert parts.sum() == 2 * 10**12
    assert parts[1, 0] - parts[0, 0] == 0  # both of 1.5e12 / 2, the difference is below a unit
