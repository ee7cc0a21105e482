"""A received file becomes raw day blocks: streamed in windows, resumable, published once.

Each window is one stage: its blocks, counts and the checkpoint are one commit. A killed worker's
successor reads the file again, skips the finished windows and goes on. Nothing is doubled, because
a window only writes what differs from what is stored. At the end the publication becomes visible
in a transaction of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from meters.calc.resolution import lengthen
from meters.formats import (
    ChannelBlock,
    Item,
    RegisterRow,
    RowError,
    formats,
    row_error_policy,
)
from meters.models import (
    FileState,
    Finding,
    ImportFile,
    Publication,
    PublicationKind,
    RegisterRead,
)
from meters.services.arriving import outcomes
from meters.services.arriving.ahead import Ahead
from meters.services.arriving.arrivals import Rejected, Resolver, cut_future, future_read
from meters.services.arriving.files import open_stored, profile_of
from meters.services.arriving.merging import Arrival, assemble, merge
from meters.services.arriving.multipliers import CODE as MULTIPLIER
from meters.services.arriving.multipliers import differing_multipliers
from meters.services.arriving.receipts import STORED, Receipt, refusal
from meters.services.arriving.registering import CODES as REGISTER_CODES
from meters.services.arriving.registering import register
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
from poweroptix.kernel.errors import Conflict, DomainError, NotFoundError, Refused

WINDOW_INTERVALS = 400_000
REGISTER_WEIGHT = 50
PUBLISH_ROUNDS = 5


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
    receipt: Receipt = field(default_factory=Receipt)
    stored: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STORED, 0))
    waiting: list[ChannelBlock | RegisterRow] = field(default_factory=list)
    told: set[outcomes.Key] = field(default_factory=set)
    written: Held = field(default_factory=Held)
    resumed: bool = False
    held: int = 0
    stage: int = 0

    def run(self) -> dict[str, Any]:
        """Read, store, publish; return the receipt."""
        self.publication = self._publication()
        self.profile = profile_of(self.file)
        accept = self.profile.options.get("accept_lengths", ())
        self.resolver = Resolver(self.file.source, accept)
        self.refuses = False
        try:
            self._read()
            if self.refuses and self.receipt.fault_count:
                first = self.receipt.faults[0]
                count = self.receipt.fault_count
                more = f" ({count} records are wrong.)" if count > 1 else ""
                raise Refused(first.code, f"{self.file.name}: {first.message}{more}")
            self._flush()
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

    def _read(self) -> None:
        """Walk through the file; blocks wait until a window is full."""
        plugin = formats.get(self.file.format)
        policy = row_error_policy(plugin, self.profile)
        self.refuses = self.only is None and policy == "refuse_file"
        with (
            open_stored(self.file) as stream,
            Ahead(
                plugin.read(stream, self.profile), limit=WINDOW_INTERVALS, weight=_weight
            ) as items,
        ):
            for item in items:
                if isinstance(item, RowError):
                    if self.only is None:
                        self.receipt.fault(item)
                elif self.only is None or item.channel_text in self.only:
                    self._take(item)

    def _take(self, item: ChannelBlock | RegisterRow) -> None:
        """Keep a block or a register read for the next window."""
        if self.refuses and self.receipt.fault_count:
            return
        self.waiting.append(item)
        self.held += _weight(item)
        if self.held >= WINDOW_INTERVALS:
            self._flush()

    def _flush(self) -> None:
        """Store what waits as one stage; skipped when an earlier attempt has done it."""
        items, self.waiting, self.held = self.waiting, [], 0
        self.resolver.learn(item.channel_text for item in items)
        pieces = self._placed([item for item in items if isinstance(item, ChannelBlock)])
        reads = self._placed_reads([item for item in items if isinstance(item, RegisterRow)])
        if not pieces and not reads:
            return
        self.stage += 1
        label = f"{self.receipt.intervals} intervals of {self.file.name}"
        with self.steps.stage(self.stage, label, self.receipt.intervals, 0) as todo:
            self.resumed |= not todo
            if todo:
                commit_without_waiting()
                lock_channels(channel_id for channel_id, _ in [*pieces, *reads])
                for minutes, group in _by_minutes(pieces).items():
                    arrival = assemble(group, minutes)
                    self._store(arrival)
                self._register(reads)
                self._tell(differing_multipliers(pieces, reads, self.file, self.now))
                outcomes.store_notes(pieces, self.publication.pk)
                self._keep_counts()

    def _placed(self, blocks: list[ChannelBlock]) -> list[tuple[int, ChannelBlock]]:
        """Find the channel of each block; what may not be stored is counted as quarantined."""
        pieces = []
        for block in blocks:
            target = self.resolver.target(block)
            if isinstance(target, Rejected):
                self.receipt.reject(target)
                continue
            kept, late = cut_future(block, self.file.received_at)
            if late is not None:
                self.receipt.reject(late)
            if kept is not None:
                if kept.minutes != target.minutes:
                    kept = lengthen(kept, target.minutes)
                self.receipt.accept(target, kept)
                pieces.append((target.channel_id, kept))
        return pieces

    def _placed_reads(self, rows: list[RegisterRow]) -> list[tuple[int, RegisterRow]]:
        """Find the channel of each register read, as `_placed` does for blocks."""
        reads = []
        for row in rows:
            target = self.resolver.register(row)
            refused = target if isinstance(target, Rejected) else None
            refused = refused or future_read(row, self.file.received_at)
            if refused is not None:
                self.receipt.reject(refused)
                continue
            self.receipt.accept_read(target, row)
            reads.append((target.channel_id, row))
        return reads

    def _register(self, reads: list[tuple[int, RegisterRow]]) -> None:
        """Write register reads that are new, and what was found about them."""
        if reads:
            came = register(reads, self.file, self.publication, self.now)
            RegisterRead.objects.bulk_create(came.new, batch_size=2000)
            self._tell(came.found)

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
                self.stored["blocks"] += out.send(merged.batch)
                recent.keep(merged.batch)  # validation is about to ask for it
                self.written.add(merged.batch)
                for name in ("new", "same", "replaced", "ignored"):
                    self.stored[name] += getattr(merged, name)
                told += outcomes.findings_of(merged, self.file.pk, self.now, asked=asked)
        outcomes.store_findings(told)

    def _keep_counts(self) -> None:
        """Commit the counts of stored intervals with the window they belong to."""
        row = ImportFile.objects.select_for_update().get(pk=self.file.pk)
        name = f"stored_{self.publication.pk}"
        so_far = row.receipt.get(name, dict.fromkeys(STORED, 0))
        row.receipt[name] = {key: so_far[key] + self.stored[key] for key in STORED}
        row.save(update_fields=["receipt"])
        self.stored = dict.fromkeys(STORED, 0)

    def _finish(self) -> dict[str, Any]:
        """Write quarantine and receipt, then publish."""
        with self.steps.stage(self.stage + 1, "Receipt") as todo:
            if todo and self.only is None:
                outcomes.quarantine(self.file, self.receipt)
                outcomes.hold_implausible(self.file, self._too_fine(), self.now)
        with self.steps.stage(self.stage + 2, "Publish") as todo:
            if todo:
                return self._publish()
        self.file.refresh_from_db()
        return self.file.receipt

    def _too_fine(self) -> dict[str, tuple[int, int]]:
        """Return channels that brought nothing because their declared unit is too fine to keep."""
        self.resolver.learn(self.receipt.too_fine)
        kept = {channel.text for channel in self.receipt.channels.values()}
        return {
            text: (self.resolver.first(text).channel_id, count)
            for text, count in self.receipt.too_fine.items()
            if text not in kept and self.resolver.first(text) is not None
        }

    def _publish(self) -> dict[str, Any]:
        """Make the blocks visible and the file accepted."""
        lock_channels(self.receipt.channels)
        rebase(self.publication, self.file.pk, self.now)
        file = ImportFile.objects.select_for_update().get(pk=self.file.pk)
        stored = file.receipt.pop(f"stored_{self.publication.pk}", dict.fromkeys(STORED, 0))
        document = self.receipt.to_json() | {
            "file": file.pk,
            "name": file.name,
            "format": file.format,
            "stored": stored | {"blocks": block_count(self.publication)},
            "publication": self.publication.pk,
        }
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
            **{key: document[key] for key in ("publication", "intervals", "channels")},
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


def _weight(item: Item) -> int:
    """Return how much memory an item holds, counted in intervals."""
    if isinstance(item, ChannelBlock):
        return item.count
    return REGISTER_WEIGHT if isinstance(item, RegisterRow) else 1


def _by_minutes(
    pieces: list[tuple[int, ChannelBlock]],
) -> dict[int, list[tuple[int, ChannelBlock]]]:
    groups = defaultdict(list)
    for channel_id, block in pieces:
        groups[block.minutes].append((channel_id, block))
    return groups
