"""A file on its way in: read, placed on channels and counted, window by window; nothing is stored.

Ingest stores each window; a rehearsal (`rehearsing.py`) only asks what would become of it. Both see
the same windows, so what a rehearsal says is what happens.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO

from meters.calc.resolution import lengthen
from meters.formats import (
    ChannelBlock,
    Item,
    Profile,
    RegisterRow,
    RowError,
    formats,
    row_error_policy,
)
from meters.services.arriving.ahead import Ahead
from meters.services.arriving.arrivals import Rejected, Resolver, cut_future, future_read
from meters.services.arriving.receipts import Receipt
from poweroptix.kernel.errors import Refused

WINDOW_INTERVALS = 400_000
REGISTER_WEIGHT = 50
#: The option of a profile that lists interval lengths which may be summed (F05).
ACCEPT_LENGTHS = "accept_lengths"
#: The option that says whether the source has multiplied its intervals already (F06).
MULTIPLIER_APPLIED = "multiplier_applied"


@dataclass(frozen=True)
class Window:
    """Part of a file, with the channel of each piece; `intervals` were taken up to its end."""

    pieces: list[tuple[int, ChannelBlock]]
    reads: list[tuple[int, RegisterRow]]
    intervals: int

    def by_minutes(self) -> dict[int, list[tuple[int, ChannelBlock]]]:
        """Return the pieces by the interval length of their channel."""
        groups: dict[int, list[tuple[int, ChannelBlock]]] = {}
        for channel_id, block in self.pieces:
            groups.setdefault(block.minutes, []).append((channel_id, block))
        return groups


@dataclass
class Intake:
    """One pass over a file of a source.

    `only` takes the records of these names alone, and says nothing of the others. With `whole` the
    pass goes on behind the first fault of a file that is refused for it.
    """

    name: str
    source: str
    format: str
    profile: Profile
    received_at: datetime
    only: frozenset[str] | None = None
    whole: bool = False
    receipt: Receipt = field(default_factory=Receipt)

    def __post_init__(self) -> None:
        """Prepare the search for channels."""
        self.plugin = formats.get(self.format)
        self.resolver = Resolver(self.source, self.profile.options.get(ACCEPT_LENGTHS, ()))
        policy = row_error_policy(self.plugin, self.profile)
        self.refuses = self.only is None and policy == "refuse_file"

    def windows(self, stream: BinaryIO) -> Iterator[Window]:
        """Yield the windows of a stream that hold anything; Refused for the envelope.

        A file that is refused for a fault yields none behind the fault; see `refusal`.
        """
        waiting: list[ChannelBlock | RegisterRow] = []
        held = 0
        items = self.plugin.read(stream, self.profile)
        with Ahead(items, limit=WINDOW_INTERVALS, weight=_weight) as ahead:
            for item in ahead:
                if isinstance(item, RowError):
                    if self.only is None:
                        self.receipt.fault(item)
                elif self._wants(item):
                    waiting.append(item)
                    held += _weight(item)
                if held >= WINDOW_INTERVALS:
                    yield from self._window(waiting)
                    waiting, held = [], 0
        if not self._stops():
            yield from self._window(waiting)

    def refusal(self) -> Refused | None:
        """Return why the file is refused whole, if a record of it was faulty and it is to be."""
        count = self.receipt.fault_count
        if not (self.refuses and count):
            return None
        first = self.receipt.faults[0]
        more = f" ({count} records are wrong.)" if count > 1 else ""
        return Refused(first.code, f"{self.name}: {first.message}{more}")

    def _stops(self) -> bool:
        return not self.whole and self.refuses and self.receipt.fault_count > 0

    def _wants(self, item: ChannelBlock | RegisterRow) -> bool:
        if self._stops():
            return False
        return self.only is None or item.channel_text in self.only

    def _window(self, items: list[ChannelBlock | RegisterRow]) -> Iterator[Window]:
        self.resolver.learn(item.channel_text for item in items)
        pieces = self._placed([item for item in items if isinstance(item, ChannelBlock)])
        reads = self._placed_reads([item for item in items if isinstance(item, RegisterRow)])
        if pieces or reads:
            yield Window(pieces, reads, self.receipt.intervals)

    def _placed(self, blocks: list[ChannelBlock]) -> list[tuple[int, ChannelBlock]]:
        """Find the channel of each block; what may not be stored is counted as quarantined."""
        pieces = []
        for block in blocks:
            target = self.resolver.target(block)
            if isinstance(target, Rejected):
                self.receipt.reject(target)
                continue
            kept, late = cut_future(block, self.received_at)
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
            refused = refused or future_read(row, self.received_at)
            if refused is not None:
                self.receipt.reject(refused)
                continue
            self.receipt.accept_read(target, row)
            reads.append((target.channel_id, row))
        return reads

    def too_fine(self) -> dict[str, tuple[int, int]]:
        """Return channels that brought nothing because their declared unit is too fine to keep.

        By the name in the file: channel id, and how many readings were refused.
        """
        self.resolver.learn(self.receipt.too_fine)
        kept = {channel.text for channel in self.receipt.channels.values()}
        return {
            text: (target.channel_id, count)
            for text, count in self.receipt.too_fine.items()
            if text not in kept and (target := self.resolver.first(text)) is not None
        }


def _weight(item: Item) -> int:
    """Return how much memory an item holds, counted in intervals."""
    if isinstance(item, ChannelBlock):
        return item.count
    return REGISTER_WEIGHT if isinstance(item, RegisterRow) else 1
