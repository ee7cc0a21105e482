"""What demand, fees, taxes and all other charge types say of themselves."""

from tests.contracts.charges.energy_words import PEAKS

PART = "A part month pays its days over the days of the month; the sum is rounded to cents once."

SAID = [
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
        "the version that holds on its last day in force.",
    ),
    (
        "coincident_peak@1",
        {
            "system": "ERCOT 4CP",
            "rate": "4.75",
            "counts": "SEASON_BEFORE",
            "peaks": 4,
            "season_months": [6, 7, 8, 9],
            "billed_from_month": 1,
            "kw_rounding": "NONE",
            "proration": "BY_DAYS",
            "loss_ratio": "0.02",
            "loss_share_of": "METERED",
        },
        "Coincident peak: $4.75 per kW-month from 1 July 2026 for the average kW in the peaks "
        "of ERCOT 4CP as published, 4 peaks of the last June, July, August and September before "
        "the billing year, which begins in January, raised by losses of 2 % of the metered energy. "
        "The billed kW are not rounded; a part month pays its days over the days of the month; the "
        "sum is rounded to cents once.",
    ),
    (
        "coincident_peak@1",
        {
            "system": "PJM",
            "rate": "4.75",
            "counts": "SAME_MONTH",
            "peaks": 1,
            "kw_rounding": "UP",
            "proration": "FULL_MONTH",
        },
        "Coincident peak: $4.75 per kW-month from 1 July 2026 for the average kW in the peaks "
        "of PJM as published, 1 peak of the month. The billed kW are rounded up to whole kW; a "
        "part month pays in full; the sum is rounded to cents once.",
    ),
]
