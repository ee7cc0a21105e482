"""Tariffs replayed against PySAM 7.1.1: every line of every month to the cent, through terms.

The tariffs are URDB records; what stands in one is written as the terms of a contract version,
and the year is priced month after month with the carry of the one before.
"""

from decimal import Decimal

import numpy as np
import pytest

from contracts.calc.price_terms import PricedTerm, PricingInputs, price_terms
from contracts.charges import Calendar
from poweroptix.kernel.calendar import TouSchedule
from poweroptix.kernel.period import Period
from poweroptix.kernel.rounding import money
from tests.contracts.builders import micro_series
from tests.contracts.cases import DAYS, case_json, case_path, load_kw
from tests.contracts.pysam import ZONE

LOAD = ("seed", "base_kw", "noise_pct", "steps_per_hour", "weekend_pct", "month_scale_pct")
ENERGY, FLAT, TOU_DEMAND, FIXED, MINIMUM = 10, 20, 21, 40, 60
KW = {"window_minutes": 60, "kw_rounding": "NONE"}


def text(number):
    return f"{Decimal(str(number)):f}"


def rate(tier):
    return f"{Decimal(str(tier['rate'])) + Decimal(str(tier.get('adj', 0))):f}"


def names(structure):
    return [f"P{number}" for number in range(len(structure))]


def calendar_of(rates, kind, structure):
    tables = [rates[f"{kind}{day}schedule"] for day in ("weekday", "weekend")]
    return Calendar(TouSchedule.from_12x24(*tables, names(structure), zone=ZONE))


def energy_term(rates):
    """TOU prices where no period has tiers; else blocks spread over the periods (PRORATA)."""
    structure = rates["energyratestructure"]
    shared = {"calendar": "energy", "price_unit": "USD/kWh", "line_per": "CHARGE"}
    if all(len(tiers) == 1 for tiers in structure):
        prices = [
            {"period": name, "price": rate(tiers[0])}
            for name, tiers in zip(names(structure), structure, strict=True)
        ]
        return PricedTerm(
            1, ENERGY, "tou_energy@1", "Energy", parameters={**shared, "prices": prices}
        )
    periods = [
        {"period": name, "blocks": [block(tier) for tier in tiers]}
        for name, tiers in zip(names(structure), structure, strict=True)
    ]
    how = {"counts": "MONTH", "volume": "MARGINAL", "part_month": "WHOLE", "convention": "PRORATA"}
    parameters = {**shared, **how, "periods": periods, "billing_kw": KW, "quantity_places": 6}
    return PricedTerm(1, ENERGY, "tou_blocks@1", "Energy", parameters=parameters)


def block(tier):
    price = {"price": rate(tier)}
    if "max" not in tier:
        return price
    name = "up_to_hours" if tier["unit"] == "kWh/kW" else "up_to"
    return {name: text(tier["max"])} | price


def demand_blocks(tiers):
    ends = [{"up_to_kw": text(tier["max"])} if "max" in tier else {} for tier in tiers]
    return [{**end, "rate": rate(tier)} for end, tier in zip(ends, tiers, strict=True)]


def demand_terms(rates, minutes, **more):
    found = []
    if "flatdemandstructure" in rates:
        flat = rates["flatdemandstructure"]
        prices = [
            {"period": name, "blocks": demand_blocks(tiers)}
            for name, tiers in zip(names(flat), flat, strict=True)
        ]
        if len(flat) == 1:
            prices[0]["period"] = "ALL"
        found.append((FLAT, "flat", prices))
    if "demandratestructure" in rates:
        tou = rates["demandratestructure"]
        prices = [
            {"period": name, "blocks": demand_blocks(tiers)}
            for name, tiers in zip(names(tou), tou, strict=True)
        ]
        found.append((TOU_DEMAND, "demand", prices))
    return [
        PricedTerm(
            2,
            code,
            "demand@1",
            f"Demand {calendar}",
            parameters={
                "prices": prices,
                **({} if prices[0]["period"] == "ALL" else {"calendar": calendar}),
                "window_minutes": minutes,
                "kw_rounding": "NONE",
                **more,
            },
        )
        for code, calendar, prices in found
    ]


def terms_of(rates, minutes, **more):
    terms = [energy_term(rates), *demand_terms(rates, minutes, **more)]
    if "fixedmonthlycharge" in rates:
        fee = {"fee": text(rates["fixedmonthlycharge"])}
        terms.append(PricedTerm(4, FIXED, "recurring_fee@1", "Fixed", parameters=fee))
    if "minmonthlycharge" in rates:
        lines = [term.line_code for term in terms]
        least = {"minimum": text(rates["minmonthlycharge"]), "lines": lines, "part_month": "WHOLE"}
        terms.append(PricedTerm(6, MINIMUM, "minimum_bill@1", "Minimum", parameters=least))
    return terms


def calendars_of(rates):
    found = {"energy": calendar_of(rates, "energy", rates["energyratestructure"])}
    if "demandratestructure" in rates:
        found["demand"] = calendar_of(rates, "demand", rates["demandratestructure"])
    if "flatdemandstructure" in rates:
        months = [[number] * 24 for number in rates["flatdemandmonths"]]
        listed = names(rates["flatdemandstructure"])
        found["flat"] = Calendar(TouSchedule.from_12x24(months, months, listed, zone=ZONE))
    return found


def priced_year(terms, calendars, months, minutes, carry=None):
    """Yield what every line of every month comes to."""
    carry = carry or {}
    for number, micro in enumerate(months, start=1):
        period = Period.month(ZONE, f"2018-{number:02d}")
        series = micro_series(period.grid(minutes), micro)
        given = PricingInputs(
            "X", 1, period, ZONE, "USD", {"delivered": series}, calendars=calendars, carry_in=carry
        )
        priced, carry = price_terms(terms, given)
        yield number, {term.line_code: sheet for term, sheet in priced}


