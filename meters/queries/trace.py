"""Where one reading comes from: every version of it, with who, why, which file and line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np

from meters.models import (
    Channel,
    Edit,
    Finding,
    ImportFile,
    Installation,
    Layer,
    Publication,
    ReadingNote,
)
from meters.queries.series import DAY_MINUTES
from meters.storage import Batch, epoch_day, load
from meters.storage.batch import lines_of
from poweroptix.kernel.errors import NotFoundError
from poweroptix.kernel.fixed import EXACT, MISSING, from_micro
from poweroptix.kernel.grid import utc
from poweroptix.kernel.quality import Method, Status, letter


@dataclass(frozen=True)
class ReadingVersion:
    """One version of one reading in one layer."""

    layer: int
    version: int
    quantity: Decimal | None
    status: Status
    letter: str
    method: Method
    digest: str
    publication: Publication
    import_file: ImportFile | None
    line: int | None
    raw_version: int | None

    @property
    def is_published(self) -> bool:
        """Return whether readers see this version."""
        return self.publication.published_at is not None


@dataclass(frozen=True)
class Multiplied:
    """A reading as received, times the multiplier of the meter that was installed then."""

    raw: Decimal
    multiplier: Decimal
    unit: str
    installation: Installation

    @property
    def product(self) -> Decimal:
        """Return the primary value, exact."""
        return EXACT.multiply(self.raw, self.multiplier)

    @property
    def serial(self) -> str:
        """Return the serial number of the meter."""
        return self.installation.meter.serial

    def to_json(self) -> dict[str, Any]:
        """Return plain data: the three numbers, the transformer ratios, the meter and since when.

        `by_source` says that the source multiplied already, so the multiplier here is 1.
        """
        return {
            "raw": self.raw,
            "multiplier": self.multiplier,
            "product": self.product,
            "unit": self.unit,
            "ct_ratio": self.installation.ct_ratio,
            "pt_ratio": self.installation.pt_ratio,
            "by_source": self.installation.multiplier_applied_by_source,
            "meter": self.serial,
            "since": self.installation.valid.lower,
        }


@dataclass(frozen=True)
class Trace:
    """Everything known about one interval of a channel."""

    channel: Channel
    start_utc: datetime
    versions: tuple[ReadingVersion, ...]
    edits: tuple[Edit, ...]
    findings: tuple[Finding, ...]
    notes: tuple[ReadingNote, ...]
    installation: Installation | None = None

    def multiplied(self, version: ReadingVersion | None = None) -> Multiplied | None:
        """Return a received version (the newest) with its multiplier: 1 if the source applied it.

        None without a received value or without a meter at that time.
        """
        raw = version or self.newest(Layer.RAW)
        if raw is None or raw.quantity is None or self.installation is None:
            return None
        ratio = self.installation.applied_ratio
        return Multiplied(raw.quantity, ratio, self.channel.unit, self.installation)

    @property
    def multiplication(self) -> dict[str, Any] | None:
        """Return `multiplied` of the newest received version as plain data."""
        found = self.multiplied()
        return found.to_json() if found else None

    def newest(self, layer: int) -> ReadingVersion | None:
        """Return the version that readers see now in a layer."""
        seen = [v for v in self.versions if v.layer == layer and v.is_published]
        return max(seen, key=lambda v: v.version, default=None)


def trace(channel_id: int, instant: datetime) -> Trace:
    """Return all versions of the interval that holds `instant`, newest first.

    Eight queries. Raises NotFoundError for an unknown channel.
    """
    channel = Channel.objects.filter(pk=channel_id).first()
    if channel is None:
        raise NotFoundError("channel.unknown", f"There is no channel {channel_id}.")
    moment = utc(instant)
    slot = (moment.hour * 60 + moment.minute) // channel.minutes
    start = moment.replace(
        hour=slot * channel.minutes // 60,
        minute=slot * channel.minutes % 60,
        second=0,
        microsecond=0,
    )
    day = epoch_day(moment.date())
    batches = [
        b for b in load([channel_id], day, day, sources=True) if b.minutes == channel.minutes
    ]
    around = {"channel": channel_id, "start_utc__lte": start, "end_utc__gt": start}
    return Trace(
        channel,
        start,
        _versions(batches[0], slot) if batches else (),
        tuple(Edit.objects.filter(**around)),
        tuple(Finding.objects.filter(**around)),
        tuple(ReadingNote.objects.filter(**around)),
        Installation.objects.filter(channel=channel_id, valid__contains=start)
        .select_related("meter")
        .first(),
    )


def _versions(batch: Batch, slot: int) -> tuple[ReadingVersion, ...]:
    """Return the versions of one slot of a day, final before raw, newest first."""
    publications = Publication.objects.in_bulk(np.unique(batch.publication_ids).tolist())
    per_day = DAY_MINUTES // batch.minutes
    origin = []
    for i in range(len(batch)):
        files, lines = lines_of(batch.sources_of(i), per_day)
        origin.append((int(files[slot]), int(lines[slot])))
    # The receipt speaks of everybody's channels; a tenant may not read it.
    files_found = ImportFile.objects.defer("receipt", "path")
    import_files = files_found.in_bulk({file for file, _ in origin if file})
    found = []
    for i, (file, line) in enumerate(origin):
        value = int(batch.values[i, slot])
        status = int(batch.status[i, slot])
        is_final = int(batch.layers[i]) == Layer.FINAL
        found.append(
            ReadingVersion(
                layer=int(batch.layers[i]),
                version=int(batch.versions[i]),
                quantity=None if value == MISSING else from_micro(value),
                status=Status(status),
                letter=letter(status),
                method=Method(int(batch.method[i, slot])),
                digest=batch.digests[i].tobytes().hex(),
                publication=publications[int(batch.publication_ids[i])],
                import_file=import_files.get(file),
                line=None if is_final or not file else line,
                # A negative source names a term of a virtual reading (meters.queries.terms).
                raw_version=line if is_final and line and not file else None,
            )
        )
    return tuple(sorted(found, key=lambda v: (-v.layer, -v.version)))
