"""One weighing behind both kinds of keys: what divides kWh divides cents in the same proportion."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.parameters import parse
from poweroptix.kernel.period import Period
from poweroptix.kernel.series import Series
from settlement.allocation._base import allocation_key
from settlement.calc.money import divide
from settlement.weighing._base import whole
from settlement.weighing.shares import exact_shares
from settlement.weighing.stays import Stay, masked
from tests.settlement.pools import ZONE, pool

MONTH = Period.month(ZONE, "2026-11")
HOURS = MONTH.grid(60)
CODES = ("ALFA", "BRAVO", "CHARLIE")
WINDOW = {"window_minutes": 60}
NUMBERS = {"ALFA": "60", "BRAVO": "45", "CHARLIE": "30"}


def load(kwh_by_hour):
    values = [Decimal(kwh_by_hour[at % len(kwh_by_hour)]) for at in range(HOURS.count)]
    return Series.of(HOURS, values, "kWh")


def energy_parts(key, claims, cents, **parameters):
    """Split an amount that stands in the first hour of the month."""
    plugin = allocation_key(key)
    supply = Series.of(HOURS, [cents, *[Decimal(0)] * (HOURS.count - 1)], "USD")
    said = parse(plugin.Parameters, {"rounding_unit": "0.01", **parameters})
    parts = plugin.allocate(supply, claims, said, {}).parts
    return {code: part.total() for code, part in parts.items()}


def money_parts(key, claims, usd, weights, **parameters):
    members = {code: [[date(2020, 1, 1), None, weights.get(code, "")]] for code in claims}
    division = divide(pool(key, parameters, members, f"{usd}"), claims)
    return {share.member: share.amount_usd for share in division.shares}


loads = st.lists(st.integers(1, 40), min_size=2, max_size=6)


@settings(max_examples=20, deadline=None)
@given(st.tuples(loads, loads, loads), st.integers(-(10**7), 10**7))
def test_a_cost_goes_the_same_way_by_either_kind_of_key(shapes, cents):
    claims = {code: load(shape) for code, shape in zip(CODES, shapes, strict=True)}
    usd = Decimal(cents) / 100
    metered = {"quantity": "metered"}
    for key in ("coincident_peak@1", "own_peak@1"):
        by_energy = energy_parts(key, claims, usd, **WINDOW)
        assert by_energy == money_parts(key, claims, usd, {}, **metered, **WINDOW), key
    entitled = energy_parts("unused_entitlement@1", claims, usd, entitlement_kw=NUMBERS)
    assert entitled == money_parts("unused_entitlement@1", claims, usd, NUMBERS, **metered)
    ones = dict.fromkeys(CODES, load(["1"]))
    stated = energy_parts("capacity@1", ones, usd, capacity_mw=NUMBERS)
    assert stated == money_parts(
        "stated_weights@1", claims, usd, NUMBERS, unit="MW", part_month="DAYS"
    )


def test_a_table_is_named_in_good_english():
    with pytest.raises(Refused, match="The capacities name ALFA; the pool's members are BRAVO"):
        energy_parts("capacity@1", {"BRAVO": load(["1"])}, Decimal(1), capacity_mw={"ALFA": "1"})


def test_whole_weights_keep_the_proportion_and_are_the_smallest():
    assert whole({"B": 60_000_000, "A": 45_000_000, "C": 0}) == {"A": 3, "B": 4, "C": 0}
    assert whole({"A": 0}) == {"A": 0}
    fine = {"A": f"1/{10**10}", "B": f"1/{10**10 + 1}"}
    fine["C"] = str(1 - sum(map(Fraction, fine.values())))
    with pytest.raises(Refused, match="write that of C with fewer digits"):
        exact_shares(fine)


def test_a_stay_holds_from_its_first_day_to_the_day_before_its_end():
    stay = Stay(date(2026, 11, 2), date(2026, 11, 4), "60")
    held = [day for day in range(1, 6) if stay.holds_on(date(2026, 11, day))]
    assert held == [2, 3]
    use = masked(load(["1"]), (stay,), MONTH)
    assert use.total() == 48
    assert use.missing_count == 0
