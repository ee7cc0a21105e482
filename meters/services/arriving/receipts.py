"""What a file brought: the receipt, counted while the file is read.

The parse part (channels, ranges, intervals, totals, qualities, faults) is the same in every
attempt; the stored part (new, same, replaced, ignored) is committed window by window with the
blocks, so a resumed file ends with the same receipt as one that was never interrupted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from meters.calc.coverage import Coverage
from meters.formats import ChannelBlock, RegisterRow, RowError
from meters.services.arriving.arrivals import Rejected, Target
from meters.services.arriving.registering import Move
from poweroptix.kernel import exact
from poweroptix.kernel.canonical import instant, number
from poweroptix.kernel.fixed import EXACT, MISSING, from_micro
from poweroptix.kernel.quality import Status

LISTED = 100
TOO_FINE = "R103"


@dataclass
class ChannelCount:
    """What one channel of the file brought."""

    code: str
    text: str
    unit: str
    minutes: int
    first_utc: datetime
    end_utc: datetime
    intervals: int = 0
    missing: int = 0
    total_micro: int = 0
    status: Counter = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Begin with nothing covered."""
        self.coverage = Coverage(self.minutes)

    def add(self, block: ChannelBlock) -> None:
        """Count the intervals of a block."""
        self.coverage.add(block.start_utc, block.values)
        self.first_utc = min(self.first_utc, block.start_utc)
        self.end_utc = max(self.end_utc, block.end_utc)
        absent = block.values == MISSING
        missing = int(np.count_nonzero(absent))
        self.intervals += block.count
        self.missing += missing
        self.total_micro += exact.total(block.values[~absent] if missing else block.values)
        for code, count in enumerate(np.bincount(block.status).tolist()):
            if count:
                self.status[Status(code).name] += count

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "code": self.code,
            "text": self.text,
            "unit": self.unit,
            "minutes": self.minutes,
            "first_utc": instant(self.first_utc),
            "end_utc": instant(self.end_utc),
            "intervals": self.intervals,
            "missing": self.missing,
            "absent": self.coverage.absent,
            "holes": [
                {
                    "from_utc": instant(hole.start_utc),
                    "to_utc": instant(hole.end_utc),
                    "intervals": hole.intervals,
                }
                for hole in self.coverage.holes()
            ],
            "total": number(from_micro(self.total_micro)),
            "status": dict(sorted(self.status.items())),
        }


@dataclass
class RegisterCount:
    """Which register reads of one channel the file brought."""

    code: str
    text: str
    reads: int = 0
    first: RegisterRow | None = None
    last: RegisterRow | None = None
    moves: list[Move] = field(default_factory=list)

    def add(self, row: RegisterRow) -> None:
        """Count a read, and the one before it where the file carries both."""
        for each in (row.previous, row):
            if each is None:
                continue
            self.reads += 1
            if each.bucket:
                continue  # the ends are those of the total register
            if self.first is None or each.read_at_utc < self.first.read_at_utc:
                self.first = each
            if self.last is None or each.read_at_utc >= self.last.read_at_utc:
                self.last = each

    def to_json(self) -> dict[str, Any]:
        """Return plain data; registers as they were written."""
        ends = {"first": self.first, "last": self.last}
        said: dict[str, Any] = {"code": self.code, "text": self.text, "reads": self.reads} | {
            name: _read_json(row) for name, row in ends.items() if row is not None
        }
        if self.moves:
            said["moves"] = [_move_json(move) for move in self.moves]
        return said


def _read_json(row: RegisterRow) -> dict[str, str]:
    """Return a read as it was written."""
    return {"read_at_utc": instant(row.read_at_utc), "register": row.text}


def _move_json(move: Move) -> dict[str, Any]:
    """Return what a register advanced between two reads, and why it is held."""
    said: dict[str, Any] = {
        "previous": _read_json(move.before),
        "this": _read_json(move.after),
        "read_type": str(move.after.read_type),
        "advance": None if move.advance is None else number(EXACT.normalize(move.advance)),
        "factor": number(EXACT.normalize(move.factor)),
        "quantity": None if move.quantity is None else number(EXACT.normalize(move.quantity)),
        "unit": move.after.unit,
        "rollover": move.rolled,
        "line": move.after.line,
    }
    if move.after.bucket:
        said["bucket"] = move.after.bucket
    if move.held is not None:
        said["held"] = {"code": move.held.rule_code, "message": move.held.message}
    return said


