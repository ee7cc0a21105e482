"""Control systems, node, sun, wind, fuel and stores over stored readings; vee.md 4.5 and 4.6."""

from datetime import date
from decimal import Decimal

import pytest

from meters.models import (
    Channel,
    DeliveryPoint,
    GeneratingUnit,
    HeatRatePoint,
    PowerCurvePoint,
    UnitLimits,
)
from tests.meters.builders import LONG_AGO, install, make_campus, make_channel
from tests.meters.cases import example, needs_cases
from tests.meters.services.campus import (
    beside,
    finals,
    judge,
    local,
    quiet,
    sheet,
    sheets,
    store,
    store_day,
)

pytestmark = [pytest.mark.django_db, needs_cases]
DAY = "2025-06-17"
MIDNIGHT, TEN = local(DAY), local(DAY, "10:00")
EVER = date(2000, 1, 1)


@pytest.fixture(autouse=True)
def _ruler():
    quiet()
    quiet(
        *("solar_night@1", "solar_limit@1", "solar_idle_day@1", "heat_rate@1", "high_limit@1"),
        *("state_of_charge@1", "both_ways@1", "storage_efficiency@1", "wind_stopped@1"),
        "implausible_unit@1",
    )


def plant(technology, code="U", kind="GENERATOR", minutes=15, **fields):
    """Return the output channel of a new unit."""
    channel = make_channel(f"{code}/KWH", kind=kind, minutes=minutes, **fields)
    point = channel.delivery_point
    point.generating_unit = GeneratingUnit.objects.create(
        campus=point.campus, code=code, name=code, technology=technology, nameplate_kw=100_000
    )
    point.save()
    return channel


def at_unit(channel, code, kind, **fields):
    """Return a channel at another point of the same unit."""
    old = channel.delivery_point
    point = DeliveryPoint.objects.create(
        campus=old.campus, code=code, name=code, kind=kind, generating_unit=old.generating_unit
    )
    other = Channel.objects.create(
        delivery_point=point, code=f"{code}/X", **{"minutes": channel.minutes} | fields
    )
    install(other, LONG_AGO, None)
    return other


def hole(channel, first, count, before=100, after=100, length=96):
    values = [before] * first + [None] * count + [after] * (length - first - count)
    store(channel, MIDNIGHT, values)


# -- control system -------------------------------------------------------------------------------


def test_megawatts_of_five_minutes_make_a_quarter_hour():
    case = example("U2")
    channel = plant("GAS_TURBINE")
    scada = beside(channel, "EMS/KW", role="SCADA", quantity="KW", unit="kW", minutes=5)
    hole(channel, 40, 1)
    samples = [Decimal(mw) * 1000 for mw in case["given"]["mw_5min"]]
    store(scada, TEN, samples)
    judge(channel, scada, first=DAY)
    assert finals(channel, TEN, 1) == [case["expect"]["kwh"]]
    made = sheet(channel)
    assert (made["method"], made["scada"]) == ("scada@1", "EMS/KW")
    assert {each["channel"] for each in made["readings"]} == {"EMS/KW"}


def test_the_control_system_is_set_to_the_meter_over_seven_days():
    channel = plant("GAS_TURBINE")
    scada = beside(channel, "EMS/KW", role="SCADA", quantity="KW", unit="kW", minutes=5)
    for number in range(9):
        day = f"2025-06-{9 + number:02d}"
        store_day(scada, day, [1000])
        if number == 8:
            hole(channel, 40, 12, 270, 270)
        else:
            store_day(channel, day, [500 if number == 0 else 270], name=f"{number}.csv")
    judge(channel, scada, first="2025-06-09", last=DAY)
    assert finals(channel, TEN, 12) == ["270.000"] * 12
    ratio = sheet(channel)["ratio"]
    assert (ratio["k"], ratio["intervals"]) == ("1.08", 672)
    assert sheet(channel)["warnings"] == [
        "EMS/KW is more than 5 % off the meter: have it calibrated"
    ]


