"""Heat-rate guarantee of a tolled plant: the buyer's gas beyond the band is paid back."""

from decimal import Decimal

import pytest

from poweroptix.kernel.errors import Refused
from tests.contracts.charges.terms import priced, spread
from tests.contracts.charges.test_fuel_pass_through import AGREED as FUEL
from tests.contracts.charges.test_fuel_pass_through import burned

KEY = "heat_rate_guarantee@1"
AGREED = {name: value for name, value in FUEL.items() if name != "gas_price"}
AGREED |= {"gas_index": "GAS", "cap": "NONE"}
GAS = {"GAS": {"flat": "3.35", "unit": "USD/MMBtu"}}


def of(mmbtu, prices=GAS, **more):
    document = {"series": {"delivered": spread(40_000_000), "fuel": burned(mmbtu)}}
    return priced(KEY, AGREED | more, document | {"prices": prices})[0]


@pytest.mark.parametrize(
    ("mmbtu", "usd"),
    [("290000", "-14740.00"), ("280000", "0.00"), ("270000", "7370.00")],
)
def test_too_much_fuel_is_a_credit_and_saved_fuel_is_shared(mmbtu, usd):
    """4,400 MMBtu above the band; half of 4,400 below it."""
    assert str(of(mmbtu).amount_usd) == usd


def test_the_damages_of_a_month_may_end_somewhere():
    sheet = of("290000", cap="MONTH", cap_usd="10000")
    assert sheet.amount_usd == Decimal("-10000.00")
    assert of("280000", cap="MONTH", cap_usd="10000").amount_usd == 0
    with pytest.raises(Refused, match="cap_usd: give it exactly when there is a cap"):
        of("1", cap="MONTH")


def test_a_missing_gas_price_leaves_the_amount_empty():
    hole = {"GAS": {"runs": [[1, None], [719, "3"]], "unit": "USD/MMBtu"}}
    sheet = of("290000", hole)
    assert sheet.amount_usd is None
    assert "'GAS' has no price" in sheet.findings[0].message
