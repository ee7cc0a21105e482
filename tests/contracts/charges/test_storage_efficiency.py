"""Damages for energy that a battery lost beyond its guarantee."""

from tests.contracts.cases import example
from tests.contracts.charges.terms import priced, spread
from tests.contracts.charges.test_storage_toll import SERIES, STORED

KEY = "storage_efficiency@1"
AGREED = {"guaranteed_rte": "0.86", "price": "34.10"}


def of(series=SERIES, events=(STORED,)):
    return priced(KEY, AGREED, {"series": series, "events": list(events)})[0]


def test_a31_damages_instead_of_the_factor():
    sheet = of()
    assert str(sheet.amount_usd) == example("A31")["expected"]["alternative_rte_damages"]
    assert sheet.rows[0].quantity.sentence() == (
        "max(0, 0.86 ratio x 5912.400000 MWh - (5018.700000 MWh + 62.5 MWh - 40.0 MWh))"
    )


def test_a_better_battery_owes_nothing():
    assert of({"charge": spread(1000), "discharge": spread(900)}).amount_usd == 0


def test_without_a_state_of_charge_there_is_no_amount():
    sheet = of(events=())
    assert sheet.amount_usd is None
    assert "state of charge at both ends of 2026-04 is not recorded" in sheet.findings[0].message
