"""Differences between runs: volume and price add up to the cent, nothing is lost."""

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poweroptix.kernel.fixed import WIDE
from poweroptix.kernel.rounding import money
from settlement.calc.delta import Billed, BilledRow, compare, total


def line(quantity, rate, amount=None, key="Energy"):
    quantity, rate = Decimal(quantity), Decimal(rate)
    usd = money(quantity * rate) if amount is None else Decimal(amount)
    row = BilledRow(key, quantity, rate, rate, quantity * rate)
    return Billed((10, key, ""), key, quantity, "MWh", usd, (row,))


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


def test_a_fee_that_changes_is_price():
    [delta] = compare([line(1, 10, key="Fee")], [line(1, 12, key="Fee")])
    assert (delta.volume_usd, delta.price_usd) == (0, Decimal(2))


def blocks(*rows, label="Demand"):
    """Return a line of marginal blocks: (kW, rate) each."""
    exact = [(Decimal(kw), Decimal(rate)) for kw, rate in rows]
    made = tuple(
        BilledRow(f"{label}, block {at}", kw, rate, rate, kw * rate)
        for at, (kw, rate) in enumerate(exact, 1)
    )
    usd = money(sum(row.exact_usd for row in made))
    return Billed((20, label, ""), label, sum(row.quantity for row in made), "kW", usd, made)


def test_kw_that_move_between_blocks_at_unchanged_rates_are_volume():
    before = blocks((5000, "9.5"), (1200, "8.25"))
    after = blocks((5000, "9.5"), (3000, "8.25"), (450, "7"))
    [delta] = compare([before], [after])
    assert (delta.volume_usd, delta.price_usd) == (Decimal("18000.00"), 0)
    [back] = compare([after], [before])
    assert (back.volume_usd, back.price_usd) == (Decimal("-18000.00"), 0)


def test_a_block_whose_rate_rose_is_price_and_the_others_volume():
    before = blocks((5000, "9.5"), (1200, "8.25"))
    after = blocks((5000, "9.5"), (1300, "8.5"))
    [delta] = compare([before], [after])
    assert delta.volume_usd == Decimal("825.00")
    assert delta.price_usd == Decimal("325.00")


def test_rows_are_matched_by_rate_where_their_labels_differ():
    before, after = blocks((4000, "9.5"), label="Demand"), blocks((4100, "9.5"), label="Demand")
    renamed = replace(after, rows=(replace(after.rows[0], label="Peak kW"),))
    [delta] = compare([before], [renamed])
    assert (delta.volume_usd, delta.price_usd) == (Decimal("950.00"), 0)


def test_an_hourly_price_that_did_not_change_leaves_no_price_effect():
    """The average moves with the load; the hourly prices, told by their digest, did not."""

    def index(mwh, average, usd, digest="d1"):
        row = BilledRow("Index", Decimal(mwh), Decimal(average), (digest,), Decimal(usd))
        return Billed((12, "Index", ""), "Index", row.quantity, "MWh", row.exact_usd, (row,))

    [delta] = compare([index(100, 30, "3000.00")], [index(101, 31, "3131.00")])
    assert (delta.volume_usd, delta.price_usd) == (Decimal("131.00"), 0)
    [other] = compare([index(100, 30, "3000.00")], [index(101, 31, "3131.00", "d2")])
    assert (other.volume_usd, other.price_usd) == (Decimal("30.00"), Decimal("101.00"))


def test_a_part_month_keeps_the_divisor_in_the_volume_effect():
    def part(kw_days, rate):
        exact = Decimal(kw_days) * Decimal(rate) / 31
        row = BilledRow("C", Decimal(kw_days), Decimal(rate), rate, exact, Decimal(31))
        return Billed((30, "C", ""), "C", row.quantity, "kW-day", money(exact), (row,))

    [delta] = compare([part(3100, "10")], [part(3410, "11")])
    assert (delta.volume_usd, delta.price_usd) == (Decimal("100.00"), Decimal("110.00"))


def test_the_totals_row_adds_up_every_column():
    deltas = compare([line(10, 5), blocks((100, 9))], [line(12, 6), blocks((90, 9))])
    sums = total(deltas)
    assert (sums.before_usd, sums.after_usd) == (Decimal(950), Decimal(882))
    assert (sums.volume_usd, sums.price_usd, sums.amount_usd) == (-80, 12, -68)


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


def capacity(kw, days, unit, key="Capacity"):
    """Return a line at 8.25 USD/kW-month: kW of a whole month, or kW-day over 31."""
    quantity = Decimal(kw) * (days if unit == "kW-day" else 1)
    divisor = Decimal(31 if unit == "kW-day" else 1)
    rate = Decimal("8.25")
    exact = WIDE.divide(quantity * rate, divisor)
    row = BilledRow(key, quantity, rate, (rate,), exact, divisor)
    return Billed((21, key, ""), key, quantity, unit, money(exact), (row,))


def test_a_line_that_is_billed_by_the_day_from_now_on_changed_by_its_volume():
    """60,000 kW for October; amended on the 16th, 15 days are left of them."""
    [delta] = compare([capacity(60000, 31, "kW")], [capacity(60000, 15, "kW-day")])
    assert (delta.volume_usd, delta.price_usd) == (Decimal("-255483.87"), 0)
    assert (delta.before_quantity, delta.after_quantity) == (1_860_000, 900_000)
    [back] = compare([capacity(60000, 15, "kW-day")], [capacity(60000, 31, "kW")])
    assert (back.volume_usd, back.price_usd) == (Decimal("255483.87"), 0)
    assert str(back.before_quantity).startswith("29032.258")
    fee = replace(capacity(60000, 31, "kW"), unit="month")
    [other] = compare([fee], [capacity(60000, 15, "kW-day")])
    assert other.before_quantity is None
