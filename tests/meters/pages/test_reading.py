"""Files that are being read, and what the page of a file says of its month."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from meters.models import ImportFile
from meters.pages import imports
from poweroptix.accounts.services import create_user
from poweroptix.audit.actor import Actor
from poweroptix.jobs.services import drain, enqueue
from tests.meters import builders
from tests.meters.builders import long_csv, make_channel

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 1, 6, tzinfo=UTC)
LIVE = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def analyst(client):
    client.force_login(create_user("ana", None, role="analyst", actor=Actor.system("test")))
    return client


def text_of(answer):
    return answer.content.decode()


def test_the_pages_of_a_file_follow_its_reading_and_are_shown_anew_when_it_ends(analyst):
    make_channel("A/KWH")
    file = builders.receive(long_csv("A/KWH", START, ["1"] * 4))
    job = enqueue("ingest_file", "one", {"import_file_id": file.pk})
    address = f"{reverse('office-reading')}?jobs={job.pk}"
    for name, args in (("office-imports", []), ("office-import", [file.pk])):
        page = text_of(analyst.get(reverse(name, args=args)))
        assert f'hx-get="{address}" hx-trigger="every 2s"' in page
        assert 'aria-label="How far file.csv is read"' in page
    answer = analyst.get(address, **LIVE)
    assert "HX-Refresh" not in answer
    assert address in text_of(answer)
    drain(60)
    assert analyst.get(address, **LIVE)["HX-Refresh"] == "true"
    for name, args in (("office-imports", []), ("office-import", [file.pk])):
        assert "hx-get" not in text_of(analyst.get(reverse(name, args=args)))


MANY = ",".join(map(str, range(1, 30)))


@pytest.mark.parametrize("asked", ["", "?jobs=", "?jobs=x", "?jobs=1,", f"?jobs={MANY}"])
def test_only_named_readings_are_followed(analyst, asked):
    assert analyst.get(reverse("office-reading") + asked).status_code == 404


def test_another_job_is_not_followed_as_a_reading(analyst):
    job = enqueue("validate_days", "x", {"channel_ids": []})
    answer = analyst.get(f"{reverse('office-reading')}?jobs={job.pk}")
    assert answer["HX-Refresh"] == "true"
    assert "progress" not in text_of(answer)


def test_a_file_of_a_month_that_runs_says_when_it_can_be_settled(analyst, monkeypatch):
    make_channel("A/KWH")
    builders.ingest(long_csv("A/KWH", START, ["1"] * 4))
    address = reverse("office-import", args=[ImportFile.objects.get().pk])
    for day, said in ((31, "2026-03 can be settled from 2026-04-01 00:00"), (32, "to settlement")):
        at = START + timedelta(days=day - 1)
        monkeypatch.setattr(imports, "now", lambda at=at: at)
        assert said in re.sub(r"<[^>]+>", "", text_of(analyst.get(address)))
