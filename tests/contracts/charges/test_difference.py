"""Fixed for floating: three rules for prices below zero, three volumes, two sides."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from contracts.charges import charge_type
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import Period
from poweroptix.kernel.price_series import PriceSeries
from poweroptix.kernel.series import Series
from tests.contracts.builders import CHICAGO, amount, charge, inputs
from tests.contracts.cases import example

KEY = "difference@1"
START = datetime(2026, 3, 1, 6, tzinfo=UTC)
TERMS = {
    "index": "HUB",
    "strike": "38.00",
    "customer_pays": "FIXED",
    "volume": "AS_GENERATED",
    "negative_prices": "NO_FLOOR",
}
BLOCK = {**TERMS, "volume": "FLAT_BLOCK", "volume_kw": "80000"}


def settled(mwh, hub, *, minutes=60):
    grid = Grid(START, minutes, len(hub))
    period = Period(START, grid.end_utc, CHICAGO, "2026-03-01")
    values = [None if one is None else Decimal(one) for one in hub]
    prices = {"HUB": PriceSeries.of(grid, values, "USD/MWh")}
    if mwh is None:
        return inputs(period=period, prices=prices)
    series = Series.of(grid, [None if one is None else Decimal(one) * 1000 for one in mwh], "kWh")
    return inputs(period=period, series=series, prices=prices)


@pytest.mark.parametrize("rule", ["NO_FLOOR", "FLOOR_ZERO", "NO_SETTLEMENT"])
def test_a17_rules_for_prices_below_zero(rule):
    case = example("A17")
    given = settled(case["inputs"]["generation_mwh"], case["inputs"]["hub"])
    sheet, _ = charge(KEY, given, {**TERMS, "negative_prices": rule})
    expected = Decimal(case["expected"][rule])  # positive: the seller pays the buyer
    assert sheet.amount_usd == -expected
    figures = {one.name: one.value for one in sheet.figures}
    assert round(figures["paid_to_customer"], 2) == expected
    assert figures["intervals_below_zero"] == 2
    other, _ = charge(KEY, given, {**TERMS, "negative_prices": rule, "customer_pays": "FLOATING"})
    assert other.amount_usd == expected
    if rule == "NO_SETTLEMENT":
        assert sheet.quantity == Decimal(case["expected"]["settled_mwh_no_settlement"])


def test_a43_flat_block_against_generation():
    case, shape = example("A43"), example("A17")["inputs"]
    terms = {"customer_pays": "FLOATING"}
    block, _ = charge(KEY, settled(None, shape["hub"]), {**BLOCK, **terms})
    assert str(block.amount_usd) == case["expected"]["block"]
    assert block.quantity == 480
    assert block.rows[0].quantity.formula == "volume_kw x hours / 1000"
    given = settled(shape["generation_mwh"], shape["hub"])
    assert amount(KEY, given, {**TERMS, **terms}) == case["expected"]["as_generated"]


def test_a_block_reads_no_quantity_and_loses_hours_that_do_not_settle():
    kind = charge_type(KEY)
    assert not kind.reads_quantity(kind.parse(BLOCK))
    assert kind.reads_quantity(kind.parse(TERMS))
    given = settled(None, ["40", "-1", "30"])
    sheet, _ = charge(KEY, given, {**BLOCK, "negative_prices": "NO_SETTLEMENT"})
    assert (sheet.quantity, sheet.amount_usd) == (160, 480)  # 80 x (-2 + 8)


def test_a_block_of_any_power_closes_over_short_intervals():
    given = settled(None, ["40"] * 12, minutes=5)
    sheet, _ = charge(KEY, given, {**BLOCK, "volume_kw": "1000", "strike": "0"})
    assert (sheet.quantity, sheet.exact_usd) == (1, -40)


def test_a_cap_limits_every_interval():
    given = settled(["90", "70"], ["50", "50"])
    terms = {**TERMS, "volume": "CAPPED", "volume_kw": "80000"}
    sheet, _ = charge(KEY, given, terms)
    assert (sheet.quantity, sheet.amount_usd) == (150, -1800)
    assert sheet.rows[0].quantity.inputs[0].source.label == (
        "delivered capped, settled, 2 intervals of 60 minutes"
    )


@pytest.mark.parametrize(
    ("mwh", "hub", "message"),
    [
        (["1", "1"], ["1", None], "no price of HUB for 2026-03-01 07:00 UTC and later"),
        (["1", None], ["1", "2"], "'delivered' has no value in 1 intervals"),
    ],
)
def test_what_is_missing_blocks(mwh, hub, message):
    for volume in ({}, {"volume": "CAPPED", "volume_kw": "1"}):
        sheet, _ = charge(KEY, settled(mwh, hub), {**TERMS, **volume})
        assert sheet.amount_usd is None
        assert sheet.findings[0].message.startswith(message)
        assert {one.name: one.value for one in sheet.figures}["paid_to_customer"] is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"volume": "FLAT_BLOCK"}, "the volume FLAT_BLOCK needs volume_kw"),
        ({"volume_kw": "5"}, "the volume AS_GENERATED has no volume_kw"),
        ({"price_unit": "USD/MMBtu"}, "a volume in kW settles in USD/MWh or USD/kWh"),
    ],
)
def test_terms_that_contradict_are_refused(change, message):
    with pytest.raises(Refused, match=message):
        charge_type(KEY).parse({**TERMS, **change})


@pytest.mark.parametrize("name", ["strike", "customer_pays", "volume", "negative_prices"])
def test_what_bills_differ_by_is_asked(name):
    terms = {key: value for key, value in TERMS.items() if key != name}
    with pytest.raises(Refused, match=f"{name}: is required"):
        charge_type(KEY).parse(terms)


def test_interval_prices_are_what_the_customer_owes():
    kind, given = charge_type(KEY), settled(["1", "1"], ["40", "-2"])
    prices = kind.interval_prices(given, kind.parse({**TERMS, "negative_prices": "FLOOR_ZERO"}))
    assert prices.tolist() == [-2 * 10**8, 38 * 10**8]
