from datetime import UTC, datetime
from decimal import Decimal

import pytest

from contracts.calc.index_csv import PriceFile, read_prices
from contracts.charges import TermContext, charge_type
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import Period
from poweroptix.kernel.price_series import PriceSeries
from poweroptix.kernel.series import Series
from tests.contracts.builders import CHICAGO, amount, charge, flat, hours, inputs
from tests.contracts.cases import case_path, example

KEY = "index_adder@1"
TERMS = {"index": "HUB", "adder": "3.50"}
START = datetime(2026, 3, 1, 6, tzinfo=UTC)


def four_hours(prices, *, minutes=60, final=True, mwh=("24.812", "25.106", "24.997", "25.333")):
    grid = hours(START, 4)
    parts = 60 // minutes
    kwh = [Decimal(value) * 1000 / parts for value in mwh for _ in range(parts)]
    series = Series.of(Grid(START, minutes, 4 * parts), kwh, "kWh")
    period = Period(START, series.grid.end_utc, CHICAGO, "2026-03-01")
    published = [None if price is None else Decimal(price) for price in prices]
    hub = PriceSeries.of(grid, published, "USD/MWh", "prelim", final)
    return inputs(period=period, series=series, prices={"HUB": hub})


LMP = ("31.27", "28.94", "-5.10", "44.615")


def test_a12_index_plus_adder_rounded_once():
    expected = example("A12")["expected"]
    sheet, _ = charge(KEY, four_hours(LMP), TERMS)
    assert str(sheet.amount_usd) == expected["line_rounded_once"]
    exact = [Decimal(text.replace(",", "")) for text in expected["interval_amounts_exact"]]
    assert sheet.rows[0].exact_usd == sum(exact)
    assert sheet.rows[0].rate.value == Decimal(expected["average_price"])


def test_a12_two_lines_may_differ_by_a_cent():
    expected = example("A12")["expected"]
    sheet, _ = charge(KEY, four_hours(LMP), {**TERMS, "split_adder": True})
    assert [f"{row.exact_usd:.2f}" for row in sheet.rows] == [
        expected["index_part"],
        expected["adder_part"],
    ]
    assert str(sheet.amount_usd) == "2856.06"


def test_hourly_price_holds_for_its_four_quarter_hours():
    assert amount(KEY, four_hours(LMP, minutes=15), TERMS) == "2856.05"


@pytest.mark.parametrize(("point", "dollars"), [("LINE", "2856.05"), ("INTERVAL", "2856.05")])
def test_a12_cents_per_interval(point, dollars):
    given = four_hours(LMP)
    object.__setattr__(given, "rounding_point", point)
    assert amount(KEY, given, TERMS) == dollars


def test_e04_day_of_25_hours_from_a_published_file():
    expected = example("E04")["expected"]
    path = case_path("settlement/lmp_caiso_day_ahead_hourly_2026-11-01.csv")
    rows = read_prices(path.read_bytes(), PriceFile(60, location="TH_SP15_GEN-APND"))
    assert len(rows) == expected["rows"]
    zone = "America/Los_Angeles"
    period = Period.day(zone, datetime(2026, 11, 1).date())
    hub = PriceSeries.of(period.grid(60), [value for _start, value in rows], "USD/MWh")
    given = inputs(
        period=period, zone=zone, series=flat(period.grid(15), "2500"), prices={"HUB": hub}
    )
    assert amount(KEY, given, TERMS) == expected["amount"]
    kept = [value for _start, value in rows[:2] + rows[3:]]
    lost = Grid(period.start_utc, 60, 24)
    short = inputs(
        period=Period(period.start_utc, lost.end_utc, zone, "2026-11-01"),
        zone=zone,
        series=flat(Grid(period.start_utc, 15, 96), "2500"),
        prices={"HUB": PriceSeries.of(lost, kept, "USD/MWh")},
    )
    assert amount(KEY, short, TERMS) == expected["amount_if_repeated_hour_dropped"]


