"""Ingest as a job: killed anywhere, it resumes and nothing is doubled."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import connection

from meters.models import ImportFile, Publication, ReadingBlock
from meters.queries import final_series, raw_series
from meters.services.arriving import intake as intake_module
from poweroptix.jobs.models import Job
from poweroptix.jobs.services import drain, enqueue, run_now
from tests.meters.builders import long_csv, make_channel, receive

pytestmark = pytest.mark.django_db(transaction=True)
START = datetime(2026, 3, 3, 6, tzinfo=UTC)
DAYS = 6


class Killed(BaseException):
    """Stands for kill -9: nothing catches it."""


def kill_at(point, times):
    """Return a hook that dies at a named point, the n-th time it is passed."""
    passed = {"count": 0}

    def hook(name):
        if name == point:
            passed["count"] += 1
            if passed["count"] == times:
                raise Killed

    return hook


def expire_leases():
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE jobs_job SET lease_until = now() - interval '1 minute' WHERE state = 'running'"
        )


@pytest.fixture
def channels(monkeypatch):
    monkeypatch.setattr(intake_module, "WINDOW_INTERVALS", 96)
    return [make_channel(f"T-{n}/KWH") for n in range(3)]


def file_of(channels):
    rows = []
    for n, channel in enumerate(channels):
        lines = long_csv(channel.code, START, [f"{n + 1}"] * 96 * DAYS).splitlines()
        rows += lines if n == 0 else lines[1:]
    return receive("\n".join(rows) + "\n")


@pytest.mark.parametrize("point", ["after_claim", "after_effect", "after_commit", "before_done"])
@pytest.mark.parametrize("times", [1, 2, 4])
def test_killed_worker_resumes_and_doubles_nothing(channels, point, times):
    file = file_of(channels)
    job = enqueue("ingest_file", f"ingest:{file.pk}", {"import_file_id": file.pk, "vee": False})
    try:
        drain(30, at_point=kill_at(point, times))
    except Killed:
        connection.close()
        expire_leases()
    drain(30)
    job.refresh_from_db()
    assert job.state == "done", job.error
    file.refresh_from_db()
    assert file.state == "ACCEPTED"
    assert file.receipt["stored"] == {
        "new": 3 * 96 * DAYS, "same": 0, "replaced": 0, "ignored": 0, "blocks": 3 * (DAYS + 1),
    }  # fmt: skip
    assert set(ReadingBlock.objects.values_list("version", flat=True)) == {1}
    assert Publication.objects.filter(published_at__isnull=False).count() == 1
    for n, channel in enumerate(channels):
        end = datetime(2026, 3, 9, 6, tzinfo=UTC)
        assert raw_series(channel.pk, START, end)[0].total() == Decimal((n + 1) * 96 * DAYS)


def test_accepted_file_is_validated_by_the_next_job(channels):
    file = file_of(channels)
    job = enqueue("ingest_file", f"ingest:{file.pk}", {"import_file_id": file.pk})
    assert run_now(job).state == "done"
    drain(30)
    assert set(Job.objects.values_list("state", flat=True)) == {"done"}
    series, _ = final_series(channels[0].pk, START, datetime(2026, 3, 9, 6, tzinfo=UTC))
    assert series.total() == Decimal(96 * DAYS)


def test_refused_file_fails_its_job_with_the_reason(channels):
    bad = long_csv(channels[0].code, START, ["1", "x"])
    file = receive(bad)
    job = run_now(enqueue("ingest_file", f"ingest:{file.pk}", {"import_file_id": file.pk}))
    assert (job.state, job.attempts) == ("failed", 1)
    assert "Line 3" in job.error
    assert ImportFile.objects.get().state == "REFUSED"
