"""Blocks by the month, by the contract year to date, and by hours of use."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.calc.price_terms import PricedTerm, PricingInputs, price_terms
from contracts.charges import TermContext, charge_type
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import Period
from tests.contracts.builders import CHICAGO, amount, charge, inputs, micro_series, spread
from tests.contracts.cases import example

KEY = "block_energy@1"
FEB = Period.month(CHICAGO, "2026-02")


def clause(*blocks, **more):
    listed = [{"price": price} | ({} if end is None else {"up_to": end}) for end, price in blocks]
    how = {"counts": "MONTH", "volume": "MARGINAL", "part_month": "DAYS"}
    return {"blocks": listed, **how, **more}


A08 = clause(("5000", "70"), ("12000", "62"), (None, "55"))
YEAR = clause(("90000", "59"), (None, "51.50"), counts="CONTRACT_YEAR")


def month(label, mwh, **more):
    grid = Period.month(CHICAGO, label).grid(15)
    return inputs(label, spread(grid, str(Decimal(mwh) * 1000)), **more)


def test_a08_declining_blocks_of_a_month():
    expected = example("A08")["expected"]
    sheet, carry = charge(KEY, month("2026-03", "14250.750"), A08)
    assert [f"{row.exact_usd:.2f}" for row in sheet.rows] == expected["lines"]
    assert str(sheet.amount_usd) == expected["total"]
    assert [row.label for row in sheet.rows] == [f"Energy, block {n}" for n in (1, 2, 3)]
    assert sheet.rows[1].quantity.sentence() == "max(min(14250.750 MWh, 12000 MWh) - 5000 MWh, 0)"
    assert carry == {}


@pytest.mark.parametrize(
    ("mwh", "dollars"),
    [("5000", "350000.00"), ("5000.001", "310000.06"), ("14250.750", "783791.25"), ("0", "0.00")],
)
def test_all_energy_may_have_the_price_of_the_reached_block(mwh, dollars):
    assert amount(KEY, month("2026-03", mwh), A08 | {"volume": "REACHED"}) == dollars


@pytest.mark.parametrize(
    ("part", "dollars"),
    [("DAYS", 2500 * 70 + 3500 * 62 + 950 * 55), ("WHOLE", 5000 * 70 + 1950 * 62)],
)
def test_bounds_of_a_part_month(part, dollars):
    """14 of 28 days: bounds of 2,500 and 6,000 MWh, or whole ones."""
    series = spread(FEB.grid(15), "6950000")
    given = inputs("2026-02", series, in_force=(date(2026, 2, 1), date(2026, 2, 14)))
    assert amount(KEY, given, A08 | {"part_month": part}) == f"{dollars:.2f}"


def test_ends_of_a_day_count_times_the_days_in_force():
    terms = clause(("100", "70"), (None, "60"), ends_per="DAY")
    series = spread(FEB.grid(15), "3000000")
    whole, _ = charge(KEY, inputs("2026-02", series), terms)
    assert [row.quantity.value for row in whole.rows] == [2800, 200]
    half = inputs("2026-02", series, in_force=(date(2026, 2, 1), date(2026, 2, 14)))
    assert [row.quantity.value for row in charge(KEY, half, terms)[0].rows] == [1400, 1600]
    with pytest.raises(Refused, match="ends of a day need blocks that count the energy of a month"):
        charge_type(KEY).parse(terms | {"counts": "CONTRACT_YEAR"})


def year_terms():
    return [PricedTerm(10, 10, KEY, "Energy", parameters=YEAR)]


def settle_year(volumes, carry=None):
    """Price months one after the other through the terms, each with the carry of the one before."""
    found, carry = [], carry or {}
    for label, mwh in volumes.items():
        period = Period.month(CHICAGO, label)
        given = PricingInputs(
            "PPA",
            1,
            period,
            CHICAGO,
            "USD",
            series={"delivered": spread(period.grid(15), str(Decimal(mwh) * 1000))},
            anchor_date=date(2026, 7, 1),
            carry_in=carry,
        )
        [(_, sheet)], carry = price_terms(year_terms(), given)
        found.append(f"{sheet.amount_usd}")
    return found, carry


def test_c09_a_late_correction_reaches_the_months_after_it():
    expected = example("C09")["expected"]
    volumes = {"2026-07": "81500", "2026-08": "6500", "2026-09": "7200"}
    original, carry = settle_year(volumes)
    corrected, _ = settle_year(volumes | {"2026-07": "82300"})
    assert original == expected["original"]
    assert corrected == expected["corrected"]
    deltas = [
        f"{Decimal(after) - Decimal(before):.2f}"
        for before, after in zip(original, corrected, strict=True)
    ]
    assert deltas == expected["deltas"]
    assert f"{sum(map(Decimal, deltas))}" == expected["total_delta"]
    assert carry["10"]["counted"] == {"year_from": "2026-07-01", "quantities": {"ALL": "95200.000"}}


def test_the_count_of_a_year_may_come_from_an_opening_balance():
    opening = {"10": {"counted": {"year_from": "2026-07-01", "quantities": {"ALL": "88000"}}}}
    assert settle_year({"2027-03": "7200"}, opening)[0] == ["385800.00"]


def test_a_year_whose_count_is_not_known_blocks():
    given = month("2026-09", "7200", anchor_date=date(2026, 7, 1))
    for carry in ({}, {"counted": {"year_from": "2025-07-01", "quantities": {"ALL": "1"}}}):
        sheet, after = charge(KEY, given, YEAR, carry)
        assert sheet.amount_usd is None
        assert after == {}
        assert charge(KEY, given, YEAR | {"volume": "REACHED"}, carry)[0].amount_usd is None
        assert [(one.severity, one.message) for one in sheet.findings] == [
            (
                "BLOCK",
                "the blocks count since 2026-07-01, but what was counted before 2026-09 is not "
                "known",
            )
        ]


def test_the_count_turns_on_the_anniversary_inside_a_month():
    grid = Period.month(CHICAGO, "2027-07").grid(60)
    series = micro_series(grid, [10**9] * grid.count)  # 1 MWh an hour
    carry = {"counted": {"year_from": "2026-07-15", "quantities": {"ALL": "89900"}}}
    given = inputs("2027-07", series, anchor_date=date(2026, 7, 15))
    sheet, after = charge(KEY, given, YEAR, carry)
    assert [(row.label, str(row.quantity.value)) for row in sheet.rows] == [
        ("Energy, block 1 2027-07-01 to 2027-07-14", "100"),
        ("Energy, block 2 2027-07-01 to 2027-07-14", "236.000"),
        ("Energy, block 1 2027-07-15 to 2027-07-31", "408.000"),
    ]
    assert after["counted"] == {"year_from": "2027-07-15", "quantities": {"ALL": "408.000"}}


def test_a_year_of_blocks_may_begin_on_another_day_than_the_contract():
    terms = YEAR | {"resets_on": "2025-01-01"}
    grid = Period.month(CHICAGO, "2027-01").grid(15)
    given = inputs("2027-01", spread(grid, "91000000"), anchor_date=date(2025, 7, 15))
    assert amount(KEY, given, terms) == "5361500.00"


def test_a_price_that_turns_inside_the_month_keeps_one_count():
    terms = clause(
        ("300", "10"), (None, "5"), escalator="FROM_BASE", escalator_ratio="0.1", price_places=2
    )
    grid = Period.month(CHICAGO, "2027-07").grid(60)
    series = micro_series(grid, [10**9] * grid.count)
    sheet, _ = charge(KEY, inputs("2027-07", series, anchor_date=date(2026, 7, 11)), terms)
    assert [(str(row.quantity.value), str(row.rate.value)) for row in sheet.rows] == [
        ("240.000", "10"),
        ("60.000", "11.00"),
        ("444.000", "5.50"),
    ]
    reached, _ = charge(
        KEY,
        inputs("2027-07", series, anchor_date=date(2026, 7, 11)),
        terms | {"volume": "REACHED"},
    )
    assert [(str(row.quantity.value), str(row.rate.value)) for row in reached.rows] == [
        ("240.000", "5"),
        ("504.000", "5.50"),
    ]


HOURS = {
    "blocks": [{"up_to_hours": "300", "price": "0.042"}, {"price": "0.029"}],
    "counts": "MONTH",
    "volume": "MARGINAL",
    "part_month": "DAYS",
    "price_unit": "USD/kWh",
    "billing_kw": {"window_minutes": 60, "kw_rounding": "NONE"},
}


def peaky(kw, kwh):
    grid = Period.month(CHICAGO, "2026-01").grid(60)
    rest, last = divmod((kwh - kw) * 10**6, grid.count - 1)
    return micro_series(grid, [kw * 10**6, rest + last] + [rest] * (grid.count - 2))


def test_a11_hours_of_use_per_kw_of_the_month():
    expected = example("A11")["expected"]
    sheet, carry = charge(KEY, inputs("2026-01", peaky(3900, 2_085_491)), HOURS)
    assert sheet.rows[0].quantity.value == 1_170_000
    assert sheet.rows[0].quantity.inputs[1].formula == "hours_of_use * billing_kw"
    assert f"{sheet.exact_usd:.2f}" == expected["energy"]
    assert carry == {"peaks": {"2026-01": "3900"}}


def test_hours_of_use_may_rest_on_ratcheted_kw():
    kw = HOURS["billing_kw"] | {"ratchet_ratio": "0.8"}
    terms = HOURS | {"billing_kw": kw}
    given = inputs("2026-01", peaky(3900, 2_085_491))
    sheet, _ = charge(KEY, given, terms, {"peaks": {"2025-11": "6000"}})
    assert sheet.rows[0].quantity.value == 1_440_000
    assert sheet.figures[0].value == 4800


def test_blocks_within_hours_of_use_take_the_lower_end():
    blocks = [
        {"up_to": "3000", "up_to_hours": "200", "price": "4"},
        {"up_to_hours": "200", "price": "3"},
        {"price": "2"},
    ]
    grid = Period.month(CHICAGO, "2026-01").grid(60)
    for kw, quantities in ((10, [2000, 5000]), (100, [3000, 17_000, 5000])):
        hours = sum(quantities) // kw
        series = micro_series(grid, [kw * 10**6] * hours + [0] * (grid.count - hours))
        sheet, _ = charge(KEY, inputs("2026-01", series), HOURS | {"blocks": blocks})
        assert [row.quantity.value for row in sheet.rows] == quantities


def test_losses_are_part_of_what_the_blocks_count():
    terms = clause(("5000", "70"), (None, "60"), loss_ratio="0.02", loss_share_of="METERED")
    sheet, _ = charge(KEY, month("2026-03", "5000"), terms)
    assert [str(row.quantity.value) for row in sheet.rows] == ["5000", "100.000"]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**8), st.integers(0, 10**8))
def test_blocks_take_all_energy_once_and_more_energy_never_costs_less(one, other):
    low, high = sorted((one, other))
    sheets = [
        charge(KEY, month("2026-03", str(Decimal(kwh) / 1000)), A08)[0] for kwh in (low, high)
    ]
    for kwh, sheet in zip((low, high), sheets, strict=True):
        assert sum(row.quantity.value for row in sheet.rows) == Decimal(kwh) / 1000
    assert sheets[0].amount_usd <= sheets[1].amount_usd


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 60_000), min_size=1, max_size=12))
def test_a_year_costs_the_same_however_it_is_split_into_months(volumes):
    labels = [f"{2026 + (6 + at) // 12}-{(6 + at) % 12 + 1:02d}" for at in range(len(volumes))]
    months, _ = settle_year(dict(zip(labels, map(str, volumes), strict=True)))
    total = sum(volumes)
    in_one = min(total, 90_000) * Decimal(59) + max(total - 90_000, 0) * Decimal("51.50")
    assert sum(map(Decimal, months)) == in_one


def test_a_missing_reading_leaves_the_amount_empty_and_keeps_the_carry():
    given = month("2026-09", "7200", anchor_date=date(2026, 9, 1))
    series = given.series["delivered"]
    series.values[7] = -(2**63)
    carry = {"counted": {"year_from": "2026-07-01", "quantities": {"ALL": "1"}}}
    sheet, after = charge(KEY, given, YEAR, carry)
    assert sheet.amount_usd is None
    assert sheet.findings[0].code == "contracts.quantity_missing"
    assert after == carry


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        (clause(("5", "1")), "blocks: the last block must have no end"),
        (clause(), "blocks: blocks has no block"),
        (
            clause((None, "1"), (None, "2")),
            "blocks: block 1 has no end, so block 2 is never reached",
        ),
        (
            clause(("9", "1"), ("5", "1"), (None, "2")),
            "blocks: block 1 ends at 9 MWh, block 2 at 5 MWh",
        ),
        (
            {**HOURS, "billing_kw": None},
            "billing_kw: hours of use need the billing kW that they are measured by",
        ),
        (
            {"blocks": [{"price": "1"}]},
            "counts: is required. volume: is required. part_month: is required.",
        ),
    ],
)
def test_wrong_blocks_are_refused(terms, message):
    with pytest.raises(Refused) as caught:
        charge_type(KEY).parse(terms)
    assert caught.value.message == message


def test_a_carry_that_cannot_be_read_is_refused():
    given = month("2026-09", "1", anchor_date=date(2026, 9, 1))
    with pytest.raises(Refused, match=r"counted: .+soon.+ is not"):
        charge(KEY, given, YEAR, {"counted": {"year_from": "soon"}})


def test_a_year_of_blocks_needs_a_first_day():
    kind = charge_type(KEY)
    found = kind.check(kind.parse(YEAR), TermContext())
    assert [one.message for one in found] == [
        "blocks of a contract year need the first day of contract year 1"
    ]