def test_a_file_of_quarter_hours_of_the_25_hour_day():
    """Of the reference, settlement.md 6.2: 1.75 MWh x (SPP + 2.10) in every quarter-hour."""
    path = case_path("settlement/spp_ercot_real_time_15_min_2026-11-01.csv")
    rows = read_prices(path.read_bytes(), PriceFile(15, "HB_NORTH", "REAL_TIME_15_MIN"))
    period = Period.day(CHICAGO, datetime(2026, 11, 1).date())
    grid = period.grid(15)
    hub = PriceSeries.of(grid, [value for _start, value in rows], "USD/MWh")
    given = inputs(period=period, series=flat(grid, "1750"), prices={"HUB": hub})
    assert amount(KEY, given, {"index": "HUB", "adder": "2.10"}) == "6393.63"


def test_a42_missing_price_leaves_the_amount_empty_and_blocks():
    case = example("A42")["inputs"]
    given = four_hours([None if text == "None" else text for text in case["real_time"][:4]])
    sheet, _ = charge(KEY, given, TERMS)
    assert sheet.amount_usd is None
    assert [(f.severity, f.message) for f in sheet.findings] == [
        ("BLOCK", "no price of HUB for 2026-03-01 07:00 UTC and later (2 intervals)")
    ]


def test_prices_that_stop_early_are_missing_not_zero():
    given = four_hours(LMP)
    short = given.prices["HUB"].slice(START, hours(START, 3).end_utc)
    object.__setattr__(given, "prices", {"HUB": short})
    sheet, _ = charge(KEY, given, TERMS)
    assert sheet.amount_usd is None
    assert "(1 intervals)" in sheet.findings[0].message


def test_provisional_prices_are_said_so():
    sheet, _ = charge(KEY, four_hours(LMP, final=False), TERMS)
    assert str(sheet.amount_usd) == "2856.05"
    assert [(f.severity, f.message) for f in sheet.findings] == [
        ("WARN", "prices of HUB are 'prelim', not final")
    ]


def test_negative_price_only_where_the_term_allows_it():
    sheet, _ = charge(KEY, four_hours(LMP), {**TERMS, "negative_prices": "BLOCK"})
    assert sheet.amount_usd is None
    assert sheet.findings[0].message == (
        "HUB is below zero in 1 intervals, the first at 2026-03-01 08:00 UTC; "
        "the term does not allow it"
    )


def test_multiplier_comes_before_the_adder_and_the_price_is_rounded():
    terms = {"index": "HUB", "multiplier": "1.0375", "adder": "2", "interval_price_places": 2}
    given = four_hours(("10.01", "10.01", "10.01", "10.01"), mwh=("1", "1", "1", "1"))
    # 10.01 x 1.0375 + 2 = 12.385375 -> 12.39
    assert amount(KEY, given, terms) == "49.56"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"index": "NODE"}, "no prices of 'NODE'; known: HUB"),
        ({"price_unit": "USD/kWh"}, "HUB is quoted in USD/MWh, the term in USD/kWh"),
    ],
)
def test_wrong_index_is_refused(change, message):
    with pytest.raises(Refused) as caught:
        charge(KEY, four_hours(LMP), {**TERMS, **change})
    assert caught.value.message == message


def test_prices_finer_than_readings_are_refused():
    given = four_hours(LMP)
    grid = Grid(START, 15, 16)
    fine = PriceSeries.of(grid, [Decimal(1)] * 16, "USD/MWh")
    object.__setattr__(given, "prices", {"HUB": fine})
    with pytest.raises(Refused, match="every 15 minutes cannot price readings of 60 minutes"):
        charge(KEY, given, TERMS)


def test_split_needs_a_line_per_row():
    kind = charge_type(KEY)
    terms = kind.parse({**TERMS, "split_adder": True, "line_per": "CHARGE"})
    assert kind.check(terms, TermContext())[0].message == (
        "index and adder on two lines need 'line per row'"
    )
