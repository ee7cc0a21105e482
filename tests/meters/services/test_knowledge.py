"""What is known beside a channel reaches the rules: clocks, outages, pulses, plants, the sky."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from hypothesis import given
from hypothesis import strategies as st

from meters.calc.circumstances import Relation
from meters.models import (
    Campus,
    CapacityStep,
    Channel,
    ClockCheck,
    DeliveryPoint,
    Finding,
    GeneratingUnit,
    Installation,
    Interruption,
    UnitLimits,
)
from meters.services import record_clock_check, validate_days
from meters.services.judging.beside import laid_onto
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.series import Series
from tests.meters import builders
from tests.meters.builders import ACTOR, NOW, install, long_csv, make_campus, make_channel

START = datetime(2026, 3, 3, 6, tzinfo=UTC)  # local midnight in Chicago
DAY = date(2026, 3, 3)
HOUR = timedelta(hours=1)


def level(count=96, base=100):
    return [f"{base + (i * 7 % 13) / 100:.2f}" for i in range(count)]


def judge(*channels):
    return validate_days([c.pk for c in channels], DAY, DAY, now=NOW, actor=ACTOR)


def codes(channel):
    rows = Finding.objects.filter(channel=channel).exclude(state="CLOSED")
    return sorted(rows.values_list("rule_code", flat=True))


def at_unit(technology, kind="GENERATOR", *, code="U/KWH", **more):
    """Return a channel at a point of a unit, with a meter."""
    plant = GeneratingUnit.objects.create(
        campus=make_campus(), code=code, name=code, technology=technology, nameplate_kw=1000,
        fuel="NG" if technology.startswith("GAS") else "",
    )  # fmt: skip
    point = DeliveryPoint.objects.create(
        campus=make_campus(), code=code, name=code, kind=kind, generating_unit=plant
    )
    fields = {"quantity": "KWH", "unit": "kWh", "minutes": 15} | more
    channel = Channel.objects.create(delivery_point=point, code=code, **fields)
    install(channel, builders.LONG_AGO, None)
    return channel


# -- clocks -----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_clock_that_ran_off_puts_the_readings_since_the_last_good_check_in_doubt():
    channel = make_channel()
    builders.ingest(long_csv(channel.code, START, level()))
    meter = channel.installations.get().meter
    words = {"reference": "GPS", "actor": ACTOR, "now": NOW}
    record_clock_check(meter, at_utc=START + 4 * HOUR, drift_s=Decimal(10), **words)
    record_clock_check(meter, at_utc=START + 8 * HOUR, drift_s=Decimal("-181"), **words)
    judge(channel)
    (finding,) = Finding.objects.filter(rule_code="V08")
    assert (finding.start_utc, finding.end_utc) == (START + 4 * HOUR, START + timedelta(days=1))
    assert "181.000 s slow" in finding.message


@pytest.mark.django_db
def test_what_may_not_be_recorded_of_a_clock():
    meter = make_channel().installations.get().meter
    words = {"reference": "GPS", "actor": ACTOR, "now": NOW}
    with pytest.raises(Refused, match="lies in the future"):
        record_clock_check(meter, at_utc=NOW + HOUR, drift_s=Decimal(1), **words)
    with pytest.raises(Refused, match="less than 1,000,000 s"):
        record_clock_check(meter, at_utc=NOW, drift_s=Decimal(2_000_000), **words)
    record_clock_check(meter, at_utc=NOW, drift_s=Decimal(1), **words)
    with pytest.raises(Refused, match="already on record"):
        record_clock_check(meter, at_utc=NOW, drift_s=Decimal(2), **words)
    assert ClockCheck.objects.get().recorded_by == str(ACTOR)


# -- outages, pulses --------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(("known", "found"), [(False, ["V15"]), (True, [])])
def test_a_known_interruption_excuses_a_row_of_zeros(known, found):
    channel = make_channel()
    values = level()
    values[40:60] = ["0"] * 20
    builders.ingest(long_csv(channel.code, START, values))
    if known:
        during = DateTimeTZRange(START + 10 * HOUR, START + 15 * HOUR)
        Interruption.objects.create(
            delivery_point=channel.delivery_point, during=during, cause="GRID",
            recorded_by="x", recorded_at=NOW,
        )  # fmt: skip
    judge(channel)
    assert codes(channel) == found


@pytest.mark.django_db
def test_a_full_counter_is_seen_by_the_pulse_weight_of_the_installation():
    channel = make_channel()
    Installation.objects.update(pulse_weight=Decimal("0.01"))
    values = level(base=600)
    values[40] = "655.35"
    builders.ingest(long_csv(channel.code, START, values))
    judge(channel)
    assert codes(channel) == ["V10"]


# -- plants -----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_output_at_night_is_held_where_the_campus_has_a_place():
    channel = at_unit("SOLAR")
    values = ["0"] * 24 + level(40) + ["0"] * 32
    values[4] = "40"
    builders.ingest(long_csv(channel.code, START, values))
    judge(channel)
    assert "V24A" not in codes(channel)
    Campus.objects.update(latitude_deg=Decimal("33.6"), longitude_deg=Decimal("-101.9"))
    judge(channel)
    night = Finding.objects.filter(channel=channel, start_utc=START + HOUR, severity="HOLD")
    assert any("night" in row.message or "sun" in row.message for row in night)


@pytest.mark.django_db
def test_heat_rate_limits_of_a_unit_hold_from_their_day_and_fuel_stays_hourly():
    output = at_unit("GAS_ENGINE")
    unit = output.delivery_point.generating_unit
    point = DeliveryPoint.objects.create(
        campus=make_campus(), code="F", name="F", kind="FUEL", generating_unit=unit
    )
    fuel = Channel.objects.create(
        delivery_point=point, code="F/MMBTU", quantity="MMBTU", unit="MMBtu", minutes=60
    )
    install(fuel, builders.LONG_AGO, None)
    builders.ingest(long_csv(output.code, START, level(base=200)))
    burnt = [f"{7.2 + i % 5 / 100:.2f}" for i in range(24)]  # some 9,000 Btu/kWh
    builders.ingest(long_csv(fuel.code, START, burnt, minutes=60, unit="MMBtu"))
    judge(output, fuel)
    assert codes(output) == []
    UnitLimits.objects.create(
        generating_unit=unit, effective_from=date(2026, 3, 4),
        heat_rate_low_btu_per_kwh=6000, heat_rate_high_btu_per_kwh=8000,
    )  # fmt: skip
    judge(output, fuel)
    assert codes(output) == []
    UnitLimits.objects.update(effective_from=DAY)
    judge(output, fuel)
    assert [code[:3] for code in codes(output)] == ["V24"]


@pytest.mark.django_db
def test_a_plant_under_commissioning_is_limited_by_the_step_of_the_day():
    channel = at_unit("WIND")
    unit = channel.delivery_point.generating_unit
    unit.commissioning_date = date(2026, 1, 1)
    unit.save()
    CapacityStep.objects.create(
        generating_unit=unit, effective_from=date(2026, 3, 4), nameplate_kw=4000
    )
    values = level()
    values[40] = "270"  # 1,080 kW: above 1.05 x 1,000 kW
    builders.ingest(long_csv(channel.code, START, values))
    judge(channel)
    assert "V11" in codes(channel)
    CapacityStep.objects.update(effective_from=DAY)
    judge(channel)
    assert "V11" not in codes(channel)


@pytest.mark.django_db
def test_weather_is_stored_and_judged_without_limits_of_energy():
    channel = at_unit("WIND", "WEATHER", code="MAST/W", quantity="WIND_SPEED", unit="m/s")
    builders.ingest(long_csv(channel.code, START, level(base=12), unit="m/s"))
    judge(channel)
    assert codes(channel) == []
    light = at_unit("SOLAR", "WEATHER", code="MAST/L", quantity="IRRADIANCE", unit="W/m2")
    dark = ["0"] * 30 + level(36, base=700) + ["0"] * 30
    builders.ingest(long_csv(light.code, START, dark, unit="W/m2"))
    judge(light)
    assert codes(light) == []


# -- onto another grid ------------------------------------------------------------------------

QUARTERS = Grid(START, 15, 8)


def of(minutes, count, numbers, unit):
    return Series.of(Grid(START, minutes, count), [Decimal(n) for n in numbers], unit)


def test_energy_is_summed_and_never_cut():
    fives = of(5, 24, range(24), "kWh")
    assert laid_onto(Relation.CHECK, fives, QUARTERS).decimals()[:2] == [Decimal(3), Decimal(12)]
    assert laid_onto(Relation.CHECK, of(30, 4, range(4), "kWh"), QUARTERS) is None
    assert laid_onto(Relation.CHECK, of(10, 12, range(12), "kWh"), QUARTERS) is None


def test_fuel_stays_on_its_hours():
    fuel = of(60, 2, (7, 8), "MMBtu")
    assert laid_onto(Relation.FUEL, fuel, QUARTERS) is fuel


def test_a_level_holds_over_shorter_intervals():
    sky = laid_onto(Relation.IRRADIANCE, of(60, 2, (500, 600), "W/m2"), QUARTERS)
    assert sky.decimals() == [Decimal(500)] * 4 + [Decimal(600)] * 4


def test_charge_is_read_at_the_start_in_percent_and_running_means_anywhere():
    charge = laid_onto(Relation.STATE_OF_CHARGE, of(5, 24, ["0.5"] * 3 + ["0.6"] * 21, "ratio"),
                       QUARTERS)  # fmt: skip
    assert (charge.unit, charge.decimals()[:2]) == ("pct", [Decimal(50), Decimal(60)])
    state = laid_onto(Relation.RUNNING, of(5, 24, [0, 0, 1] + [0] * 21, "count"), QUARTERS)
    assert state.decimals()[:2] == [Decimal(1), Decimal(0)]


def test_another_range_is_left_out():
    other = Series.of(Grid(START + HOUR, 15, 8), [Decimal(1)] * 8, "kWh")
    assert laid_onto(Relation.CHECK, other, QUARTERS) is None


@given(st.lists(st.integers(0, 10**12), min_size=24, max_size=24))
def test_means_keep_the_total_to_the_last_place(numbers):
    fives = Series.of(Grid(START, 5, 24), [Decimal(n).scaleb(-6) for n in numbers], "kW")
    laid = laid_onto(Relation.SCADA, fives, QUARTERS)
    assert int(laid.values.sum()) == sum(numbers) // 3
