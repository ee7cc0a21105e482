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
) -> list[Finding]:
    """Return the holds of what states another multiplier than is installed. At most one query.

    An interval must state what the final layer will multiply it by. A register is read at the
    meter: it must state CT ratio times PT ratio, or 1 where the source sends primary reads. What is
    not installed is another rule's finding (F09).
    """
    said = [(c, b.multiplier, b.start_utc, b.end_utc, False) for c, b in blocks if b.multiplier]
    said += [
        (c, r.multiplier, r.read_at_utc, r.read_at_utc, True) for c, r in reads if r.multiplier
    ]
    if not said:
        return []
    installed: dict[int, list[Installation]] = defaultdict(list)
    rows = Installation.objects.filter(channel__in={each[0] for each in said})
    for row in rows.select_related("meter"):
        installed[row.channel_id].append(row)
    found = []
    for channel_id, stated, start, end, is_register in said:
        for row in _during(installed[channel_id], start, end):
            wanted = {row.applied_ratio} | ({row.multiplier_ratio} if is_register else set())
            if stated not in wanted:
                found.append(_hold(file, now, channel_id, row, stated, start, end))
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
    return Finding(
        channel_id=channel_id,
        rule_code=CODE,
        severity=FindingSeverity.HOLD,
        start_utc=start,
        end_utc=end,
        metric=stated,
        threshold=row.applied_ratio,
        message=f"{file.name} states the multiplier {stated.normalize():f}; meter "
        f"{row.meter.serial} is installed with {row.multiplier_ratio.normalize():f}, and {source}.",
        fix=FIX,
        import_file_id=file.pk,
        created_at=now,
    )
