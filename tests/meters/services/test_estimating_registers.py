"""Estimates scaled to registers, across windows and reads; meters exchanged; vee.md 4.4 and 9.5."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meters.models import Finding, GeneratingUnit
from meters.queries import final_series, open_findings
from meters.services import accept_finding
from meters.services.publishing.followup import validate_receipt
from poweroptix.kernel.quality import Status
from tests.meters.builders import ACTOR, install, make_channel
from tests.meters.cases import example, needs_cases
from tests.meters.services.campus import (
    LATER,
    beside,
    finals,
    judge,
    local,
    quiet,
    read,
    sheet,
    sheets,
    store,
    store_day,
    values_of,
)

pytestmark = [pytest.mark.django_db, needs_cases]
DAY = "2025-06-17"
MIDNIGHT, NEXT = local(DAY), local("2025-06-18")
QUARTER = timedelta(minutes=15)


@pytest.fixture(autouse=True)
def _ruler():
    quiet()


def day_with_hole(name, code="M/KWH", estimates=None):
    """Store the day of an example: its estimates arise as straight lines in a hole at ten."""
    case = example(name)["given"]
    wanted = [Decimal(text) for text in estimates or case["estimates"]]
    channel = make_channel(code, kind="HOUSE")
    edge = wanted[0]
    measured = Decimal(case["valid_sum"]) - 2 * edge
    rest = 96 - len(wanted) - 2
    each = (measured / rest).quantize(Decimal("0.000001"))
    values = [each] * 39 + [edge] + [None] * len(wanted) + [edge] + [each] * (rest - 39)
    values[0] += measured - each * rest
    store(channel, MIDNIGHT, values)
    start = MIDNIGHT + 40 * QUARTER
    return channel, start, Decimal(case["register"])


def at_both_ends(channel, advance, start=MIDNIGHT, end=NEXT, begin="001000.000"):
    last = f"{Decimal(begin) + advance:010.3f}"
    read(channel, (start, begin, "SCHEDULED"), (end, last, "SCHEDULED"))


@pytest.mark.parametrize("name", ["C3", "C4"])
def test_estimates_add_up_to_the_register_to_the_last_digit(name):
    expected = example(name)["expect"]
    channel, start, register = day_with_hole(name)
    at_both_ends(channel, register)
    judge(channel, first=DAY)
    assert finals(channel, start, 3) == expected["values"]
    assert final_series(channel.pk, MIDNIGHT, NEXT)[0].total() == register
    made = sheet(channel)
    (scaled,) = made["scaled"]
    assert Decimal(scaled["rest"]) == Decimal(expected["need"])
    assert made["estimated"] == [f"{Decimal(v):.3f}" for v in example(name)["given"]["estimates"]]
    assert [each["line"] for each in scaled["reads"]] == [2, 3]
    assert scaled["reads"][0]["file"] == "reads.csv"


def test_more_measured_than_counted_leaves_the_estimates_and_holds_the_span():
    channel, start, register = day_with_hole("C2", estimates=["15", "15"])
    at_both_ends(channel, register)
    judge(channel, first=DAY)
    assert finals(channel, start, 2) == ["15.000", "15.000"]
    found = open_findings(channel_ids=[channel.pk]).get()
    need = abs(Decimal(example("C2")["expect"]["need"]))
    assert (found.rule_code, found.severity, found.metric) == ("V20", "HOLD", need)
    assert (found.start_utc, found.end_utc) == (MIDNIGHT, NEXT)
    assert found.message.startswith("The register counted 10000 kWh, 10050 kWh were measured")
    series = final_series(channel.pk, MIDNIGHT, NEXT)[0]
    assert series.worst_status == Status.SUSPECT


def test_a_sum_check_that_is_off_does_not_hold():
    quiet("sum_check@1")
    channel, start, register = day_with_hole("C2", estimates=["15", "15"])
    at_both_ends(channel, register)
    judge(channel, first=DAY)
    assert finals(channel, start, 2) == ["15.000", "15.000"]
    assert not open_findings(channel_ids=[channel.pk]).exists()


def test_a_rest_below_zero_within_two_steps_sets_the_estimates_to_zero():
    channel, start, _ = day_with_hole("C2", estimates=["15", "15"])
    read(channel, (MIDNIGHT, "001000", "SCHEDULED"), (NEXT, "011048", "SCHEDULED"))
    judge(channel, first=DAY)
    assert finals(channel, start, 2) == ["0.000", "0.000"]
    assert not Finding.objects.filter(channel=channel, rule_code="V20", state="OPEN").exists()


def two_days_with_holes(channel):
    """Store eight flat days of 2.5 a quarter with a hole on the second and on the seventh."""
    for number in range(8):
        hole = {1: (40, 44), 6: (80, 88)}.get(number, (0, 0))
        values = [None if hole[0] <= i < hole[1] else "2.5" for i in range(96)]
        store(channel, local(f"2025-06-{10 + number}"), values, name=f"{number}.csv")


def holes(channel):
    first = finals(channel, local("2025-06-11", "10:00"), 4)
    return first, finals(channel, local("2025-06-16", "20:00"), 8)


def week_total(channel):
    return final_series(channel.pk, local("2025-06-10"), local("2025-06-18"))[0].total()


def test_all_estimates_between_two_reads_share_whatever_days_are_judged():
    """1920 counted and 1890 estimated or measured; the twelve estimates of 2.5 make up for 30."""
    channel = make_channel("M/KWH", kind="HOUSE")
    two_days_with_holes(channel)
    for number in range(8):
        judge(channel, first=f"2025-06-{10 + number}")
    assert holes(channel) == (["2.500"] * 4, ["2.500"] * 8)
    receipt = read(
        channel,
        (local("2025-06-10"), "001000.0", "SCHEDULED"),
        (local("2025-06-18"), "002950.0", "SCHEDULED"),
    )
    validate_receipt(receipt, now=LATER, actor=ACTOR)
    assert holes(channel) == (["5.000"] * 4, ["5.000"] * 8)
    assert week_total(channel) == Decimal(1950)
    factors = {each["scaled"][0]["factor"] for each in sheets(channel)}
    assert factors == {"2"}


def test_a_read_that_arrives_later_scales_the_days_before_it_again():
    channel = make_channel("M/KWH", kind="HOUSE")
    two_days_with_holes(channel)
    judge(channel, first="2025-06-10", last="2025-06-17")
    receipt = read(channel, (local("2025-06-10"), "001000.0", "SCHEDULED"), name="1.csv")
    validate_receipt(receipt, now=LATER, actor=ACTOR)
    assert holes(channel)[0] == ["2.500"] * 4
    receipt = read(channel, (local("2025-06-18"), "002950.0", "SCHEDULED"), name="2.csv")
    validate_receipt(receipt, now=LATER, actor=ACTOR)
    assert holes(channel) == (["5.000"] * 4, ["5.000"] * 8)
    receipt = read(channel, (local("2025-06-14"), "001970.0", "SCHEDULED"), name="3.csv")
    validate_receipt(receipt, now=LATER, actor=ACTOR)
    assert holes(channel) == (["5.000"] * 4, ["5.000"] * 8)
    receipt = read(channel, (local("2025-06-12"), "001490.0", "SCHEDULED"), name="4.csv")
    validate_receipt(receipt, now=LATER, actor=ACTOR)
    assert holes(channel)[0] == ["5.000"] * 4


def test_late_readings_of_one_day_move_the_estimates_of_another():
    channel = make_channel("M/KWH", kind="HOUSE")
    two_days_with_holes(channel)
    at_both_ends(channel, Decimal(1950), local("2025-06-10"), local("2025-06-18"))
    judge(channel, first="2025-06-10", last="2025-06-17")
    store(channel, local("2025-06-11", "10:00"), ["8"] * 4, name="late.csv")
    judge(channel, first="2025-06-11")
    assert holes(channel) == (["8.000"] * 4, ["3.500"] * 8)
    assert week_total(channel) == Decimal(1950)


def test_reads_outside_of_the_judged_days_are_enough():
    """One day is judged, the reads lie three weeks apart; only that day is written."""
    channel = make_channel("M/KWH", kind="HOUSE")
    for number in range(21):
        values = [None if number == 10 and 40 <= i < 44 else "2.5" for i in range(96)]
        store(channel, local(f"2025-06-{1 + number:02d}"), values, name=f"{number}.csv")
    at_both_ends(channel, Decimal(5042), local("2025-06-01"), local("2025-06-22"))
    judge(channel, first="2025-06-01", last="2025-06-21")
    summary = judge(channel, first="2025-06-11")
    assert summary.days == 1
    assert finals(channel, local("2025-06-11", "10:00"), 4) == ["3.000"] * 4


def test_an_interval_without_a_sure_value_stops_the_scaling_and_says_so():
    channel = make_channel("M/KWH", kind="STORAGE")
    channel.delivery_point.generating_unit = GeneratingUnit.objects.create(
        campus=channel.delivery_point.campus, code="B", name="B", technology="BATTERY",
        nameplate_kw=1000,
    )  # fmt: skip
    channel.delivery_point.save()
    values = ["2.5"] * 96
    values[40:44] = [None] * 4
    values[60:80] = [None] * 20
    store(channel, MIDNIGHT, values)
    at_both_ends(channel, Decimal(300))
    judge(channel, first=DAY)
    assert finals(channel, MIDNIGHT + 40 * QUARTER, 4) == ["2.500"] * 4
    (made,) = sheets(channel)
    assert made["warnings"] == [
        "an interval between the reads has no sure value: not scaled to the register"
    ]


def test_reads_that_were_estimated_or_doubted_scale_nothing():
    channel, start, _ = day_with_hole("C4")
    channel.delivery_point.capacity_kw = Decimal(500)
    channel.delivery_point.save()
    read(channel, (MIDNIGHT, "001000.0", "SCHEDULED"), (NEXT, "900000.0", "SCHEDULED"))
    assert Finding.objects.filter(rule_code="REGISTER_IMPLAUSIBLE").exists()
    judge(channel, first=DAY)
    assert finals(channel, start, 3) == ["1.000"] * 3


def test_what_another_meter_told_is_not_moved():
    channel = make_channel("M/KWH", kind="HOUSE")
    check = beside(channel, "C/KWH", role="CHECK")
    for number in range(3):
        values = [None if number == 2 and 40 <= i < 44 else "2.5" for i in range(96)]
        store(channel, local(f"2025-06-{15 + number}"), values, name=f"{number}.csv")
        store_day(check, f"2025-06-{15 + number}", ["2.5"])
    read(channel, (MIDNIGHT, "001000.0", "SCHEDULED"), (NEXT, "001241.0", "SCHEDULED"))
    judge(channel, check, first="2025-06-15", last=DAY)
    assert sheet(channel)["method"] == "check_meter@1"
    assert finals(channel, MIDNIGHT + 40 * QUARTER, 4) == ["2.500"] * 4


def test_only_a_register_knows_and_no_day_is_like_it():
    """Five hours missing of a first day: the rest of its register, evenly."""
    channel = make_channel("M/KWH", kind="HOUSE")
    values = [None if 40 <= i < 60 else "2.5" for i in range(96)]
    store(channel, MIDNIGHT, values)
    at_both_ends(channel, Decimal(250))
    judge(channel, first=DAY)
    assert finals(channel, MIDNIGHT + 40 * QUARTER, 20) == ["3.000"] * 20
    assert sheet(channel)["method"] == "average_daily_load@1"


def test_a_register_is_spread_as_the_other_loads_of_the_campus_ran():
    """Nothing is like this first day; the neighbour took 1 in the morning and 3 from noon on."""
    channel, other = make_channel("M/KWH", kind="HOUSE"), make_channel("N/KWH", kind="HOUSE")
    source = make_channel("S/KWH", kind="GRID_TIE")
    store(channel, MIDNIGHT, [None if 40 <= i < 56 else "2.5" for i in range(96)])
    store(other, MIDNIGHT, ["1"] * 48 + ["3"] * 48, name="n.csv")
    store(source, MIDNIGHT, ["9"] * 96, name="s.csv")
    at_both_ends(channel, Decimal(232))
    judge(channel, other, source, first=DAY)
    assert finals(channel, MIDNIGHT + 40 * QUARTER, 16) == ["1.000"] * 8 + ["3.000"] * 8
    made = sheet(channel)
    assert (made["method"], made["shape"]) == ("profile@1", "load of N/KWH")


def test_a_solar_register_is_spread_by_the_height_of_the_sun():
    channel = make_channel("PV/KWH", kind="GENERATOR", minutes=60)
    point = channel.delivery_point
    point.campus.latitude_deg, point.campus.longitude_deg = Decimal("34.5"), Decimal("-102.3")
    point.campus.save()
    point.generating_unit = GeneratingUnit.objects.create(
        campus=point.campus, code="PV", name="PV", technology="SOLAR", nameplate_kw=1000
    )
    point.save()
    quiet("solar_night@1", "solar_idle_day@1", "implausible_unit@1")
    store(channel, MIDNIGHT, [0] * 4 + [None] * 18 + [0] * 2)
    at_both_ends(channel, Decimal(900))
    judge(channel, first=DAY)
    values = [Decimal(v) for v in finals(channel, MIDNIGHT, 24)]
    assert (sum(values), values[4], values[21]) == (900, 0, 0)
    assert max(values) == max(values[12:15]) > 90
    assert sheet(channel)["shape"] == "elevation of the sun"


# -- exchange of meters ----------------------------------------------------------------------


def exchanged(removed, installed, *, new_to="000500.0"):
    """Exchange a meter inside 10:00 to 10:15; both registers were read an hour around it."""
    channel = make_channel("M/KWH", kind="HOUSE", installed_from=None)
    install(channel, local("2025-01-01"), local(DAY, removed))
    install(channel, local(DAY, installed), None)
    store(channel, MIDNIGHT, ["150"] * 40 + [None] + ["150"] * 55)
    read(
        channel,
        (local(DAY, "09:00"), "005000.0", "SCHEDULED"),
        (local(DAY, removed), "005670.0", "REMOVE"),
        (local(DAY, installed), "000000.0", "INSTALL"),
        (local(DAY, "11:00"), new_to, "SCHEDULED"),
    )
    judge(channel, first=DAY)
    return channel


def test_a_meter_exchanged_inside_an_interval():
    case = example("V4")
    channel = exchanged("10:07", "10:10")
    total = case["expect"]["total"]
    assert finals(channel, local(DAY, "10:00"), 1) == [total]
    made = sheet(channel)
    assert (made["old"], made["new"]) == (
        case["given"]["old_kwh_to_1007"],
        case["given"]["new_kwh_from_1010"],
    )
    assert (made["dead_s"], made["measured"]) == (180, case["expect"]["measured"])
    assert Decimal(made["dead_part"]) == Decimal(case["expect"]["estimated_dead"])
    assert made["registers"][0]["reads"][1]["register"] == "005670.0"
    series = final_series(channel.pk, local(DAY, "10:00"), local(DAY, "10:15"))[0]
    assert series.status.tolist() == [Status.ESTIMATED]


def test_without_dead_time_nothing_is_guessed():
    quiet("sum_check@1")  # it takes a read in the middle of an interval for the nearest edge
    channel = exchanged("10:07", "10:07")
    series = final_series(channel.pk, local(DAY, "10:00"), local(DAY, "10:15"))[0]
    assert (values_of(series), series.status.tolist()) == ([Decimal(120)], [Status.CALCULATED])


def test_a_register_below_what_was_metered_tells_nothing():
    channel = exchanged("10:07", "10:10", new_to="000449.0")
    assert sheet(channel)["method"] == "interpolate@1"


# -- laws ----------------------------------------------------------------------


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    holes=st.sets(st.integers(0, 23), min_size=1, max_size=6),
    surplus=st.integers(0, 500_000),
    load=st.lists(st.integers(1, 999_999), min_size=24, max_size=24),
)
def test_measured_and_estimated_add_up_to_the_register(holes, surplus, load):
    number = Finding.objects.count() + 1
    channel = make_channel(f"H{number}-{surplus}-{sum(load)}/KWH", kind="HOUSE", minutes=60)
    values = [None if i in holes else Decimal(load[i]).scaleb(-3) for i in range(24)]
    store(channel, MIDNIGHT, values, name=f"{channel.pk}.csv")
    advance = sum((v for v in values if v is not None), Decimal(0)) + Decimal(surplus).scaleb(-3)
    at_both_ends(channel, advance)
    judge(channel, first=DAY)
    series = final_series(channel.pk, MIDNIGHT, NEXT)[0]
    if not series.missing_count:
        assert series.total() == advance
    before = series.values.tolist()
    again = judge(channel, first=DAY)
    assert again.blocks == 0
    assert final_series(channel.pk, MIDNIGHT, NEXT)[0].values.tolist() == before


def test_a_register_read_with_other_decimals_is_held_until_somebody_accepts_it():
    channel = make_channel("DEC/KWH")
    store_day(channel, DAY, ["1.5"])
    read(channel, (MIDNIGHT, "001000.5", "SCHEDULED"), (NEXT, "001144", "SCHEDULED"))
    judge(channel, first=DAY)
    found = open_findings(channel_ids=[channel.pk]).get()
    assert (found.rule_code, found.severity) == ("V28D", "HOLD")
    assert (found.metric, found.threshold) == (Decimal(0), Decimal(1))
    assert (found.start_utc, found.end_utc) == (MIDNIGHT, NEXT)
    assert found.message.startswith(
        "The register was read with 1 decimal and then with no decimals ("
    )
    assert final_series(channel.pk, MIDNIGHT, NEXT)[0].worst_status == Status.SUSPECT
    accept_finding(
        found, reason_code="OTHER", comment="The source cuts zeros.", actor=ACTOR, now=LATER
    )
    judge(channel, first=DAY)
    assert final_series(channel.pk, MIDNIGHT, NEXT)[0].worst_status == Status.VERIFIED
    assert not open_findings(channel_ids=[channel.pk]).exists()
