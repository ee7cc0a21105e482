"""The doctor finds sources that nobody looks at, and looks that nobody asked for."""

import pytest
from django.db import connection

from meters.models import Source
from meters.services.collecting.sources import pause
from poweroptix.doctor import examine
from poweroptix.jobs.models import Recurring
from tests.meters.sources.looks import ACTOR, folder_source

pytestmark = [pytest.mark.django_db, pytest.mark.no_doctor("schedules are broken on purpose")]


def said():
    (found,) = examine(connection, only=["meters.schedules"])
    return list(found.violations)


@pytest.fixture
def source(inbox):
    return folder_source(inbox)


def test_sources_that_are_on_off_and_pushed_are_well(source, inbox):
    pause(folder_source(inbox, code="off"), reason="The server moves house", actor=ACTOR)
    Source.objects.create(code="api", name="By API", kind="push@1")
    assert Recurring.objects.filter(is_active=True).count() == 1
    assert said() == []


def test_a_source_without_its_schedule_is_found(source):
    Source.objects.update(recurring=None)
    Recurring.objects.all().delete()
    assert said() == ["source ami: a look every 15 minutes asked for, no look planned"]


def test_a_sleeping_schedule_and_another_interval_are_found(source):
    Recurring.objects.update(is_active=False)
    assert said() == ["source ami: a look every 15 minutes asked for, no look planned"]
    Recurring.objects.update(is_active=True, every_minutes=5)
    assert said() == [
        "source ami: a look every 15 minutes asked for, a look every 5 minutes planned"
    ]


def test_a_look_at_a_source_that_is_off_is_found(source):
    Source.objects.update(enabled=False, paused_reason="The server moves house")
    assert said() == ["source ami: no look asked for, a look every 15 minutes planned"]


def test_a_look_at_a_sender_and_at_nothing_is_found(source):
    sender = Source.objects.create(code="api", name="By API", kind="push@1")
    for name, source_id in (("one", sender.pk), ("two", 0)):
        Recurring.objects.create(
            name=name, kind="collect_source", payload={"source_id": source_id}, every_minutes=15
        )
    assert said() == [
        "source api: no look asked for, a look every 15 minutes planned",
        "looks are planned at source 0, which is not there",
    ]
