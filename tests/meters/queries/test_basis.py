"""An edited reading keeps its way back: what was copied, by whom and why, down to file and line."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from meters.models import Channel
from meters.queries import trace, versions
from meters.queries.basis import told
from meters.services import edit_readings, validate_days
from tests.meters import builders
from tests.meters.builders import ACTOR, NOW, long_csv, make_channel, person
from tests.meters.pages.test_workbench import enter, text

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 3, 6, tzinfo=UTC)
NOON = START + timedelta(hours=12)
SOON = NOON + timedelta(minutes=15)
DAY = date(2026, 3, 3)
CHECK = "TEN-ALFA/CHK_KWH"


@pytest.fixture
def channel():
    """Two days of a channel in main.csv, beside its check meter in check.csv."""
    made = make_channel()
    check = Channel.objects.create(
        delivery_point=made.delivery_point, code=CHECK, minutes=15, role="CHECK"
    )
    builders.install(check, builders.LONG_AGO, None)
    builders.ingest(long_csv(made.code, START, ["100"] * 192), name="main.csv")
    builders.ingest(long_csv(check.code, START, ["100.5"] * 96), name="check.csv")
    validate_days([made.pk, check.pk], DAY, DAY + timedelta(days=1), now=NOW, actor=ACTOR)
    return made


def edit(channel, action, *, hours=0, end=None, **more):
    at = NOW + timedelta(hours=hours)
    said = {"reason_code": "FIELD_VISIT", "comment": "Seen on site that day"}
    return edit_readings(
        channel, NOON, end or SOON, action, actor=person("ann"), approver=person("bob"), now=at,
        **said, **more,
    )  # fmt: skip


def basis(channel, at=NOON):
    """Return what the newest final version rests on."""
    return told(trace(channel.pk, at))[0][1]


def test_a_copy_of_the_check_channel_leads_to_its_file(channel):
    edit(channel, "COPY_CHANNEL", source=CHECK)
    found = basis(channel)
    [step] = found["steps"]
    assert (step["channel"], step["version"], step["quantity"]) == (CHECK, 1, Decimal("100.5"))
    assert (step["who"], step["approver"]) == ("user:ann", "user:bob")
    assert step["comment"] == "Seen on site that day"
    assert (found["channel"], found["file"], found["line"]) == (CHECK, "check.csv", 50)


def test_a_copied_day_leads_to_the_line_of_that_day(channel):
    edit(channel, "COPY_DAY", source="2026-03-04")
    found = basis(channel)
    [step] = found["steps"]
    assert (step["channel"], step["start_utc"]) == (channel.code, NOON + timedelta(days=1))
    assert (found["file"], found["line"]) == ("main.csv", 50 + 96)


@pytest.mark.parametrize(
    ("action", "operand"), [("SET", "99"), ("ADD", "-1"), ("SCALE", "0.99"), ("TOTAL", "99")]
)
def test_a_number_has_its_person_and_the_received_reading_beneath(channel, action, operand):
    edit(channel, action, operand=Decimal(operand))
    found = basis(channel)
    assert [step["who"] for step in found["steps"]] == ["user:ann"]
    assert found["steps"][0]["operand"] == Decimal(operand)
    assert (found["file"], found["line"], found["quantity"]) == ("main.csv", 50, 100)


def test_an_edit_of_an_edit_tells_both_and_a_revert_neither(channel):
    edit(channel, "COPY_CHANNEL", source=CHECK)
    edit(channel, "ADD", hours=1, operand=Decimal(-1))
    found = basis(channel)
    assert [step["said"] for step in found["steps"]] == ["Add", "Copy from the check channel"]
    assert (found["file"], found["line"]) == ("check.csv", 50)
    edit(channel, "REVERT", hours=2)
    found = basis(channel)
    assert (found["steps"], found["file"], found["line"]) == ([], "main.csv", 50)


def test_a_copy_rests_on_what_was_there_when_it_was_made(channel):
    edit(channel, "COPY_CHANNEL", source=CHECK)
    later = NOW + timedelta(days=1)
    builders.ingest(long_csv(CHECK, START, ["100.7"] * 96), name="again.csv", now=later)
    check = Channel.objects.get(code=CHECK)
    validate_days([check.pk], DAY, DAY, now=later, actor=ACTOR)
    assert basis(check)["file"] == "again.csv"
    found = basis(channel)
    assert (found["steps"][0]["version"], found["file"]) == (1, "check.csv")


def test_the_versions_of_a_day_name_the_copied_channel_and_its_lines(channel):
    edit(channel, "COPY_CHANNEL", source=CHECK, end=NOON + timedelta(hours=1))
    newest = versions(channel, START, START + timedelta(days=1))[0]
    [held] = newest.edited
    assert (held.interval_count, held.channel.code) == (4, CHECK)
    assert [(file.name, first, last) for file, first, last in held.files] == [("check.csv", 50, 53)]
    [(file, first, last)] = versions(channel, NOON, SOON)[-1].files
    assert (file.name, first, last) == ("main.csv", 50, 50)
    assert versions(channel, NOON, SOON)[0].files == ()


def test_the_pages_link_the_check_channel_and_its_file(client, channel):
    edit(channel, "COPY_CHANNEL", source=CHECK)
    enter(client, "cleo")
    page = text(client.get(reverse("office-channel", args=[channel.code]),
                           {"at": NOON.isoformat()}))  # fmt: skip
    there = reverse("office-channel", args=[CHECK])
    assert f'Copy from the check channel: <a href="{there}?at=' in page
    assert "confirmed by bob" in page
    assert "check.csv</a>, line 50" in page
    page = text(client.get(reverse("office-history", args=[channel.code]), {"day": f"{DAY}"}))
    assert "1 interval: Copy from the check channel" in page
    assert "check.csv</a>, lines 50 to 50" in page
