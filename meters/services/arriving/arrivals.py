"""Which channel a record of a file belongs to, and the checks before it may be stored.

Codes (vee.md 3.1): F03 unknown channel, F04 unit, F05 interval length, F07 off the grid,
F08 future. A record that fails goes to quarantine; the rest of the file is kept. Shorter intervals
than the channel's are summed only where the profile's option `accept_lengths` names their length.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from meters.calc.resolution import takers
from meters.formats import ChannelBlock, RegisterRow
from meters.models import Channel, ChannelAlias
from meters.models.files import FUTURE

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
    is_virtual: bool = False


@dataclass(frozen=True)
class Rejected:
    """A part of a block that may not be stored, and the time that it is of."""

    channel_text: str
    code: str
    message: str
    line_first: int
    line_last: int
    count: int
    start_utc: datetime
    end_utc: datetime


class Resolver:
    """Finds channels by what a source calls them: its aliases first, then the channel's code.

    A channel whose interval length changed is followed by its successor: the one with the length
    of the record is taken.
    """

    def __init__(self, source: str, accept_lengths: Iterable[int] = ()) -> None:
        self._source, self._accept = source, frozenset(accept_lengths)
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
            target = Target(row.pk, row.code, row.unit, row.minutes, row.is_active, row.is_virtual)
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
        if any(t.is_virtual for t in candidates):
            text = (
                f"{block.channel_text} is a virtual channel: it is computed from others and takes "
                "no readings. Map the record to a metered channel."
            )
            return rejected(block, "F03", text)
        known = {t.minutes for t in candidates}
        lengths = takers(known, block.minutes, block.unit, self._accept)
        fitting = [t for t in candidates if t.minutes in lengths]
        if not fitting:
            shown = ", ".join(str(t.minutes) for t in candidates)
            text = (
                f"{block.channel_text} has {shown}-minute intervals, the file sends "
                f"{block.minutes}-minute ones. Create a successor channel of that length, or, to "
                "sum shorter intervals, name their length in accept_lengths of the profile."
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

    def register(self, row: RegisterRow) -> Target | Rejected:
        """Return the channel of a register read, or why there is none that takes it."""
        candidates = self._known[row.channel_text]
        if not candidates:
            text = f"There is no channel '{row.channel_text}'. Map it or create it, then replay."
            return rejected_read(row, "F03", text)
        target = candidates[-1]
        if target.unit != row.unit:
            text = (
                f"{row.channel_text} is measured in {target.unit}, the register counts {row.unit}. "
                "Set the unit in the import profile."
            )
            return rejected_read(row, "F04", text)
        return target


def rejected_read(row: RegisterRow, code: str, message: str) -> Rejected:
    """Return the rejection of a register read."""
    at = row.read_at_utc
    return Rejected(row.channel_text, code, message[:300], row.line, row.line, 1, at, at)


def future_read(row: RegisterRow, received_at: datetime) -> Rejected | None:
    """Return why a read is not taken that was made after the file was received (F08)."""
    if row.read_at_utc <= received_at + FUTURE_GRACE:
        return None
    text = (
        f"{row.channel_text}: the read of {row.read_at_utc:%Y-%m-%d %H:%M} UTC lies after the "
        f"receipt of the file at {received_at:%Y-%m-%d %H:%M} UTC."
    )
    return rejected_read(row, FUTURE, text)


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
        block.start_utc + first * timedelta(minutes=block.minutes),
        block.end_utc,
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
    refused = rejected(block, FUTURE, text, keep)
    if keep == 0:
        return None, refused
    flags = [(a, min(b, keep), code, detail) for a, b, code, detail in block.flags if a < keep]
    kept = replace(
        block,
        values=block.values[:keep],
        status=block.status[:keep],
        method=block.method[:keep],
        lines=block.lines[:keep],
        flags=flags,
    )
    return kept, refused
