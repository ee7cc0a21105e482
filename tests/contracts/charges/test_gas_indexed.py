"""Gas index times heat rate: gas days, carry over a weekend, rounding, provisional prices."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from contracts.calc.gas_days import carry, gas_day_ordinals
from contracts.charges import charge_type
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import Period
from poweroptix.kernel.price_series import PriceSeries
from poweroptix.kernel.rounding import money
from poweroptix.kernel.rounding import price as round_price
from poweroptix.kernel.series import Series
from settlement.calc.inputs import from_document
from settlement.calc.settle import settle
from tests.contracts.builders import CHICAGO, amount, calendar, charge, inputs
from tests.contracts.cases import example

KEY = "gas_indexed@1"
TERMS = {
    "gas_index": "GAS",
    "heat_rate": "6.950",
    "variable_cost": "2.15",
    "gas_price_places": 4,
    "power_price_places": 4,
    "gas_day_start_hour": 9,
    "gas_day_zone": CHICAGO,
    "unpublished_days": "CARRY",
}
A14 = {**TERMS, "gas_basis": "0.12", "retention_ratio": "0.015"}
FRIDAY = date(2026, 1, 9)
PUBLISHED = ["3.1850", "3.0425", None, None, "3.4100"]
MWH = ["2390.400", "2401.150", "2398.775", "2388.050", "2395.600"]


def daily(first, numbers, *, unit="USD/MMBtu", final=True):
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    values = [None if one is None else Decimal(one) for one in numbers]
    return PriceSeries.of(Grid(start, 1440, len(values)), values, unit, "settled", final)


def gas_days(mwh, gas, *, hour=9, **more):
    """Whole gas days from Friday on, each with its energy in the first hour."""
    start = Period.day(CHICAGO, FRIDAY).start_utc
    period = Period(start, start + timedelta(days=len(mwh) + 1), CHICAGO, "2026-01")
    values = [Decimal(0)] * (24 * (len(mwh) + 1))
    for number, one in enumerate(mwh):
        values[hour + 24 * number] = Decimal(one) * 1000
    series = Series.of(period.grid(60), values, "kWh")
    return inputs(period=period, series=series, prices={"GAS": gas}, **more)


def published(*more):
    """Thursday's price for the hours before the first gas day, then those of the case."""
    return daily(FRIDAY - timedelta(days=1), ["3.0500", *PUBLISHED, *more])


def test_a14_gas_day_weekend_block_retention_and_rounding():
    case = example("A14")
    sheet, _ = charge(KEY, gas_days(MWH, published("9.99")), A14)
    assert str(sheet.amount_usd) == case["expected"]["amount"]
    rates = {row.label[-10:]: str(row.rate.value) for row in sheet.rows}
    days = {key: value for key, value in case["expected"].items() if key != "amount"}
    assert {key: rates[key] for key in days} == days
    sunday = next(row for row in sheet.rows if row.label.endswith("2026-01-11"))
    assert sunday.rate.formula == "gas_price x heat_rate + variable_cost"
    [gas, *_] = sunday.rate.inputs
    assert gas.formula == "(gas_index + gas_basis) / (1 - retention_ratio)"
    assert gas.value == Decimal("3.2107")
    assert gas.inputs[0].note == "price of 2026-01-10, carried as published"
    assert not sheet.findings


def test_a_collar_limits_the_power_of_each_gas_day_and_shows_it():
    terms = A14 | {"floor": "24.75", "cap": "25.25", "collar_on": "POWER_PRICE"}
    sheet, _ = charge(KEY, gas_days(MWH[:2], published("9.99")), terms)
    friday, saturday = [row for row in sheet.rows if row.quantity.value]
    assert (friday.rate.value, saturday.rate.value) == (Decimal("25.25"), Decimal("24.75"))
    assert friday.rate.formula == ("min(max(gas_price x heat_rate + variable_cost, floor), cap)")
    assert str(sheet.amount_usd) == "119786.06"
    said = charge_type(KEY).sentence(charge_type(KEY).parse(terms))
    assert "power price of a gas day is at least $24.75 per MWh and at most $25.25 per MWh" in said


def test_a_collar_limits_the_gas_of_each_day():
    terms = A14 | {"cap": "3.30", "collar_on": "GAS_PRICE"}
    sheet, _ = charge(KEY, gas_days(MWH[:2], published("9.99")), terms)
    friday, saturday = [row for row in sheet.rows if row.quantity.value]
    assert friday.rate.value == Decimal("25.0850")  # 3.30 x 6.950 + 2.15, not 25.4693
    assert saturday.rate.value == Decimal("24.4644")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"floor": "20"}, "floor or cap need collar_on, and only so"),
        ({"collar_on": "GAS_PRICE"}, "floor or cap need collar_on, and only so"),
        (
            {"floor": "30", "cap": "20", "collar_on": "POWER_PRICE"},
            "the floor 30 lies above the cap 20",
        ),
    ],
)
def test_a_collar_that_cannot_be_kept_is_refused(more, said):
    with pytest.raises(Refused, match=said):
        charge_type(KEY).parse(A14 | more)


def test_hours_before_the_gas_day_belong_to_the_day_before():
    start = Period.day(CHICAGO, date(2026, 3, 8)).start_utc  # a day of 23 hours
    ordinals = gas_day_ordinals(Grid(start, 60, 23), CHICAGO, 9)
    dates = [date.fromordinal(one).day for one in ordinals.tolist()]
    assert dates == [7] * 8 + [8] * 15
    with pytest.raises(Refused, match="an interval of 60 minutes lies in two gas days from 09:00"):
        gas_day_ordinals(Grid(start + timedelta(minutes=30), 60, 23), CHICAGO, 9)


