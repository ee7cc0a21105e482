from datetime import date
from decimal import Decimal

import pytest

from contracts.charges import TermContext, charge_type
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import Period
from poweroptix.kernel.rounding import Mode, money
from poweroptix.kernel.series import Series
from tests.contracts.builders import CHICAGO, amount, charge, flat, inputs, micro_series, spread
from tests.contracts.cases import example

KEY = "fixed_energy@1"


def escalating(**more):
    return {"price": "62.50", "escalator": "FROM_BASE", "escalator_ratio": "0.02", **more}


def july(year, kwh="18432517"):
    period = Period.month(CHICAGO, f"{year}-07")
    series = spread(period.grid(15), kwh)
    return inputs(f"{year}-07", series, anchor_date=date(2026, 7, 1))


@pytest.mark.parametrize("number", [1, 2, 5, 10, 20])
@pytest.mark.parametrize(
    ("name", "terms"),
    [
        ("from_base_2dp", escalating(price_places=2)),
        ("chained_2dp", escalating(price_places=2, escalator="CHAINED")),
        ("from_base_4dp", escalating(price_places=4)),
    ],
)
def test_a01_escalator_from_base_and_chained(number, name, terms):
    expected = example("A01")["expected"][f"year{number}"]
    sheet, carry = charge(KEY, july(2025 + number), terms)
    assert sheet.rows[0].rate.value == Decimal(expected[f"price_{name}"])
    assert str(sheet.amount_usd) == expected[f"amount_{name}"]
    assert carry == {}


def test_a02_anniversary_inside_the_month_makes_two_lines():
    expected = example("A02")["expected"]
    period = Period.month(CHICAGO, "2027-07")
    grid = period.grid(15)
    values = [Decimal(0)] * grid.count
    values[0] = Decimal("9310250")
    values[grid.index_of(period.day_bounds(date(2027, 7, 15))[0])] = Decimal("11402625")
    given = inputs("2027-07", Series.of(grid, values, "kWh"), anchor_date=date(2026, 7, 15))
    sheet, _ = charge(KEY, given, escalating())
    assert [row.label for row in sheet.rows] == [
        "Energy 2027-07-01 to 2027-07-14",
        "Energy 2027-07-15 to 2027-07-31",
    ]
    rows = [row.exact_usd for row in sheet.rows]
    assert [f"{money(row)}" for row in rows] == [expected["line1"], expected["line2"]]
    assert str(sheet.amount_usd) == expected["total"]


@pytest.mark.parametrize("zone", [CHICAGO, "Etc/GMT+5"])
@pytest.mark.parametrize("label", ["2026-03", "2026-11"])
def test_a07_months_of_743_and_721_hours(zone, label):
    expected = example("A07")["expected"]
    name = f"{'EST' if zone == 'Etc/GMT+5' else zone}_{label}"
    grid = Period.month(zone, label).grid(15)
    assert grid.count == expected[name]["intervals_15min"]
    given = inputs(label, flat(grid, "6250"), zone=zone)
    assert amount(KEY, given, {"price": "51.20"}) == expected[name]["amount"]


@pytest.mark.parametrize(
    ("point", "mode", "name"),
    [
        ("LINE", Mode.HALF_UP, "line_half_up"),
        ("INTERVAL", Mode.HALF_UP, "sum_of_intervals_half_up"),
        ("INTERVAL", Mode.HALF_EVEN, "sum_of_intervals_half_even"),
        ("INTERVAL", Mode.DOWN, "sum_of_intervals_down"),
    ],
)
def test_a39_rounding_point_and_mode(point, mode, name):
    expected = example("A39")["expected"]
    x, values = 4711, []
    for _ in range(31 * 96):
        x = (1103515245 * x + 12345) % 2**31
        values.append((9000 + (x // 65536) % 2001) * 10**6)
    series = micro_series(Period.month(CHICAGO, "2026-01").grid(15), values)
    given = inputs("2026-01", series, rounding_point=point, rounding=mode)
    sheet, _ = charge(KEY, given, {"price": "61.85"})
    assert sheet.rows[0].quantity.value == Decimal(expected["energy_mwh"])
    assert str(sheet.amount_usd) == expected[name]


@pytest.mark.parametrize(("point", "dollars"), [("LINE", "597.37"), ("DAY", "597.49")])
def test_cents_per_local_day(point, dollars):
    grid = Period.month(CHICAGO, "2026-03").grid(15)
    given = inputs("2026-03", flat(grid, "0.001"), rounding_point=point)
    # 30 days of 96 x 0.201 = 19.296 -> 19.30 and the day of 92: 18.492 -> 18.49
    assert amount(KEY, given, {"price": "201", "price_unit": "USD/kWh"}) == dollars


def test_part_of_a_month_prices_only_its_days():
    grid = Period.month(CHICAGO, "2026-03").grid(15)
    whole = inputs("2026-03", flat(grid, "1000"))
    first = inputs("2026-03", flat(grid, "1000"), in_force=(date(2026, 3, 1), date(2026, 3, 14)))
    last = inputs("2026-03", flat(grid, "1000"), in_force=(date(2026, 3, 15), date(2026, 3, 31)))
    parts = [Decimal(amount(KEY, given, {"price": "50"})) for given in (first, last)]
    assert sum(parts) == Decimal(amount(KEY, whole, {"price": "50"})) == Decimal("148600.00")


def test_missing_reading_leaves_the_amount_empty_and_blocks():
    grid = Period.month(CHICAGO, "2026-03").grid(15)
    values = [Decimal(1)] * grid.count
    values[4], values[9] = None, None
    sheet, _ = charge(KEY, inputs("2026-03", Series.of(grid, values, "kWh")), {"price": "50"})
    assert sheet.amount_usd is None
    assert sheet.findings[0].severity == "BLOCK"
    assert sheet.findings[0].message == (
        "'delivered' has no value in 2 intervals, the first begins 2026-03-01 07:00 UTC"
    )


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "price: is required."),
        ({"price": "1e3"}, "price: '1e3' is not a plain decimal number."),
        ({"price": "0x10"}, "price: '0x10' is not a plain decimal number."),
        (
            {"price": "1.123456789012"},
            "1.123456789012 has too many decimals: at most 8 are kept.",
        ),
        (
            {"price": "1", "price_places": 11},
            "price_places: 11 is above the largest allowed value 8.",
        ),
        (
            {"price": "1", "escalator_ratio": "-1"},
            "escalator_ratio: -1 is below the smallest allowed value -0.5.",
        ),
    ],
)
def test_wrong_parameters_are_refused_with_their_field(parameters, message):
    with pytest.raises(Refused) as caught:
        charge_type(KEY).parse(parameters)
    assert caught.value.message == message


