"""A received file becomes raw day blocks: streamed in windows, resumable, published once.

Each window is one stage: its blocks, counts and the checkpoint are one commit. A killed worker's
successor reads the file again, skips the finished windows and goes on. Nothing is doubled, because
a window only writes what differs from what is stored. At the end the publication becomes visible
in a transaction of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from meters.models import (
    FileState,
    Finding,
    ImportFile,
    Publication,
    PublicationKind,
    RegisterRead,
)
from meters.services.arriving import outcomes
from meters.services.arriving.files import open_stored, profile_of
from meters.services.arriving.identity import MetersOfFile, other_meters
from meters.services.arriving.intake import MULTIPLIER_APPLIED, Intake, Window
from meters.services.arriving.merging import Arrival, assemble, merge
from meters.services.arriving.multipliers import CODE as MULTIPLIER
from meters.services.arriving.multipliers import differing_multipliers
from meters.services.arriving.receipts import refusal
from meters.services.arriving.registering import CODES as REGISTER_CODES
from meters.services.arriving.registering import register
from meters.services.arriving.tallies import Tally
from meters.services.publishing.publish import (
    Held,
    block_count,
    commit_without_waiting,
    lock_channels,
    open_publication,
    publish,
    withdraw,
)
from meters.services.publishing.rebasing import rebase
from meters.services.steps import PlainSteps, Steps
from meters.storage import Outflow, recent
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.kernel.errors import Conflict, DomainError, NotFoundError

#: What the page of a file tells of another reading.
AGAIN = ("publication", "intervals", "channels", "stored", "replaces")


def ingest_file(
    import_file_id: int,
    ctx: Steps | None = None,
    *,
    now: datetime,
    actor: Actor,
) -> dict[str, Any]:
    """Read a received file into the raw layer and publish it; return its receipt.

    An accepted file is not read again: its receipt comes back. Raises Refused with the reason when
    the envelope is wrong or a record is and the profile refuses such files; then nothing of it is
    visible and the file is marked refused.
    """
    file = _begin(import_file_id, actor)
    if file.state == FileState.ACCEPTED:
        return file.receipt
    return _Reading(file, PublicationKind.INGEST, ctx or PlainSteps(), now, actor).run()


def reread_file(
    import_file_id: int,
    ctx: Steps | None = None,
    *,
    now: datetime,
    actor: Actor,
    reason: str,
    only: Iterable[str] | None = None,
) -> dict[str, Any]:
    """Read an accepted file again with its present profile; return the receipt of this reading.

    For a wrong unit in the profile, and with `only` for the records of channels mapped since.
    The file's own receipt stays; the new one is returned, audited, and kept beside it as `again`.
    """
    file = ImportFile.objects.get(pk=import_file_id)
    if file.state != FileState.ACCEPTED:
        raise Conflict("file.not_accepted", f"File #{file.pk} is {file.get_state_display()}.")
    reading = _Reading(file, PublicationKind.REPLAY, ctx or PlainSteps(), now, actor, reason)
    reading.only = None if only is None else frozenset(only)
    return reading.run()


def _begin(import_file_id: int, actor: Actor) -> ImportFile:
    """Mark a file as being read; an accepted one is left alone."""
    with transaction.atomic():
        file = ImportFile.objects.select_for_update().filter(pk=import_file_id).first()
        if file is None:
            raise NotFoundError("file.unknown", f"There is no import file #{import_file_id}.")
        if file.state in (FileState.RECEIVED, FileState.REFUSED):
            file.state = FileState.READING
            file.receipt = {}
            file.save(update_fields=["state", "receipt"])
            record("file.read", file, actor=actor)
        return file


@dataclass
class _Reading:
    """One pass over a file, whether by ingest, reread or replay."""

    file: ImportFile
    kind: str
    steps: Steps
    now: datetime
    actor: Actor
    reason: str = ""
    only: frozenset[str] | None = None
    tally: Tally = field(default_factory=Tally)
    told: set[outcomes.Key] = field(default_factory=set)
    meters: MetersOfFile = field(default_factory=MetersOfFile)
    written: Held = field(default_factory=Held)
    resumed: bool = False
    stage: int = 0

    def run(self) -> dict[str, Any]:
        """Read, store, publish; return the receipt."""
        self.publication = self._publication()
        self.intake = Intake(
            name=self.file.name,
            source=self.file.source,
            format=self.file.format,
            profile=profile_of(self.file),
            received_at=self.file.received_at,
            only=self.only,
        )
        self.receipt = self.intake.receipt
        try:
            with (
                open_stored(self.file) as stream,
                closing(self.intake.windows(stream)) as windows,
            ):
                for window in windows:
                    self._keep(window)
            refused = self.intake.refusal()
            if refused is not None:
                raise refused
        except DomainError as error:
            self._refuse(error)
            raise
        return self._finish()

    def _publication(self) -> Publication:
        """Continue the publication of an interrupted attempt, or open one."""
        with transaction.atomic():
            begun = Publication.objects.filter(
                kind=self.kind,
                import_file_id=self.file.pk,
                published_at=None,
                withdrawn_at=None,
            ).last()
            self.resumed = begun is not None
            return begun or open_publication(
                self.kind,
                actor=self.actor,
                now=self.now,
                reason=self.reason or self.file.name,
                import_file_id=self.file.pk,
            )

    def _keep(self, window: Window) -> None:
        """Store a window as one stage; skipped when an earlier attempt has done it."""
        self.stage += 1
        self.meters.see(window.pieces)
        label = f"{window.intervals} intervals of {self.file.name}"
        with self.steps.stage(self.stage, label, window.intervals, 0) as todo:
            self.resumed |= not todo
            if todo:
                commit_without_waiting()
                lock_channels(channel_id for channel_id, _ in [*window.pieces, *window.reads])
            came = register(window.reads, self.file, self.publication, self.now)
            self.receipt.moved(came.moves)
            if todo:
                for minutes, group in window.by_minutes().items():
                    self._store(assemble(group, minutes))
                RegisterRead.objects.bulk_create(came.new, batch_size=2000)
                self._tell(came.found)
                self._tell(self._multipliers(window))
                outcomes.store_notes(window.pieces, self.publication.pk)
                outcomes.keep_notes(other_meters(window.pieces, self.file, self.publication.pk))
                self._keep_counts()

    def _multipliers(self, window: Window) -> list[Finding]:
        """Return where the file or its profile says another multiplier than is installed."""
        applied = self.intake.profile.options.get(MULTIPLIER_APPLIED)
        said = (window.pieces, window.reads, self.file, self.now)
        return differing_multipliers(*said, applied=applied)

    def _tell(self, found: list[Finding]) -> None:
        """Write findings about what the file says of registers and multipliers."""
        self.told |= {outcomes.key_of(row) for row in found}
        outcomes.store_findings(found)

    def _store(self, arrival: Arrival) -> None:
        """Write what an arrival brings, and what was found about it."""
        asked = self.kind == PublicationKind.REPLAY and self.only is None
        told = []
        with Outflow(self.now) as out:
            for merged in merge(arrival, self.file.pk, self.publication.pk):
                out.send(merged.batch)
                recent.keep(merged.batch)  # validation is about to ask for it
                self.written.add(merged.batch)
                self.tally.add(merged)
                told += outcomes.findings_of(merged, self.file.pk, self.now, asked=asked)
        outcomes.store_findings(told)

    def _keep_counts(self) -> None:
        """Commit the counts of stored intervals with the window they belong to."""
        row = ImportFile.objects.select_for_update().get(pk=self.file.pk)
        name = f"stored_{self.publication.pk}"
        row.receipt[name] = Tally.from_json(row.receipt.get(name, {})).plus(self.tally).to_json()
        row.save(update_fields=["receipt"])
        self.tally = Tally()

    def _finish(self) -> dict[str, Any]:
        """Write quarantine and receipt, then publish."""
        with self.steps.stage(self.stage + 1, "Receipt") as todo:
            if todo and self.only is None:
                outcomes.quarantine(self.file, self.receipt)
                if self.kind == PublicationKind.REPLAY:
                    outcomes.settle_quarantine(self.file, self.receipt, str(self.actor), self.now)
                outcomes.hold_implausible(self.file, self.intake.too_fine(), self.now)
                outcomes.keep_notes(self.meters.miscounted(self.file, self.publication.pk))
        with self.steps.stage(self.stage + 2, "Publish") as todo:
            if todo:
                return self._publish()
        self.file.refresh_from_db()
        return self.file.receipt

    def _publish(self) -> dict[str, Any]:
        """Make the blocks visible and the file accepted."""
        lock_channels(self.receipt.channels)
        rebase(self.publication, self.file.pk, self.now)
        file = ImportFile.objects.select_for_update().get(pk=self.file.pk)
        tally = Tally.from_json(file.receipt.pop(f"stored_{self.publication.pk}", {}))
        stored = tally.stored()
        document = self.receipt.to_json() | {
            "file": file.pk,
            "name": file.name,
            "format": file.format,
            "stored": stored | {"blocks": block_count(self.publication)},
            "replaces": tally.replaces(self.receipt.channels),
            "publication": self.publication.pk,
        }
        if self.kind == PublicationKind.REPLAY:
            document["reason"] = self.reason
        if self.kind == PublicationKind.INGEST:
            file.receipt = document
            file.state = FileState.ACCEPTED
        elif self.only is None:
            file.receipt.setdefault("again", []).append(self._again(file, document))
        file.save(update_fields=["receipt", "state"])
        outcomes.release_implausible(file, list(self.receipt.channels), str(self.actor), self.now)
        if self.kind == PublicationKind.REPLAY and self.only is None and not self.resumed:
            codes = (MULTIPLIER, *REGISTER_CODES)
            outcomes.release_settled(file, codes, self.told, str(self.actor), self.now)
        publish(self.publication, self.now, None if self.resumed else self.written)
        action = "file.accept" if self.kind == PublicationKind.INGEST else "file.reread"
        record(action, file, actor=self.actor, reason=self.reason, after={"stored": stored})
        return document

    def _again(self, file: ImportFile, document: dict[str, Any]) -> dict[str, Any]:
        """Return what the file's page tells of another reading beside the first receipt."""
        return {
            "at": self.now.isoformat(),
            "reason": self.reason,
            "profile": file.profile_code,
            **{key: document[key] for key in AGAIN},
        }

    def _refuse(self, error: DomainError) -> None:
        """Give the publication up and write down why."""
        with transaction.atomic():
            withdraw(self.publication, self.now)
            file = ImportFile.objects.select_for_update().get(pk=self.file.pk)
            if self.kind == PublicationKind.INGEST:
                file.state = FileState.REFUSED
                file.receipt = refusal(error.code, error.message) | self.receipt.to_json()
                file.save(update_fields=["state", "receipt"])
            record("file.refuse", file, actor=self.actor, reason=error.message[:300])
