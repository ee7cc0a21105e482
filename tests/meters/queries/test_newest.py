"""The month that a page shows when none is asked for."""

from datetime import UTC, datetime

import pytest

from meters.models import Campus
from meters.queries.newest import newest_month
from tests.meters import builders
from tests.meters.builders import long_csv, make_channel

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)


def test_a_channel_without_readings_shows_the_newest_month_of_its_campus():
    full, bare = make_channel(), make_channel("BARE/DEL_KWH")
    campus = full.delivery_point.campus
    # The last quarter of an hour of March in Texas is a quarter of April by UTC.
    builders.ingest(long_csv(full.code, datetime(2026, 4, 1, 4, 45, tzinfo=UTC), ["100"]))
    assert newest_month(campus, full, now=NOW).label == "2026-03"
    assert newest_month(campus, bare, now=NOW).label == "2026-03"
    other = Campus.objects.create(code="WEST", name="West", zone="America/Los_Angeles")
    assert newest_month(other, now=NOW).label == "2026-11"


def test_the_month_of_now_is_the_local_one(db):
    campus = make_channel().delivery_point.campus
    assert newest_month(campus, now=datetime(2026, 12, 1, 3, tzinfo=UTC)).label == "2026-11"
