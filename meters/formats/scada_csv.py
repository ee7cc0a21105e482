"""Historian export of power samples, turned into energy of intervals by time weighting.

Columns ``tag,time,value[,quality][,unit]``. A sample holds from its time until the next sample of
its tag, but never longer than ``hold_seconds``: after that the historian is stale and nothing is
known. A sample of bad quality ends the one before and tells nothing itself. The energy of an
interval is the mean power over the time that is known, times its length; it is actual when all of
it is known, estimated from ``min_coverage`` on, and missing below. Of an interval that begins
before the first sample or ends after the last one has run out, and of one in which nothing is known
at all, nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import BinaryIO

import numpy as np

from meters.formats._base import (
    INTERVAL_MINUTES,
    REFUSE_FILE,
    ChannelBlock,
    Item,
    Profile,
    RowError,
    at_second,
    clip,
    formats,
    printable,
)
from meters.formats._csv import Header, length_fault, roles_of, row_error, with_header
from meters.formats._numbers import micro_of
from meters.formats._stamps import parse_stamp
from meters.formats._tables import Table, csv_table
from meters.formats._text import RowFault, check_id, chunks, refuse, split_line
from meters.formats._units import unit_of
from poweroptix.kernel.fixed import MICRO, MISSING, micro
from poweroptix.kernel.quality import Method, Status
from poweroptix.kernel.rounding import to_places

KNOWN = ("tag", "time", "value", "quality", "unit")
REQUIRED = ("tag", "time", "value", "unit")
ENERGY = {"kW": "kWh", "kVAr": "kVArh", "kVA": "kVAh"}
GOOD = ("GOOD", "Good", "good", "192", "0x000000C0", "A")
BAD = ("BAD", "Bad", "bad", "0", "UNCERTAIN", "Uncertain", "uncertain", "64")
BLOCK_INTERVALS = 20_000
MS = 1000
HOUR_MS = 3_600_000
_FRACTION = re.compile(r"(.*:[0-9]{2})\.([0-9]{1,3})[0-9]*(Z|[+-][0-9]{2}:[0-9]{2})")


@formats.register("scada_csv@1")
class ScadaCsv:
    """CSV of power samples of a historian."""

    title = "CSV of historian power samples"
    on_row_error = REFUSE_FILE

    @staticmethod
    def sniff(head: bytes) -> bool:
        """Tell whether the first line names tag, time and value."""
        first = head.removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0].strip()
        return {b"tag", b"time", b"value"} <= set(first.split(b","))

    @staticmethod
    def table(stream: BinaryIO, profile: Profile) -> Table:
        """Return the head of the table for the mapping of its columns."""
        return csv_table(stream, KNOWN, REQUIRED, profile)

    @staticmethod
    def read(stream: BinaryIO, profile: Profile) -> Iterator[Item]:
        """Yield blocks of energy and row errors; raise ``Refused`` for the envelope."""
        return _Reader(profile).read(stream)


@dataclass(frozen=True)
class _Rule:
    """How samples become energy; all times in milliseconds."""

    length: int
    hold: int
    least_known: Fraction


@dataclass
class _Tag:
    """What is known of one tag while its samples pass by."""

    name: str
    unit: str
    factor: Decimal
    last: int | None = None  # time of the newest sample
    power: int | None = None  # 10^-6 of the raw unit; None after a bad sample
    line: int = 0
    start: int | None = None  # start of the interval that is being filled
    known: int = 0
    weighted: int = 0  # 10^-6 raw units x milliseconds
    block_start: int = 0
    values: list[int] = field(default_factory=list)
    status: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    done: list[ChannelBlock] = field(default_factory=list)


class _Reader:
    """Reads samples one by one; what it holds is a few numbers per tag and a bounded block."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.rule = _rule_of(profile)
        self.good = {*map(str, profile.options.get("good", GOOD))}
        self.bad = {*map(str, profile.options.get("bad", BAD))}
        self.tags: dict[str, _Tag] = {}
        self.header = Header((), {}, {})

    def read(self, stream: BinaryIO) -> Iterator[Item]:
        """Yield what a stream holds."""
        for names, chunk in with_header(chunks(stream), self.profile):
            if names is not None:
                self.header = roles_of(names, self.profile, KNOWN, REQUIRED)
            lines = chunk.data.decode().split("\n")[:-1]
            for line, text in enumerate(lines, chunk.first_line):
                try:
                    tag = self._sample(text, line)
                except RowFault as fault:
                    yield self._fault(fault, line, text)
                    continue
                if len(tag.values) >= BLOCK_INTERVALS:
                    self._cut(tag)
                yield from tag.done
                tag.done.clear()
        for tag in self.tags.values():
            if tag.last is not None:
                self._until(tag, tag.last + self.rule.hold)
            self._cut(tag)
            yield from tag.done

    def _fault(self, fault: RowFault, line: int, text: str) -> RowError:
        """Return a row error; after it nothing is known of the tag until its next sample."""
        name = text.split(",")[self.header.column["tag"]] if "," in text else ""
        tag = self.tags.get(name)
        if tag is not None:
            tag.power = None
        return row_error(fault, line, text, printable(name))

    # -- one sample -------------------------------------------------------------------------------

    def _sample(self, text: str, line: int) -> _Tag:
        """Take one row and return its tag; raise ``RowFault`` for its first fault."""
        if not text:
            raise RowFault("R001", "", "the row is empty; remove it")
        fields = split_line(text, line)
        if len(fields) != len(self.header.names):
            raise length_fault(fields, len(self.header.names))
        name, time, value, quality, unit = (self.header.text(role, fields) for role in KNOWN)
        check_id(name, "tag")
        at = _milliseconds(time)
        power = micro_of(value, "value") if self._is_good(quality) else None
        tag = self._tag(name, unit)
        if tag.last is not None and at <= tag.last:
            raise RowFault(
                "R302",
                "time",
                f"time '{printable(time)}' is not after the sample before it; sort the export",
            )
        self._until(tag, at)
        if tag.start is None:
            length = self.rule.length
            # The edge of a file is no gap: an interval is begun only where its begin is known.
            first = -(-at // length) if tag.last is None else at // length
            tag.start = tag.block_start = first * length
        tag.last, tag.power, tag.line = at, power, line
        return tag

    def _is_good(self, quality: str) -> bool:
        if "quality" not in self.header.column or quality in self.good:
            return True
        if quality in self.bad:
            return False
        text = f"quality '{printable(quality)}' is not known; name it in good or bad"
        raise RowFault("R203", "quality", text)

    def _tag(self, name: str, unit: str) -> _Tag:
        tag = self.tags.get(name)
        canonical, factor = unit_of(unit, self.profile, "unit")
        if canonical not in ENERGY:
            text = f"unit '{printable(unit)}' is not a power; send samples in kW, kVAr or kVA"
            raise RowFault("R204", "unit", text)
        if tag is None:
            tag = self.tags[name] = _Tag(name, ENERGY[canonical], factor)
        elif (tag.unit, tag.factor) != (ENERGY[canonical], factor):
            text = f"unit '{printable(unit)}' is not that of the samples of {name} before"
            raise RowFault("R204", "unit", text)
        return tag

    # -- time -------------------------------------------------------------------------------------

    def _until(self, tag: _Tag, now: int) -> None:
        """Let the last sample hold until `now`, at most the hold time, and close intervals."""
        if tag.last is None or tag.start is None:
            return
        at, held = tag.last, min(now, tag.last + self.rule.hold)
        while at < now:
            if at >= held and at == tag.start and now >= at + self.rule.length:
                self._cut(tag)  # from here on nothing is known for a whole interval
                tag.start = None
                return
            stop = min(now, tag.start + self.rule.length)
            known = max(0, min(stop, held) - max(at, tag.start))
            if tag.power is not None and known:
                tag.known += known
                tag.weighted += known * tag.power
            at = stop
            if at == tag.start + self.rule.length:
                self._close(tag)

    def _close(self, tag: _Tag) -> None:
        """Finish the interval that is being filled."""
        rule = self.rule
        share = Fraction(tag.known, rule.length)
        if tag.known and share >= rule.least_known:
            mean = Fraction(tag.weighted, tag.known) * Fraction(tag.factor)
            energy = mean * Fraction(rule.length, HOUR_MS) / MICRO
            tag.values.append(micro(to_places(energy, 6)))
            tag.status.append(int(Status.RAW if share == 1 else Status.ESTIMATED))
        else:
            tag.values.append(MISSING)
            tag.status.append(int(Status.MISSING))
        tag.lines.append(tag.line)
        tag.known = tag.weighted = 0
        tag.start = (tag.start or 0) + rule.length

    def _cut(self, tag: _Tag) -> None:
        """Make a block of the finished intervals of a tag."""
        if not tag.values:
            return
        status = np.array(tag.status, np.uint8)
        tag.done.append(
            ChannelBlock(
                tag.name,
                tag.unit,
                self.rule.length // (60 * MS),
                at_second(tag.block_start // MS),
                np.array(tag.values, np.int64),
                status,
                np.where(status == Status.ESTIMATED, Method.SCADA, Method.NONE).astype(np.uint8),
                np.array(tag.lines, np.int64),
            )
        )
        tag.block_start += len(tag.values) * self.rule.length
        tag.values, tag.status, tag.lines = [], [], []


def _milliseconds(text: str) -> int:
    """Return UTC milliseconds of a stamp with offset or Z; raise ``RowFault`` R002 or R003."""
    match = _FRACTION.fullmatch(text)
    whole, fraction = (match[1] + match[3], match[2]) if match else (text, "")
    seconds, absolute = parse_stamp(whole, "time")
    if not absolute:
        raise RowFault(
            "R003", "time", f"time '{printable(text)}' has no zone; add Z or an offset to it"
        )
    return seconds * MS + int(fraction.ljust(3, "0") or 0)


def _rule_of(profile: Profile) -> _Rule:
    """Return the rule of the profile; refuse a missing or impossible one (F030)."""
    options = profile.options
    minutes, hold = options.get("minutes"), options.get("hold_seconds")
    if minutes not in INTERVAL_MINUTES or isinstance(minutes, bool):
        _refuse("minutes", minutes, f"one of {', '.join(map(str, INTERVAL_MINUTES))}")
    if isinstance(hold, bool) or not isinstance(hold, int) or not 1 <= hold <= 86_400:
        _refuse("hold_seconds", hold, "1 to 86400: how long a sample holds when none follows")
    try:
        share = Decimal(str(options.get("min_coverage", "0.8")))
    except InvalidOperation:
        share = Decimal(-1)
    if not 0 < share <= 1:
        _refuse("min_coverage", options.get("min_coverage"), "above 0 and at most 1")
    return _Rule(int(minutes) * 60 * MS, hold * MS, Fraction(share))


def _refuse(name: str, found: object, wanted: str) -> None:
    text = f"Option {name} of the import profile is '{printable(found)}'; give {wanted}."
    refuse("F030", clip(text), field=name)
