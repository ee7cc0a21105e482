"""Generating units: figures worked by hand, what is absent and why, the page and its file."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from django.contrib.auth import get_user_model
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.urls import reverse

from meters.calc.availability import Outage
from meters.calc.plant import Flow, UnitInputs, capacity_kwh, of_vendor, performance
from meters.models import CapacityStep, Channel, GeneratingUnit, Interruption
from meters.queries.plants import nameplate_kw, plants
from meters.services import validate_days
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import Period
from poweroptix.kernel.series import Series
from tests.meters.builders import ACTOR, NOW, ingest, long_csv, make_campus, make_channel
from tests.meters.metrology.test_records import certified

START = datetime(2026, 3, 1, 6, tzinfo=UTC)
GRID = Grid(START, 60, 10)


def flow(code, values, unit="kWh"):
    return Flow(code, Series.of(GRID, values, unit))


def a_unit(**more):
    """Ten hours of a 1,000 kW engine: 5 hours at 800 kWh, two starts, 3 hours of outage."""
    said = {
        "code": "G1",
        "vendor": "V",
        "technology": "GAS_ENGINE",
        "start_utc": START,
        "end_utc": START + timedelta(hours=10),
        "capacity": [(START, Decimal(1000))],
        "gross": [flow("G1/DEL", [0, 800, 800, 0, 0, 0, 800, 800, 800, 0])],
        "drawn": [flow("G1/AUX", [10] * 10)],
        "fuel": [flow("F1/MMBTU", [0, 6, 6, 0, 0, 0, 6, 6, 6, Decimal("1.2")], "MMBtu")],
        "burns_fuel": True,
        "fuel_with": (),
        "outages": [Outage(START + timedelta(hours=3), START + timedelta(hours=6), False)],
        "counts_starts": True,
        "was_running": None,
    } | more
    return UnitInputs(**said)


def test_a_unit_by_hand():
    found = performance(a_unit())
    assert found.output_kwh.value == 5 * 800 - 10 * 10
    assert found.capacity_factor.value == Fraction(3900, 10_000)
    assert found.availability.value == Fraction(7, 10)
    assert found.fuel_mmbtu.value == Fraction("31.2")
    assert found.heat_rate_btu.value == 8000  # 31.2 MMBtu / 3,900 kWh
    assert found.heat_rate_gj.value == Fraction("8.44044682096")  # x 1.05505585262
    assert found.starts.value == 2


@pytest.mark.parametrize(("before", "count"), [(None, 0), (True, 0), (False, 1)])
def test_the_first_interval_starts_only_after_a_known_standstill(before, count):
    unit = a_unit(gross=[flow("G", [1] * 10)], was_running=before)
    assert performance(unit).starts.value == count


def test_a_missing_reading_leaves_the_figure_out():
    unit = a_unit(gross=[flow("G", [None, *[800] * 9])])
    found = performance(unit)
    for figure in (found.output_kwh, found.capacity_factor, found.heat_rate_btu):
        assert (figure.value, figure.missing_ratio) == (None, Fraction(1, 20))
    assert found.starts.missing_ratio == Fraction(1, 10)
    assert found.fuel_mmbtu.value is not None
    assert found.availability.value is not None


def test_no_net_generation_has_no_heat_rate():
    found = performance(a_unit(gross=[flow("G", [0] * 10)]))
    assert found.heat_rate_btu.why == "no net generation"
    assert found.output_kwh.value == -100


def test_capacity_in_steps():
    steps = [(START, Decimal(1000)), (START + timedelta(hours=4), Decimal(3000))]
    assert capacity_kwh(steps, START, START + timedelta(hours=10)) == 4 * 1000 + 6 * 3000
    assert capacity_kwh(steps, START + timedelta(hours=5), START + timedelta(hours=6)) == 3000


def test_a_vendor_counts_a_shared_fuel_meter_once():
    one = a_unit(fuel_with=("G2",))
    two = replace(one, code="G2", fuel_with=("G1",), outages=())
    assert performance(one).heat_rate_btu.why == "shared fuel meter"
    found = of_vendor("V", [one, two])
    assert found.fuel_mmbtu.value == Fraction("31.2")
    assert found.heat_rate_btu.value == 4000
    assert found.availability.value == Fraction(17, 20)
    assert found.starts.value == 4


def test_a_vendor_says_which_unit_is_in_the_way():
    bare = a_unit(code="G2", fuel=[])
    assert of_vendor("V", [a_unit(), bare]).heat_rate_btu.why == "G2 has no fuel meter"
    nothing = a_unit(code="G3", gross=[])
    assert of_vendor("V", [a_unit(), nothing]).output_kwh.why == "G3: no channel"


@pytest.fixture
def campus(db):
    """A campus with one engine and a day of hourly readings, 700 kWh an hour, 5.6 MMBtu."""
    made = make_campus()
    unit = GeneratingUnit.objects.create(
        campus=made, code="G1", name="G1", technology="GAS_ENGINE", vendor="V", fuel="NG",
        nameplate_kw=1000, commissioning_date=date(2026, 3, 3),
    )  # fmt: skip
    CapacityStep.objects.create(
        generating_unit=unit, effective_from=date(2026, 3, 17), nameplate_kw=2000
    )
    hours = (Period.month(made.zone, "2026-03").end_utc - START) // timedelta(hours=1)
    for code, kind, quantity, name, value in (
        ("G1/DEL", "GENERATOR", "KWH", "kWh", Decimal(700)),
        ("F1/DEL", "FUEL", "MMBTU", "MMBtu", Decimal("5.6")),
    ):
        channel = make_channel(code, minutes=60, kind=kind, quantity=quantity, unit=name)
        channel.delivery_point.generating_unit = unit
        channel.delivery_point.save()
        ingest(long_csv(code, START, [value] * hours, minutes=60, unit=name), name=code[:2])
        validate_days([channel.pk], date(2026, 3, 1), date(2026, 3, 31), now=NOW, actor=ACTOR)
    return made


def test_a_month_of_a_unit_in_phases(campus):
    found = plants(campus, Period.month(campus.zone, "2026-03"), now=NOW)
    (unit,) = found.units
    # In service 3 to 31 March: 29 days less the hour that the clock skipped on the 8th.
    assert unit.hours == 29 * 24 - 1
    assert unit.output_kwh.value == 695 * 700
    # 14 days less one hour at 1,000 kW, 15 days at 2,000 kW.
    assert unit.capacity_kwh == 335 * 1000 + 360 * 2000
    assert unit.heat_rate_btu.value == 8000
    assert unit.starts.value == 0
    assert [(one.channel, one.use, one.first_day) for one in found.origins] == [
        ("G1/DEL", "output", date(2026, 3, 3)),
        ("F1/DEL", "fuel", date(2026, 3, 3)),
    ]
    unit = GeneratingUnit.objects.get()
    asked = [date(2026, 3, 2), date(2026, 3, 16), date(2026, 3, 17)]
    assert [nameplate_kw(unit, day) for day in asked] == [0, 1000, 2000]


def test_an_interruption_of_its_point_makes_a_unit_less_available(campus):
    unit = GeneratingUnit.objects.get()
    point = unit.delivery_points.get(kind="GENERATOR")
    begin = datetime(2026, 3, 10, 5, tzinfo=UTC)
    Interruption.objects.create(
        delivery_point=point, during=DateTimeTZRange(begin, begin + timedelta(hours=139)),
        cause="FORCED", recorded_by="user:ann", recorded_at=NOW,
    )  # fmt: skip
    (found,) = plants(campus, Period.month(campus.zone, "2026-03"), now=NOW).units
    assert found.availability.value == Fraction(4, 5)


def test_months_before_commissioning_have_no_unit(campus):
    found = plants(campus, Period.month(campus.zone, "2026-02"), now=NOW)
    assert (found.units, found.out_of_service) == ((), ("G1",))


def test_months_without_readings_have_no_figures(campus, client):
    client.force_login(get_user_model().objects.create_user("ann", role="viewer"))
    url = reverse("office-plants")
    page = client.get(url, {"first": "2026-03", "last": "2026-04"}).content.decode()
    # 720 of 1,415 hours.
    assert "n/a (50.88 % missing)" in page
    assert "486,500" not in page


def test_the_page_sorts_and_hands_out(campus, client):
    client.force_login(get_user_model().objects.create_user("ann", role="viewer"))
    url = reverse("office-plants")
    said = {"first": "2026-03", "last": "2026-03", "sort": "-output"}
    page = client.get(url, said).content.decode()
    assert 'aria-sort="descending"' in page
    assert "486.5" in page
    lines = client.get(url, said | {"export": "csv"}).content.decode().splitlines()
    assert lines[1].startswith("unit,G1,V,2026-03..2026-03,695.00,486.500000,")
    assert lines[2].startswith("vendor,V,V,")
    assert client.get(url, said | {"sort": "colour"}).status_code == 404
    wrong = client.get(url, {"first": "2026-04", "last": "2026-03"})
    assert wrong.status_code == 400
    assert "choose 1 to 24" in wrong.content.decode()


@pytest.mark.parametrize("count", [1, 4])
def test_as_many_questions_for_many_units(campus, django_assert_max_num_queries, count):
    for n in range(count):
        unit = GeneratingUnit.objects.create(
            campus=campus, code=f"S{n}", name="S", technology="SOLAR", nameplate_kw=10
        )
        channel = make_channel(f"S{n}/DEL", minutes=60, kind="GENERATOR")
        channel.delivery_point.generating_unit = unit
        channel.delivery_point.save()
    with django_assert_max_num_queries(8):
        plants(campus, Period.month(campus.zone, "2026-03"), now=NOW)


def test_metrology_page_and_the_warning_on_a_channel(campus, client):
    channel = Channel.objects.get(code="G1/DEL")
    certified(channel, date(2020, 1, 1), issued=date(2010, 1, 1))
    client.force_login(get_user_model().objects.create_user("ann", role="operator"))
    page = client.get(reverse("office-metrology"), {"month": "2026-03"}).content.decode()
    assert "lapsed on 2020-01-01" in page
    assert "Record a certificate" in page
    rows = client.get(reverse("office-metrology"), {"export": "csv"}).content.decode()
    assert "CT certificate,G1/DEL (main),C-1" in rows
    shown = client.get(reverse("office-channel", args=["G1/DEL"]), {"month": "2026-03"})
    assert "lapsed on 2020-01-01" in shown.content.decode()
    other = client.get(reverse("office-channel", args=["F1/DEL"]), {"month": "2026-03"})
    assert "lapsed on" not in other.content.decode()
    assert client.get(reverse("office-metrology"), {"within": "soon"}).status_code == 404
