"""What the charge types that price energy say of themselves, beside their parameters."""

MWH = "The quantity is rounded to 3 places of a MWh; every row is rounded to cents."
PEAKS = (
    "PEAK is October to April on weekdays 06:00 to 10:00, and May to September on weekdays 13:00 "
    "to 20:00"
)

SAID = [
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
            "excused": ["outage_mwh", "force_majeure_mwh"],
            "deemed": ["deemed_energy_mwh"],
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
]
