"""What ingest leaves for people: quarantined records and findings about replaced readings."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from meters.formats import ChannelBlock
from meters.models import (
    Finding,
    FindingSeverity,
    ImportFile,
    QuarantinedRecord,
    ReadingNote,
    RecordState,
)
from meters.models.files import FUTURE
from meters.services.arriving.merging import Merged
from meters.services.arriving.receipts import Receipt
from meters.services.publishing.publish import midnight
from meters.validation._compare import plain
from poweroptix.kernel.fixed import from_micro

LATE_ON_EDIT = "LATE_ACTUAL_ON_LOCKED_EDIT"
REPLACED = "V03"
IMPLAUSIBLE = "F10"
RAW_CHARACTERS = 2000
#: What the channel of a record decides; everything else is a fault of the file's own text.
ARRIVAL_CODES = ("F03", "F04", "F05", "F07", FUTURE)
Key = tuple[int, str, datetime, datetime]


def quarantine(file: ImportFile, receipt: Receipt) -> None:
    """Keep what was not taken, each with its lines and reason; a repeated call adds nothing."""
    rows = [
        QuarantinedRecord(
            import_file=file,
            channel_text=part.channel_text[:200],
            line_first=part.line_first,
            line_last=part.line_last,
            code=part.code,
            message=part.message,
            start_utc=part.start_utc,
            end_utc=part.end_utc,
        )
        for part in receipt.rejected.values()
    ]
    rows += [
        QuarantinedRecord(
            import_file=file,
            channel_text=error.channel_text[:200],
            line_first=error.line,
            line_last=max(error.line, error.line_last),
            code=error.code,
            message=error.message[:300],
            raw=error.raw[:RAW_CHARACTERS],
        )
        for error in receipt.faults
    ]
    QuarantinedRecord.objects.bulk_create(rows, ignore_conflicts=True)


def settle_quarantine(file: ImportFile, receipt: Receipt, actor: str, now: datetime) -> None:
    """Close open records of a file that another reading of the whole of it has taken."""
    still = set(receipt.rejected)
    waiting = QuarantinedRecord.objects.filter(
        import_file=file, state=RecordState.OPEN, code__in=ARRIVAL_CODES
    )
    for row in waiting.select_for_update():
        if (row.channel_text, row.code) not in still:
            row.state, row.decided_by, row.decided_at = RecordState.REPLAYED, actor[:150], now
            row.save(update_fields=["state", "decided_by", "decided_at"])


def findings_of(
    merged: Merged, file_id: int, now: datetime, *, asked: bool = False
) -> list[Finding]:
    """Return the findings of merged days, not yet stored.

    `asked`: a person had the file read again and said why, so changed values are no surprise.
    """
    minutes = merged.batch.minutes
    found = []
    for channel_id, day, first, end in merged.late_on_edit:
        found.append(
            _finding(
                channel_id, day, first, end, minutes, now, file_id,
                rule_code=LATE_ON_EDIT,
                severity=FindingSeverity.HOLD,
                message="An actual reading arrived for intervals that a person has edited; "
                "the edit stands until somebody decides.",
                fix="Revert the edit to use the reading, or accept this finding to keep the edit.",
            )
        )  # fmt: skip
    for channel_id, day, first, end, micro_pct in () if asked else merged.large_changes:
        found.append(
            _finding(
                channel_id, day, first, end, minutes, now, file_id,
                rule_code=REPLACED,
                severity=FindingSeverity.WARN,
                message="The source sent other values for readings that it had sent before.",
                metric=from_micro(micro_pct),
                threshold=Decimal("0.1"),
            )
        )  # fmt: skip
    return found


def store_findings(found: list[Finding]) -> None:
    """Write findings; those that are alive already stay as they are."""
    Finding.objects.bulk_create(_joined(found), ignore_conflicts=True)


def _joined(found: list[Finding]) -> list[Finding]:
    """Join findings of a channel that say the same and touch: blocks end at midnight UTC, not time.

    The largest metric is kept, and said in words.
    """
    joined: list[Finding] = []
    for one in sorted(found, key=lambda f: (f.channel_id or 0, f.rule_code, f.start_utc)):
        last = joined[-1] if joined else None
        touches = last and last.start_utc < last.end_utc == one.start_utc
        if last is None or not touches or _said(last) != _said(one):
            joined.append(one)
            continue
        last.end_utc = one.end_utc
        if last.metric is not None and one.metric is not None:
            last.metric = max(last.metric, one.metric)
    for one in joined:
        if one.rule_code == REPLACED and one.metric is not None:
            apart = f"{plain(one.metric):f} % apart ({one.threshold} % pass)"
            one.message = f"{one.message.removesuffix('.')}, up to {apart}."
    return joined


def _said(finding: Finding) -> tuple:
    return finding.channel_id, finding.rule_code, finding.message


def _finding(
    channel_id: int, day: int, first: int, end: int, minutes: int, now: datetime, file_id: int,
    **said,
) -> Finding:  # fmt: skip
    """Return a finding on slots of one UTC day."""
    begin = midnight(day)
    return Finding(
        channel_id=channel_id,
        start_utc=begin + timedelta(minutes=first * minutes),
        end_utc=begin + timedelta(minutes=end * minutes),
        import_file_id=file_id,
        created_at=now,
        **said,
    )


def store_notes(pieces: list[tuple[int, ChannelBlock]], publication_id: int) -> None:
    """Keep flags of the source as notes on ranges."""
    notes = [
        ReadingNote(
            channel_id=channel_id,
            start_utc=block.start_utc + timedelta(minutes=block.minutes * first),
            end_utc=block.start_utc + timedelta(minutes=block.minutes * end),
            code=code,
            detail=dict(detail),
            publication_id=publication_id,
        )
        for channel_id, block in pieces
        for first, end, code, detail in block.flags
        if end > first
    ]
    keep_notes(notes)


def keep_notes(notes: list[ReadingNote]) -> None:
    """Write notes; one that is there already stays."""
    ReadingNote.objects.bulk_create(notes, batch_size=2000, ignore_conflicts=True)


def hold_implausible(file: ImportFile, channels: dict[str, tuple[int, int]], now: datetime) -> None:
    """Hold channels none of whose readings could be kept because the declared scale is too fine.

    `channels` maps the source's name to (channel id, refused readings). A unit of which a reading
    is less than 10^-6 kWh is no unit of a power meter: the declaration is wrong, not the meter.
    """
    found = [
        Finding(
            channel_id=channel_id,
            rule_code=IMPLAUSIBLE,
            severity=FindingSeverity.HOLD,
            start_utc=file.received_at,
            end_utc=file.received_at,
            threshold=Decimal("0.000001"),
            message=f"{count} readings of {text} in {file.name} are finer than 0.000001 in the "
            "declared unit: the unit or scale of the source is implausible.",
            fix="Compare with the meter's display; set unit or unit_factor in the profile and "
            "read the file again.",
            import_file_id=file.pk,
            created_at=now,
        )
        for text, (channel_id, count) in channels.items()
    ]
    Finding.objects.bulk_create(found, ignore_conflicts=True)


def release_implausible(
    file: ImportFile, channel_ids: list[int], actor: str, now: datetime
) -> None:
    """Close those holds once the file was read again and the channels have readings."""
    Finding.objects.filter(
        import_file_id=file.pk, rule_code=IMPLAUSIBLE, channel__in=channel_ids, state="OPEN"
    ).update(
        state="CLOSED",
        decided_by=actor[:150],
        decided_at=now,
        reason="The file was read again with another profile.",
    )


def release_settled(
    file: ImportFile, codes: Iterable[str], told: set[Key], actor: str, now: datetime
) -> None:
    """Close holds of a file, of these codes, that another reading of it did not find again."""
    alive = Finding.objects.filter(import_file_id=file.pk, rule_code__in=codes, state="OPEN")
    gone = [row.pk for row in alive if key_of(row) not in told]
    Finding.objects.filter(pk__in=gone).update(
        state="CLOSED",
        decided_by=actor[:150],
        decided_at=now,
        reason="The file was read again and this was no longer found.",
    )


def key_of(row: Finding) -> Key:
    """Return what makes a living finding the same one."""
    return row.channel_id, row.rule_code, row.start_utc, row.end_utc
