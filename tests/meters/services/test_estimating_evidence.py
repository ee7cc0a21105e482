"""How evidence is read: for all channels at once, whatever their order, the same every time."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meters.models import Finding
from meters.queries import final_series
from tests.meters.builders import make_channel
from tests.meters.services.campus import (
    beside,
    finals,
    judge,
    local,
    quiet,
    sheet,
    store,
    store_day,
)

pytestmark = pytest.mark.django_db
DAY = "2025-06-17"
MIDNIGHT, TEN = local(DAY), local(DAY, "10:00")


@pytest.fixture(autouse=True)
def _ruler():
    quiet()


def holed(code, count=12, **more):
    """Return a load with a week of history and a hole at ten."""
    channel = make_channel(code, kind="HOUSE", **more)
    store_day(channel, "2025-06-10", [500], name=f"{code[0]}1.csv")
    store(channel, MIDNIGHT, [510] * 40 + [None] * count + [510] * (56 - count), name="2.csv")
    return channel


def questions_of(*channels):
    with CaptureQueriesContext(connection) as seen:
        judge(*channels, first=DAY)
    return [query["sql"] for query in seen if query["sql"].startswith("SELECT")]


def test_more_channels_with_gaps_ask_no_more_questions():
    first = holed("F/KWH")
    few = [holed(f"A{n}/KWH") for n in range(2)]
    many = [holed(f"B{n}/KWH") for n in range(12)]
    for channel in (first, *few, *many):
        judge(channel, first="2025-06-10")
    questions_of(first)  # its gap is judged again with each of the others
    one, several = len(questions_of(*few)), len(questions_of(*many))
    assert Finding.objects.filter(rule_code="V01", state="ESTIMATED").count() == 15
    assert several == one


def test_channels_without_a_gap_ask_nothing_about_evidence():
    whole = make_channel("W/KWH", kind="HOUSE")
    store_day(whole, DAY, [100])
    gone = make_channel("G/KWH", kind="HOUSE")
    store(gone, MIDNIGHT, [100] * 40 + [None] * 4 + [100] * 52)
    with CaptureQueriesContext(connection) as plain:
        judge(whole, first=DAY)
    with CaptureQueriesContext(connection) as gap:
        judge(gone, first=DAY)
    asked = {"meters_siteholiday", "meters_interruption"}
    assert not [q for q in plain if any(name in q["sql"] for name in asked)]
    assert [q for q in gap if "meters_siteholiday" in q["sql"]]


def test_a_check_meter_counts_as_it_is_judged_in_the_same_run_whatever_its_length():
    """Main and check are stored together and judged once; the estimate is there at once."""
    channel = make_channel("M/KWH", kind="HOUSE")
    check = beside(channel, "C/KWH", role="CHECK")
    for number, day in enumerate(("2025-06-15", "2025-06-16", DAY)):
        hole = [None] * 4 if number == 2 else [100] * 4
        store(channel, local(day), [100] * 40 + hole + [100] * 52, name=f"m{number}.csv")
        store_day(check, day, [99], name=f"c{number}.csv")
    judge(check, channel, first="2025-06-15", last=DAY)
    assert sheet(channel)["method"] == "check_meter@1"
    assert finals(channel, TEN, 4) == ["100.000"] * 4
    readings = sheet(channel)["readings"]
    assert {(each["channel"], each["layer"]) for each in readings} == {
        ("M/KWH", "RAW"),
        ("C/KWH", "RAW"),
    }
    judge(check, channel, first=DAY)
    assert {each["layer"] for each in sheet(channel)["readings"]} == {"RAW", "FINAL"}


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    order=st.permutations([0, 1, 2]),
    load=st.lists(st.integers(1, 10**6), min_size=24, max_size=24),
    hole=st.tuples(st.integers(0, 20), st.integers(1, 4)),
)
def test_the_same_readings_and_rules_give_the_same_digits(order, load, hole):
    number = Finding.objects.count()
    days = ("2025-06-03", "2025-06-10", DAY)
    twins = [
        make_channel(f"{twin}{number}-{sum(load)}-{hole[0]}/KWH", kind="HOUSE", minutes=60)
        for twin in ("A", "B")
    ]
    for channel, sequence in zip(twins, ([0, 1, 2], order), strict=True):
        for at in sequence:
            values = [v + at for v in load]
            if at == 2:
                values[hole[0] : hole[0] + hole[1]] = [None] * hole[1]
            store(channel, local(days[at]), values[:24], name=f"{channel.pk}-{at}.csv")
        for at in (0, 1, 2):
            judge(channel, first=days[at])
    series = [
        final_series(channel.pk, MIDNIGHT, local("2025-06-18"))[0].values.tolist()
        for channel in twins
    ]
    assert series[0] == series[1]
    assert judge(*twins, first=DAY).blocks == 0


def test_an_estimate_is_never_the_ground_of_another():
    channel = make_channel("M/KWH", kind="HOUSE")
    for day in ("2025-05-27", "2025-06-03"):
        store_day(channel, day, [1000], name=f"{day}.csv")
        judge(channel, first=day)
    for day in ("2025-06-10", DAY):
        store(channel, local(day), [800] * 36 + [None] * 12 + [800] * 48, name=f"{day}.csv")
        judge(channel, first=day)
    used = {
        each["used"][0] for row in Finding.objects.filter(rule_code="V01") for each in row.worksheet
    }
    assert used == {"2025-06-03"}  # never 2025-06-10, which was estimated itself
