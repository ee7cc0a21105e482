"""Laws that hold for every charge, whatever the load and the price."""

from datetime import date
from decimal import Decimal
from functools import cache

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.charges import charge_types
from poweroptix.kernel.period import Period
from poweroptix.kernel.price_series import PriceSeries
from tests.contracts.builders import CHICAGO, inputs, micro_series, term
from tests.contracts.charges.samples import (
    CALENDAR,
    CREDITS,
    GRID,
    charge,
    given_load,
    loads,
    prices,
    settings_of,
)

WHOLE = Period.month(CHICAGO, "2026-03")


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
        sign = -1 if key in CREDITS else 1
        assert sign * cheap.amount_usd <= sign * dear.amount_usd, key


#: Nothing is owed where nothing was used.
BY_ENERGY = (
    "fixed_energy@1",
    "tou_energy@1",
    "index_adder@1",
    "gas_indexed@1",
    "demand@1",
    "coincident_peak@1",
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
