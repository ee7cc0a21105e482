"""One look at a source, as a job: everything that can be taken is received, once.

Nothing is lost: an item is put away at the other end only after its receipt has been committed,
so a crash between the two finds it there again. Nothing is doubled: what was received is known by
its identity and its file by its content. The network is never waited for inside a transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from typing import Any, BinaryIO

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Now

from meters.models import ImportFile, ItemVerdict, RunOutcome, Source, SourceItem, SourceRun
from meters.services.arriving.files import receive_files
from meters.services.collecting.secrets import secret_at
from meters.sources import Inbox, Item, NotKeptError, NotReadyError, Surroundings, UnreachableError
from poweroptix.jobs.context import CancelledError, JobContext, LostLeaseError, PausedError
from poweroptix.jobs.models import Job
from poweroptix.jobs.services import enqueue
from poweroptix.kernel.errors import DomainError, Refused
from poweroptix.kernel.words import counted

QUIET_RUNS_KEPT = timedelta(days=30)
STOPPED = "Somebody stopped the look; what it had received stays."
DIED = "The worker ended in the middle; what it had received stays, the rest is seen again."


def collect(
    source_id: int, ctx: JobContext, *, again: bool = False, is_last_attempt: bool
) -> dict[str, Any]:
    """Look at a source and receive what can be taken; return what happened, for the job.

    `again` tries files that were refused before. Raises what may pass by itself while another
    attempt may follow; the last one ends the run as failed, and the source asks for attention.
    """
    source = Source.objects.select_related("profile").get(pk=source_id)
    run = _begin(source, ctx)
    if isinstance(run, str):
        return {"outcome": "SKIPPED", "why": run}
    look = _Look(source, run, ctx, again)
    try:
        look.all()
    except DomainError as fault:
        _end(look, RunOutcome.FAILED, fault.message)
    except CancelledError:
        _stop(run)
        raise
    except (PausedError, LostLeaseError):
        raise  # the job goes on with this run, here or in other hands
    except Exception as fault:
        if not is_last_attempt:
            raise
        _end(look, RunOutcome.FAILED, _told(fault))
        if not isinstance(fault, EXPECTED):
            raise
    else:
        faults = look.faults
        failed = faults and not look.fine
        _end(look, RunOutcome.FAILED if failed else RunOutcome.DONE, " ".join(faults[:5]))
    return {name: getattr(run, name) for name in ("outcome", *COUNTS, "error")}


#: What the world does to a look: it ends as failed, its job does not.
EXPECTED = (UnreachableError, NotKeptError, OSError)
COUNTS = ("seen", "taken", "duplicates", "refused", "passed")


class _Look:
    """One attempt: the run it writes, what went wrong, how many items were fine."""

    def __init__(self, source: Source, run: SourceRun, ctx: JobContext, again: bool) -> None:
        self.source, self.run, self.ctx, self.again = source, run, ctx, again
        self.faults: list[str] = []
        self.fine = 0
        self.reached = False
        self.memory: dict[str, Any] | None = None
        run.refused, run.passed, run.notes = 0, 0, []

    def all(self) -> None:
        """Connect, look, take each item."""
        source = self.source
        surroundings = Surroundings(
            now=self.ctx.now,
            secret=secret_at(source.secret_place),
            memory=source.memory,
            inboxes=tuple(Path(folder) for folder in settings.METERS_INBOXES),
        )
        with source.connector.open(source.typed, surroundings) as inbox:
            items, passed = inbox.look()
            self.run.seen = len(items) + len(passed)
            for one in passed:
                self._left(one.name, one.why)
            self._write(inbox, 0, len(items))
            for number, item in enumerate(items, start=1):
                self._one(inbox, item)
                self._write(inbox, number, len(items))
            self.reached = True

    def _write(self, inbox: Inbox, done: int, total: int) -> None:
        """Commit run and memory with the progress of the job."""
        self.memory, self.run.ahead_seconds = inbox.memory, inbox.ahead_seconds
        with self._stage(done, total):
            self.run.save()
            Source.objects.filter(pk=self.source.pk).update(memory=inbox.memory)

    def _stage(self, done: int, total: int):
        """Return a stage of the job: its effects are one commit, in our hands alone."""
        number = self.ctx.stages_done + 1
        return self.ctx.stage(number, "Taking files", done=done, total=total)

    def _one(self, inbox: Inbox, item: Item) -> None:
        """Take one item, unless its present version is known."""
        known = self._known(item.identity)
        if known is not None and (known.verdict == ItemVerdict.REFUSED or not inbox.puts_away):
            self._met_again(item, known)
            return
        with TemporaryFile() as scratch:
            try:
                is_new = inbox.fetch(item, scratch)
            except NotReadyError as why:
                self._left(item.name, str(why))
                return
            except Refused as fault:  # not remembered: the next look tries it again
                self._refused(item.name, fault.message)
                return
            if not is_new:
                self.fine += 1
                self._left(item.name, "has not changed since it was taken")
                return
            if not self._receive(item, scratch):
                return
        self._put_away(inbox, item)

    def _known(self, identity: str) -> SourceItem | None:
        """Return what is known of a version; a refused one is unknown to a second try."""
        rows = SourceItem.objects.filter(source=self.source, identity=identity[:400])
        if self.again:
            rows = rows.exclude(verdict=ItemVerdict.REFUSED)
        return rows.first() if identity else None

    def _met_again(self, item: Item, known: SourceItem) -> None:
        if known.verdict == ItemVerdict.REFUSED:
            self._refused(item.name, known.message)
        else:
            self.fine += 1

    def _receive(self, item: Item, scratch: BinaryIO) -> bool:
        """Receive what was fetched; whether it may be put away.

        A version that is known is compared by its bytes all the same: what is put away now has
        been received, even where a time stamp of whole seconds hides that it was replaced.
        """
        identity = item.identity[:400] or _identity(item.name, scratch)
        known = self._known(identity)
        if known is not None and known.verdict == ItemVerdict.REFUSED:
            self._refused(item.name, known.message)
            return False
        if known is not None and (not item.identity or _holds(known, scratch)):
            self.fine += 1
            self.run.duplicates += 0 if item.identity else 1
            return True
        scratch.seek(0)
        try:
            self._keep(item, identity, scratch)
        except DomainError as fault:
            with self._stage(0, 0):
                self._remember(item, identity, ItemVerdict.REFUSED, fault.message)
            self._refused(item.name, fault.message)
            return False
        self.fine += 1
        return True

    def _keep(self, item: Item, identity: str, scratch: BinaryIO) -> None:
        """Receive the file, queue its reading and remember it, in one commit."""
        profile = self.source.profile
        with self._stage(self.fine, self.run.seen):
            files = receive_files(
                scratch,
                name=item.name,
                source=self.source.code,
                profile_code=profile.code if profile else "",
                now=self.ctx.now,
                actor=self.ctx.actor,
            )
            fresh = [file for file in files if not file.is_duplicate]
            for file in fresh:
                _enqueue_reading(file)
            verdict = ItemVerdict.TAKEN if fresh else ItemVerdict.DUPLICATE
            self._remember(item, identity, verdict, "", [file.pk for file in files])
            if fresh:
                self.run.taken += 1
            else:
                self.run.duplicates += 1
                said = f"has the content of file #{files[0].pk}; it is not counted again"
                self.run.note(item.name, verdict, said)
            self.run.save()

    def _remember(
        self,
        item: Item,
        identity: str,
        verdict: str,
        message: str,
        file_ids: Sequence[int] = (),
    ) -> None:
        SourceItem.objects.update_or_create(
            source=self.source,
            identity=identity,
            defaults={
                "name": item.name[:255],
                "verdict": verdict,
                "message": message[:500],
                "run": self.run,
                "modified_at": item.modified_at,
                "file_ids": list(file_ids),
                "at": self.ctx.now,
            },
        )

    def _put_away(self, inbox: Inbox, item: Item) -> None:
        try:
            inbox.received(item)
        except Refused as fault:
            self.faults.append(fault.message)
            self.run.note(item.name, ItemVerdict.TAKEN, fault.message)

    def _left(self, name: str, why: str) -> None:
        self.run.passed += 1
        self.run.note(name, ItemVerdict.LEFT, why)

    def _refused(self, name: str, message: str) -> None:
        self.faults.append(message if name in message else f"{name}: {message}")
        self.run.refused += 1
        self.run.note(name, ItemVerdict.REFUSED, message)


def _begin(source: Source, ctx: JobContext) -> SourceRun | str:
    """Return the run of this job, new or of an earlier attempt; a sentence when none may begin."""
    with ctx.stage(ctx.stages_done + 1, "Connecting"):
        row = Source.objects.select_for_update().get(pk=source.pk)
        if not row.enabled:
            return f"The source is paused: {row.paused_reason}"
        others = SourceRun.objects.filter(source=row, outcome=RunOutcome.RUNNING)
        for other in others.exclude(job_id=ctx.job_id):
            if Job.objects.filter(pk=other.job_id, state__in=("queued", "running")).exists():
                return f"Job {other.job_id} is looking there already."
            _close(other, RunOutcome.INTERRUPTED, DIED)
        run, _made = SourceRun.objects.get_or_create(
            source=row,
            job_id=ctx.job_id,
            defaults={"started_at": ctx.now, "asked_by": _asked_by(ctx)},
        )
        if run.outcome != RunOutcome.RUNNING:
            return f"This look has ended already ({run.get_outcome_display().lower()})."
        return run


def _end(look: _Look, outcome: RunOutcome, error: str) -> None:
    """Close the run and tell the source how it went."""
    source, run = look.source, look.run
    with look._stage(1, 1):
        _close(run, outcome, error)
        change: dict[str, Any] = {"last_error": error, "ahead_seconds": run.ahead_seconds}
        change["failing_since"] = Coalesce(F("failing_since"), Now()) if error else None
        if look.reached:
            change["last_seen_at"] = Now()
        Source.objects.filter(pk=source.pk).update(**change)
        quiet = dict.fromkeys(("taken", "duplicates", "refused"), 0)
        old = SourceRun.objects.filter(
            source=source, outcome=RunOutcome.DONE, ended_at__lt=look.ctx.now - QUIET_RUNS_KEPT
        )
        old.filter(error="", **quiet).delete()


def _close(run: SourceRun, outcome: RunOutcome, error: str) -> None:
    run.outcome, run.error, run.ended_at = outcome, error, Now()
    run.save()


def _told(fault: Exception) -> str:
    """Say what ended a look. Connectors tell faults of the source apart: an OSError is ours."""
    if isinstance(fault, UnreachableError):
        return str(fault)
    if isinstance(fault, EXPECTED):
        said = getattr(fault, "strerror", "") or fault
        return (
            f"This machine could not keep what came ({said}). It still lies at the source. Make "
            f"room, or give the worker rights, in {settings.MEDIA_ROOT} and {gettempdir()}; then "
            "look now."
        )
    return f"The look ended by accident ({type(fault).__name__}); see its job."


def _stop(run: SourceRun) -> None:
    """Close the run of a job that somebody stopped; its stages can no longer write."""
    with transaction.atomic():
        _close(run, RunOutcome.INTERRUPTED, STOPPED)


def _enqueue_reading(file: ImportFile) -> None:
    enqueue("ingest_file", f"{file.source}/{file.sha256}", {"import_file_id": file.pk})


def _identity(name: str, scratch: BinaryIO) -> str:
    """Return what tells a content of a name from another one."""
    return f"sha256:{_digest(scratch)}|{name}"[:400]


def _holds(known: SourceItem, scratch: BinaryIO) -> bool:
    """Tell whether a content is what was received; that of an archive is found by its members."""
    return ImportFile.objects.filter(pk__in=known.file_ids, sha256=_digest(scratch)).exists()


def _digest(scratch: BinaryIO) -> str:
    scratch.seek(0)
    return hashlib.file_digest(scratch, "sha256").hexdigest()


def _asked_by(ctx: JobContext) -> str:
    return "" if ctx.created_by_id is None else f"person {ctx.created_by_id}"


def summary(run: SourceRun) -> str:
    """Say in words what a look brought."""
    parts = [
        counted(run.taken, "file") + " taken" if run.taken else "",
        f"{run.duplicates} known already" if run.duplicates else "",
        f"{run.refused} refused" if run.refused else "",
        f"{run.passed} left" if run.passed else "",
    ]
    quiet = "" if run.error else "nothing new"
    return ", ".join(part for part in parts if part) or quiet
