"""Sources to look at, and what their pages say."""

import html
import re

from django.urls import reverse

from meters.models import Source
from poweroptix.audit.actor import Actor
from poweroptix.jobs.services import enqueue, run_now
from tests.meters.builders import long_csv
from tests.meters.services.test_vee import FLAT, START

ACTOR = Actor.system("test")
SECRET = "tok-3141592653"
DAY_FILE = "\n".join(long_csv("TEN-ALFA/DEL_KWH", START, FLAT).splitlines()) + "\n"


def put(inbox, name="m.csv", content=DAY_FILE):
    (inbox / name).write_text(content)
    (inbox / f"{name}.done").touch()


def make_source(kind="folder@1", code="ami", secret_place="", cadence_minutes=0, **parameters):
    source = Source(
        code=code,
        name="Meter system",
        kind=kind,
        parameters=parameters,
        secret_place=secret_place,
        cadence_minutes=cadence_minutes,
    )
    source.full_clean()
    source.save()
    return source


def folder_source(inbox, **more):
    return make_source(path=str(inbox), **more)


def due_look(source, number=0):
    """Queue a look as the schedule would."""
    return enqueue("collect_source", f"due {number}", {"source_id": source.pk})


def looked(source, number=0):
    """Look as often as the job tries and return its last run."""
    job = due_look(source, number)
    for _attempt in range(3):
        job = run_now(job)
    assert job.state == "done", (job.state, job.error, job.trace)
    return source.runs.first()


def page(staff, source):
    """Return the words of the page of a source."""
    answer = staff.get(reverse("office-source", args=[source.code]))
    assert answer.status_code == 200
    text = html.unescape(re.sub(r"<[^>]+>", " ", answer.content.decode()))
    return re.sub(r"\s+", " ", text)


def counts(run):
    return (run.seen, run.taken, run.duplicates, run.refused, run.passed)
