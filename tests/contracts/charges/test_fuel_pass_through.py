"""Fuel pass-through: burned fuel up to what the heat rate allows, and a share of savings."""

from decimal import Decimal

import pytest

from poweroptix.kernel.errors import Refused
from tests.contracts.charges.terms import event, flat, priced, spread

KEY = "fuel_pass_through@1"
AGREED = {
    "heat_rate": "7.000",
    "heating_value": "HHV",
    "tolerance_ratio": "0.02",
    "gain_share_ratio": "0.5",
    "gain_from": "BAND",
    "start_fuel": "IN",
    "gas_price": "INVOICES",
}
BILL = event("fuel_invoice@1", "1", "16", volume_mmbtu="150000", amount_usd="480000")
BILL_2 = event("fuel_invoice@1", "16", "05-01", volume_mmbtu="150000", amount_usd="525000")
GAS = {"values": ["3.00"] * 360 + ["4.00"] * 360, "unit": "USD/MMBtu"}


def of(fuel, events=(BILL, BILL_2), mwh=40_000, prices=None, **more):
    """40,000 MWh at 7.0 allow 280,000 MMBtu, 274,400 to 285,600 with the band."""
    document = {
        "series": {"delivered": spread(mwh * 1000), "fuel": fuel},
        "events": list(events),
        "prices": prices or {},
    }
    return priced(KEY, AGREED | more, document, code=30)[0]


def burned(mmbtu):
    return spread(mmbtu, "MMBtu")


@pytest.mark.parametrize(
    ("mmbtu", "usd"),
    [
        ("280000", "938000.00"),  # inside the band: all of it at 3.35
        ("290000", "956760.00"),  # above: 285,600
        ("270000", "911870.00"),  # below: 270,000 and half of 4,400
    ],
)
def test_burned_fuel_is_paid_up_to_the_band_and_savings_are_shared(mmbtu, usd):
    assert str(of(burned(mmbtu)).amount_usd) == usd


def test_savings_may_be_measured_from_the_heat_rate_itself():
    """Below the band the whole 10,000 are shared; inside it nothing is."""
    assert of(burned("270000"), gain_from="HEAT_RATE").amount_usd == 275_000 * Decimal("3.35")
    assert of(burned("276000"), gain_from="HEAT_RATE").rows[1].quantity.value == 0


def test_a_heat_rate_on_the_lower_value_is_brought_to_the_higher_one():
    """7.0 x 1.1 x 40,000 = 308,000, with the band 314,160."""
    terms = {"heating_value": "LHV", "hhv_per_lhv_ratio": "1.1"}
    sheet = of(burned("320000"), **terms)
    assert sheet.rows[0].quantity.value == Decimal("314160")


def test_the_fuel_of_starts_is_taken_out():
    table = [{"state": "HOT", "fuel_mmbtu": "900"}]
    hot = event("start@1", "3 06:00", state="HOT", caused_by="BUYER")
    sheet = of(burned("280000"), (BILL, BILL_2, hot), start_fuel="OUT", start_table=table)
    assert sheet.rows[0].quantity.value == 279_100
    cold = event("start@1", "4 06:00", state="COLD", caused_by="BUYER")
    with pytest.raises(Refused, match="start_table: no fuel for a cold start"):
        of(burned("1"), (BILL, hot, cold), start_fuel="OUT", start_table=table)


def test_an_index_is_weighted_by_the_fuel_of_each_hour():
    """100 MMBtu an hour at 3 and 300 at 4 are 3.75 on average."""
    fuel = {"runs": [[360, "100"], [360, "300"]], "minutes": 60, "unit": "MMBtu"}
    index = {"gas_price": "INDEX", "gas_index": "GAS"}
    sheet = of(fuel, (), 20_571, {"GAS": GAS}, **index)
    assert sheet.rows[0].rate.value == Decimal("3.75")
    idle = of(flat(0, "MMBtu"), (), 0, {"GAS": GAS}, **index)
    assert (idle.rows[0].rate.value, idle.amount_usd) == (Decimal("3.5"), 0)
    hole = {"values": [None, *GAS["values"][1:]], "unit": "USD/MMBtu"}
    empty = of(fuel, (), 20_571, {"GAS": hole}, **index)
    assert empty.amount_usd is None
    assert empty.findings[0].message == "'GAS' has no price at 2026-04-01 06:00 UTC"


def test_without_an_invoice_or_a_reading_there_is_no_amount():
    sheet = of(burned("280000"), ())
    assert sheet.amount_usd is None
    assert sheet.findings[0].message == "no gas invoice of 2026-04 is entered"
    gap = {"runs": [[1, None], [719, "1"]], "minutes": 60, "unit": "MMBtu"}
    sheet = of(gap)
    assert sheet.amount_usd is None
    assert "'fuel' has no value in 1 intervals" in sheet.findings[0].message


def test_what_contradicts_itself_is_refused():
    over = event("fuel_invoice@1", "20", "05-03", volume_mmbtu="1", amount_usd="3")
    with pytest.raises(Refused, match="is for gas of other days too; enter it in parts"):
        of(burned("1"), (over,))
    for wrong, said in (
        ({"heating_value": "LHV"}, "hhv_per_lhv_ratio: give it exactly when"),
        ({"start_fuel": "OUT"}, "start_table: give it exactly when"),
        ({"gas_index": "GAS"}, "gas_index: name it exactly when"),
    ):
        with pytest.raises(Refused, match=said):
            of(burned("1"), **wrong)
    with pytest.raises(Refused, match="'fuel' is in kWh, the charge needs MMBtu"):
        of(spread(1))