@pytest.mark.parametrize("key", ["X1", "X3", "X5", "X7"])
def test_every_line_of_every_month(key):
    case = case_json(f"settlement/crosscheck_{key}.json")
    load, rates = case["load"], case["rate"]
    if isinstance(rates, str):
        rates = case_json(f"settlement/{rates}")["rate"]
    minutes = 60 // load["steps_per_hour"]
    more, carry = {}, {}
    if case["ratchet"]:
        ratchet = case["ratchet"]
        more = {
            "ratchet_ratio": "0.8",
            "ratchet_months": ratchet["lookback"],
            "lookback_counts": "K_PLUS_1",
            "minimum_kw": text(ratchet["minimum"]),
        }
        peaks = {f"2017-{at:02d}": text(kw) for at, kw in enumerate(ratchet["prev"], start=1)}
        carry = {str(FLAT): {"peaks": peaks}}
    months = [
        np.array(steps, dtype=np.int64) * (10**6 // load["steps_per_hour"])
        for steps in load_kw(*(load[name] for name in LOAD))
    ]
    year = priced_year(
        terms_of(rates, minutes, **more), calendars_of(rates), months, minutes, carry
    )
    total = Decimal(0)
    for number, sheets in year:
        expected = case["monthly"][number - 1]
        found = {code: f"{sheet.amount_usd}" for code, sheet in sheets.items()}
        lines = {
            ENERGY: "energy",
            FLAT: "demand_flat",
            TOU_DEMAND: "demand_tou",
            FIXED: "fixed",
            MINIMUM: "minimum",
        }
        for code, name in lines.items():
            if code != MINIMUM or code in found:
                assert Decimal(found.get(code, "0")) == Decimal(expected[name]), (number, name)
        exact = sum(sheet.exact_usd for sheet in sheets.values())
        assert f"{money(exact)}" == expected["total"], number
        total += money(exact)
    assert f"{total}" == case["annual_sum_of_rounded_months"]


def sam_blocks(matrix):
    """Blocks of one period of a SAM matrix: those in kWh lie within the hours of use before."""
    blocks, hours = [], None
    for _period, _tier, top, unit, _buy, *_ in matrix:
        price = text(_buy)
        if unit == 1 and top < 1e30 and not blocks and hours is None:
            hours = text(top)  # the first tier only opens the range of the kWh tiers
            continue
        within = {"up_to_hours": hours} if hours else {}
        if unit == 0:
            end = {} if top > 1e30 else {"up_to": text(top)}
            blocks.append({**end, **within, "price": price})
            if top > 1e30:
                hours = None
        else:
            blocks.append(({} if top > 1e30 else {"up_to_hours": text(top)}) | {"price": price})
    return blocks


def test_pysam_hours_of_use_with_blocks_inside_and_seasonal_billing_demand():
    name = "Test_Commercial_kWh_per_kW_charges_with_billing_demand_percents"
    case = case_json("peers/sam_utilityrate5/expected_pysam_7.1.1.json")[name]
    given, outputs = case["inputs"], case["outputs_year1"]
    matrix = given["ur_ec_tou_mat"]
    periods = [
        {"period": f"P{n}", "blocks": sam_blocks([row for row in matrix if row[0] == n + 1])}
        for n in (0, 1)
    ]
    summer = [6, 7, 8, 9]
    kw = {
        **KW,
        "minimum_kw": "100",
        "ratchet_seasons": [
            {"months": summer, "ratchet_ratio": "0.95"},
            {
                "months": [month for month in range(1, 13) if month not in summer],
                "ratchet_ratio": "0.6",
                "own_ratio": "0.6",
            },
        ],
    }
    energy = {
        "calendar": "energy",
        "convention": "PRORATA",
        "counts": "MONTH",
        "volume": "MARGINAL",
        "part_month": "WHOLE",
        "price_unit": "USD/kWh",
        "quantity_places": 6,
        "line_per": "CHARGE",
        "billing_kw": kw,
        "periods": periods,
    }
    terms = [
        PricedTerm(1, ENERGY, "tou_blocks@1", "Energy", parameters=energy),
        PricedTerm(4, FIXED, "recurring_fee@1", "Fixed", parameters={"fee": "21"}),
    ]
    tables = [
        [[int(at) - 1 for at in hours] for hours in given[f"ur_ec_sched_{day}"]]
        for day in ("weekday", "weekend")
    ]
    calendars = {"energy": Calendar(TouSchedule.from_12x24(*tables, ["P0", "P1"], zone=ZONE))}
    path = case_path("peers/sam_utilityrate5/load_commercial_large_hourly_kW.csv")
    kwh = [int(Decimal(f"{Decimal(line):.6f}") * 10**6) for line in path.read_text().split()]
    ends = np.cumsum([days * 24 for days in DAYS])
    months = [kwh[end - days * 24 : end] for end, days in zip(ends, DAYS, strict=True)]
    for number, sheets in priced_year(terms, calendars, months, 60):
        for code, output in ((ENERGY, "charge_wo_sys_ec_ym"), (FIXED, "charge_wo_sys_fixed_ym")):
            expected = money(Decimal(str(outputs[output][number - 1])))
            assert sheets[code].amount_usd == expected, (number, output)
        bill = sum(sheet.exact_usd for sheet in sheets.values())
        expected = money(Decimal(str(outputs["utility_bill_wo_sys_ym"][number - 1])))
        assert money(bill) == expected, number
