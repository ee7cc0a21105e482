"""Estimates of plants: solar, wind, gas, storage, and the devices of a tenant."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pytest

from meters.calc.curve import along, held
from meters.calc.evidence import Evidence, Fuel, Named, Solar, Storage, Wind
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.quality import Status
from poweroptix.kernel.rounding import estimate as rounded
from tests.meters.cases import example, needs_cases
from tests.meters.estimation.sheets import number, run, series, texts, with_status

ONE = slice(0, 1)


def points(*pairs):
    return tuple((Decimal(str(x)), Decimal(str(y))) for x, y in pairs)


# -- solar@1 -------------------------------------------------------------------------------------

SUN = {"facts": {"technology": "SOLAR"}, "zone": "America/Chicago"}


def test_the_sun_below_minus_three_degrees_gives_nothing():
    hole = series([None, None])
    night = Evidence(solar=Solar(elevation=series(["-3.001", "-20"], unit="deg")))
    estimate = run("solar@1", hole, slice(0, 2), night, **SUN)
    assert texts(estimate) == ["0.000", "0.000"]
    assert estimate.worksheet["steps"][0]["elevation_deg"] == "-3.001"
    dusk = Evidence(solar=Solar(elevation=series([-3, -20], unit="deg")))
    assert run("solar@1", hole, slice(0, 2), dusk, **SUN) is None


def test_inverters_less_the_collection_loss_and_night_in_one_gap():
    hole = series([None, None])
    evidence = Evidence(
        devices=(Named("I1", series([60, None])), Named("I2", series([40, 0]))),
        device_loss_pct=Decimal("1.5"),
        solar=Solar(elevation=series([2, -5], unit="deg")),
    )
    estimate = run("solar@1", hole, slice(0, 2), evidence, **SUN)
    assert texts(estimate) == ["98.500", "0.000"]
    assert estimate.used == ("inverters", "night")
    step = estimate.worksheet["steps"][0]
    assert number(step["sum"]) * (1 - number(step["loss_pct"]) / 100) == Fraction("98.5")


def irradiated(clear_days, ghi_now=300, ghi_then=600, status=Status.VALIDATED, **context):
    """Two days of hours; on the second, noon is missing."""
    values = series([0] * 12 + [500] + [0] * 23 + [None] + [0] * 11, minutes=60)
    sun = series([0] * 12 + [ghi_then] + [0] * 23 + [ghi_now] + [0] * 11, 60, "W/m2")
    evidence = Evidence(
        solar=Solar(
            irradiance=Named("pyranometer", with_status(sun, 36, status)),
            clear_days=frozenset(clear_days),
        )
    )
    return run("solar@1", values, slice(36, 37), evidence, **SUN, **context)


CLEAR = dt.date(2026, 3, 2)


def test_irradiance_against_the_last_clear_day():
    estimate = irradiated([CLEAR])
    assert texts(estimate) == ["250.000"]
    step = estimate.worksheet["steps"][0]
    assert step["clear_day"] == "2026-03-02"
    assert number(step["E_ref"]) * number(step["GHI"]) / number(step["GHI_ref"]) == 250
    assert texts(irradiated([CLEAR], ghi_now=0)) == ["0.000"]


def test_no_clear_day_no_light_then_a_doubtful_sensor_or_an_outage_is_no_answer():
    assert irradiated([]) is None
    assert irradiated([dt.date(2026, 3, 3)]) is None  # the day itself
    assert irradiated([CLEAR], ghi_then=0) is None
    assert irradiated([CLEAR], status=Status.ESTIMATED) is None
    assert irradiated([CLEAR], flags=[(3, 4, "POWER_FAIL", {})]) is None


@pytest.mark.parametrize("key", ["solar@1", "wind@1", "gas@1", "storage@1"])
def test_a_model_is_for_its_own_plants_only(key):
    evidence = Evidence(devices=(Named("I1", series([60])),))
    assert run(key, series([None]), ONE, evidence, facts={"technology": "NUCLEAR"}) is None


# -- wind@1 --------------------------------------------------------------------------------------

WIND = {"facts": {"technology": "WIND"}}
CURVE = points((3, 0), (5, 400), (12, 3000), (25, 3000))


def blown(speed, curve=CURVE, loss="0", minutes=15):
    evidence = Evidence(
        wind=Wind(Named("nacelles", series([speed], minutes, "m/s")), curve),
        device_loss_pct=Decimal(loss),
    )
    return run("wind@1", series([None], minutes), ONE, evidence, **WIND)


@pytest.mark.parametrize(
    ("speed", "kwh"),
    [("2.9", "0.000"), ("3", "0.000"), ("4", "50.000"), ("5", "100.000"), ("8.5", "425.000"),
     ("25", "750.000"), ("25.1", "0.000")],
)  # fmt: skip
def test_the_power_curve_between_cut_in_and_cut_out(speed, kwh):
    assert texts(blown(speed)) == [kwh]


def test_losses_and_the_worksheet_of_a_curve():
    estimate = blown("8.5", loss="2")
    assert texts(estimate) == ["416.500"]
    sheet = estimate.worksheet
    assert number(sheet["steps"][0]["kw"]) / 4 * (1 - number(sheet["loss_pct"]) / 100) == 416.5
    assert sheet["curve"][1] == ["5", "400"]


def test_turbines_come_before_the_curve():
    evidence = Evidence(devices=(Named("T1", series([100])), Named("T2", series([-3]))))
    assert texts(run("wind@1", series([None]), ONE, evidence, **WIND)) == ["97.000"]
    still = Evidence(devices=(Named("T1", series([-3])),))
    assert texts(run("wind@1", series([None]), ONE, still, **WIND)) == ["0.000"]
    assert run("wind@1", series([None]), ONE, Evidence(), **WIND) is None


def test_a_curve_that_does_not_rise_is_refused():
    with pytest.raises(Refused, match="each further along"):
        blown("4", points((5, 1), (3, 2)))
    with pytest.raises(Refused, match="A curve needs points"):
        along((), Decimal(1))
    assert held(points((2, 8)), Decimal(1)) == held(points((2, 8)), Decimal(3)) == 8


# -- gas@1 ---------------------------------------------------------------------------------------


def burnt(mmbtu, rates, minutes=60, technology="GAS_TURBINE", **more):
    evidence = Evidence(
        fuel=Fuel(Named("gas meter", series([mmbtu], minutes, "MMBtu")), rates), **more
    )
    return run("gas@1", series([None], minutes), ONE, evidence, facts={"technology": technology})


@needs_cases
@pytest.mark.parametrize("technology", ["GAS_ENGINE", "GAS_TURBINE", "FUEL_CELL"])
def test_heat_rate_example(technology):
    case = example("U6")["given"]
    estimate = burnt(case["mmbtu"], points((0, case["heat_rate_btu_per_kwh"])), 60, technology)
    assert texts(estimate) == [example("U6")["expect"]["kwh"]]


def test_the_heat_rate_is_read_at_the_fuel_rate_of_the_interval():
    rates = points((40, 10000), (80, 8000))
    estimate = burnt(15, rates, minutes=15)  # 60 MMBtu/h
    assert texts(estimate) == ["1666.667"]
    [step] = estimate.worksheet["steps"]
    assert step["heat_rate_btu_per_kwh"] == "9000"
    exact = number(step["fuel_mmbtu"]) * 10**6 / number(step["heat_rate_btu_per_kwh"])
    assert rounded(exact) == estimate.decimals()[0]
    assert texts(burnt(100, rates)) == ["12500.000"]


def test_without_fuel_the_schedule_and_never_a_negative_one():
    gas = {"facts": {"technology": "GAS_ENGINE"}}
    planned = Evidence(schedule=Named("week 10", series([300])))
    assert texts(run("gas@1", series([None]), ONE, planned, **gas)) == ["300.000"]
    wrong = Evidence(schedule=Named("week 10", series([-300])))
    assert run("gas@1", series([None]), ONE, wrong, **gas) is None
    assert burnt(-1, points((0, 9000))) is None
    assert burnt(1, points((0, 0))) is None
    assert texts(burnt(None, points((0, 9000)), schedule=Named("week 10", series([7], 60)))) == [
        "7.000"
    ]


# -- storage@1 -----------------------------------------------------------------------------------

STORE = {"facts": {"technology": "BATTERY"}}


def stored(levels, gap, **settings):
    store = Storage(Named("BMS", series(levels, unit="%")), **settings)
    hole = series([0, *[None] * (len(levels) - 2), 0])
    return run("storage@1", hole, gap, Evidence(storage=store), **STORE)


@needs_cases
def test_state_of_charge_example():
    case = example("U5")["given"]
    estimate = stored(
        [0, case["soc_from"], case["soc_to"]], slice(1, 2),
        usable_kwh=Decimal(case["usable_mwh"]) * 1000, charge_ratio=Decimal(case["eta_charge"]),
        counts="CHARGE",
    )  # fmt: skip
    assert texts(estimate) == [example("U5")["expect"]["kwh"]]
    assert estimate.worksheet["charge_pct"] == ["40", "55"]


def test_charge_discharge_and_net():
    kind = {"usable_kwh": Decimal(1000), "charge_ratio": Decimal("0.8"),
            "discharge_ratio": Decimal("0.9")}  # fmt: skip
    levels, gap = [0, 50, 40, 60, 60], slice(1, 4)
    assert texts(stored(levels, gap, counts="DISCHARGE", **kind)) == ["90.000", "0.000", "0.000"]
    assert texts(stored(levels, gap, counts="CHARGE", **kind)) == ["0.000", "250.000", "0.000"]
    assert texts(stored(levels, gap, counts="NET", **kind)) == ["90.000", "-250.000", "0.000"]


def test_an_unknown_state_of_charge_is_no_answer_and_a_wrong_store_is_refused():
    assert stored([0, 50, None, 60], slice(1, 3), usable_kwh=Decimal(1)) is None
    assert stored([0, 50, 60], slice(1, 3), usable_kwh=Decimal(1)) is None
    with pytest.raises(Refused, match="counts CHARGE, DISCHARGE, NET, not 'BOTH'"):
        stored([0, 50, 60], slice(1, 2), usable_kwh=Decimal(1), counts="BOTH")
    with pytest.raises(Refused, match="ratios above 0, at most 1"):
        stored([0, 50, 60], slice(1, 2), usable_kwh=Decimal(1), charge_ratio=Decimal("1.01"))


# -- device_sum@1 --------------------------------------------------------------------------------


def test_the_load_of_a_tenant_is_its_ups_over_what_is_not_lost():
    evidence = Evidence(
        devices=(Named("UPS A", series([60])), Named("UPS B", series([35]))),
        device_loss_pct=Decimal(5),
    )
    estimate = run("device_sum@1", series([None]), ONE, evidence, facts={"kind": "TENANT_LOAD"})
    assert texts(estimate) == ["100.000"]
    assert estimate.used == ("UPS A", "UPS B")
    guessed = Evidence(devices=(Named("UPS A", with_status(series([60]), 0, Status.ESTIMATED)),))
    assert run("device_sum@1", series([None]), ONE, guessed) is None
    assert run("device_sum@1", series([None]), ONE) is None
    lost = Evidence(devices=evidence.devices, device_loss_pct=Decimal(100))
    assert run("device_sum@1", series([None]), ONE, lost) is None
    assert run("wind@1", series([None]), ONE, lost, **WIND) is None
    assert run("device_sum@1", series([None]), ONE, evidence, **WIND) is None
