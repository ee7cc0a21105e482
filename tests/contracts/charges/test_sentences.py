"""What a term says in words: every charge type, with price, unit, growth, rounding and seasons."""

import doctest
import re
from dataclasses import replace
from datetime import date

import pytest

from contracts.calc import holiday_words, words
from contracts.calc.holidays import nerc_years
from contracts.charges import Calendar, TermContext, charge_type, charge_types
from poweroptix.kernel.calendar import TouSchedule

EVERY = list(range(1, 13))
SUMMER, WINTER = [5, 6, 7, 8, 9], [1, 2, 3, 4, 10, 11, 12]


def row(months, days, start, end, period):
    return {"months": months, "day_types": days, "start": start, "end": end, "period": period}


SCHEDULE = TouSchedule.from_json(
    {
        "zone": "America/Chicago",
        "rows": [
            row(SUMMER, ["weekday"], "00:00", "13:00", "OFF"),
            row(SUMMER, ["weekday"], "13:00", "20:00", "PEAK"),
            row(SUMMER, ["weekday"], "20:00", "24:00", "OFF"),
            row(WINTER, ["weekday"], "00:00", "06:00", "OFF"),
            row(WINTER, ["weekday"], "06:00", "10:00", "PEAK"),
            row(WINTER, ["weekday"], "10:00", "24:00", "OFF"),
            row(EVERY, ["weekend", "holiday"], "00:00", "24:00", "OFF"),
        ],
    }
)
CONTEXT = TermContext(
    first_date=date(2026, 7, 1),
    anchor_date=date(2026, 7, 1),
    calendars={"tou": Calendar(SCHEDULE)},
    titles={"tou": "Summer and winter peaks", "hub": "West hub day-ahead", "gas": "Houston gas"},
)
PEAKS = (
    "PEAK is October to April on weekdays 06:00 to 10:00, and May to September on weekdays 13:00 "
    "to 20:00"
)
MWH = "The quantity is rounded to 3 places of a MWh; every row is rounded to cents."
PART = "A part month pays its days over the days of the month; the sum is rounded to cents once."
CASES = [
    (
        "fixed_energy@1",
        {"price": "62.50", "escalator": "FROM_BASE", "escalator_ratio": "0.02"},
        "Energy: $62.50 per MWh from 1 July 2026, +2 % each 1 July compounded on the first price, "
        f"rounded to 4 places. {MWH}",
    ),
    (
        "fixed_energy@1",
        {"price": "0.075", "price_unit": "USD/kWh", "quantity_places": 6, "line_per": "CHARGE"},
        "Energy: $0.075 per kWh from 1 July 2026, without escalation. The quantity is rounded to "
        "6 places of a kWh; the sum is rounded to cents once.",
    ),
    (
        "fixed_energy@1",
        {
            "price": "50",
            "escalator": "CHAINED",
            "escalator_ratio": "-0.015",
            "contract_year": "CALENDAR",
            "price_places": 2,
        },
        "Energy: $50.00 per MWh from 1 July 2026, −1.5 % each 1 January on the rounded price of "
        f"the year before, rounded to 2 places. {MWH}",
    ),
    (
        "tou_energy@1",
        {
            "calendar": "tou",
            "prices": [{"period": "PEAK", "price": "78.4"}, {"period": "OFF", "price": "51.25"}],
        },
        "Energy by time of use: PEAK $78.40 and OFF $51.25 per MWh from 1 July 2026, without "
        f"escalation. {PEAKS}; OFF is all other hours, holidays included (America/Chicago time). "
        f"{MWH}",
    ),
    (
        "index_adder@1",
        {"index": "hub", "adder": "6.75", "multiplier": "1.02", "interval_price_places": 4},
        "Energy of every interval at the price of West hub day-ahead times 1.02, plus $6.75 per "
        "MWh from 1 July 2026. The price of an interval is rounded to 4 places; a missing price is "
        f"never taken as zero, the bill waits for it; prices below zero are passed on. {MWH}",
    ),
    (
        "index_adder@1",
        {
            "index": "hub",
            "adder": "-2",
            "basis_index": "node",
            "basis_share_ratio": "0.5",
            "floor": "20",
            "cap": "90",
            "collar_per": "AVERAGE",
            "collar_on": "PRICE",
            "upside_threshold": "70",
            "upside_share_ratio": "-0.4",
            "share_per": "AVERAGE",
            "ladder": [
                {"take": "NEIGHBOURS", "longest_gap": 2},
                {"take": "SERIES", "series": "da"},
                {"take": "LAST_PUBLISHED", "days": 31},
            ],
        },
        "Energy of every interval at the price of West hub day-ahead less 50 % of its difference "
        "to node, less $2.00 per MWh from 1 July 2026; this price is at least $20.00 per MWh and "
        "at most $90.00 per MWh, on the average of the period; −40 % of the index above $70.00 per "
        "MWh is added, on the average of the period. The price of an interval is rounded to 8 "
        "places; a missing price is replaced by the mean of the neighbours for a gap of at most 2 "
        "prices, else the price of da, else the last published price, at most 31 days back, is "
        "provisional and is corrected once it is published; what nothing replaces is never taken "
        f"as zero, the bill waits for it; prices below zero are passed on. {MWH}",
    ),
    (
        "index_adder@1",
        {
            "index": "hub",
            "multiplier": "0",
            "adder": "55",
            "upside_threshold": "70",
            "upside_share_ratio": "0.4",
            "share_per": "INTERVAL",
        },
        "Energy of every interval at the price of $55.00 per MWh (the index is West hub day-ahead) "
        "from 1 July 2026; 40 % of the index above $70.00 per MWh is added, in every interval. The "
        "price of an interval is rounded to 8 places; a missing price is never taken as zero, the "
        f"bill waits for it; prices below zero are passed on. {MWH}",
    ),
    (
        "gas_indexed@1",
        {
            "gas_index": "gas",
            "gas_basis": "0.12",
            "retention_ratio": "0.015",
            "heat_rate": "6.950",
            "variable_cost": "2.15",
            "gas_price_places": 4,
            "power_price_places": 4,
            "gas_day_start_hour": 9,
            "gas_day_zone": "America/Chicago",
            "unpublished_days": "CARRY",
            "holiday_calendar": "tou",
        },
        "Energy at the gas price of Houston gas plus $0.12 per MMBtu, divided by 1 less 1.5 % "
        "retention, times 6.95 MMBtu per MWh (higher heating value), plus $2.15 per MWh from 1 "
        "July 2026. The gas price is rounded to 4 places, the power price to 4 places; a gas day "
        "begins at 09:00 (America/Chicago time); a Sunday, a Monday, a holiday and the day after "
        "it without a price of its own has that of the day before; a missing price is never taken "
        "as zero, the bill waits for it. The quantity is rounded to 3 places of a MWh; the sum is "
        "rounded to cents once.",
    ),
    (
        "difference@1",
        {
            "index": "hub",
            "strike": "38",
            "customer_pays": "FIXED",
            "volume": "FLAT_BLOCK",
            "volume_kw": "80000",
            "negative_prices": "FLOOR_ZERO",
        },
        "Difference: the customer pays the fixed $38.00 per MWh and receives the price of West hub "
        "day-ahead for every interval from 1 July 2026, on a flat block of 80,000 kW. No energy "
        "moves; an index below zero counts as zero; a missing price is never taken as zero, the "
        f"bill waits for it. {MWH}",
    ),
    (
        "difference@1",
        {
            "index": "hub",
            "strike": "38",
            "customer_pays": "FLOATING",
            "volume": "CAPPED",
            "volume_kw": "500",
            "negative_prices": "NO_SETTLEMENT",
        },
        "Difference: the customer pays the price of West hub day-ahead and receives the fixed "
        "$38.00 per MWh for every interval from 1 July 2026, on the energy as metered up to 500 "
        "kW. No energy moves; intervals with an index below zero do not settle; a missing price is "
        f"never taken as zero, the bill waits for it. {MWH}",
    ),
    (
        "demand@1",
        {
            "prices": [
                {
                    "period": "ALL",
                    "blocks": [{"up_to_kw": "10000", "rate": "4.2"}, {"rate": "3.85"}],
                },
                {"period": "PEAK", "blocks": [{"rate": "2"}]},
            ],
            "calendar": "tou",
            "ratchet_ratio": "0.8",
            "ratchet_months": 11,
            "contract_kw": "26000",
            "contract_share_ratio": "0.6",
            "minimum_kw": "5000",
        },
        "Demand: $4.20 per kW-month for the first 10,000 kW and $3.85 per kW-month above that; "
        "$2.00 per kW-month in PEAK hours from 1 July 2026, for the highest 15-minute average of "
        "the month (fixed windows of the clock). At least billed: 80 % of the highest demand of "
        "the 11 months before (ratchet), 60 % of the contracted 26,000 kW and 5,000 kW, whichever "
        f"is most. {PEAKS} (America/Chicago time). The billed kW are rounded to the nearest whole "
        "kW; a part month pays its days over the days of the month; the sum is rounded to cents "
        "once.",
    ),
    (
        "demand@1",
        {
            "prices": [{"blocks": [{"rate": "9.85"}]}],
            "window": "ROLLING",
            "window_minutes": 30,
            "kw_rounding": "NONE",
            "proration": "FULL_MONTH",
        },
        "Demand: $9.85 per kW-month from 1 July 2026, for the highest 30-minute average of the "
        "month (windows that begin at every reading). The billed kW are not rounded; a part month "
        "pays in full; the sum is rounded to cents once.",
    ),
    (
        "capacity@1",
        {
            "capacity_kw": "60000",
            "rate": "14.25",
            "steps": [{"from_date": "2027-05-18", "capacity_kw": "58000"}],
            "availability": "MONTHLY",
        },
        "Capacity: $14.25 per kW-month for 60,000 kW from 1 July 2026, for 58,000 kW from 18 May "
        f"2027, times the availability of the month. {PART}",
    ),
    ("recurring_fee@1", {"fee": "12500"}, f"Fee: $12,500.00 per month from 1 July 2026. {PART}"),
    (
        "recurring_fee@1",
        {"fee": "0.35", "per": "KW", "count": "FACT", "proration": "ACTUAL_365"},
        "Fee: $0.35 per kW and month from 1 July 2026, for the kW that the contract states for the "
        "month. A part month pays its days of the yearly fee over 365; the sum is rounded to cents "
        "once.",
    ),
    (
        "recurring_fee@1",
        {"fee": "120", "per": "YEAR"},
        "Fee: $120.00 per contract year from 1 July 2026, due in full on 1 July of each year; it "
        "is rounded to cents once.",
    ),
    (
        "block_energy@1",
        {
            "blocks": [{"up_to": "5000", "price": "70"}, {"price": "62"}],
            "counts": "CONTRACT_YEAR",
            "volume": "MARGINAL",
            "part_month": "WHOLE",
            "loss_ratio": "0.0215",
            "loss_share_of": "METERED",
        },
        "Energy in blocks, raised by losses of 2.15 % of the metered energy: $70.00 per MWh up to "
        "5,000 MWh and $62.00 per MWh above that from 1 July 2026, without escalation. Each block "
        f"has its own price; the blocks count all energy since the last 1 July. {MWH}",
    ),
    (
        "block_energy@1",
        {
            "blocks": [
                {"up_to": "3", "up_to_hours": "200", "price": "70"},
                {"up_to_hours": "200", "price": "62"},
                {"price": "50"},
            ],
            "counts": "MONTH",
            "volume": "REACHED",
            "part_month": "DAYS",
            "billing_kw": {"window_minutes": 30, "ratchet_ratio": "0.8", "minimum_kw": "100"},
        },
        "Energy in blocks: $70.00 per MWh up to 3 MWh or 200 kWh per kW of billing demand, "
        "whichever is less, $62.00 per MWh up to 200 kWh per kW of billing demand and $50.00 per "
        "MWh above that from 1 July 2026, without escalation. All energy of the month has the "
        "price of the block that is reached; the blocks count the energy of a month; the blocks "
        "of a part month are shortened to its days over the days of the month. Billing demand is "
        "the highest 30-minute average of the month (fixed windows of the clock), at least 80 % of "
        f"the highest demand of the 11 months before (ratchet) and 100 kW. {MWH}",
    ),
    (
        "tou_blocks@1",
        {
            "calendar": "tou",
            "convention": "CHRONOLOGICAL",
            "counts": "MONTH",
            "volume": "MARGINAL",
            "part_month": "WHOLE",
            "periods": [
                {"period": "PEAK", "blocks": [{"up_to": "9", "price": "8"}, {"price": "7"}]},
                {"period": "OFF", "blocks": [{"up_to": "9", "price": "5"}, {"price": "4"}]},
            ],
        },
        "Energy in blocks by time of use: PEAK $8.00 per MWh up to 9 MWh and $7.00 per MWh above "
        "that; OFF $5.00 per MWh up to 9 MWh and $4.00 per MWh above that from 1 July 2026, "
        "without escalation. A running total of the energy in time order decides the block of "
        "each interval. Each block has its own price; the blocks count the energy of a month; the "
        f"blocks of a part month are whole. {PEAKS}; OFF is all other hours, holidays included "
        f"(America/Chicago time). {MWH}",
    ),
    (
        "excess_energy@1",
        {
            "price": "58.4",
            "contract_quantity": "30000",
            "limit_ratio": "1.1",
            "test": "MONTH",
            "prices": "BOTH",
            "excess_price": "LOWER_OF_INDEX",
            "index": "hub",
            "excess_ratio": "0.75",
            "part_month": "DAYS",
        },
        "Energy above 110 % of 30,000 MWh in a month is excess and paid at 75 % of the price or at "
        "West hub day-ahead, whichever is lower; energy up to that costs $58.40 per MWh from 1 "
        "July 2026, without escalation. This line bills all energy; the limit of a part month is "
        f"shortened to its days. {MWH}",
    ),
    (
        "take_or_pay@1",
        {
            "price": "60",
            "contract_quantity": "360000",
            "year_quantities": [{"contract_year": 1, "quantity": "180000"}],
            "take_ratio": "0.9",
            "test": "CONTRACT_YEAR",
            "pays": "LESS_AVOIDED_COST",
            "avoided_cost": "21.5",
            "excused": ["outage", "force majeure"],
            "deemed": ["deemed energy"],
            "make_up_years": 2,
            "energy_billed": "OTHER_TERMS",
            "part_month": "WHOLE",
        },
        "Take or pay: 90 % of 360,000 MWh, in year 1 180,000 MWh in a contract year at $60.00 per "
        "MWh from 1 July 2026, without escalation. Taken is the energy supplied and deemed energy; "
        "excused is outage and force majeure. What is missing is paid at the price of the "
        "energy less $21.50, once, in the last month of the year. It may be made up within 2 "
        "contract years by energy above that, oldest first, at the difference of the prices. The "
        f"energy itself is billed by other lines. {MWH}",
    ),
    (
        "minimum_bill@1",
        {"minimum": "45000", "lines": [20, 10], "part_month": "WHOLE"},
        "Minimum bill: $45,000.00 a month from 1 July 2026. When the printed amounts of lines 10 "
        "and 20 come to less, the difference is billed. A part month owes the whole minimum.",
    ),
    (
        "tax@1",
        {
            "rates": [
                {"from_date": "2026-01-01", "rate_ratio": "0.0625"},
                {"from_date": "2027-01-01", "rate_ratio": "0.065"},
            ],
            "lines": [40, 10],
            "method": "ON_TOP",
            "tax_day": "LAST_DAY",
            "certificates": [
                {
                    "line_code": 10,
                    "certificate": "TX-77",
                    "exempt_ratio": "0.75",
                    "from_date": "2026-01-01",
                    "until_date": "2027-12-31",
                }
            ],
        },
        "Tax of 6.25 % from 1 January 2026 and 6.5 % from 1 January 2027 on the printed amounts of "
        "lines 10 and 40; 75 % of line 10 is exempt by certificate TX-77 from 1 January 2026 to 31 "
        "December 2027. Rate and certificates are those of the last day billed; the sum is rounded "
        "to cents once.",
    ),
    (
        "tax@1",
        {
            "rates": [{"from_date": "2026-01-01", "rate_ratio": "0.025"}],
            "lines": [10, 80],
            "method": "INCLUDED",
            "tax_day": "FIRST_DAY",
        },
        "Tax of 2.5 % from 1 January 2026 on the printed amounts of lines 10 and 80, itself "
        "included: base times rate over one minus the rate. Rate and certificates are those of the "
        "first day billed; the sum is rounded to cents once.",
    ),
    (
        "late_interest@1",
        {
            "rates": [
                {"from_date": "2026-01-01", "rate_ratio": "0.095"},
                {"from_date": "2026-09-01", "rate_ratio": "0.0925"},
            ],
            "method": "SIMPLE",
            "day_count": "ACTUAL_360",
            "tax": "EXCLUDED",
            "billed": "WHEN_PAID",
        },
        "Late interest: 9.5 % a year from 1 January 2026 and 9.25 % a year from 1 September 2026, "
        "simple interest by the day, the days over 360. The due day does not count, the day of "
        "payment does; the tax in an amount bears no interest. It is billed when the amount is "
        "paid; the sum is rounded to cents once.",
    ),
    (
        "late_interest@1",
        {
            "rates": [{"from_date": "2026-01-01", "rate_ratio": "0.015"}],
            "method": "FLAT_PER_MONTH",
            "day_count": "ACTUAL_365",
            "tax": "INCLUDED",
            "billed": "EACH_PERIOD",
        },
        "Late interest: 1.5 % a month from 1 January 2026, for each month or part of one since the "
        "due day. The due day does not count, the day of payment does; the tax in an amount bears "
        "interest too. It is billed each month, as long as the amount is open; the sum is rounded "
        "to cents once.",
    ),
    (
        "formula@1",
        {
            "formula": "max(0, agreed * share - taken) * price * (1 - waived)",
            "names": [
                {"name": "agreed", "kind": "FACT", "of": "contract_mwh", "unit": "MWh"},
                {"name": "share", "kind": "CONSTANT", "value": "0.8", "unit": "ratio"},
                {
                    "name": "taken",
                    "kind": "SERIES",
                    "of": "delivered",
                    "take": "SUM",
                    "unit": "MWh",
                },
                {"name": "price", "kind": "CONSTANT", "value": "31.75", "unit": "USD/MWh"},
                {"name": "waived", "kind": "CONSTANT", "value": "0", "unit": "ratio"},
            ],
        },
        "Formula: max(0, agreed x share - taken) x price x (1 - waived), in dollars from 1 July "
        "2026, computed once, where agreed is the contract mwh of the month in MWh; share is 0.8 "
        "ratio; taken is the sum of the energy in MWh; price is $31.75 per MWh; waived is 0 ratio. "
        "The sum is rounded to cents once.",
    ),
    (
        "formula@1",
        {
            "formula": "clip(lmp, floor, 60 * floor / 25) * energy",
            "names": [
                {"name": "lmp", "kind": "INDEX", "of": "hub", "take": "EACH", "unit": "USD/MWh"},
                {"name": "floor", "kind": "CONSTANT", "value": "25", "unit": "USD/MWh"},
                {
                    "name": "energy",
                    "kind": "SERIES",
                    "of": "delivered",
                    "take": "EACH",
                    "unit": "MWh",
                },
            ],
        },
        "Formula: clip(lmp, floor, 60 x floor / 25) x energy, in dollars from 1 July 2026, "
        "computed in every interval and summed, where lmp is each interval of West hub day-ahead "
        "in dollars per MWh; floor is $25.00 per MWh; energy is each interval of the energy in "
        "MWh. The sum is rounded to cents once.",
    ),
    (
        "excise@1",
        {
            "steps": [
                {"up_to_kwh": "2000", "rate": "0.00465"},
                {"up_to_kwh": "15000", "rate": "0.00419"},
                {"rate": "0.00363"},
            ],
            "part_month": "WHOLE",
        },
        "Excise: $0.00465 per kWh for the first 2,000 kWh, $0.00419 per kWh for the next 13,000 "
        "kWh and $0.00363 per kWh above that from 1 July 2026, by the energy of the month. In a "
        "part month the steps stay whole; the energy is rounded to 0 places of a kWh, the sum to "
        "cents once.",
    ),
    (
        "pool_share@1",
        {"pool": "insurance"},
        "Share of the campus pool “insurance”: its amount of the month, divided to the cent by the "
        "pool's key; a cost or fee is charged, revenue is credited. The month is billed once, by "
        "the version that holds on its last day.",
    ),
]


