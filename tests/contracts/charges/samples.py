"""What every charge type is given in the laws: a day's inputs, and parameters by a price."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
from hypothesis import strategies as st

from contracts.charges import Event, PoolView, PricedLine
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import Period
from poweroptix.kernel.price_series import PriceSeries
from poweroptix.kernel.series import Series
from tests.contracts.builders import CHICAGO, calendar, inputs, micro_series, term
from tests.contracts.builders import charge as charge_with

PERIOD = Period.day(CHICAGO, date(2026, 3, 8))
GRID = PERIOD.grid(60)
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
        "coincident_peak@1": {
            "system": "ERCOT",
            "rate": text,
            "counts": "SAME_MONTH",
            "peaks": 1,
            "kw_rounding": "NONE",
            "proration": "FULL_MONTH",
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
        **guarantees_of(text),
    }[key]


def guarantees_of(text):
    fuel = {
        "heat_rate": "7.1",
        "heating_value": "HHV",
        "tolerance_ratio": "0.02",
        "gain_share_ratio": "0.5",
        "gain_from": "BAND",
        "start_fuel": "IN",
    }
    return {
        "availability_guarantee@1": {
            "guaranteed_ratio": "0.97",
            "rate": text,
            "points": "PRO_RATA",
            "tested": "MONTH",
            "cap": "NONE",
            "excused": "PLANNED",
        },
        "production_guarantee@1": {
            "expected_mwh": "1000000",
            "degradation_ratio": "0.005",
            "guaranteed_ratio": "0.85",
            "test_years": 1,
            "price": text,
            "damages_ratio": "0.5",
            "deemed": "BUYER",
        },
        "deemed_energy@1": {
            "ordered_by": "BUYER",
            "price": text,
            "tax_credit": "0",
            "gross_up": "NONE",
            "allowance_unit": "MWH",
            "allowance": "0.5",
            "allowance_per": "MONTH",
        },
        "storage_toll@1": {
            "capacity_kw": "1000",
            "rate": text,
            "tested": "EVENTS",
            "availability": "OUTAGES",
            "excused": "PLANNED",
            "guaranteed_ratio": "0.98",
            "points_per_point": "2",
            "zero_below_ratio": "0.5",
            "efficiency": "FACTOR",
            "guaranteed_rte": "0.86",
        },
        "storage_efficiency@1": {"guaranteed_rte": "0.86", "price": text},
        "excess_cycles@1": {
            "counted_by": "DISCHARGE",
            "capacity_mwh": "2",
            "allowed_cycles": "1",
            "rate": text,
        },
        "starts@1": {
            "table": [{"state": "HOT", "fee": text, "fuel_mmbtu": "900"}],
            "gas_index": "GAS",
            "paid": "BUYER",
            "free_starts": 1,
            "free_per": "MONTH",
            "free_order": "TIME",
        },
        "fuel_pass_through@1": {**fuel, "gas_price": "INDEX", "gas_index": "GAS"},
        "heat_rate_guarantee@1": {**fuel, "gas_index": "GAS", "cap": "NONE"},
    }


#: What the seller pays: a higher price is a greater credit.
CREDITS = {"availability_guarantee@1", "production_guarantee@1", "storage_efficiency@1"}


def happened(kind, first_hour, hours, **values):
    start = PERIOD.start_utc + timedelta(hours=first_hour)
    return Event(kind, start, start + timedelta(hours=hours), values)


EVENTS = (
    happened("outage@1", 3, 4, category="FORCED", caused_by="SELLER"),
    happened("curtailment@1", 8, 6, ordered_by="BUYER"),
    happened("start@1", 2, 0, state="HOT", caused_by="BUYER"),
    happened("start@1", 7, 0, state="HOT", caused_by="BUYER"),
    happened(
        "system_peak@1",
        *(17, 1),
        system="ERCOT",
        published_at="2026-04-02T14:00:00-05:00",
        source="Notice 7",
        finality="FINAL",
    ),
    happened("state_of_charge@1", 0, GRID.count, start_mwh="1", end_mwh="2"),
)


SITE = PoolView(
    *("site", "COST", "2026-03", Decimal("100.00"), Decimal(0), Decimal(1), Decimal(3)),
    extra_usd=Decimal("0.01"),
    share_usd=Decimal("33.34"),
)


def given_load(values, price=Decimal(0), **more):
    """Return a day with this use; everything that some charge reads is there."""
    hub = PriceSeries(GRID, np.full(GRID.count, 25 * 10**8, dtype=np.int64), "USD/MWh")
    ahead = PriceSeries.of(GRID, [price] * GRID.count, "USD/MWh")
    days = Grid(datetime(2026, 3, 7, tzinfo=UTC), 1440, 3)
    gas = PriceSeries.of(days, [Decimal(3)] * 3, "USD/MMBtu")
    series = micro_series(GRID, values)
    fuel = Series(GRID, series.values // 100, series.status, "MMBtu")
    more = {
        "term": term("Line", 60),
        "lines": (PricedLine(10, "Energy", Decimal("12.34")),),
        "prices": {"HUB": hub, "GAS": gas, "AHEAD": ahead},
        "calendars": {"C": CALENDAR},
        "events": EVENTS,
        "pools": {"site": SITE},
        "anchor_date": date(2025, 3, 9),
    } | more
    given = inputs(period=PERIOD, series=series, **more)
    further = {
        "potential": micro_series(GRID, [10**9] * GRID.count),
        "fuel": fuel,
        "charge": series,
        "discharge": micro_series(GRID, [10**8] * GRID.count),
        "scheduled": series,
    }
    return replace(given, series={**given.series, **further})
