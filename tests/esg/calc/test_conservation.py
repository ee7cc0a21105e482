"""Laws of the pool: nothing is lost, nothing is made, nobody is favoured."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esg.calc.gases import ALL_GASES, GwpSet
from esg.calc.masses import interval_masses_mg
from esg.calc.pool import LOSSES, PoolInputs, StoreFlow, share_pool
from esg.calc.shares import split_grams
from esg.calc.storage import Store
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.rounding import to_integer

AR5 = GwpSet(
    "AR5",
    {gas: Decimal(w) for gas, w in zip(ALL_GASES, (1, 28, 28, 265, 0), strict=True)},
)
energies = st.integers(0, 60_000_000_000)
masses = st.integers(0, 30_000_000_000)


def column(values):
    return np.array(values, dtype=np.int64)


@st.composite
def campuses(draw):
    count = draw(st.integers(1, 6))

    def flow(of):
        return column(draw(st.lists(of, min_size=count, max_size=count)))

    sinks = {f"T{i}": flow(energies) for i in range(draw(st.integers(1, 4)))}
    stores = tuple(
        StoreFlow(Store("bat", Fraction(95, 100), Fraction(9, 10)), flow(energies), flow(energies))
        for _ in range(draw(st.integers(0, 1)))
    )
    return PoolInputs(
        day=column([i // 2 for i in range(count)]),
        sources={"G": flow(energies)},
        emitters={"F": {"CO2": flow(masses), "N2O": flow(st.integers(0, 2000))}},
        sinks={**sinks, "house": flow(st.integers(1, 10**9))},
        stores=stores,
    )


@given(campuses())
def test_every_milligram_goes_somewhere(campus):
    emitted = {gas: campus.emitters["F"].get(gas, column([0])).sum() for gas in ALL_GASES}
    pool = share_pool(campus)
    for gas in ALL_GASES:
        assert (pool.masses[gas].sum(axis=0) == pool.masses_in[gas]).all()
        held = sum(int(state["masses_mg"][gas]) for state in pool.closing.values())
        taken_for_good = sum(pool.of(code, gas) for code in pool.codes if code not in pool.closing)
        assert taken_for_good + held == emitted[gas]
        assert (pool.masses[gas] >= 0).all()


@given(campuses())
def test_the_order_of_tenants_does_not_matter(campus):
    turned = PoolInputs(
        day=campus.day,
        sources=campus.sources,
        emitters=campus.emitters,
        sinks=dict(reversed(campus.sinks.items())),
    )
    straight = PoolInputs(
        day=campus.day, sources=campus.sources, emitters=campus.emitters, sinks=campus.sinks
    )
    one, other = share_pool(straight), share_pool(turned)
    assert {c: one.of(c, "CO2") for c in one.codes} == {c: other.of(c, "CO2") for c in one.codes}


@given(campuses())
def test_doubling_all_energy_leaves_the_masses(campus):
    doubled = PoolInputs(
        day=campus.day,
        sources={code: 2 * flow for code, flow in campus.sources.items()},
        emitters=campus.emitters,
        sinks={code: 2 * flow for code, flow in campus.sinks.items()},
    )
    plain = PoolInputs(
        day=campus.day, sources=campus.sources, emitters=campus.emitters, sinks=campus.sinks
    )
    one, two = share_pool(plain), share_pool(doubled)
    assert {c: one.of(c, "CO2") for c in one.codes} == {c: two.of(c, "CO2") for c in two.codes}


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**12), min_size=1, max_size=12))
def test_grams_add_up(total, weights):
    if not sum(weights):
        weights[0] = 1
    parts = split_grams(total, {f"T{i:02}": w for i, w in enumerate(weights)})
    assert sum(parts.values()) == total
    for part, weight in zip(parts.values(), weights, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights))) < 1


@given(st.lists(st.integers(0, 10**10), max_size=40), st.decimals("0", "500", places=6))
def test_interval_masses_add_up_to_the_rounded_product(micros, factor):
    parts = interval_masses_mg(column(micros), factor)
    assert parts.sum() == to_integer(sum(micros) * Fraction(factor))
    assert (parts >= 0).all()
    for part, micro in zip(parts.tolist(), micros, strict=True):
        assert abs(part - micro * Fraction(factor)) <= 1


def test_a_start_up_without_output_is_borne_by_the_day():
    campus = PoolInputs(
        day=column([0, 0, 1]),
        sources={"G": column([0, 10, 10])},
        emitters={"F": {"CO2": column([700, 100, 100])}},
        sinks={"A": column([0, 6, 1]), "B": column([0, 4, 9])},
    )
    pool = share_pool(campus)
    assert pool.of("A", "CO2") == 420 + 60 + 10
    assert pool.of("B", "CO2") == 280 + 40 + 90
    assert pool.intensity(AR5)[0] is None


def test_a_campus_where_nobody_takes_energy_is_refused():
    campus = PoolInputs(
        day=column([0]),
        sources={"G": column([0])},
        emitters={"F": {"CO2": column([5])}},
        sinks={"A": column([0])},
    )
    with pytest.raises(Refused) as error:
        share_pool(campus)
    assert error.value.code == "esg.no_sinks"


def test_more_metered_out_than_in_makes_no_negative_losses():
    campus = PoolInputs(
        day=column([0]),
        sources={"G": column([100])},
        emitters={"F": {"CO2": column([1000])}},
        sinks={"A": column([60]), "B": column([41])},
    )
    pool = share_pool(campus)
    assert pool.losses.tolist() == [0]
    assert pool.of("A", "CO2") + pool.of("B", "CO2") == 1000
    assert pool.of(LOSSES, "CO2") == 0


@pytest.mark.parametrize(("values", "code"), [([-1], "esg.negative"), ([MISSING], "esg.missing")])
def test_fuel_that_is_missing_or_negative_is_refused(values, code):
    with pytest.raises(Refused) as error:
        interval_masses_mg(column(values), Decimal("53.06"))
    assert error.value.code == code


def test_discharge_beyond_the_record_carries_nothing():
    store = Store("bat", Fraction(1), Fraction(1))
    store.charge(10, {"CO2": 100})
    assert store.discharge(30)["CO2"] == 100
    assert store.unknown_origin_micro_kwh == 20
    assert store.discharge(5)["CO2"] == 0