TWO = {"schedule": "plan", "day_ahead_index": "hub", "index": "rt", "customer": "SELLS"}
SAID_TWO = (
    "Energy in two settlements from 1 July 2026: the customer is paid the schedule “plan” at the "
    "price of West hub day-ahead, per MWh as published, and what was metered beyond it at that of "
    "rt; what was metered less counts against it; a missing price is never taken as zero, the bill "
    f"waits for it. {MWH}"
)


def test_two_settlements_are_said():
    kind = charge_type("two_settlement@1")
    assert kind.sentence(kind.parse(TWO), CONTEXT) == SAID_TWO


@pytest.mark.parametrize(("key", "parameters", "said"), CASES)
def test_a_term_is_said_in_plain_words(key, parameters, said):
    kind = charge_type(key)
    text = kind.sentence(kind.parse(parameters), CONTEXT)
    assert text == said
    assert not re.search(r"[A-Z]+_[A-Z]+|@|USD/|delivered", text)


def test_every_charge_type_is_said():
    said = {key for key, _, _ in CASES} | {"two_settlement@1"}  # which names no price
    assert said == {key for key, _ in charge_types.items()}


@pytest.mark.parametrize(("key", "parameters", "said"), CASES)
def test_without_a_context_it_still_says_the_price(key, parameters, said):
    kind = charge_type(key)
    price = re.search(r"\$[\d.,]*\d|[\d.]+ %", said)  # none: it stands outside the contract
    assert (price[0] if price else parameters["pool"]) in kind.sentence(kind.parse(parameters))