@dataclass
class Receipt:
    """Counts of one reading of a file."""

    channels: dict[int, ChannelCount] = field(default_factory=dict)
    registers: dict[int, RegisterCount] = field(default_factory=dict)
    rejected: dict[tuple[str, str], Rejected] = field(default_factory=dict)
    faults: list[RowError] = field(default_factory=list)
    remarks: list[RowError] = field(default_factory=list)
    fault_count: int = 0
    remark_count: int = 0
    too_fine: Counter = field(default_factory=Counter)

    def accept(self, target: Target, block: ChannelBlock) -> None:
        """Count a block that goes into the store."""
        if target.channel_id not in self.channels:
            self.channels[target.channel_id] = ChannelCount(
                target.code,
                block.channel_text,
                block.unit,
                block.minutes,
                block.start_utc,
                block.end_utc,
            )
        self.channels[target.channel_id].add(block)

    def accept_read(self, target: Target, row: RegisterRow) -> None:
        """Count a register read that goes into the store."""
        if target.channel_id not in self.registers:
            self.registers[target.channel_id] = RegisterCount(target.code, row.channel_text)
        self.registers[target.channel_id].add(row)

    def moved(self, moves: Iterable[Move]) -> None:
        """Keep what registers advanced; each channel's first hundred are listed."""
        for move in moves:
            listed = self.registers[move.channel_id].moves
            if len(listed) < LISTED:
                listed.append(move)

    def reject(self, part: Rejected) -> None:
        """Count a part of the file that goes into quarantine, joined per channel and reason."""
        key = (part.channel_text, part.code)
        seen = self.rejected.get(key)
        if seen is not None:
            part = Rejected(
                part.channel_text,
                part.code,
                seen.message,
                min(seen.line_first, part.line_first),
                max(seen.line_last, part.line_last),
                seen.count + part.count,
                min(seen.start_utc, part.start_utc),
                max(seen.end_utc, part.end_utc),
            )
        self.rejected[key] = part

    def fault(self, error: RowError) -> None:
        """Count a record that the format could not take, or its remark on one it took."""
        if error.is_error:
            self.fault_count += 1
            if error.code == TOO_FINE:
                self.too_fine[error.channel_text] += 1
            if len(self.faults) < LISTED:
                self.faults.append(error)
        else:
            self.remark_count += 1
            if len(self.remarks) < LISTED:
                self.remarks.append(error)

    @property
    def intervals(self) -> int:
        """Intervals accepted, with or without a value."""
        return sum(channel.intervals for channel in self.channels.values())

    def to_json(self) -> dict[str, Any]:
        """Return plain data: what staff see and `--json` prints."""
        return {
            "channels": [
                row.to_json() for row in sorted(self.channels.values(), key=lambda r: r.code)
            ],
            "intervals": self.intervals,
            "registers": [
                row.to_json() for row in sorted(self.registers.values(), key=lambda r: r.code)
            ],
            "quarantined": [
                {
                    "channel": part.channel_text,
                    "code": part.code,
                    "message": part.message,
                    "line_first": part.line_first,
                    "line_last": part.line_last,
                    "intervals": part.count,
                }
                for part in self.rejected.values()
            ],
            "errors": [error_json(error) for error in self.faults],
            "error_count": self.fault_count,
            "warnings": [error_json(error) for error in self.remarks],
            "warning_count": self.remark_count,
        }


def error_json(error: RowError) -> dict[str, Any]:
    """Return a row error as plain data."""
    return {
        "line": error.line,
        "line_last": error.line_last or error.line,
        "field": error.field,
        "code": error.code,
        "message": error.message,
        "channel": error.channel_text,
    }


def refusal(code: str, message: str, **data: Any) -> dict[str, Any]:
    """Return the receipt of a file that was refused whole."""
    return {"refused": {"code": code, "message": message, **data}}
