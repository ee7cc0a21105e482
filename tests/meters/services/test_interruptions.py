"""An interruption on record has the days of its point judged again."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from meters.models import Interruption
from meters.services.judging.outages import enqueue_judgement, range_of
from poweroptix.accounts.models import User
from poweroptix.jobs.models import Job
from tests.meters.builders import make_channel
from tests.meters.services.campus import beside, interrupted, local

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 4, 2, 12, tzinfo=UTC)
TEN = local("2026-03-03", "10:00")


def test_all_energy_channels_of_the_point_over_the_days_it_lasted():
    channel = make_channel()
    reactive = beside(channel, "TEN-ALFA/KVARH", quantity="KVARH", unit="kVArh")
    beside(channel, "TEN-ALFA/V", quantity="VOLT", unit="V")
    row = interrupted(channel, TEN, TEN + timedelta(hours=14))
    job = enqueue_judgement(row, range_of(row), now=NOW)
    assert job.kind == "validate_days"
    assert job.payload == {
        "channel_ids": sorted([channel.pk, reactive.pk]),
        "first_day": "2026-03-03",
        "last_day": "2026-03-03",
        "reason": f"Interruption of {channel.delivery_point.code}",
    }


def test_a_corrected_end_takes_in_the_days_it_had_before():
    row = interrupted(make_channel(), TEN, TEN + timedelta(hours=1))
    before = (TEN - timedelta(days=2), TEN + timedelta(days=3))
    payload = enqueue_judgement(row, before, range_of(row), now=NOW).payload
    assert (payload["first_day"], payload["last_day"]) == ("2026-03-01", "2026-03-06")


def test_one_that_lasts_is_judged_until_now_and_one_to_come_not_at_all():
    row = interrupted(make_channel(), NOW - timedelta(days=1), None)
    payload = enqueue_judgement(row, range_of(row), now=NOW).payload
    assert (payload["first_day"], payload["last_day"]) == ("2026-04-01", "2026-04-02")
    row = interrupted(make_channel("B/KWH"), NOW + timedelta(days=1), None)
    assert enqueue_judgement(row, range_of(row), now=NOW) is None


def test_the_set_up_asks_for_it_when_one_is_entered_and_when_it_ends():
    channel = make_channel()
    User.objects.create_superuser(username="root", password="x", role="administrator")
    client = Client()
    client.force_login(User.objects.get(username="root"))
    form = {
        "delivery_point": channel.delivery_point_id, "during_0": "2026-03-03 16:00:00",
        "during_1": "", "cause": "GRID", "comment": "",
    }  # fmt: skip
    page = "/admin/meters/interruption/"
    assert client.post(f"{page}add/", form).status_code == 302
    row = Interruption.objects.get()
    ended = form | {"during_1": "2026-03-03 18:00:00"}
    assert client.post(f"{page}{row.pk}/change/", ended).status_code == 302
    jobs = Job.objects.filter(kind="validate_days").order_by("pk")
    assert [job.payload["first_day"] for job in jobs] == ["2026-03-03"] * 2
