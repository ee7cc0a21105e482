"""A dry run: the receipt that a file would get, without storing anything.

The same walk as ingest, over the same windows; each is compared with what is stored now. A job of
many windows keeps its counts with each of them, so that it goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO

from meters.formats import Profile
from meters.models import Finding, ImportFile, Publication
from meters.services.arriving import outcomes
from meters.services.arriving.intake import MULTIPLIER_APPLIED, Intake, Window
from meters.services.arriving.merging import assemble, merge
from meters.services.arriving.multipliers import differing_multipliers
from meters.services.arriving.receipts import LISTED, refusal
from meters.services.arriving.registering import register
from meters.services.arriving.tallies import Tally
from meters.services.steps import PlainSteps, Steps
from poweroptix.kernel.canonical import instant
from poweroptix.kernel.errors import Refused


def rehearse(
    stream: BinaryIO,
    file: ImportFile,
    profile: Profile,
    *,
    now: datetime,
    ctx: Steps | None = None,
    saved: Mapping[str, Any] | None = None,
    keep: Callable[[dict[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """Return the receipt as it would be, of a kept file or of one that is not stored at all.

    `file` says name, source, format and when it was received; it need not be saved. Beside what a
    receipt holds (`stored`: what would be new, the same, replaced, ignored; `replaces`: of which
    files): `findings` (what would be held or told), and `refused` when nothing of the file would be
    taken; then the rest is what the file holds beside its faults. `saved` are the counts of an
    earlier attempt and `keep` takes those of this one, both inside the stages of a job.
    """
    dry = _DryRun(file, profile, now, ctx or PlainSteps(), dict(saved or {}), keep)
    return dry.run(stream)


@dataclass
class _DryRun:
    """One walk over a file, window by window."""

    file: ImportFile
    profile: Profile
    now: datetime
    steps: Steps
    saved: dict[str, Any]
    keep: Callable[[dict[str, Any]], None] | None
    tally: Tally = field(default_factory=Tally)
    found: list[dict[str, str]] = field(default_factory=list)
    stage: int = 0

    def run(self, stream: BinaryIO) -> dict[str, Any]:
        """Walk, compare, and write the receipt."""
        self.tally = Tally.from_json(self.saved.get("tally", {}))
        self.found = list(self.saved.get("findings", []))
        intake = Intake(
            name=self.file.name,
            source=self.file.source,
            format=self.profile.format or self.file.format,
            profile=self.profile,
            received_at=self.file.received_at,
            whole=True,
        )
        refused: Refused | None = None
        try:
            with closing(intake.windows(stream)) as windows:
                for window in windows:
                    self._compare(window, intake)
        except Refused as error:
            refused = error
        refused = refused or intake.refusal()
        document = refusal(refused.code, refused.message) if refused else {}
        return (
            document
            | intake.receipt.to_json()
            | {
                "stored": self.tally.stored(),
                "replaces": self.tally.replaces(intake.receipt.channels),
                "findings": self.found[:LISTED],
            }
        )

    def _compare(self, window: Window, intake: Intake) -> None:
        """Count what a window would change, as one stage."""
        self.stage += 1
        label = f"{window.intervals} intervals of {self.file.name} looked at"
        with self.steps.stage(self.stage, label, window.intervals, 0) as todo:
            came = register(window.reads, self.file, Publication(), self.now)
            intake.receipt.moved(came.moves)
            if not todo:
                return
            self._tell(came.found)
            said = (window.pieces, window.reads, self.file, self.now)
            applied = self.profile.options.get(MULTIPLIER_APPLIED)
            self._tell(differing_multipliers(*said, applied=applied))
            for minutes, group in window.by_minutes().items():
                for merged in merge(assemble(group, minutes), self.file.pk or 0, 0):
                    self.tally.add(merged)
                    self._tell(outcomes.findings_of(merged, self.file.pk or 0, self.now))
            if self.keep is not None:
                self.keep({"tally": self.tally.to_json(), "findings": self.found[:LISTED]})

    def _tell(self, found: list[Finding]) -> None:
        self.found += [
            {
                "code": row.rule_code,
                "severity": str(row.severity),
                "message": row.message,
                "from_utc": instant(row.start_utc),
                "to_utc": instant(row.end_utc),
            }
            for row in found[: max(0, LISTED - len(self.found))]
        ]