def test_escalator_that_runs_away_is_found_before_anything_is_priced():
    kind = charge_type(KEY)
    terms = kind.parse(escalating(escalator_ratio="0.5"))
    found = kind.check(terms, TermContext(anchor_date=date(2026, 1, 1)))
    assert [finding.message for finding in found] == ["price would exceed 10^6 in 2050"]
    assert (
        kind.check(terms, TermContext(anchor_date=date(2026, 1, 1), last_date=date(2030, 1, 1)))
        == []
    )
    assert kind.check(terms, TermContext())[0].message == (
        "an escalator needs the first day of contract year 1"
    )


def test_no_price_before_contract_year_one():
    given = inputs("2026-03", anchor_date=date(2026, 3, 5))
    with pytest.raises(Refused) as caught:
        charge(KEY, given, escalating())
    assert caught.value.message == (
        "2026-03-01 is before 2026-03-05, the first day of contract year 1"
    )


def test_series_that_does_not_cover_the_month_is_refused():
    given = inputs("2026-03", flat(Period.month(CHICAGO, "2026-02").grid(15), "1"))
    with pytest.raises(Refused, match="the charge needs 2026-03-01 06:00 to 2026-04-01 05:00 UTC"):
        charge(KEY, given, {"price": "50"})


def test_quantity_that_nobody_supplies_is_refused_by_name():
    given = inputs("2026-03")
    object.__setattr__(given.term, "quantity_name", "export")
    with pytest.raises(Refused, match="no quantity named 'export'; known: delivered"):
        charge(KEY, given, {"price": "50"})


def test_price_per_kwh_keeps_six_decimals_of_the_quantity():
    grid = Period.month(CHICAGO, "2026-03").grid(15)
    terms = {"price": "0.075", "price_unit": "USD/kWh", "quantity_places": 6}
    assert amount(KEY, inputs("2026-03", spread(grid, "53489.737654")), terms) == "4011.73"


@pytest.mark.parametrize(("of", "name"), [("METERED", "mult"), ("SENT", "div")])
def test_a34_losses_raise_the_quantity_two_ways(of, name):
    expected = example("A34")["expected"]
    grid = Period.month(CHICAGO, "2026-03").grid(15)
    terms = {"price": "55.00", "loss_ratio": "0.0215", "loss_share_of": of}
    sheet, _ = charge(KEY, inputs("2026-03", spread(grid, "18245120")), terms)
    assert sheet.rows[0].quantity.value == Decimal(expected[name])
    assert str(sheet.amount_usd) == expected["at_55_00"][name]
    mult, div = Decimal(expected["mult"]), Decimal(expected["div"])
    assert div - mult == Decimal(expected["difference_mwh"])


@pytest.mark.parametrize("point", ["LINE", "INTERVAL", "DAY"])
def test_losses_count_wherever_cents_are_made(point):
    grid = Period.month(CHICAGO, "2026-03").grid(60)
    given = inputs("2026-03", flat(grid, "1000"), rounding_point=point)
    terms = {"price": "50", "loss_ratio": "0.02", "loss_share_of": "METERED"}
    assert amount(KEY, given, terms) == "37893.00"
    assert amount(KEY, given, terms | {"loss_ratio": "0"}) == "37150.00"


def test_parameters_with_the_same_text_are_read_once_and_wrong_ones_every_time():
    kind = charge_type("fixed_energy@1")
    assert kind.parse({"price": "50"}) is kind.parse({"price": "50"})
    assert kind.parse({"price": Decimal(50)}) == kind.parse({"price": "50"})
    for _again in range(2):
        with pytest.raises(Refused, match="must be a number written as text"):
            kind.parse({"price": 0.5})
