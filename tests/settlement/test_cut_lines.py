"""A line that an amendment cut inside a month is compared whole: other prices are no volume."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settlement.calc.causes import AMENDMENT, METER, amounts_of, causes_between
from settlement.calc.cut_lines import days_words
from settlement.calc.delta import Billed, BilledRow, billed_of, compare, total
from settlement.calc.inputs import from_document
from settlement.calc.settle import settle
from settlement.pages.compare import FITS, drawn, short_label
from settlement.queries.behind import version_words
from settlement.queries.compare import ComparedLine, side_by_side
from tests.settlement.test_stretches import term, version

LAST = date(2026, 10, 31)


def october(*prices, second="15000", label="Energy"):
    """October 2026 at (first day, USD/MWh): 14,400 MWh in 15 days, 23,040 MWh in the other 16."""
    firsts = [date(2026, 10, day) for day, _price in prices]
    ends = [*(day - timedelta(days=1) for day in firsts[1:]), LAST]
    versions = [
        version(at, first.isoformat(), end.isoformat(),
                term(10, "fixed_energy@1", price=price) | {"label": label})
        for at, (first, end, (_day, price)) in enumerate(zip(firsts, ends, prices, strict=True), 2)
    ]  # fmt: skip
    return from_document(
        {
            "contract": "PPA", "zone": "America/Chicago", "period": "2026-10",
            "versions": versions,
            "series": {"delivered": {"runs": [[15 * 96, "10000"], [16 * 96, second]]}},
        }
    )  # fmt: skip


WHOLE = october((1, "62.50"))
CUT = october((1, "62.50"), (16, "66.00"))


def changes(before, after):
    return compare(billed_of(settle(before).lines), billed_of(settle(after).lines))


def test_a_price_that_rose_on_the_16th_is_price_effect_alone():
    """23,040 MWh x 3.50; the 37,440 MWh of the month are the same."""
    [delta] = changes(WHOLE, CUT)
    assert (delta.before_usd, delta.after_usd) == (Decimal("2340000.00"), Decimal("2420640.00"))
    assert (delta.volume_usd, delta.price_usd) == (0, Decimal("80640.00"))
    assert delta.before_quantity == delta.after_quantity == Decimal(37440)
    assert (delta.key, delta.label) == ((10, "Energy", "2026-10-01"), "Energy")
    [back] = changes(CUT, WHOLE)
    assert (back.volume_usd, back.price_usd) == (0, Decimal("-80640.00"))


def test_more_energy_beside_the_new_price_is_volume_at_the_old_price():
    """768 MWh more at 62.50 and 23,808 MWh dearer by 3.50; causes count it alike here."""
    after = october((1, "62.50"), (16, "66.00"), second="15500")
    [delta] = changes(WHOLE, after)
    assert (delta.volume_usd, delta.price_usd) == (Decimal("48000.00"), Decimal("83328.00"))
    [caused] = causes_between(WHOLE, after)
    assert caused.key == delta.key
    assert caused.by_cause == {
        METER.key: Decimal("48000.00"), AMENDMENT.key: Decimal("83328.00"),
    }  # fmt: skip


def test_a_line_that_is_cut_alike_in_both_runs_stays_in_its_parts():
    dearer = october((1, "62.50"), (16, "67.00"))
    [second] = changes(CUT, dearer)
    assert second.key == (10, "Energy", "2026-10-16")
    assert (second.volume_usd, second.price_usd) == (0, Decimal("23040.00"))


def test_a_day_that_moved_is_price_and_a_third_part_at_the_same_price_is_none():
    [moved] = changes(CUT, october((1, "62.50"), (17, "66.00")))
    assert (moved.volume_usd, moved.price_usd) == (0, Decimal("-5040.00"))  # 1,440 MWh x 3.50
    more = october((1, "62.50"), (16, "66.00"), (20, "66.00"), second="15500")
    [delta] = changes(CUT, replace(more, joined=False))
    assert (delta.volume_usd, delta.price_usd) == (Decimal("50688.00"), 0)  # 768 MWh x 66


def test_the_correction_line_bills_the_whole_line_once():
    entry = {"period": "2026-10", "runs": {"before_run": 1, "after_run": 2}}
    entry["deltas"] = [one.document() for one in changes(WHOLE, CUT)]
    [line] = [
        one for one in settle(replace(WHOLE, adjustments=(entry,))).lines if one.corrects_period
    ]
    assert (line.label, line.amount_usd) == ("Correction 2026-10, Energy", Decimal("80640.00"))
    assert line.quantity == 0
    assert [row.exact_usd for row in line.worksheet.rows] == [0, Decimal("80640.00")]


def test_the_comparison_has_the_line_once_and_says_its_parts():
    label = "Energy at a fixed price with an escalator"
    before, after = (
        october(*prices, label=label) for prices in ([(1, "62.50")], [(1, "62.50"), (16, "66.00")])
    )
    sides = [billed_of(settle(one).lines) for one in (before, after)]
    found = side_by_side(*sides, causes_between(before, after))
    [line] = found.lines
    assert line.label == f"{label} (1-15 and 16-31 October)"
    assert (line.volume_usd, line.price_usd) == (0, Decimal("80640.00"))
    assert line.by_cause == {AMENDMENT.key: Decimal("80640.00")}
    assert found.sums()["amount_usd"] == Decimal("80640.00")
    [row] = drawn(found.changed, {AMENDMENT.key: "Contract amendment"})["rows"]
    assert row["short"] == "Energy at a fixe… (1-15 and 16-31 October)"
    gone = [*sides[1][:1], replace(sides[1][1], amount_usd=None)]
    [unpriced] = side_by_side(sides[0], gone, []).lines
    assert unpriced.is_unpriced
    assert unpriced.amount_usd is None


def test_a_label_beside_a_bar_keeps_its_day():
    when = ", from 2026-10-16"
    name = "Fixed energy with a yearly escalator"
    line = ComparedLine((10, name, "2026-10-16"), name + when, "MWh", None, None, None, None,
                        when=when)  # fmt: skip
    assert short_label(line) == "Fixed energy with a year…, from 2026-10-16"
    assert len(short_label(line)) == FITS
    assert short_label(replace(line, label="Energy" + when)) == "Energy, from 2026-10-16"


def test_a_line_that_is_billed_in_another_unit_is_all_price():
    def line(quantity, unit, usd):
        rate = Decimal(usd) / Decimal(quantity)
        row = BilledRow("Fee", Decimal(quantity), rate, (rate,), Decimal(usd))
        return Billed((40, "Fee", "2026-10-01"), "Fee", row.quantity, unit, Decimal(usd), (row,))

    part = line("100", "MWh", "800.00")
    parts = [line("1", "month", "500.00"), replace(part, key=(40, "Fee", "2026-10-16"))]
    [delta] = compare([line("1", "month", "1000.00")], parts)
    assert (delta.before_quantity, delta.after_quantity) == (None, None)
    assert (delta.volume_usd, delta.price_usd) == (0, Decimal("300.00"))


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ([(1, 15)], "1-15 October"),
        ([(1, 1), (2, 31)], "1 and 2-31 October"),
        ([(1, 9), (10, 15), (16, 31)], "1-9, 10-15 and 16-31 October"),
        ([(1, 9), (10, 15), (16, 20), (21, 31)], "4 parts, 1-31 October"),
    ],
)
def test_the_days_of_parts_in_words(days, words):
    assert days_words([(date(2026, 10, a), date(2026, 10, b)) for a, b in days]) == words


def test_days_of_two_months_are_written_in_full():
    days = [(date(2026, 10, 16), date(2026, 11, 15))]
    assert days_words(days) == "2026-10-16 to 2026-11-15"


def test_versions_are_said_with_the_day_from_which_the_next_one_holds():
    whole, cut = ({"versions": one.document()["versions"]} for one in (WHOLE, CUT))
    as_text = [
        {"versions": [one | {"in_force": [str(day) for day in one["in_force"]]}
                      for one in document["versions"]]}
        for document in (whole, cut)
    ]  # fmt: skip
    assert [version_words(one) for one in as_text] == [
        "version 2", "version 2; from 16 October version 3",
    ]  # fmt: skip


cuts = st.lists(
    st.tuples(st.integers(2, 31), st.sampled_from(["62.50", "66.00", "-3.333"])),
    max_size=3, unique_by=lambda one: one[0],
).map(lambda some: [(1, "62.50"), *sorted(some)])  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(cuts, cuts, st.integers(0, 20000), st.booleans())
def test_whatever_is_cut_original_and_deltas_are_the_final_settlement(old, new, kwh, joined):
    before = replace(october(*old), joined=joined)
    after = replace(october(*new, second=str(kwh)), joined=joined)
    was, now = settle(before), settle(after)
    deltas = compare(billed_of(was.lines), billed_of(now.lines))
    assert was.total_usd + total(deltas).amount_usd == now.total_usd
    assert all(one.volume_usd + one.price_usd == one.amount_usd for one in deltas)
    caused = {one.key: one for one in causes_between(before, after)}
    assert {one.key for one in deltas if one.amount_usd} <= caused.keys()
    for delta in deltas:
        by_cause = caused[delta.key].by_cause if delta.key in caused else {}
        assert sum(by_cause.values()) == delta.amount_usd
    if kwh == 15000 and len(amounts_of(was.lines)) != len(amounts_of(now.lines)):
        assert total(deltas).volume_usd == 0
