"""Laws that hold for every charge, whatever the load and the price."""

from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.charges import PoolView, PricedLine, charge_types
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import Period
from poweroptix.kernel.price_series import PriceSeries
from tests.contracts.builders import CHICAGO, calendar, inputs, micro_series, term
from tests.contracts.builders import charge as charge_with

PERIOD = Period.day(CHICAGO, date(2026, 3, 8))
GRID = PERIOD.grid(60)
WHOLE = Period.month(CHICAGO, "2026-03")
CALENDAR = calendar(
    [
        {"day_types": ["all"], "start": "00:00", "end": "09:00", "period": "OFF"},
        {"day_types": ["all"], "start": "09:00", "end": "24:00", "period": "ON"},
    ]
)
BLOCKS = {"counts": "MONTH", "volume": "MARGINAL", "part_month": "DAYS"}
loads = st.lists(st.integers(0, 10**11), min_size=GRID.count, max_size=GRID.count)
prices = st.integers(0, 10**6).map(lambda cents: Decimal(cents) / 1000)


#: What a type has to be told beside its inputs, or it has no amount.
CARRIES = {
    "late_interest@1": {
        "open_items": [
            {
                "reference": "INV-1",
                "amount_usd": "1234.56",
                "due_date": "2026-01-15",
                "payments": [{"date": "2026-03-08", "amount_usd": "1000.00"}],
            }
        ]
    }
}


def charge(key, given_inputs, terms, carry=None):
    return charge_with(key, given_inputs, terms, CARRIES.get(key) if carry is None else carry)


def settings_of(key, price):
    text = f"{price:f}"
    return {
        "fixed_energy@1": {"price": text},
        "tou_energy@1": {
            "calendar": "C",
            "prices": [{"period": "ON", "price": text}, {"period": "OFF", "price": "1"}],
        },
        "index_adder@1": {"index": "HUB", "adder": text},
        "gas_indexed@1": {
            "gas_index": "GAS",
            "heat_rate": "7",
            "variable_cost": text,
            "gas_price_places": 4,
            "power_price_places": 4,
            "gas_day_start_hour": 9,
            "gas_day_zone": CHICAGO,
            "unpublished_days": "CARRY",
        },
        "difference@1": {
            "index": "HUB",
            "strike": text,
            "customer_pays": "FIXED",
            "volume": "AS_GENERATED",
            "negative_prices": "NO_FLOOR",
        },
        "two_settlement@1": {
            "schedule": "scheduled",
            "day_ahead_index": "AHEAD",
            "index": "HUB",
            "customer": "BUYS",
        },
        "capacity@1": {"capacity_kw": "1000", "rate": text},
        "demand@1": {
            "window_minutes": 60,
            "prices": [{"period": "ALL", "blocks": [{"rate": text}]}],
        },
        "recurring_fee@1": {"fee": text},
        "pool_share@1": {"pool": "site"},
        "block_energy@1": BLOCKS | {"blocks": [{"up_to": "1", "price": "1"}, {"price": text}]},
        "tou_blocks@1": BLOCKS
        | {
            "calendar": "C",
            "convention": "CHRONOLOGICAL",
            "periods": [
                {"period": name, "blocks": [{"up_to": "1", "price": "1"}, {"price": text}]}
                for name in ("ON", "OFF")
            ],
        },
        "excess_energy@1": {
            "price": text,
            "contract_quantity": "1",
            "test": "MONTH",
            "prices": "BOTH",
            "excess_price": "SHARE",
            "excess_ratio": "0.75",
            "part_month": "WHOLE",
        },
        "take_or_pay@1": {
            "price": text,
            "contract_quantity": "5",
            "take_ratio": "0.9",
            "test": "MONTH",
            "pays": "FULL_PRICE",
            "excused": [],
            "deemed": [],
            "make_up_years": 0,
            "energy_billed": "OTHER_TERMS",
            "part_month": "WHOLE",
        },
        "minimum_bill@1": {"minimum": text, "lines": [10], "part_month": "WHOLE"},
        "tax@1": {
            "rates": [{"from_date": "2026-01-01", "rate_ratio": f"{price / 2000:f}"}],
            "lines": [10],
            "method": "INCLUDED",
            "tax_day": "LAST_DAY",
        },
        "late_interest@1": {
            "rates": [{"from_date": "2026-01-01", "rate_ratio": f"{price / 2000:f}"}],
            "method": "COMPOUND_MONTHLY",
            "day_count": "ACTUAL_365",
            "tax": "EXCLUDED",
            "billed": "WHEN_PAID",
        },
        "formula@1": {
            "formula": "max(energy, 0) * price",
            "names": [
                {
                    "name": "energy",
                    "kind": "SERIES",
                    "of": "delivered",
                    "take": "EACH",
                    "unit": "MWh",
                },
                {"name": "price", "kind": "CONSTANT", "value": text, "unit": "USD/MWh"},
            ],
        },
        "excise@1": {
            "steps": [{"up_to_kwh": "2000", "rate": text}, {"rate": "1000"}],
            "part_month": "DAYS",
        },
    }[key]