# -- node -----------------------------------------------------------------------------------------


def node_of(case, days=2, wobble=0, finer=15):
    """Return four feeders behind an incomer, each day alike, the fourth with a hole at ten."""
    given = case["given"]
    incomer = make_channel("GRID/KWH", kind="GRID_TIE")
    feeders = [
        make_channel(f"F{n}/KWH", kind="HOUSE", minutes=finer if n == 1 else 15)
        for n in (1, 2, 3, 4)
    ]
    lost = Decimal(given["incomer"]) * Decimal(given["loss_pct"]) / 100
    known = [Decimal(text) for text in given["feeders"]]
    fourth = Decimal(given["incomer"]) - sum(known) - lost
    for number in range(days):
        day = f"2025-06-{17 - days + 1 + number}"
        for channel, value in zip([incomer, *feeders[:3]], [given["incomer"], *known], strict=True):
            part = Decimal(value) * channel.minutes / 15
            store_day(channel, day, [part], name=f"{channel.code[:2]}{day}.csv")
        values = [fourth + wobble * (-1) ** i for i in range(96)]
        if day == DAY:
            values[40:52] = [None] * 12
        store(feeders[3], local(day), values, name=f"F4{day}.csv")
    return incomer, feeders


@pytest.mark.parametrize("finer", [15, 5])
def test_the_one_unknown_feeder_is_what_the_others_leave(finer):
    case = example("U3")
    incomer, feeders = node_of(case, finer=finer)
    judge(incomer, *feeders, first="2025-06-16", last=DAY)
    assert finals(feeders[3], TEN, 12) == [case["expect"]["value"]] * 12
    made = sheet(feeders[3])
    assert (made["method"], made["node"]) == ("node_calc@1", "campus CAP")
    assert Decimal(made["loss_pct"]) == Decimal(case["given"]["loss_pct"])
    assert len(made["readings"]) == 4


def test_a_gap_is_told_better_when_its_witnesses_arrive():
    case = example("U3")
    incomer, feeders = node_of(case)
    judge(feeders[3], first="2025-06-16", last=DAY)
    assert sheet(feeders[3])["method"] != "node_calc@1"
    judge(*feeders[:3], first="2025-06-16", last=DAY)
    assert sheet(feeders[3])["method"] != "node_calc@1"
    assert judge(incomer, first="2025-06-16", last=DAY).followed == 1
    assert sheet(feeders[3])["method"] == "node_calc@1"
    assert finals(feeders[3], TEN, 12) == [case["expect"]["value"]] * 12
    again = judge(incomer, *feeders, first="2025-06-16", last=DAY)
    assert (again.blocks, again.followed) == (0, 0)


def test_a_node_with_a_second_gap_tells_nothing():
    incomer, feeders = node_of(example("U3"))
    extra = make_channel("F5/KWH", kind="HOUSE")
    store(extra, local("2025-06-16"), [0.001] * 96 + [0.001] * 40 + [None] * 12 + [0.001] * 44)
    judge(incomer, extra, *feeders, first="2025-06-16", last=DAY)
    assert "node_calc@1" not in {each["method"] for each in sheets(feeders[3])}


def test_a_node_that_did_not_tell_the_feeder_before_is_not_asked():
    incomer, feeders = node_of(example("U3"), wobble=Decimal(40))
    judge(incomer, *feeders, first="2025-06-16", last=DAY)
    assert "node_calc@1" not in {each["method"] for each in sheets(feeders[3])}


# -- sun ------------------------------------------------------------------------------------------