def test_a_weekday_is_never_carried_and_blocks():
    gas = daily(FRIDAY - timedelta(days=1), ["3.05", "3.185", "3.0425", None, None, None, "3.1"])
    sheet, _ = charge(KEY, gas_days(MWH, gas), A14)
    assert sheet.amount_usd is None
    assert [(one.severity, one.message) for one in sheet.findings] == [
        ("BLOCK", "no price of GAS for the gas day 2026-01-13 (1 gas days)")
    ]


def test_without_a_carry_the_weekend_is_missing():
    sheet, _ = charge(KEY, gas_days(MWH, published("9.99")), {**A14, "unpublished_days": "MISSING"})
    assert sheet.findings[0].message == "no price of GAS for the gas day 2026-01-11 (2 gas days)"


def test_a_holiday_and_the_day_after_it_carry_with_its_calendar():
    rows = [{"day_types": ["all"], "start": "00:00", "end": "24:00", "period": "ALL"}]
    given = {"calendars": {"NERC": calendar(rows, holidays=["2026-01-12"])}}
    gas = daily(FRIDAY - timedelta(days=1), ["3.05", "3.185", "3.0425", None, None, None, "3.1"])
    terms = {**A14, "holiday_calendar": "NERC"}
    sheet, _ = charge(KEY, gas_days(MWH, gas, **given), terms)
    assert str(sheet.rows[5].rate.value) == "24.4644"  # Tuesday after the holiday on Monday
    kept = carry(gas, [date(2026, 1, 12)])
    assert kept.of == dict.fromkeys([date(2026, 1, day) for day in (11, 12, 13)], date(2026, 1, 10))


def test_a41_provisional_month_and_its_true_up():
    case = example("A41")
    march = Period.month(CHICAGO, "2026-03")
    energy = np.zeros(march.grid(60).count, dtype=np.int64)
    energy[0] = 71_990 * 10**9
    series = Series.of(march.grid(60), [Decimal(int(one)) / 10**6 for one in energy], "kWh")
    terms = {**TERMS, "gas_day_start_hour": 0, "unpublished_days": "MISSING"}
    terms |= {"ladder": [{"take": "LAST_PUBLISHED", "days": 31}]}
    last = [case["inputs"]["provisional_gas"].split()[0]]
    late = daily(date(2026, 2, 28), last + [None] * 31)
    known = daily(date(2026, 2, 28), last + [case["inputs"]["final_gas"]] * 31)
    first, _ = charge(KEY, inputs("2026-03", series, prices={"GAS": late}), terms)
    assert str(first.amount_usd) == case["expected"]["first_invoice"]
    assert [one.code for one in first.findings] == ["contracts.price_provisional"]
    assert "31 prices of GAS not published" in first.findings[0].message
    final, _ = charge(KEY, inputs("2026-03", series, prices={"GAS": known}), terms)
    assert not final.findings
    assert str(final.amount_usd - first.amount_usd) == case["expected"]["true_up_line"]


def test_interval_prices_are_those_of_the_rows():
    given = gas_days(MWH, published("9.99"))
    kind = charge_type(KEY)
    prices = kind.interval_prices(given, kind.parse(A14))
    assert prices[[8, 9, 33]].tolist() == [2451720000, 2546930000, 2446440000]


def test_the_cents_are_made_where_the_contract_says():
    given = gas_days(["0.0001"] * 5, published("9.99"))  # 0.0025 USD a day
    assert amount(KEY, given, A14) == "0.01"
    object.__setattr__(given, "rounding_point", "DAY")
    assert amount(KEY, given, A14) == "0.00"


@pytest.mark.parametrize(
    ("change", "gas", "message"),
    [
        ({"price_unit": "USD/kWh"}, None, "a heat rate in MMBtu/MWh gives USD/MWh, not USD/kWh"),
        ({"gas_day_zone": "Mars"}, None, "Mars"),
        ({"holiday_calendar": "X", "unpublished_days": "MISSING"}, None, "with unpublished_days"),
        ({}, daily(FRIDAY, ["3"], unit="USD/MWh"), "GAS is quoted in USD/MWh, a gas index in"),
        (
            {},
            PriceSeries.of(Grid(datetime(2026, 1, 9, tzinfo=UTC), 60, 1), [Decimal(3)],
                           "USD/MMBtu"),
            "one price per date, 1,440 minutes .*, not one every 60 minutes from 00:00 UTC",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_priced_is_refused(change, gas, message):
    with pytest.raises(Refused, match=message):
        charge(KEY, gas_days(MWH, gas or published("9.99")), {**A14, **change})


def test_an_example_may_say_one_gas_price_for_the_whole_month():
    """September at 11.5 MWh a quarter-hour, gas at 3.40: its first hours are of 31 August."""
    flat = {"flat": "3.40", "minutes": 1440, "unit": "USD/MMBtu"}
    term = {"line_code": 12, "charge_type": KEY, "label": "Gas", "parameters": A14}
    document = {
        "contract": "PPA", "zone": CHICAGO, "period": "2026-09", "prices": {"GAS": flat},
        "series": {"delivered": {"flat": "11500"}}, "versions": [{"terms": [term]}],
    }  # fmt: skip
    power_price = Decimal("3.5736") * Decimal("6.950") + Decimal("2.15")
    [line] = settle(from_document(document)).lines
    assert line.amount_usd == money(round_price(power_price, 4) * 11500 * 2880 / 1000)


@pytest.mark.parametrize("name", ["gas_price_places", "gas_day_start_hour", "unpublished_days"])
def test_what_bills_differ_by_is_asked(name):
    terms = {key: value for key, value in TERMS.items() if key != name}
    with pytest.raises(Refused, match=f"{name}: is required"):
        charge_type(KEY).parse(terms)
