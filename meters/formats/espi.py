"""ESPI (Green Button) interval readings: Atom XML, streamed, joined by links.

Electric energy in Wh (VArh, VAh) or mean power in W, 1 to 60 minutes. Starts are UTC. The worst of
a reading's qualities counts. Gas, registers, billing-period readings and forecasts are refused
with their reason. No DTD, no entities, no network.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np

from meters.formats._base import (
    QUARANTINE,
    ChannelBlock,
    Profile,
    RowError,
    clip,
    formats,
    printable,
)
from meters.formats._espi_feed import Block, Entry, entries
from meters.formats._espi_model import Feed, Reading, reading_of
from meters.formats._quality import ESPI_FORECAST, ESPI_QUALITY
from meters.formats._rows import Batch, RowKind, RowWindow
from meters.formats._text import RowFault, refuse
from poweroptix.kernel.finding import Severity
from poweroptix.kernel.quality import Method, Status

WAITING_READINGS = 20_000_000
Item = ChannelBlock | RowError


@formats.register("espi@1")
class Espi:
    """ESPI / Green Button XML: interval electricity."""

    title = "Green Button (ESPI XML)"
    on_row_error = QUARANTINE

    @staticmethod
    def sniff(head: bytes) -> bool:
        """Tell whether the first bytes look like an ESPI feed."""
        start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
        return start.startswith(b"<") and b"http://www.w3.org/2005/Atom" in head

    @staticmethod
    def read(stream: BinaryIO, profile: Profile) -> Iterator[Item]:
        """Yield blocks and row errors; raise ``Refused`` X001..X013 for the envelope."""
        return _Reader(profile).read(stream)


@dataclass
class _Waiting:
    """Blocks whose MeterReading or ReadingType has not come yet."""

    entry: Entry
    count: int


class _Reader:
    """Joins blocks to their channels as soon as the links are known."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.feed = Feed([], [], [])
        self.window = RowWindow(replace(profile, label="BEGIN"), None, rounds=True)
        self.waiting: list[_Waiting] = []
        self.readings: dict[str, Reading | RowFault] = {}
        self.kinds: dict[tuple[Reading, tuple[int, ...]], int] = {}
        self.refused: dict[str, RowError] = {}
        self.remarked: set[str] = set()
        self.any_reading = self.any_taken = False

    def read(self, stream: BinaryIO) -> Iterator[Item]:
        """Yield what a feed holds."""
        for entry in entries(stream):
            self.feed.add(entry)
            if entry.blocks:
                yield from self._blocks(entry, last=False)
            elif entry.kind in ("MeterReading", "ReadingType") and self.waiting:
                yield from self._retry(last=False)
            if self.window.full:
                yield from self.window.flush(last=False)
        yield from self._retry(last=True)
        if not self.any_reading:
            refuse("X012", "The feed has no interval readings.")
        if not self.any_taken and self.refused:
            first = next(iter(self.refused.values()))
            refuse(first.code, first.message, line=first.line, field=first.field)
        yield from self.refused.values()
        yield from self.window.flush(last=True)

    def _retry(self, *, last: bool) -> Iterator[Item]:
        waiting, self.waiting = self.waiting, []
        for each in waiting:
            yield from self._blocks(each.entry, last=last)

    def _blocks(self, entry: Entry, *, last: bool) -> Iterator[Item]:
        """Take the blocks of an entry, or keep them until their type is known."""
        self.any_reading = self.any_reading or any(b.values or b.fault for b in entry.blocks)
        parent = self.feed.meter_reading_of(entry)
        if not last and (parent is None or self.feed.reading_type_of(parent) is None):
            self.waiting.append(_Waiting(entry, sum(len(b.values) for b in entry.blocks)))
            if sum(each.count for each in self.waiting) > WAITING_READINGS:
                refuse("X013", "Readings come long before their MeterReading and ReadingType.")
            return
        try:
            if parent is None:
                name = printable(entry.self_href)
                raise RowFault("X013", "MeterReading", f"IntervalBlock {name} has no MeterReading")
            reading = self._reading(parent)
        except RowFault as fault:
            self._refuse(parent or entry, fault, entry)
            return
        yield from self._remarks(reading, entry)
        for block in entry.blocks:
            try:
                yield from self._take(block, reading)
            except RowFault as fault:
                line = block.fault_line or block.line
                where = f"Line {line}, {reading.channel}: {fault.message}."
                yield RowError(
                    block.line, fault.field, fault.code, clip(where), reading.channel, "",
                    max(block.last_line, line),
                )  # fmt: skip

    def _reading(self, parent: Entry) -> Reading:
        found = self.readings.get(parent.self_href)
        if found is None:
            try:
                found = reading_of(self.feed, parent, self.profile)
            except RowFault as fault:
                found = fault
            self.readings[parent.self_href] = found
        if isinstance(found, RowFault):
            raise found
        return found

    def _remarks(self, reading: Reading, entry: Entry) -> Iterator[RowError]:
        """Say once per channel what of its declaration is doubtful."""
        if reading.channel in self.remarked:
            return
        self.remarked.add(reading.channel)
        for code, name, text in reading.remarks:
            message = clip(f"Line {entry.line}, {reading.channel}: {text}.")
            yield RowError(
                entry.line, name, code, message, reading.channel, "", entry.line, Severity.WARN
            )

    def _refuse(self, parent: Entry, fault: RowFault, entry: Entry) -> None:
        """Remember a channel that cannot be read; one row error for all its blocks."""
        last = max([entry.line, *(block.last_line for block in entry.blocks)])
        before = self.refused.get(parent.self_href)
        line = before.line if before else entry.line
        message = clip(f"Line {line}: {fault.message}.")
        self.refused[parent.self_href] = RowError(
            line, fault.field, fault.code, message, printable(parent.self_href), "", last
        )

    def _take(self, block: Block, reading: Reading) -> Iterator[RowError]:
        """Add a block's readings to the window; raise ``RowFault`` for the block."""
        if block.fault:
            raise block.fault
        if not block.values:
            return
        starts = self._starts(block, reading)
        kinds = [
            self._kind(reading, quality or reading.default_quality) for quality in block.qualities
        ]
        values = np.array(block.values, dtype=np.int64)
        count = len(values)
        self.any_taken = True
        self.window.add(
            Batch(
                np.array(kinds), starts, values, np.array(block.lines), np.zeros(count, dtype=bool)
            )
        )
        covered = count * reading.minutes * 60
        if block.duration is not None and block.duration != covered:
            text = (
                f"Line {block.line}, {reading.channel}: the block says {block.duration} s but its "
                f"{count} readings cover {covered} s."
            )
            yield RowError(
                block.line, "duration", "W303", clip(text), reading.channel, "", block.last_line,
                Severity.WARN,
            )  # fmt: skip

    def _starts(self, block: Block, reading: Reading) -> np.ndarray:
        starts = np.array(block.starts, dtype=np.int64)
        durations = np.array(block.durations, dtype=np.int64)
        bare = starts < 0
        step = reading.minutes * 60
        if bare.any():
            if not bare.all() or block.start is None:
                raise RowFault("X010", "start", "a reading has no start, nor has its block")
            return block.start + np.arange(len(starts)) * step
        if (durations != step).any():
            at = int(np.argmax(durations != step))
            raise RowFault(
                "X011",
                "duration",
                f"the reading of line {block.lines[at]} lasts {durations[at]} s, its ReadingType "
                f"says {step} s",
            )
        return starts

    def _kind(self, reading: Reading, qualities: tuple[int, ...]) -> int:
        key = (reading, qualities)
        if key not in self.kinds:
            status, method = _worst(qualities, self.profile)
            flags = ()
            if qualities:
                text = ",".join(str(quality) for quality in qualities)
                flags = (("QUALITY", (("quality", text),)),)
            kind = RowKind(
                reading.channel,
                reading.unit,
                reading.factor,
                reading.minutes,
                status,
                method,
                flags,
            )
            self.kinds[key] = len(self.window.kinds)
            self.window.kinds.append(kind)
        return self.kinds[key]


def _worst(qualities: tuple[int, ...], profile: Profile) -> tuple[Status, Method]:
    found = [(Status.RAW, Method.NONE)] if not qualities else []
    for quality in qualities:
        if quality == ESPI_FORECAST and not profile.options.get("forecast"):
            raise RowFault("R203", "quality", "quality 12 is a forecast, not a reading")
        if quality == ESPI_FORECAST:
            found.append((Status.ESTIMATED, Method.SOURCE))
        elif quality not in ESPI_QUALITY:
            raise RowFault("R203", "quality", f"quality {quality} is not known")
        else:
            found.append(ESPI_QUALITY[quality])
    return max(found, key=lambda pair: int(pair[0]))