def solar(irradiance_today, minutes=60):
    """Return a plant of 0.1 kWh per W/m2, a clear day before, a hole from 8 to 18."""
    channel = plant("SOLAR", minutes=minutes)
    sky = at_unit(channel, "SKY", "WEATHER", quantity="IRRADIANCE", unit="W/m2", direction="NET")
    bell = [max(0, 1000 - 40 * (hour - 12) ** 2) for hour in range(24)]
    store(sky, local("2025-06-16"), bell)
    store(channel, local("2025-06-16"), [Decimal(b) / 10 for b in bell])
    store(sky, MIDNIGHT, irradiance_today(bell), name="today.csv")
    today = [Decimal(b) / 10 for b in irradiance_today(bell)]
    store(channel, MIDNIGHT, [None if 8 <= h < 18 else v for h, v in enumerate(today)])
    return channel, sky


def test_a_day_of_sun_is_filled_by_irradiance_against_the_last_clear_day():
    channel, sky = solar(lambda bell: [b // 2 for b in bell])
    judge(channel, sky, first="2025-06-16", last=DAY)
    wanted = [f"{(1000 - 40 * (h - 12) ** 2) // 2 / 10:.3f}" for h in range(8, 18)]
    assert finals(channel, local(DAY, "08:00"), 10) == wanted
    made = sheet(channel)
    assert made["method"] == "solar@1"
    assert made["steps"][4]["clear_day"] == "2025-06-16"
    assert {each["channel"] for each in made["readings"]} == {"U/KWH", "SKY/X"}


def test_a_gap_without_irradiance_stays_open_by_day_and_is_zero_by_night():
    campus = make_campus()
    campus.latitude_deg, campus.longitude_deg = Decimal("34.5"), Decimal("-102.3")
    campus.save()
    channel = plant("SOLAR", minutes=60)
    store(channel, MIDNIGHT, [0, 0, None, None] + [0] * 4 + [None] * 10 + [5] * 6)
    judge(channel, first=DAY)
    assert finals(channel, local(DAY, "02:00"), 2) == ["0.000"] * 2
    assert finals(channel, local(DAY, "08:00"), 10) == [None] * 10
    (made,) = sheets(channel)
    assert made["steps"][0]["basis"] == "night"


def test_inverters_below_the_meter_are_summed_less_what_is_lost():
    channel = plant("SOLAR", minutes=60)
    inverters = [
        at_unit(channel, f"INV{n}", "GENERATOR", quantity="KWH", unit="kWh") for n in (1, 2)
    ]
    for number in range(6):
        day = f"2025-06-{12 + number}"
        for inverter in inverters:
            store_day(inverter, day, [50], name=f"{inverter.code[:4]}{day}.csv")
        values = [None if day == DAY and 8 <= h < 18 else 98 for h in range(24)]
        store(channel, local(day), values, name=f"{day}.csv")
    judge(channel, *inverters, first="2025-06-12", last=DAY)
    assert finals(channel, local(DAY, "08:00"), 10) == ["98.000"] * 10
    step = sheet(channel)["steps"][0]
    assert (step["basis"], step["loss_pct"]) == ("inverters", "2")


# -- wind, fuel, store ----------------------------------------------------------------------------


def test_wind_fills_from_the_curve_in_force_on_the_day():
    channel = plant("WIND", minutes=60)
    wind = at_unit(channel, "MAST", "WEATHER", quantity="WIND_SPEED", unit="m/s", direction="NET")
    unit = channel.delivery_point.generating_unit
    for start, factor in ((EVER, 1), (date(2025, 6, 17), 2)):
        for speed, power in ((3, 0), (12, 900)):
            PowerCurvePoint.objects.create(
                generating_unit=unit, effective_from=start, wind_m_per_s=speed,
                power_kw=power * factor,
            )  # fmt: skip
    for day in ("2025-06-16", DAY):
        store_day(wind, day, [6], name=f"w{day}.csv")
        store(channel, local(day), [1] * 8 + [None] * 3 + [1] * 13, name=f"{day}.csv")
    judge(channel, wind, first="2025-06-16", last=DAY)
    assert finals(channel, local("2025-06-16", "08:00"), 3) == ["300.000"] * 3
    assert finals(channel, local(DAY, "08:00"), 3) == ["600.000"] * 3
    assert [made["method"] for made in sheets(channel)] == ["wind@1"] * 2


def test_fuel_over_the_heat_rate():
    case = example("U6")
    channel = plant("GAS_ENGINE", minutes=60)
    fuel = at_unit(channel, "FUEL", "FUEL", quantity="MMBTU", unit="MMBtu")
    HeatRatePoint.objects.create(
        generating_unit=channel.delivery_point.generating_unit, effective_from=EVER,
        fuel_mmbtu_per_hour=1, heat_rate_btu_per_kwh=case["given"]["heat_rate_btu_per_kwh"],
    )  # fmt: skip
    hole(channel, 10, 3, length=24)
    store_day(fuel, DAY, [case["given"]["mmbtu"]])
    judge(channel, fuel, first=DAY)
    assert finals(channel, TEN, 3) == [case["expect"]["kwh"]] * 3
    assert sheet(channel)["steps"][0]["heat_rate_btu_per_kwh"] == "8500"


def test_fuel_of_the_hour_is_spread_over_its_quarters():
    channel = plant("GAS_ENGINE")
    fuel = at_unit(channel, "FUEL", "FUEL", quantity="MMBTU", unit="MMBtu", minutes=60)
    HeatRatePoint.objects.create(
        generating_unit=channel.delivery_point.generating_unit, effective_from=EVER,
        fuel_mmbtu_per_hour=1, heat_rate_btu_per_kwh=8500,
    )  # fmt: skip
    hole(channel, 40, 12)
    store_day(fuel, DAY, [1020])
    judge(channel, fuel, first=DAY)
    assert finals(channel, TEN, 12) == ["30000.000"] * 12
    assert sheet(channel)["source"] == "FUEL/X, spread within 60 min"


@pytest.mark.parametrize(
    ("direction", "levels", "expected"),
    [
        ("RECEIVED", (40, 55), None),
        ("DELIVERED", (55, 40), "28500.000"),
        ("DELIVERED", (40, 55), "0.000"),
    ],
)
def test_the_state_of_charge_tells_what_went_in_or_out(direction, levels, expected):
    case = example("U5")
    channel = plant("BATTERY", kind="STORAGE", direction=direction, minutes=60)
    level = at_unit(channel, "SOC", "STORAGE", quantity="SOC", unit="ratio", direction="NET")
    UnitLimits.objects.create(
        generating_unit=channel.delivery_point.generating_unit, effective_from=EVER,
        usable_kwh=Decimal(case["given"]["usable_mwh"]) * 1000,
        charge_ratio=case["given"]["eta_charge"], discharge_ratio="0.95",
    )  # fmt: skip
    before, after = (Decimal(each) / 100 for each in levels)
    store(level, MIDNIGHT, [before] * 11 + [after] * 13)
    hole(channel, 10, 3, 5, 5, length=24)
    judge(channel, level, first=DAY)
    first = finals(channel, TEN, 3)
    assert first == [expected or case["expect"]["kwh"], "0.000", "0.000"]
    assert sheet(channel)["method"] == "storage@1"


def test_evidence_judged_in_the_same_run_counts_whatever_its_length():
    """The hourly fuel and the five-minute samples are judged beside the quarter hours."""
    channel = plant("GAS_ENGINE")
    scada = beside(channel, "EMS/KW", role="SCADA", quantity="KW", unit="kW", minutes=5)
    hole(channel, 40, 12)
    store_day(scada, DAY, [400])
    summary = judge(channel, scada, first=DAY)
    assert summary.estimated == 12
    assert judge(channel, scada, first=DAY).blocks == 0
    assert finals(channel, TEN, 12) == ["100.000"] * 12
    assert sheet(channel)["warnings"] == ["no history to compare with the meter: k is 1"]