def test_metered_energy_and_unnamed_calendars_are_said():
    kind = charge_type("tou_energy@1")
    terms = kind.parse({"calendar": "x-1", "prices": [{"period": "ON", "price": "1"}]})
    text = kind.sentence(terms, TermContext(quantity_name="metered"))
    assert text.startswith("Metered energy, without losses by time of use: ON $1.00 per MWh")
    assert "The hours are those of the calendar “x-1”." in text


def test_months_of_a_twelve_by_twenty_four_table_stand_together():
    night = [0] * 7 + [1] * 15 + [0] * 2
    tables = [night] * 12
    schedule = TouSchedule.from_12x24(tables, [[0] * 24] * 12, ["OFF", "ON"], zone="UTC")
    assert words.seasons(schedule) == (
        "ON is weekdays 07:00 to 22:00; OFF is all other hours (UTC time)."
    )
    assert words.seasons(schedule, ["OFF"]) == (
        "OFF is weekdays 00:00 to 07:00 and 22:00 to 24:00 and weekends 00:00 to 24:00 (UTC time)."
    )


def test_examples_in_docstrings():
    assert doctest.testmod(words).failed == 0


NERC = dict(nerc_years([2026, 2027]))
RULED = (
    " Holidays are New Year's Day (1 January), Memorial Day (the last Monday of May), Independence "
    "Day (4 July), Labor Day (the first Monday of September), Thanksgiving Day (the fourth "
    "Thursday of November) and Christmas Day (25 December); one that falls on a Sunday is observed "
    "on the Monday after (listed for 2026 to 2027)."
)
OWN = {date(2026, 10, 12): "Site day", date(2026, 12, 24): "", date(2027, 1, 1): "New Year's Day"}


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        (NERC, RULED),
        (
            OWN,
            " Holidays are 12 October 2026 (Site day) and 24 December 2026; 1 January 2027 "
            "(New Year's Day).",
        ),
        ({}, " The calendar lists no holidays."),
        (None, ""),
    ],
)
def test_the_holidays_of_a_calendar_are_named(listed, said):
    """Without them a tenant could not tell which hours of a weekday are off-peak."""
    assert holiday_words.said(SCHEDULE, listed) == said


def test_holidays_that_are_like_other_days_are_not_spoken_of():
    every = {"zone": "America/Chicago", "rows": [row(EVERY, ["all"], "00:00", "24:00", "ALL")]}
    assert holiday_words.said(TouSchedule.from_json(every), NERC) == ""


def test_energy_and_demand_name_the_holidays_of_their_calendar():
    context = replace(CONTEXT, holidays={"tou": NERC})
    tou = {"calendar": "tou", "prices": [{"period": "PEAK", "price": "7"}]}
    blocks = {"period": "PEAK", "blocks": [{"rate": "2"}]}
    for key, parameters in (
        ("tou_energy@1", tou),
        ("demand@1", {"calendar": "tou", "prices": [blocks]}),
    ):
        kind = charge_type(key)
        assert RULED.strip() in kind.sentence(kind.parse(parameters), context)


def test_the_rule_in_words_is_the_rule_that_lists_the_days():
    """2027 has a Fourth of July on a Sunday."""
    days = [day.isoformat() for day in sorted(NERC) if day.year == 2027]
    assert days == [
        *("2027-01-01", "2027-05-31", "2027-07-05", "2027-09-06", "2027-11-25", "2027-12-25"),
    ]
