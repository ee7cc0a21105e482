"""Terms whose numbers a document states each month: hours, deemed energy, fuel, agreed energy."""

import doctest
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from contracts.calc import of_month
from contracts.charges import charge_type
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import Period
from tests.contracts.builders import CHICAGO, charge, inputs, spread
from tests.contracts.calc.test_facts import number
from tests.contracts.charges.samples import GRID, given_load, settings_of
from tests.contracts.charges.test_take_or_pay import clause, monthly

APRIL = "2026-04"
HOURS = ("planned_h", "not_seller_h", "forced_h", "derated_h")
GUARANTEE = {
    "excused": "PLANNED",
    "guaranteed_ratio": "0.97",
    "rate": "18500",
    "points": "PRO_RATA",
    "tested": "MONTH",
    "cap": "NONE",
    "of_month": list(HOURS),
}
DEEMED = {
    "ordered_by": "BUYER",
    "price": "41",
    "tax_credit": "30",
    "gross_up": "NONE",
    "allowance_unit": "MWH",
    "allowance": "50",
    "allowance_per": "CONTRACT_YEAR",
    "of_month": ["deemed_mwh"],
}
PRODUCTION = {
    "expected_mwh": "210000",
    "degradation_ratio": "0",
    "guaranteed_ratio": "0.85",
    "test_years": 1,
    "price": "41.00",
    "damages_ratio": "0.5",
    "deemed": "BUYER",
    "of_month": ["deemed_mwh"],
}
FUEL = {
    "heat_rate": "7.0",
    "heating_value": "LHV",
    "tolerance_ratio": "0",
    "gain_share_ratio": "0",
    "gain_from": "BAND",
    "start_fuel": "IN",
    "gas_price": "INVOICES",
    "of_month": ["heat_rate", "hhv_per_lhv_ratio", "metered_mmbtu"],
}


def month(*numbers, mwh="0", **more):
    grid = Period.month(CHICAGO, APRIL).grid(60)
    events = tuple(number(name, value, APRIL) for name, value in numbers)
    return inputs(APRIL, spread(grid, str(Decimal(mwh) * 1000)), events=events, **more)


def test_hours_of_a_report_give_the_availability_of_a28():
    stated = zip(HOURS, ("24", "0", "31.5", "4.5"), strict=True)
    sheet, _ = charge("availability_guarantee@1", month(*stated), GUARANTEE)
    assert str(sheet.amount_usd) == "-40189.40"
    planned = sheet.figures[0].inputs[1]
    assert (planned.name, planned.source.ref) == ("planned_h", "event 7")
    missing, _ = charge("availability_guarantee@1", month(("planned_h", "24")), GUARANTEE)
    assert missing.amount_usd is None
    assert [one.message for one in missing.findings] == [
        f"{name} of 2026-04 is not known" for name in HOURS[1:]
    ]


def test_a_year_is_not_judged_while_a_month_of_it_is_silent():
    terms = GUARANTEE | {"tested": "CONTRACT_YEAR", "cap": "CONTRACT_YEAR", "cap_usd": "100"}
    anchor = {"anchor_date": date(2025, 5, 1)}
    unknown = {"year": 1, **dict.fromkeys(HOURS, None), "period_h": "8000", "paid_usd": "0"}
    stated = zip(HOURS, ("24", "0", "31.5", "4.5"), strict=True)
    sheet, _ = charge("availability_guarantee@1", month(*stated, **anchor), terms, unknown)
    assert sheet.amount_usd is None
    assert "a month of it did not state them" in sheet.findings[0].message


def test_deemed_energy_as_it_was_agreed_is_paid_beyond_the_allowance():
    given = month(("deemed_mwh", "22.5"), anchor_date=date(2025, 9, 15))
    sheet, carry = charge("deemed_energy@1", given, DEEMED, {"year": 1, "used": "40"})
    assert (str(sheet.amount_usd), carry) == ("887.50", {"year": 1, "used": "50"})
    silent, carry = charge(
        "deemed_energy@1", replace(given, events=()), DEEMED, {"year": 1, "used": "40"}
    )
    assert (silent.amount_usd, carry["used"]) == (None, None)
    assert [one.code for one in silent.findings] == ["contracts.fact_missing"]


def test_a_volume_is_not_given_to_one_of_two_years():
    given = month(("deemed_mwh", "22.5"), anchor_date=date(2025, 4, 15))
    sheet, _ = charge("deemed_energy@1", given, DEEMED)
    assert sheet.amount_usd is None
    assert "the contract year turns inside the month" in sheet.findings[0].message


