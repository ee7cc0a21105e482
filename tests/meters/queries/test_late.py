"""A channel is late by the oldest local day past its grace that lacks intervals."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from meters.models import Channel
from meters.queries import late_channels
from meters.services import edit_readings
from tests.meters import builders
from tests.meters.builders import install, long_csv, make_channel, person

pytestmark = pytest.mark.django_db
#: Local midnight of 1 March in the zone of the campus, and 12:00 UTC eleven days later.
FIRST = datetime(2026, 3, 1, 6, tzinfo=UTC)
NOW = datetime(2026, 3, 12, 12, tzinfo=UTC)
DAY = 96


def said(now=NOW):
    return [(one.channel.code, one.oldest, one.days, one.missing) for one in late_channels(now)]


def test_one_file_of_a_late_day_does_not_hide_the_hole_before_it():
    make_channel("A/KWH", installed_from=FIRST)
    builders.ingest(long_csv("A/KWH", FIRST, ["1"] * DAY))
    tenth = FIRST + timedelta(days=9, hours=-1)  # clocks went forward on 8 March
    builders.ingest(long_csv("A/KWH", tenth, ["1"] * DAY))
    assert said() == [("A/KWH", date(2026, 3, 2), 8, 8 * DAY - 4)]
    [late] = late_channels(NOW)
    # 2 March ended on 3 March 06:00 UTC; the grace of 26 hours on 4 March 08:00 UTC.
    assert late.hours_late == 8 * 24 + 4


def test_a_day_counts_from_the_end_of_its_grace_on():
    make_channel("A/KWH", installed_from=FIRST)
    builders.ingest(long_csv("A/KWH", FIRST, ["1"] * (DAY - 1)))
    end = FIRST + timedelta(days=1, hours=26)
    assert said(end - timedelta(seconds=1)) == []
    assert said(end) == [("A/KWH", date(2026, 3, 1), 1, 1)]


def test_nothing_is_due_where_no_meter_is_installed():
    channel = make_channel("A/KWH", installed_from=None)
    install(channel, FIRST + timedelta(days=2), FIRST + timedelta(days=4))
    assert said() == [("A/KWH", date(2026, 3, 3), 2, 2 * DAY)]


def test_without_any_installation_readings_are_due_from_the_first_one_on():
    make_channel("A/KWH", installed_from=None)
    builders.ingest(long_csv("A/KWH", FIRST + timedelta(hours=6), ["1"] * (DAY - 25)))
    assert said(FIRST + timedelta(days=2, hours=3)) == [("A/KWH", date(2026, 3, 1), 1, 1)]


def test_a_silent_channel_is_late_for_sixty_days_or_more_and_others_are_not():
    make_channel("B/KWH")
    make_channel("C/KWH", installed_from=NOW - timedelta(hours=2))
    builders.ingest(long_csv("C/KWH", NOW - timedelta(hours=2), ["1"] * 4))
    gone = make_channel("D/KWH")
    Channel.objects.filter(pk=gone.pk).update(is_active=False)
    [late] = late_channels(NOW)
    assert (late.channel.code, late.hours_late) == ("B/KWH", None)
    assert late.oldest == NOW.date() - timedelta(days=60)
    assert late_channels(NOW, campus_id=-1) == []


def test_what_a_person_entered_is_not_missing():
    channel = make_channel("A/KWH", installed_from=FIRST)
    builders.ingest(long_csv("A/KWH", FIRST, ["1"] * (DAY - 2)))
    now = FIRST + timedelta(days=2, hours=3)
    assert said(now) == [("A/KWH", date(2026, 3, 1), 1, 2)]
    start = FIRST + timedelta(hours=23, minutes=30)
    edit_readings(channel, start, start + timedelta(minutes=30), "SET", operand=Decimal(1),
                  reason_code="METER_FAULT", comment="Read from the display.",
                  actor=person("ann"), now=now)  # fmt: skip
    assert said(now) == []
