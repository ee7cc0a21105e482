"""Which meter a file speaks of, and how many channels of it: notes for the rules V06 and V07.

Only formats that name meters say so (NEM12: serial number and list of channels of the 200 record);
for others nothing is noted. A note is no finding: the rules judge it, with the installation as it
stands then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from meters.formats import ChannelBlock
from meters.models import ImportFile, Installation, ReadingNote

METER_ID, CHANNEL_COUNT = "METER_ID", "CHANNEL_COUNT"


def same_serial(one: str, other: str) -> bool:
    """Tell whether two serial numbers are one: case, blanks and leading zeros do not matter.

    >>> same_serial("00ab12 ", "AB12"), same_serial("AB12", "AB21")
    (True, False)
    """
    return _plain(one) == _plain(other)


def _plain(serial: str) -> str:
    return serial.strip().upper().lstrip("0")


def other_meters(
    pieces: Sequence[tuple[int, ChannelBlock]], file: ImportFile, publication_id: int
) -> list[ReadingNote]:
    """Return notes where a file names another meter than is installed. At most one query.

    Where nothing is installed, that is the finding of another rule (F09).
    """
    said = [(channel_id, block) for channel_id, block in pieces if block.serials]
    if not said:
        return []
    installed: dict[int, list[Installation]] = defaultdict(list)
    rows = Installation.objects.filter(channel__in={channel_id for channel_id, _ in said})
    for row in rows.select_related("meter"):
        installed[row.channel_id].append(row)
    return [
        ReadingNote(
            channel_id=channel_id,
            start_utc=start,
            end_utc=end,
            code=METER_ID,
            detail={
                "found": found, "installed": serial, "file": file.name[:120], "line": str(line),
            },
            publication_id=publication_id,
        )
        for channel_id, block in said
        for start, end, found, serial, line in _differing(block, installed[channel_id])
    ]  # fmt: skip


def _differing(
    block: ChannelBlock, installed: Sequence[Installation]
) -> Iterator[tuple[datetime, datetime, str, str, int]]:
    """Yield where what is installed is not what the file names.

    Several meters in one block were exchanged in the file; then each must have been there.
    """
    for row in installed:
        start = max(block.start_utc, row.valid.lower)
        end = min(block.end_utc, row.valid.upper or block.end_utc)
        if start >= end:
            continue
        serial = row.meter.serial
        others = [(s, line) for s, line in block.serials if not same_serial(s, serial)]
        if len(others) == len(block.serials):
            yield start, end, others[0][0], serial, others[0][1]


@dataclass
class MetersOfFile:
    """The channels that a file brings of each meter, beside those that it says there are."""

    _found: dict[tuple[str, tuple[str, ...]], dict[str, list[tuple[int, datetime, datetime]]]] = (
        field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    )

    def see(self, pieces: Sequence[tuple[int, ChannelBlock]]) -> None:
        """Take note of blocks that may be stored."""
        for channel_id, block in pieces:
            meter, _, channel = block.channel_text.rpartition("/")
            place = (channel_id, block.start_utc, block.end_utc)
            for said in filter(None, block.channels_said):
                self._found[meter, said][channel].append(place)

    def miscounted(self, file: ImportFile, publication_id: int) -> list[ReadingNote]:
        """Return notes on all readings of a meter of which the file brings more or fewer."""
        return [
            ReadingNote(
                channel_id=channel_id,
                start_utc=start,
                end_utc=end,
                code=CHANNEL_COUNT,
                detail={
                    "found": str(len(channels)), "expected": str(len(set(said))),
                    "file": file.name[:120], "meter": meter,
                },
                publication_id=publication_id,
            )
            for (meter, said), channels in self._found.items()
            if len(channels) != len(set(said))
            for places in channels.values()
            for channel_id, start, end in places
        ]  # fmt: skip