def test_a_retention_that_no_month_states_leaves_no_gas_price():
    terms = settings_of("gas_indexed@1", Decimal(1)) | {"of_month": ["retention_ratio"]}
    sheet, _ = charge("gas_indexed@1", given_load([1] * GRID.count), terms)
    assert sheet.amount_usd is None
    assert sheet.findings[0].message == "retention_ratio of 2026-03-08 is not known"


def test_stated_deemed_energy_counts_as_produced():
    before = {"year": 1, "produced_mwh": "150000", "deemed_mwh": "2000", "excused_mwh": "1000"}
    given = month(("deemed_mwh", "3000"), mwh="12000", anchor_date=date(2025, 5, 1))
    sheet, _ = charge("production_guarantee@1", given, PRODUCTION, before)
    assert str(sheet.amount_usd) == "-215250.00"


def test_fuel_of_a_gas_statement_and_a_corrected_heat_rate():
    """40,000 MWh x 6.8 x 1.1 = 299,200 MMBtu are allowed, 310,000 burned; 3.35 a MMBtu."""
    stated = (("heat_rate", "6.8"), ("hhv_per_lhv_ratio", "1.1"), ("metered_mmbtu", "310000"))
    start, end = month().window()
    invoice = number("x", "0", APRIL)
    values = {"volume_mmbtu": "300000", "amount_usd": "1005000"}
    invoice = replace(invoice, kind="fuel_invoice@1", values=values, start_utc=start, end_utc=end)
    given = month(*stated, mwh="40000")
    given = replace(given, events=(*given.events, invoice))
    sheet, _ = charge("fuel_pass_through@1", given, FUEL)
    assert str(sheet.amount_usd) == "1002320.00"
    silent, _ = charge("fuel_pass_through@1", replace(given, events=(invoice,)), FUEL)
    assert silent.amount_usd is None
    assert len(silent.findings) == 3


def test_the_agreed_energy_of_a_month_is_its_nomination():
    terms = clause(
        contract_quantity="0", take_ratio="0.85", test="MONTH", of_month=["contract_quantity"]
    )
    given = replace(monthly("2026-03", "21000"), events=(number("contract_quantity", "27000"),))
    sheet, _ = charge("take_or_pay@1", given, terms)
    assert sheet.rows[-1].quantity.value == 1950
    silent, _ = charge("take_or_pay@1", replace(given, events=()), terms)
    assert (silent.amount_usd, silent.findings[0].code) == (None, "contracts.fact_missing")
    above = {
        "price": "40",
        "contract_quantity": "0",
        "test": "MONTH",
        "prices": "EXCESS",
        "excess_price": "SHARE",
        "excess_ratio": "0.75",
        "part_month": "DAYS",
        "of_month": ["contract_quantity"],
    }
    low = replace(given, events=(number("contract_quantity", "20000"),))
    assert str(charge("excess_energy@1", low, above)[0].amount_usd) == "30000.00"
    assert charge("excess_energy@1", replace(low, events=()), above)[0].amount_usd is None


@pytest.mark.parametrize(
    ("key", "terms", "said"),
    [
        ("deemed_energy@1", DEEMED | {"of_month": ["deemed"]}, "'deemed' is not one of deemed_mwh"),
        ("deemed_energy@1", DEEMED | {"of_month": ["deemed_mwh"] * 2}, "named twice"),
        ("deemed_energy@1", DEEMED | {"allowance_unit": "HOURS"}, "of a month has no hours"),
        ("production_guarantee@1", PRODUCTION | {"deemed": "NONE"}, "nothing is deemed"),
        ("fuel_pass_through@1", FUEL | {"gas_price": "INDEX", "gas_index": "GAS"}, "INVOICES"),
        ("fuel_pass_through@1", FUEL | {"heating_value": "HHV"}, "exactly when the heat rate is"),
        ("take_or_pay@1", clause(of_month=["contract_quantity"]), "the energy of the year"),
    ],
)
def test_what_cannot_be_stated_is_refused(key, terms, said):
    with pytest.raises(Refused, match=said):
        charge_type(key).parse(terms)


def test_terms_ask_for_the_numbers_and_say_so():
    assert doctest.testmod(of_month).failed == 0
    for key, terms in (
        ("availability_guarantee@1", GUARANTEE),
        ("deemed_energy@1", DEEMED),
        ("production_guarantee@1", PRODUCTION),
        ("fuel_pass_through@1", FUEL),
        ("take_or_pay@1", clause(test="MONTH", of_month=["contract_quantity"])),
    ):
        kind = charge_type(key)
        parsed = kind.parse(terms)
        assert set(kind.needs(parsed).facts) == set(terms.get("of_month", ["contract_quantity"]))
        assert "Stated by a document each month: " in kind.sentence(parsed)
