"""What guarantees, tolls, starts and fuel say in words; asked beside the other terms."""

SAID = [
    (
        "availability_guarantee@1",
        {
            "guaranteed_ratio": "0.97",
            "rate": "18500",
            "points": "PRO_RATA",
            "tested": "MONTH",
            "cap": "TEST",
            "cap_usd": "50000",
            "excused": "PLANNED",
        },
        "Availability guarantee: 97 % in each month from 1 July 2026; every percentage point "
        "below costs the seller $18,500.00 (pro rata), at most $50,000.00 a month. The hours of"
        " planned outages leave the test; a derating counts with the part that it lost. The "
        "availability is rounded to 6 places.",
    ),
    (
        "availability_guarantee@1",
        {
            "guaranteed_ratio": "0.97",
            "rate": "18500",
            "points": "FULL_POINTS",
            "tested": "CONTRACT_YEAR",
            "excused": "PLANNED_AND_NOT_SELLER",
            "planned_limit_h": "120",
            "cap": "NONE",
        },
        "Availability guarantee: 97 % in each contract year from 1 July 2026; every percentage "
        "point below costs the seller $18,500.00 (full points only). The hours of planned "
        "outages and those not caused by the seller (at most 120 planned hours) leave the test;"
        " a derating counts with the part that it lost. The availability is rounded to 6 "
        "places.",
    ),
    (
        "production_guarantee@1",
        {
            "expected_mwh": "210000",
            "degradation_ratio": "0.005",
            "guaranteed_ratio": "0.85",
            "test_years": 1,
            "price": "41.00",
            "damages_ratio": "0.5",
            "deemed": "BUYER",
        },
        "Production guarantee: 85 % of 210,000 MWh a year, 0.5 % less in each later year, "
        "tested over each contract year from 1 July 2026; a missing MWh costs the seller 50 % "
        "of $41.00. Energy curtailed by order of the buyer counts as produced. Energy of which "
        "the seller is excused lessens what is missing.",
    ),
    (
        "deemed_energy@1",
        {
            "ordered_by": "BUYER",
            "price": "41.00",
            "tax_credit": "30.00",
            "gross_up": "BY_TAX_RATIO",
            "allowance_unit": "MWH",
            "allowance": "50",
            "allowance_per": "CONTRACT_YEAR",
            "tax_ratio": "0.21",
        },
        "Deemed energy: $41.00 per MWh from 1 July 2026 and $30.00 for the lost tax credit, "
        "grossed up for 21 % tax, for what could have been produced and was not because the "
        "buyer ordered it; the first 50 MWh of a contract year are free. The quantity is "
        "rounded to 3 places of a MWh; the sum is rounded to cents once.",
    ),
    (
        "storage_toll@1",
        {
            "capacity_kw": "50000",
            "rate": "12.85",
            "tested": "EVENTS",
            "availability": "FACT",
            "excused": "PLANNED",
            "guaranteed_ratio": "0.98",
            "points_per_point": "2",
            "zero_below_ratio": "0.70",
            "efficiency": "FACTOR",
            "guaranteed_rte": "0.86",
        },
        "Storage toll: $12.85 per kW-month for 50,000 kW from 1 July 2026, from a capacity test"
        " on for what it gave. Every point of availability below 98 % takes 2 points off; below"
        " 70 % nothing is paid. A round-trip efficiency below 86 % lessens the payment in "
        "proportion. A part month pays its days over the days of the month; the sum is rounded "
        "to cents once.",
    ),
    (
        "storage_efficiency@1",
        {"guaranteed_rte": "0.86", "price": "34.10"},
        "Storage efficiency: 86 % of the charged energy comes back from 1 July 2026; a missing "
        "MWh costs the seller $34.10. The quantity is rounded to 3 places of a MWh; the sum is "
        "rounded to cents once.",
    ),
    (
        "excess_cycles@1",
        {"counted_by": "DISCHARGE", "capacity_mwh": "200", "allowed_cycles": "365", "rate": "9.50"},
        "Excess cycles from 1 July 2026: 365 full-equivalent cycles of a contract year are "
        "allowed (discharged energy over 200 MWh); each one more costs $9.50 for every one of "
        "its 200 MWh. The sum is rounded to cents once.",
    ),
    (
        "starts@1",
        {
            "table": [
                {"state": "HOT", "fee": "12500", "fuel_mmbtu": "900"},
                {"state": "WARM", "fee": "16000", "fuel_mmbtu": "1350"},
                {"state": "COLD", "fee": "24500", "fuel_mmbtu": "2100"},
            ],
            "gas_index": "hub",
            "paid": "BUYER",
            "free_starts": 2,
            "free_per": "MONTH",
            "free_order": "TIME",
        },
        "Starts of the buyer from 1 July 2026: $12,500.00 and 900 MMBtu of gas for a hot start,"
        " $16,000.00 and 1,350 MMBtu of gas for a warm start and $24,500.00 and 2,100 MMBtu of "
        "gas for a cold start, the gas at the price of West hub day-ahead at that time. 2 "
        "starts of a month, in order of time, are free.",
    ),
    (
        "fuel_pass_through@1",
        {
            "heat_rate": "7.000",
            "heating_value": "HHV",
            "tolerance_ratio": "0.02",
            "gain_share_ratio": "0.5",
            "gain_from": "BAND",
            "start_fuel": "IN",
            "gas_price": "INVOICES",
        },
        "Fuel from 1 July 2026: the buyer pays the average cost of the month's gas invoices for"
        " the fuel that was burned, at most for what the heat rate allows. Guaranteed are 7 "
        "MMBtu per MWh on the higher heating value, with a band of ±2 %. Of fuel saved below "
        "the band the seller gets 50 % of the price. The fuel of starts stays in.",
    ),
    (
        "heat_rate_guarantee@1",
        {
            "heat_rate": "7.000",
            "heating_value": "LHV",
            "tolerance_ratio": "0.02",
            "gain_share_ratio": "0.5",
            "gain_from": "BAND",
            "start_fuel": "IN",
            "gas_index": "hub",
            "cap": "MONTH",
            "cap_usd": "10000",
            "hhv_per_lhv_ratio": "1.1",
        },
        "Heat-rate guarantee from 1 July 2026: for fuel beyond what the heat rate allows the "
        "seller pays the price of West hub day-ahead, weighted by use, at most $10,000.00 a "
        "month. Guaranteed are 7 MMBtu per MWh on the lower heating value (times 1.1 on the "
        "higher one), with a band of ±2 %. Of fuel saved below the band the seller gets 50 % of"
        " the price. The fuel of starts stays in.",
    ),
    (
        "capacity@1",
        {
            "capacity_kw": "60000",
            "rate": "14.25",
            "tested": "EVENTS",
            "availability": "OUTAGES",
            "excused": "PLANNED",
        },
        "Capacity: $14.25 per kW-month for 60,000 kW from 1 July 2026, from a capacity test on "
        "for what it gave, times the availability after outages other than planned outages. A "
        "part month pays its days over the days of the month; the sum is rounded to cents once.",
    ),
]
