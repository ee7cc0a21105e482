"""Lines and like days over stored readings: the worked figures of vee.md 4.2 and 4.3."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from meters.models import Finding, RuleSetting, SiteHoliday
from meters.queries import trace
from poweroptix.kernel.quality import Method
from tests.meters.builders import install, make_campus, make_channel
from tests.meters.cases import example, needs_cases
from tests.meters.services.campus import (
    finals,
    flag,
    judge,
    local,
    quiet,
    sheet,
    sheets,
    store,
    store_day,
)

pytestmark = [pytest.mark.django_db, needs_cases]
DAY = "2025-06-17"  # a Tuesday
TEN = local(DAY, "10:00")


@pytest.fixture(autouse=True)
def _ruler():
    quiet()


def gap(channel, start, count, before, after):
    """Store a flat day with a hole and other values on both sides of it."""
    zone = channel.delivery_point.campus.zone
    midnight = local(DAY, zone=zone)
    first = (start - midnight) // timedelta(minutes=channel.minutes)
    length = 1440 // channel.minutes
    values = [before] * first + [None] * count + [after] * (length - first - count)
    store(channel, midnight, values)


@pytest.mark.parametrize("name", ["I1", "I2", "I10"])
def test_a_line_is_drawn_across_a_short_gap(name):
    case = example(name)
    given, expected = case["given"], case["expect"]
    channel = make_channel(kind="HOUSE")
    gap(channel, TEN, given["n"], given["before"], given["after"])
    assert judge(channel, first=DAY).estimated == given["n"]
    assert finals(channel, TEN, given["n"]) == expected["values"]
    assert sheet(channel)["method"] == "interpolate@1"


def test_a_gap_of_two_hours_and_a_quarter_is_not_interpolated():
    n = example("I3")["given"]["n"]
    channel = make_channel(kind="HOUSE")
    gap(channel, TEN, n, 100, 190)
    assert judge(channel, first=DAY).estimated == 0
    assert finals(channel, TEN, n) == [None] * n


def test_rules_of_the_ieso_stop_after_an_hour():
    case = example("I5")["given"]
    minutes = case["limit_s"] // 60
    RuleSetting.objects.create(
        rule_key="interpolate@1", parameters={"limit_minutes": str(minutes)},
        effective_from=date(2000, 1, 1),
    )  # fmt: skip
    channel = make_channel(kind="HOUSE")
    gap(channel, TEN, case["n"], 100, 190)
    assert judge(channel, first=DAY).estimated == 0
    shorter = make_channel("B/KWH", kind="HOUSE")
    gap(shorter, TEN, 4, 100, 150)
    assert judge(shorter, first=DAY).estimated == 4


def test_two_hours_of_five_minutes_are_interpolated():
    n = example("I6")["given"]["n"]
    channel = make_channel(kind="HOUSE", minutes=5)
    gap(channel, TEN, n, 100, 100)
    assert judge(channel, first=DAY).estimated == n


def test_one_side_is_held_flat():
    case = example("I9")
    n = case["given"]["n"]
    channel = make_channel(kind="HOUSE")
    gap(channel, local(DAY, "23:15"), n, case["given"]["before"], None)
    judge(channel, first=DAY)
    assert finals(channel, local(DAY, "23:15"), n) == case["expect"]["values"]
    assert sheet(channel)["warnings"] == ["one side only: held flat"]


def test_a_line_ends_beyond_the_judged_day_and_never_at_a_flagged_reading():
    channel = make_channel(kind="HOUSE")
    gap(channel, local(DAY, "23:30"), 2, 100, None)
    store_day(channel, "2025-06-18", [500, 130, 130])
    judge(channel, first="2025-06-18")
    flag(channel, local("2025-06-18"))
    judge(channel, first=DAY)
    assert finals(channel, local(DAY, "23:30"), 2) == ["107.500", "115.000"]
    assert sheet(channel)["used"] == ["2025-06-18T04:15Z", "2025-06-18T05:15Z"]


def test_nothing_reaches_across_a_change_of_meters():
    channel = make_channel(kind="HOUSE", installed_from=None)
    install(channel, local("2025-06-01"), local(DAY, "11:00"))
    install(channel, local(DAY, "11:00"), None)
    gap(channel, TEN, 4, 100, 900)
    judge(channel, first=DAY)
    assert finals(channel, TEN, 4) == ["100.000"] * 4


# -- like days ------------------------------------------------------------------------------------


def tuesdays(channel, *days):
    """Store days that are flat at a value each, and the day with a hole of nine intervals."""
    for day, value in days:
        store_day(channel, f"2025-{day}", [value])
        judge(channel, first=f"2025-{day}")
    gap(channel, local(DAY, "09:00"), 9, 800, 800)


def test_the_mean_of_three_tuesdays():
    refs = example("K1")["given"]["refs"]
    channel = make_channel(kind="HOUSE")
    tuesdays(channel, *((name[4:], value) for name, value in refs.items()))
    judge(channel, first=DAY)
    assert finals(channel, TEN, 1) == [example("K1")["expect"]["value"]]
    made = sheet(channel)
    assert made["method"] == "avg_like_day@1"
    assert made["used"] == ["2025-06-10", "2025-06-03", "2025-05-27"]


def test_a_day_with_an_outage_long_before_the_judged_day_is_no_reference():
    expected = example("K2")["expect"]
    channel = make_channel(kind="HOUSE")
    days = [(name[4:], value.split()[0]) for name, value in example("K2")["given"]["refs"].items()]
    tuesdays(channel, *days)
    flag(channel, local("2025-06-10", "17:00"))
    judge(channel, first=DAY)
    assert finals(channel, TEN, 1) == [expected["value"]]
    assert [day[5:] for day in sheet(channel)["used"]] == expected["used"]


def test_the_repeated_hour_takes_its_slot_twice():
    case = example("K4")
    zone = case["given"]["target"].split()[-1]
    channel = make_channel(kind="HOUSE", campus=make_campus("NY", zone))
    for day in ("2025-10-12", "2025-10-19", "2025-10-26"):
        store_day(channel, day, [case["given"]["ref_average"]])
        judge(channel, first=day)
    midnight = local("2025-11-02", zone=zone)
    store(channel, midnight, [7, 8] + [None] * 12 + [9] * 86)
    judge(channel, first="2025-11-02")
    first = midnight + timedelta(hours=1)
    second = midnight + timedelta(hours=2)
    assert finals(channel, first, 1) == finals(channel, second, 1) == ["500.000"]


@pytest.mark.parametrize(
    ("old", "new", "values", "expected"),
    [(15, 30, None, "920.000"), (15, 5, ["450"], "150.000")],
)
def test_the_history_of_another_interval_length_counts(old, new, values, expected):
    values = values or example("K6")["given"]["hist_15min"]
    before = make_channel("OLD/KWH", kind="HOUSE", minutes=old)
    channel = make_channel(
        "NEW/KWH", minutes=new, successor_of=before, installed_from=local("2025-06-15")
    )
    for day in ("2025-05-27", "2025-06-03", "2025-06-10"):
        store_day(before, day, values)
        judge(before, first=day)
    gap(channel, local(DAY, "09:00"), 150 // new, 800, 800)
    assert judge(channel, first=DAY).estimated == 150 // new
    assert finals(channel, TEN, 1) == [expected]


def test_a_history_with_other_transformer_ratios_is_another_measurement():
    channel = make_channel(kind="HOUSE", installed_from=None)
    install(channel, local("2025-01-01"), local("2025-06-12"), Decimal(2))
    install(channel, local("2025-06-12"), None, Decimal(4))
    tuesdays(channel, ("06-10", 1000), ("06-03", 1060))
    assert judge(channel, first=DAY).estimated == 0


def test_a_history_of_another_meter_with_the_same_ratios_counts():
    channel = make_channel(kind="HOUSE", installed_from=None)
    install(channel, local("2025-01-01"), local("2025-06-12"), Decimal(2))
    install(channel, local("2025-06-12"), None, Decimal(2))
    tuesdays(channel, ("06-10", 500), ("06-03", 530))
    judge(channel, first=DAY)
    assert finals(channel, TEN, 1) == ["1030.000"]


def test_holidays_of_the_site_are_days_of_their_own():
    channel = make_channel(kind="HOUSE")
    campus = channel.delivery_point.campus
    for day in (date(2025, 6, 3), date(2025, 6, 17), date(2025, 5, 26)):
        SiteHoliday.objects.create(campus=campus, date=day, name="Works holiday")
    SiteHoliday.objects.create(campus=make_campus("ELSE"), date=date(2025, 6, 10), name="Theirs")
    tuesdays(channel, ("05-26", 300), ("06-03", 500), ("06-10", 1000))
    judge(channel, first=DAY)
    assert finals(channel, TEN, 1) == ["400.000"]
    assert sheet(channel)["used"] == ["2025-06-03", "2025-05-26"]


def test_a_holiday_is_no_reference_for_a_working_day():
    channel = make_channel(kind="HOUSE")
    SiteHoliday.objects.create(
        campus=channel.delivery_point.campus, date=date(2025, 6, 3), name="Works holiday"
    )
    tuesdays(channel, ("06-03", 500), ("06-10", 1000))
    judge(channel, first=DAY)
    assert finals(channel, TEN, 1) == ["1000.000"]
    assert sheet(channel)["warnings"] == ["only 1 reference day(s) for 2025-06-17"]


def test_two_gaps_of_one_day_are_each_measured_against_what_the_files_lack():
    """Each is less than half a day, together they are more: both copy one whole day."""
    channel = make_channel(kind="HOUSE")
    for day, value in (("06-10", 1000), ("06-03", 1060)):
        store_day(channel, f"2025-{day}", [value])
        judge(channel, first=f"2025-{day}")
    store(channel, local(DAY), [800] * 10 + [None] * 30 + [800] * 10 + [None] * 30 + [800] * 16)
    judge(channel, first=DAY)
    assert [each["method"] for each in sheets(channel)] == ["like_day@1", "like_day@1"]
    assert finals(channel, local(DAY, "12:30"), 1) == ["1000.000"]


def test_last_year_serves_where_nothing_is_nearer():
    channel = make_channel(kind="HOUSE")
    year_ago = date.fromisoformat(DAY) - timedelta(days=364)
    store_day(channel, year_ago.isoformat(), [640])
    judge(channel, first=year_ago.isoformat())
    gap(channel, local(DAY, "09:00"), 9, 800, 800)
    judge(channel, first=DAY)
    assert finals(channel, TEN, 1) == ["640.000"]
    assert trace(channel.pk, TEN).newest(2).method == Method.PREV_YEAR


def test_every_estimate_names_its_finding_and_the_versions_it_rests_on():
    channel = make_channel(kind="HOUSE")
    tuesdays(channel, ("06-10", 1000))
    judge(channel, first=DAY)
    assert Finding.objects.get(rule_code="V01").estimate_method == "AVG_LIKE_DAY"
    assert sheet(channel)["readings"] == [
        {
            "channel": channel.code, "layer": "FINAL", "version": 1,
            "first_day": "2025-06-10", "last_day": "2025-06-11",
        }
    ]  # fmt: skip
