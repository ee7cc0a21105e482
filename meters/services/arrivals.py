"""Which channel a record of a file belongs to, and the checks before it may be stored.

Codes (vee.md 3.1): F03 unknown channel, F04 unit, F05 interval length, F07 off the grid,
F08 future. A record that fails goes to quarantine; the rest of the file is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from meters.formats import ChannelBlock
from meters.models import Channel, ChannelAlias

FUTURE_GRACE = timedelta(minutes=5)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Target:
    """What ingest needs to know of a channel."""

    channel_id: int
    code: str
    unit: str
    minutes: int
    is_active: bool


@dataclass(frozen=True)
class Rejected:
    """A part of a block that may not be stored."""

    channel_text: str
    code: str
    message: str
    line_first: int
    line_last: int
    count: int


class Resolver:
    """Finds channels by what a source calls them: its aliases first, then the channel's code.

    A channel whose interval length changed is followed by its successor: the one with the length
    of the record is taken.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._known: dict[str, list[Target]] = {}

    def learn(self, texts: Iterable[str]) -> None:
        """Look up texts not seen before; three queries however many."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if not new:
            return
        aliases = dict(
            ChannelAlias.objects.filter(source=self._source, channel_text__in=new).values_list(
                "channel_text", "channel__code"
            )
        )
        codes = {aliases.get(text, text) for text in new}
        by_code: dict[str, list[Target]] = {}
        heads = Channel.objects.filter(code__in=codes)
        rows = list(heads)
        generation = rows
        while generation:
            generation = list(Channel.objects.filter(successor_of__in=generation))
            rows += generation
        head_of: dict[int, str] = {}
        for row in rows:
            head = row.code if row.code in codes else head_of[row.successor_of_id]
            head_of[row.pk] = head
            target = Target(row.pk, row.code, row.unit, row.minutes, row.is_active)
            by_code.setdefault(head, []).append(target)
        for text in new:
            self._known[text] = by_code.get(aliases.get(text, text), [])

    def first(self, text: str) -> Target | None:
        """Return the first channel of a text that was looked up, of whatever length."""
        return next(iter(self._known[text]), None)

    def target(self, block: ChannelBlock) -> Target | Rejected:
        """Return the channel of a block, or why there is none that takes it."""
        candidates = self._known[block.channel_text]
        if not candidates:
            text = f"There is no channel '{block.channel_text}'. Map it or create it, then replay."
            return rejected(block, "F03", text)
        fitting = [t for t in candidates if t.minutes == block.minutes]
        if not fitting:
            lengths = ", ".join(str(t.minutes) for t in candidates)
            text = (
                f"{block.channel_text} has {lengths}-minute intervals, the file sends "
                f"{block.minutes}-minute ones. Create a successor channel of that length."
            )
            return rejected(block, "F05", text)
        target = fitting[-1]
        if target.unit != block.unit:
            text = (
                f"{block.channel_text} is measured in {target.unit}, the file sends "
                f"{block.unit or 'no unit'}. Set the unit in the import profile."
            )
            return rejected(block, "F04", text)
        if epoch_minute(block.start_utc) % block.minutes:
            text = (
                f"{block.channel_text} starts at {block.start_utc:%Y-%m-%d %H:%M:%S} UTC, which is "
                f"not the start of a {block.minutes}-minute interval."
            )
            return rejected(block, "F07", text)
        return target


def epoch_minute(instant: datetime) -> int:
    """Return whole minutes since 1970."""
    return (instant - EPOCH) // MINUTE


def rejected(block: ChannelBlock, code: str, message: str, first: int = 0) -> Rejected:
    """Return the rejection of a block from interval `first` on."""
    lines = block.lines[first:]
    return Rejected(
        block.channel_text,
        code,
        message[:300],
        int(np.min(lines)),
        int(np.max(lines)),
        len(lines),
    )


def cut_future(
    block: ChannelBlock, received_at: datetime
) -> tuple[ChannelBlock | None, Rejected | None]:
    """Split off intervals that end more than five minutes after receipt."""
    limit = received_at + FUTURE_GRACE
    if block.end_utc <= limit:
        return block, None
    keep = max(0, (limit - block.start_utc) // timedelta(minutes=block.minutes))
    first = block.start_utc + timedelta(minutes=keep * block.minutes)
    text = (
        f"{block.channel_text}: readings from {first:%Y-%m-%d %H:%M} UTC lie after the receipt of "
        f"the file at {received_at:%Y-%m-%d %H:%M} UTC."
    )
    refused = rejected(block, "F08", text, keep)
    if keep == 0:
        return None, refused
    flags = [(a, min(b, keep), code, detail) for a, b, code, detail in block.flags if a < keep]
    kept = ChannelBlock(
        block.channel_text,
        block.unit,
        block.minutes,
        block.start_utc,
        block.values[:keep],
        block.status[:keep],
        block.method[:keep],
        block.lines[:keep],
        flags,
        block.stamp,
    )
    return kept, refused
