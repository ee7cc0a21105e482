"""The stock of a battery among the sources: its cost, its months, what is refused."""

from decimal import Decimal

import pytest

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.rounding import money
from settlement.calc.campus import allocate_campus
from tests.contracts.cases import example
from tests.settlement.test_matching import (
    DAY,
    GAS,
    LOADS,
    SOURCES,
    assert_matched,
    by_source,
    campus,
    hours,
    rule,
)

STORE = {
    "efficiency_ratio": "0.86",
    "usd_per_kwh": {"solar": "0.025", "gas": "0.071"},
    "opening_period": DAY.label,
    "opening": [],
}


def battery_day(storage, carry_in=None):
    """The hours of B08: solar surplus and gas charge, what is discharged goes by use."""
    loads = {"ALFA": hours(0, 0, 3000, 0, 2000), "BRAVO": hours(0, 0, 1500, 0, 2500)}
    sources = {
        "SOLAR": hours(8000, 0, 0, 2000, 0),
        "GAS": hours(0, 4000, 0, 0, 0),
        "BAT": hours(0, 0, 4500, 0, 4500),
    }
    battery = rule(
        "battery",
        5,
        "waterfall@1",
        {"classes": [["ALFA", "BRAVO"]], "short_by": "USE"},
        ("BAT",),
        storage,
    )
    charged = {"BAT out": hours(8000, 4000, 0, 2000, 0)}
    return allocate_campus(
        campus(sources, loads, [rule("solar", 1), battery, GAS], charged, carry_in)
    )


def figures(outcome, code="battery"):
    return {one.name: one.value for one in outcome.worksheets[code].figures}


def test_a_battery_gives_at_the_average_cost_of_what_charged_it_case_b08():
    case = example("B08")["expected"]
    outcome = battery_day(STORE)
    assert_matched(outcome)
    found = figures(outcome)
    assert {code: found[f"cost of {code}"] for code in case["tenant_cost"]} == {
        code: Decimal(usd) for code, usd in case["tenant_cost"].items()
    }
    assert found["cost of the operator"] == 0
    assert found["stock after"] == Decimal(case["stored_kwh"])
    assert money(found["cost of the stock after"]) == Decimal(case["inventory_cost"])
    assert found["charged by solar"] == 10000
    assert found["discharged, charged by solar"] + found["discharged, charged by gas"] == 9000


def test_a_battery_may_give_the_oldest_energy_first():
    found = figures(battery_day({**STORE, "cost": "FIFO"}))
    # 6,880 kWh of solar for 200.00 leave first: 4,500, then 2,380 and 2,120 of 3,440 of gas.
    solar, gas = Decimal(200), Decimal(284) * 2120 / 3440
    first = Decimal(200) * 4500 / 6880
    expected = first * 3000 / 4500 + (solar - first + gas) * 2000 / 4500
    assert found["cost of ALFA"] == money(expected)
    assert found["discharged, charged by gas"] == 2120
    assert money(found["cost of the stock after"]) == money(Decimal(484) + 50 - solar - gas)


def test_the_stock_goes_on_in_the_next_month():
    first = battery_day(STORE)
    again = battery_day({**STORE, "opening_period": "2026-02"}, first.carry_out)
    with pytest.raises(Refused, match="The stock of battery at the start of 2026-03-02 is not kno"):
        battery_day({**STORE, "opening_period": "2026-02"})
    assert figures(again)["stock before"] == 3040
    assert figures(again)["stock after"] == 6080
    in_full = [Decimal(figures(one)["cost of the stock after"]) for one in (first, again)]
    spent = sum(figures(again)[f"cost of {code}"] for code in ("ALFA", "BRAVO"))
    assert abs(in_full[0] + 534 - spent - in_full[1]) < Decimal("0.01")


def test_what_a_battery_gives_beyond_its_stock_is_named():
    outcome = battery_day({**STORE, "efficiency_ratio": "0.5"})
    [finding] = [one for one in outcome.findings if one.code == "storage.beyond_stock"]
    assert finding.message.startswith("battery gave 2000 kWh more than was recorded as charged")
    assert figures(outcome)["stock after"] == 0


def test_a_missing_reading_leaves_the_stock_unknown_and_blocks():
    outcome = allocate_campus(
        campus(
            {"SOLAR": hours(1, None), "GAS": hours(), "BAT": hours()},
            {"ALFA": hours(1), "BRAVO": hours()},
            [rule("solar", 1), rule("battery", 5, points=("BAT",), storage=STORE), GAS],
        )
    )
    assert "battery: 1 intervals have no reading" in [one.message[:36] for one in outcome.findings]
    assert outcome.carry_out == {}
    assert by_source(outcome)["ALFA", "gas"].missing_count == 1
    assert_matched(outcome)


def test_a_charge_without_a_price_is_refused():
    with pytest.raises(Refused, match="gas charged the battery, but no price of charging is given"):
        battery_day({**STORE, "usd_per_kwh": {"solar": "0.025"}})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"usd_per_kwh": {"gas": "x"}}, "the price of gas is 'x'"),
        ({"opening": [{"kwh": "1"}]}, "Stock is written"),
        ({"efficiency_ratio": "1.2"}, "above the largest allowed value 1"),
        ({"cost": "LIFO"}, "is not one of AVERAGE, FIFO"),
    ],
)
def test_terms_of_a_stock_that_cannot_be_followed_are_refused(changes, message):
    battery = rule("solar", 1, storage={**STORE, **changes})
    with pytest.raises(Refused, match=message):
        allocate_campus(campus(SOURCES, LOADS, [battery, GAS]))
