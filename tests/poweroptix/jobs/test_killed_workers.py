"""Workers are killed and frozen at every point: work is resumed, nothing is done twice."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from django.conf import settings
from django.db import connection

from poweroptix.jobs import services
from poweroptix.jobs.kinds import job_kinds
from poweroptix.jobs.models import Job

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
ROWS = 15


@pytest.fixture
def job():
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE effect (job bigint, stage int, row int)")
    with job_kinds.temporarily("victim", lambda ctx: None):
        yield services.enqueue("victim", "one")
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE effect")


def start(point=""):
    of = settings.DATABASES["default"]
    where = {name: of[name] for name in ("HOST", "PORT", "USER", "PASSWORD", "NAME")}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.poweroptix.jobs.victim", point],
        env={
            **os.environ,
            "VICTIM_DATABASE": json.dumps(where),
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
        cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(worker):
    out, err = worker.communicate(timeout=60)
    return worker.returncode, out + err


def work_until_ended(job, seconds=30):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        code, said = finish(start())
        assert code == 0, said
        job.refresh_from_db()
        if not job.is_open:
            return
        time.sleep(0.3)
    pytest.fail(f"the job is still {job.state}")


def rows():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(DISTINCT (job, stage, row)) FROM effect")
        return cursor.fetchone()


@pytest.mark.parametrize(
    ("point", "kept"),
    [
        ("after_claim", 0),
        ("mid_effect", 0),
        ("after_effect", 0),
        ("after_commit", 5),
        ("before_done", 15),
    ],
)
def test_a_killed_worker_loses_nothing_and_doubles_nothing(job, point, kept):
    code, said = finish(start(point))
    assert code == -signal.SIGKILL, said
    assert rows() == (kept, kept)
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("running", 1)
    work_until_ended(job)
    assert (job.state, job.attempts, rows()) == ("done", 2, (ROWS, ROWS))


def test_a_job_that_kills_its_workers_is_buried(job):
    for _ in range(3):
        finish(start("mid_effect"))
        time.sleep(1.1)
    work_until_ended(job)
    assert (job.state, job.attempts, rows()) == ("dead", 3, (0, 0))
    assert "lease ran out 3 times" in job.error


def test_a_frozen_worker_that_wakes_up_writes_nothing(job):
    frozen = start("stop_between")
    until = time.monotonic() + 30
    while rows() == (0, 0) and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(1.2)
    work_until_ended(job)
    assert (job.state, rows()) == ("done", (ROWS, ROWS))
    frozen.send_signal(signal.SIGCONT)
    code, said = finish(frozen)
    assert code == 0, said
    assert "is in other hands" in said
    job.refresh_from_db()
    assert (job.state, job.fence, rows()) == ("done", 2, (ROWS, ROWS))


def test_two_workers_share_the_jobs_without_doubling(job):
    with job_kinds.temporarily("victim", lambda ctx: None):
        for number in range(30):
            services.enqueue("victim", f"more-{number}")
    workers = [start(), start()]
    for worker in workers:
        code, said = finish(worker)
        assert code == 0, said
    assert Job.objects.filter(state="done", attempts=1).count() == 31
    assert rows() == (31 * ROWS, 31 * ROWS)


def test_the_lease_is_kept_while_a_long_job_works():
    beats = []

    def slow(ctx):
        """Take longer than the lease."""
        with ctx.stage(1):
            pass
        before = Job.objects.get().lease_until
        time.sleep(1.5)
        beats.append(Job.objects.get().lease_until > before)

    settings.JOBS_LEASE_SECONDS = 2
    try:
        with job_kinds.temporarily("slow", slow):
            job = services.run_now(services.enqueue("slow", "a"))
    finally:
        del settings.JOBS_LEASE_SECONDS
    assert (job.state, beats) == ("done", [True])


def test_a_rolled_back_enqueue_is_never_seen_by_a_worker(job):
    from django.db import transaction

    with job_kinds.temporarily("victim", lambda ctx: None), transaction.atomic():
        services.enqueue("victim", "ghost")
        transaction.set_rollback(True)
    finish(start())
    assert list(Job.objects.values_list("key", "state")) == [("one", "done")]