SITE = PoolView(
    *("site", "COST", "2026-03", Decimal("100.00"), Decimal(0), Decimal(1), Decimal(3)),
    extra_usd=Decimal("0.01"),
    share_usd=Decimal("33.34"),
)


def given_load(values, price=Decimal(0), **more):
    hub = PriceSeries(GRID, np.full(GRID.count, 25 * 10**8, dtype=np.int64), "USD/MWh")
    series = micro_series(GRID, values)
    days = Grid(datetime(2026, 3, 7, tzinfo=UTC), 1440, 3)
    gas = PriceSeries.of(days, [Decimal(3)] * 3, "USD/MMBtu")
    ahead = PriceSeries.of(GRID, [price] * GRID.count, "USD/MWh")
    more = {"anchor_date": date(2026, 1, 1)} | more
    more = {"term": term("Line", 60), "lines": (PricedLine(10, "Energy", Decimal("12.34")),)} | more
    more["pools"] = {"site": SITE}
    given_inputs = inputs(
        period=PERIOD,
        series=series,
        prices={"HUB": hub, "GAS": gas, "AHEAD": ahead},
        calendars={"C": CALENDAR},
        **more,
    )
    given_inputs.series["scheduled"] = series
    return given_inputs


@cache
def keys():
    return charge_types.keys()


@settings(max_examples=40, deadline=None)
@given(loads, prices, prices)
def test_a_higher_price_never_lowers_a_charge(values, one, other):
    low, high = sorted((one, other))
    for key in keys():
        cheap, _ = charge(key, given_load(values, low), settings_of(key, low))
        dear, _ = charge(key, given_load(values, high), settings_of(key, high))
        assert cheap.amount_usd <= dear.amount_usd, key


#: Nothing is owed where nothing was used.
BY_ENERGY = (
    "fixed_energy@1",
    "tou_energy@1",
    "index_adder@1",
    "gas_indexed@1",
    "demand@1",
    "excise@1",
    "formula@1",
    "block_energy@1",
    "tou_blocks@1",
    "excess_energy@1",
)


@settings(max_examples=20, deadline=None)
@given(prices)
def test_no_energy_no_energy_charge(price):
    for key in BY_ENERGY:
        sheet, _ = charge(key, given_load([0] * GRID.count), settings_of(key, price))
        assert sheet.amount_usd == 0, key


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 30), prices)
def test_parts_of_a_month_add_up_to_the_month(kwh, day, price):
    grid = WHOLE.grid(60)
    series = micro_series(grid, [(kwh + 7 * at) * 10**6 for at in range(grid.count)])
    hub = PriceSeries(grid, np.full(grid.count, 25 * 10**8, dtype=np.int64), "USD/MWh")
    more = {"prices": {"HUB": hub}, "calendars": {"C": CALENDAR}, "term": term()}
    halves = [
        (date(2026, 3, 1), date(2026, 3, day)),
        (date(2026, 3, day + 1), date(2026, 3, 31)),
    ]
    for key in ("fixed_energy@1", "tou_energy@1", "index_adder@1", "capacity@1", "recurring_fee@1"):
        terms = settings_of(key, price)
        whole, _ = charge(key, inputs("2026-03", series, **more), terms)
        parts = [
            charge(key, inputs("2026-03", series, in_force=half, **more), terms)[0].amount_usd
            for half in halves
        ]
        # each part is rounded to cents by itself, and so is each of its rows
        assert abs(sum(parts) - whole.amount_usd) <= Decimal("0.02"), key


@settings(max_examples=25, deadline=None)
@given(loads, prices)
def test_the_amount_is_the_sum_of_its_rows_after_a_round_trip(values, price):
    for key in keys():
        sheet, _ = charge(key, given_load(values), settings_of(key, price))
        again = type(sheet).from_json(sheet.to_json())
        assert again.amount_usd == sheet.amount_usd
        assert again.to_json() == sheet.to_json()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 5000), min_size=1, max_size=14), st.booleans())
def test_a_ratchet_never_bills_less_than_the_peak_or_its_share_of_earlier_ones(peaks, plus_one):
    terms = settings_of("demand@1", Decimal(1)) | {
        "ratchet_ratio": "0.8",
        "ratchet_months": 3,
        "lookback_counts": "K_PLUS_1" if plus_one else "EXACTLY_K",
        "kw_rounding": "NONE",
    }
    carry, period = {}, Period.month("Etc/GMT+6", "2026-01")
    for at, kw in enumerate(peaks):
        series = micro_series(period.grid(60), [kw * 10**6] + [0] * (period.grid(60).count - 1))
        given_month = inputs(period=period, zone="Etc/GMT+6", series=series)
        sheet, carry = charge("demand@1", given_month, terms, carry)
        reach = 4 if plus_one else 3
        earlier = max(peaks[max(0, at - reach) : at], default=0)
        assert sheet.figures[0].value == max(Decimal(kw), Decimal("0.8") * earlier)
        period = period.next()
