"""Which channels stand beside a channel: points, units, weather; few queries for many channels."""

from __future__ import annotations

from decimal import Decimal

import pytest

from meters.calc.circumstances import Relation
from meters.models import Channel, DeliveryPoint, GeneratingUnit
from meters.services.judging.companions import companions_of, resting_on
from tests.meters.builders import make_campus

pytestmark = pytest.mark.django_db
UNITS = {"KWH": "kWh", "KVARH": "kVArh", "KVAH": "kVAh", "KW": "kW", "MMBTU": "MMBtu",
         "SOC": "ratio", "IRRADIANCE": "W/m2", "WIND_SPEED": "m/s", "RUNNING": "count"}  # fmt: skip


def unit(code: str, technology: str, *, fuel: str = "", vendor: str = "V") -> GeneratingUnit:
    return GeneratingUnit.objects.create(
        campus=make_campus(), code=code, name=code, technology=technology, fuel=fuel,
        vendor=vendor, nameplate_kw=Decimal(1000),
    )  # fmt: skip


def point(code: str, kind: str, of: GeneratingUnit | None = None) -> DeliveryPoint:
    return DeliveryPoint.objects.create(
        campus=make_campus(), code=code, name=code, kind=kind, generating_unit=of
    )


def channel(at: DeliveryPoint, quantity: str = "KWH", direction: str = "DELIVERED",
            role: str = "MAIN", minutes: int = 15, name: str = "") -> Channel:  # fmt: skip
    return Channel.objects.create(
        delivery_point=at, code=f"{at.code}/{name or f'{role}_{direction}_{quantity}'}",
        quantity=quantity, direction=direction, role=role, unit=UNITS[quantity], minutes=minutes,
    )  # fmt: skip


def told(channel: Channel) -> set[tuple[str, str]]:
    return {(b.relation, b.channel.code) for b in companions_of([channel.pk])[channel.pk]}


def test_a_point_has_its_siblings_its_check_meter_and_the_control_system():
    at = point("T", "TENANT_LOAD")
    main = channel(at)
    reactive, apparent = channel(at, "KVARH"), channel(at, "KVAH")
    check, backup = channel(at, role="CHECK"), channel(at, role="BACKUP")
    scada = channel(at, "KW", role="SCADA", minutes=5)
    gives = channel(at, direction="RECEIVED")
    channel(at, "KVARH", role="CHECK")

    assert told(main) == {
        (Relation.REACTIVE, reactive.code), (Relation.APPARENT, apparent.code),
        (Relation.CHECK, check.code), (Relation.CHECK, backup.code), (Relation.SCADA, scada.code),
        (Relation.RETURNED, gives.code),
    }  # fmt: skip
    assert told(gives) == set()
    assert (Relation.ACTIVE, main.code) in told(reactive)
    assert (Relation.CHECK, main.code) not in told(check)


def test_a_store_has_both_directions_and_its_state_of_charge():
    battery = unit("BAT", "BATTERY")
    at = point("BAT", "STORAGE", battery)
    into, out = channel(at, direction="RECEIVED"), channel(at)
    state = channel(at, "SOC")

    assert told(out) == {(Relation.CHARGE, into.code), (Relation.STATE_OF_CHARGE, state.code)}
    assert told(into) == {(Relation.DISCHARGE, out.code), (Relation.STATE_OF_CHARGE, state.code)}


def test_a_generator_has_its_auxiliaries_its_fuel_and_its_running_state():
    engine = unit("E1", "GAS_ENGINE", fuel="NG")
    gross = channel(point("E1", "GENERATOR", engine))
    aux = channel(point("E1-AUX", "GENERATOR_AUX", engine))
    drawn = channel(gross.delivery_point, direction="RECEIVED")
    fuel = channel(point("F1", "FUEL", engine), "MMBTU", minutes=60)
    state = channel(gross.delivery_point, "RUNNING")

    assert told(gross) == {
        (Relation.AUXILIARY, aux.code), (Relation.AUXILIARY, drawn.code),
        (Relation.FUEL, fuel.code), (Relation.RUNNING, state.code),
    }  # fmt: skip
    assert (Relation.GROSS, gross.code) in told(aux)


def test_a_fuel_meter_of_several_units_is_no_companion_of_one():
    first = unit("E1", "GAS_ENGINE", fuel="NG")
    gross = channel(point("E1", "GENERATOR", first))
    fuel = channel(point("F1", "FUEL", first), "MMBTU", minutes=60)
    assert told(gross) == {(Relation.FUEL, fuel.code)}

    second = unit("E2", "GAS_ENGINE", fuel="NG")
    assert told(gross) == set()

    channel(point("F2", "FUEL", second), "MMBTU", minutes=60)
    assert told(gross) == {(Relation.FUEL, fuel.code)}


def test_weather_is_that_of_the_unit_or_else_of_the_campus():
    solar, wind = unit("S", "SOLAR"), unit("W", "WIND")
    sun, air = channel(point("S", "GENERATOR", solar)), channel(point("W", "GENERATOR", wind))
    mast = point("MAST", "WEATHER")
    light, breeze = channel(mast, "IRRADIANCE"), channel(mast, "WIND_SPEED")
    assert told(sun) == {(Relation.IRRADIANCE, light.code)}
    assert told(air) == {(Relation.WIND_SPEED, breeze.code)}

    own = channel(point("S-MET", "WEATHER", solar), "IRRADIANCE")
    assert told(sun) == {(Relation.IRRADIANCE, own.code)}
    assert told(light) == set()


def test_what_rests_on_a_channel_is_found_from_the_other_end():
    at = point("T", "TENANT_LOAD")
    main, check = channel(at), channel(at, role="CHECK")
    solar = unit("S", "SOLAR")
    sun, light = (
        channel(point("S", "GENERATOR", solar)),
        channel(point("M", "WEATHER"), "IRRADIANCE"),
    )

    found = resting_on([check.pk, main.pk, light.pk])
    assert found == {check.pk: (main.pk,), main.pk: (), light.pk: (sun.pk,)}


def test_a_channel_out_of_use_stands_beside_nobody():
    at = point("T", "TENANT_LOAD")
    main, check = channel(at), channel(at, role="CHECK")
    Channel.objects.filter(pk=check.pk).update(is_active=False)
    assert told(main) == set()


def test_queries_do_not_grow_with_the_channels(django_assert_max_num_queries):
    ids = []
    for number in range(30):
        engine = unit(f"E{number}", "GAS_ENGINE", fuel="NG", vendor=f"V{number}")
        at = point(f"E{number}", "GENERATOR", engine)
        ids += [channel(at).pk, channel(at, role="CHECK").pk, channel(at, "KVARH").pk]
        channel(point(f"F{number}", "FUEL", engine), "MMBTU", minutes=60)
    with django_assert_max_num_queries(4):
        assert all(companions_of(ids).values())
    with django_assert_max_num_queries(4):
        assert len(resting_on(ids)) == 90
