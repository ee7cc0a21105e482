"""F06: the multiplier that a file states against the transformer ratios of the installation.

The most common commercial error is a factor applied twice or not at all, so a difference holds the
readings until a person has looked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from meters.formats import ChannelBlock, RegisterRow
from meters.models import Finding, FindingSeverity, ImportFile, Installation

CODE = "F06"
FIX = (
    "Correct the ratios of the installation, or whether the source has applied them; then read the "
    "file again."
)


def ratio_at(installed: Iterable[Installation], moment: datetime) -> Installation | None:
    """Return the installation in force at a moment; the end of one belongs to it too.

    A REMOVE read is made at the instant at which the installation ends.
    """
    ends = None
    for row in installed:
        if row.valid.lower <= moment and (row.valid.upper is None or moment < row.valid.upper):
            return row
        if row.valid.upper == moment:
            ends = row
    return ends


def differing_multipliers(
    blocks: list[tuple[int, ChannelBlock]],
    reads: list[tuple[int, RegisterRow]],
    file: ImportFile,
    now: datetime,
    *,
    applied: bool | None = None,
) -> list[Finding]:
    """Return the holds of what states another multiplier than is installed. At most two queries.

    `applied` is whether the profile says that the source has multiplied its intervals already;
    the installation must say the same where there is anything to multiply by.
    An interval must state what the final layer will multiply it by. A register is read at the
    meter: it must state CT ratio times PT ratio, or 1 where the source sends primary reads. What is
    not installed is another rule's finding (F09).
    """
    contradicted = [] if applied is None else _contradicted(blocks, file, now, applied)
    said = [(c, b.multiplier, b.start_utc, b.end_utc, False) for c, b in blocks if b.multiplier]
    said += [
        (c, r.multiplier, r.read_at_utc, r.read_at_utc, True) for c, r in reads if r.multiplier
    ]
    if not said:
        return contradicted
    installed = _installed({each[0] for each in said})
    found = contradicted
    for channel_id, stated, start, end, is_register in said:
        for row in _during(installed[channel_id], start, end):
            wanted = {row.applied_ratio} | ({row.multiplier_ratio} if is_register else set())
            if stated not in wanted:
                found.append(_hold(file, now, channel_id, row, stated, start, end))
                break
    return found


def _installed(channel_ids: set[int]) -> dict[int, list[Installation]]:
    """Return the installations of channels. One query."""
    installed: dict[int, list[Installation]] = defaultdict(list)
    for row in Installation.objects.filter(channel__in=channel_ids).select_related("meter"):
        installed[row.channel_id].append(row)
    return installed


def _contradicted(
    blocks: list[tuple[int, ChannelBlock]], file: ImportFile, now: datetime, applied: bool
) -> list[Finding]:
    """Return a hold for each channel whose installation denies what the profile says."""
    spans: dict[int, tuple[datetime, datetime]] = {}
    for channel_id, block in blocks:
        start, end = spans.get(channel_id, (block.start_utc, block.end_utc))
        spans[channel_id] = min(start, block.start_utc), max(end, block.end_utc)
    installed = _installed(set(spans))
    found = []
    for channel_id, (start, end) in spans.items():
        for row in _during(installed[channel_id], start, end):
            if row.multiplier_ratio != 1 and row.multiplier_applied_by_source != applied:
                text = (
                    f"The profile {file.profile_code} says that the values are "
                    f"{'multiplied already' if applied else 'not multiplied yet'}; meter "
                    f"{row.meter.serial} is installed with {row.multiplier_ratio.normalize():f} "
                    f"and says that {'we apply' if applied else 'the source applies'} it."
                )
                found.append(_finding(file, now, channel_id, start, end, row, text))
                break
    return found


def _during(installed: list[Installation], start: datetime, end: datetime) -> list[Installation]:
    """Return the installations that a range of intervals, or the moment of a read, touches."""
    if start == end:
        row = ratio_at(installed, start)
        return [] if row is None else [row]
    return [
        row
        for row in installed
        if row.valid.lower < end and (row.valid.upper is None or start < row.valid.upper)
    ]


def _hold(
    file: ImportFile,
    now: datetime,
    channel_id: int,
    row: Installation,
    stated: Decimal,
    start: datetime,
    end: datetime,
) -> Finding:
    source = "the source applies it" if row.multiplier_applied_by_source else "we apply it"
    text = (
        f"{file.name} states the multiplier {stated.normalize():f}; meter {row.meter.serial} is "
        f"installed with {row.multiplier_ratio.normalize():f}, and {source}."
    )
    found = _finding(file, now, channel_id, start, end, row, text)
    found.metric = stated
    return found


def _finding(
    file: ImportFile,
    now: datetime,
    channel_id: int,
    start: datetime,
    end: datetime,
    row: Installation,
    message: str,
) -> Finding:
    return Finding(
        channel_id=channel_id,
        rule_code=CODE,
        severity=FindingSeverity.HOLD,
        start_utc=start,
        end_utc=end,
        threshold=row.applied_ratio,
        message=message,
        fix=FIX,
        import_file_id=file.pk,
        created_at=now,
    )
