"""Differences between runs: volume and price add up to the cent, nothing is lost."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poweroptix.kernel.rounding import money
from settlement.calc.delta import Billed, compare


def line(quantity, rate, amount=None, key="Energy"):
    quantity, rate = Decimal(quantity), Decimal(rate)
    usd = money(quantity * rate) if amount is None else Decimal(amount)
    return Billed((10, key, ""), key, quantity, "MWh", rate, usd)


def test_volume_and_price_of_case_c02():
    [delta] = compare([line("18410.250", "58.40")], [line("18432.517", "58.12")])
    assert delta.amount_usd == Decimal("-3860.71")
    assert (delta.volume_usd, delta.price_usd) == (Decimal("1300.39"), Decimal("-5161.10"))


def test_a_chain_of_runs_bills_only_differences_case_c01():
    runs = [line(q, "58.40") for q in ("18410.250", "18432.517", "18428.102")]
    billed = runs[0].amount_usd
    deltas = [compare([a], [b])[0].amount_usd for a, b in pairwise(runs)]
    assert deltas == [Decimal("1300.39"), Decimal("-257.83")]
    assert billed + sum(deltas) == Decimal("1076201.16")


def test_a_new_line_is_all_volume_and_a_gone_line_is_taken_back():
    before, after = [line(1, 5, key="Old")], [line(2, 7, key="New")]
    new, gone = compare(before, after)
    assert (new.volume_usd, new.price_usd) == (Decimal(14), 0)
    assert (gone.label, gone.amount_usd, gone.after_quantity) == ("Old", Decimal(-5), None)


def test_equal_lines_give_no_difference():
    assert compare([line(3, 4)], [line(3, 4)]) == []


def test_a_change_that_nets_to_zero_is_still_shown():
    [delta] = compare([line(4, 5)], [line(5, 4)])
    assert (delta.amount_usd, delta.volume_usd, delta.price_usd) == (0, Decimal(5), Decimal(-5))


def test_a_line_without_quantity_changes_by_price():
    before = Billed((40, "Fee", ""), "Fee", None, "", None, Decimal(10))
    after = Billed((40, "Fee", ""), "Fee", None, "", None, Decimal(12))
    [delta] = compare([before], [after])
    assert (delta.volume_usd, delta.price_usd) == (0, Decimal(2))


amounts = st.decimals(min_value=-(10**6), max_value=10**6, places=3)
lines = st.dictionaries(st.sampled_from("ABCDE"), st.tuples(amounts, amounts), max_size=5)


@given(lines, lines)
def test_original_plus_delta_is_new_and_effects_add_up(before, after):
    old = [line(q, r, key=k) for k, (q, r) in before.items()]
    new = [line(q, r, key=k) for k, (q, r) in after.items()]
    deltas = compare(old, new)
    assert sum(d.amount_usd for d in deltas) + sum(b.amount_usd for b in old) == sum(
        b.amount_usd for b in new
    )
    for delta in deltas:
        assert delta.volume_usd + delta.price_usd == delta.amount_usd


@pytest.mark.parametrize("places", [2])
def test_effects_are_cents(places):
    [delta] = compare([line("1.001", "3.333")], [line("2.003", "3.337")])
    assert -delta.volume_usd.as_tuple().exponent <= places
