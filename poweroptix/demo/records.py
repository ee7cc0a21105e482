"""The records beside the readings: proofs of meters, the watched folder and what came through it.

Documents and files go through the same services as everybody's. The looks at the folder alone are
written as they would have been: a real look goes by the clock of the database, and the history of
the campus has one of its own.
"""

import os
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from django.conf import settings

from meters.models import ItemVerdict, Meter, RunOutcome, Source, SourceItem, SourceRun
from meters.services.collecting.sources import pushed
from meters.services.judging.clocks import record_clock_check
from meters.services.virtual.definitions import JOB as RECOMPUTE
from meters.sources._listing import Entry
from poweroptix.audit.actor import Actor
from poweroptix.demo.files import DemoFile
from poweroptix.jobs.models import Job
from poweroptix.jobs.services import run_now
from poweroptix.portfolio.document import read_document
from poweroptix.portfolio.services import apply_document

EVIDENCE = Path(__file__).with_name("evidence.yaml")
FOLDER = "substation"
SAMPLES = "samples"
#: When the gas laboratory was heard of for the last time.
LABORATORY_DAYS_BEFORE = 24


def install(now: datetime) -> Source:
    """Bring channels, proofs and sources of the substation, and watch its folder."""
    apply_document(read_document(EVIDENCE), actor=Actor.system("demo"), now=now)
    folder = _inbox() / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    item = {
        "code": FOLDER,
        "name": "Shared folder of the substation",
        "kind": "folder@1",
        "parameters": {"path": str(folder), "pattern": "*.csv"},
        "profile": "substation-csv",
        "cadence_minutes": 51_840,
        "every_minutes": 60,
    }
    apply_document({"sources": [item]}, actor=Actor.system("demo"), now=now)
    Source.objects.update(created_at=now)  # so that a sender of which nothing came is late
    return Source.objects.get(code=FOLDER)


def looked(source: Source, file: DemoFile, file_id: int, at: datetime) -> None:
    """Put a file into the folder and tell the looks around it: nothing new, then the file."""
    place = Path(source.typed.path) / file.name
    place.write_bytes(file.content)
    stamp = (at - timedelta(minutes=20)).timestamp()
    os.utime(place, (stamp, stamp))
    told = place.stat()
    _run(source, at - timedelta(hours=1), seen=len(_items(source)))
    run = _run(source, at, seen=len(_items(source)) + 1, taken=1)
    entry = Entry(file.name, "file", told.st_size, int(told.st_mtime), str(told.st_mtime_ns))
    SourceItem.objects.create(
        source=source,
        identity=entry.identity,
        name=file.name,
        verdict=ItemVerdict.TAKEN,
        run=run,
        modified_at=entry.modified_at,
        file_ids=[file_id],
        at=at,
    )
    _run(source, at + timedelta(hours=1), seen=len(_items(source)))
    source.refresh_from_db()
    source.memory[file.name] = [entry.identity, at.isoformat()]
    Source.objects.filter(pk=source.pk).update(
        memory=source.memory, last_seen_at=at + timedelta(hours=1)
    )


def unreachable(source: Source, at: datetime) -> None:
    """Tell of a look that failed: the share was away for an hour."""
    error = f"There is no folder {source.typed.path}; is the share mounted?"
    _run(source, at, seen=0, outcome=RunOutcome.FAILED, error=error)


def clock_compared(at: datetime) -> None:
    """Compare the clock of CHARLIE's meter with the satellite clock of the substation."""
    record_clock_check(
        Meter.objects.get(serial="SEL-7353"),
        at_utc=at,
        drift_s=Decimal("1.4"),
        reference="Satellite clock of the substation",
        actor=Actor.system("demo"),
        now=at,
    )


def heard_of_the_laboratory(at: datetime) -> None:
    """Note when the gas laboratory sent something for the last time."""
    pushed(
        "gas-laboratory",
        token_prefix="",
        now=at - timedelta(days=LABORATORY_DAYS_BEFORE),
    )


def leave_sample(file: DemoFile) -> Path:
    """Write a file that nobody has sent yet, for a person to upload."""
    folder = _inbox().parent / SAMPLES
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / file.name
    place.write_bytes(file.content)
    return place


def compute_virtual_channels() -> None:
    """Compute what the definitions asked for, as a worker would."""
    for job in Job.objects.filter(kind=RECOMPUTE, state="queued"):
        run_now(job)


def _inbox() -> Path:
    return Path(settings.METERS_INBOXES[0])


def _items(source: Source) -> list[SourceItem]:
    return list(source.items.all())


def _run(
    source: Source,
    at: datetime,
    *,
    seen: int,
    taken: int = 0,
    outcome: RunOutcome = RunOutcome.DONE,
    error: str = "",
) -> SourceRun:
    """Write one look; it has a number below zero instead of a job's, which it never had."""
    run = SourceRun.objects.create(
        source=source, job_id=-1 - source.runs.count(), started_at=at, seen=seen, taken=taken
    )
    run.outcome, run.error, run.ended_at = outcome, error, at + timedelta(seconds=4)
    run.save()
    return run
