"""The first rows of a file as a profile reads them, and what it refuses; nothing is stored.

Only as much of the file is read as is shown. A dry run (`rehearsing.py`) reads the whole.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import BinaryIO
from zoneinfo import ZoneInfo

from meters.formats import ChannelBlock, Profile, RegisterRow, RowError, Table, formats
from meters.models import ImportFile
from meters.services.arriving.arrivals import Rejected, Resolver, Target, cut_future, future_read
from meters.services.arriving.intake import ACCEPT_LENGTHS
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING, from_micro
from poweroptix.kernel.quality import Method, Status

ROWS_PER_CHANNEL, CHANNELS = 6, 8
MOST_FAULTS = 30
SEEN_INTERVALS = 3_000
WINDOW = 2_000
RAW_LINES, RAW_CHARACTERS = 3_000, 120
_PACKED = (b"PK\x03\x04",)


@dataclass(frozen=True)
class PreviewRow:
    """One reading: what the file says, and what it is read as.

    `label` is the local stamp that names the interval, at its begin or its end as the profile says.
    """

    line: int
    raw: str
    label: str
    start_utc: datetime
    channel_text: str
    channel: str
    value: Decimal | None
    unit: str
    minutes: int
    status: str
    method: str


@dataclass(frozen=True)
class PreviewFault:
    """Why lines are not taken, or a remark on them."""

    line: int
    line_last: int
    code: str
    channel: str
    message: str
    is_error: bool


@dataclass
class Preview:
    """What is shown of a file beside the profile that is being edited."""

    rows: list[PreviewRow] = field(default_factory=list)
    reads: list[PreviewRow] = field(default_factory=list)
    faults: list[PreviewFault] = field(default_factory=list)
    refused: Refused | None = None
    is_whole: bool = False
    minutes: tuple[int, ...] = ()
    channels: int = 0

    @property
    def error_count(self) -> int:
        """How many of the faults keep something out."""
        return sum(fault.is_error for fault in self.faults) + (self.refused is not None)


def look(stream: BinaryIO, format_key: str, profile: Profile) -> Table | None:
    """Return the head of a table whose columns can be mapped, None for any other format.

    Raises Refused for what cannot be opened.
    """
    table = getattr(formats.get(format_key), "table", None)
    return None if table is None else table(stream, profile)


def preview(stream: BinaryIO, file: ImportFile, profile: Profile) -> Preview:
    """Return the first rows of a file and the refusals among them; a wrong envelope is told too.

    `file` says name, source and when it was received; it need not be saved.
    """
    shown = _Showing(file, profile)
    small = {"window_rows": WINDOW, "window_intervals": WINDOW}
    reader = formats.get(profile.format or file.format)
    try:
        items = reader.read(stream, replace(profile, options={**profile.options, **small}))
        shown.preview.is_whole = True
        for item in items:
            if shown.take(item):
                shown.preview.is_whole = False
                break
    except Refused as refused:
        shown.preview.refused = refused
    return _with_raw(shown.close(), stream)


class _Showing:
    """Gathers what is shown until there is enough of it."""

    def __init__(self, file: ImportFile, profile: Profile) -> None:
        self.file, self.profile = file, profile
        self.resolver = Resolver(file.source, profile.options.get(ACCEPT_LENGTHS, ()))
        self.zone = ZoneInfo(profile.zone or "UTC")
        self.preview = Preview()
        self.rows: Counter[str] = Counter()
        self.refused: set[tuple[str, str]] = set()
        self.lengths: set[int] = set()
        self.seen = 0

    def take(self, item: ChannelBlock | RegisterRow | RowError) -> bool:
        """Keep what is shown of an item; return whether it is enough."""
        if isinstance(item, RowError):
            last = item.line_last or item.line
            self._tell(item.line, last, item.code, item.channel_text, item.message, item.is_error)
        elif isinstance(item, ChannelBlock):
            self._block(item)
        else:
            self._read(item)
        return self.seen >= SEEN_INTERVALS or len(self.preview.faults) >= MOST_FAULTS

    def close(self) -> Preview:
        """Return what was gathered."""
        self.preview.minutes = tuple(sorted(self.lengths))
        self.preview.channels = len(self.rows)
        return self.preview

    def _block(self, block: ChannelBlock) -> None:
        self.seen += block.count
        self.lengths.add(block.minutes)
        self.resolver.learn([block.channel_text])
        target = self.resolver.target(block)
        if isinstance(target, Target):
            late = cut_future(block, self.file.received_at)[1]
            if late is not None:
                self._reject(late)
        code = self._code(target)
        room = min(block.count, self._room(block.channel_text))
        for at in range(room):
            start = block.start_utc + timedelta(minutes=block.minutes * at)
            end = start + timedelta(minutes=block.minutes)
            value = int(block.values[at])
            self.preview.rows.append(
                PreviewRow(
                    line=int(block.lines[at]),
                    raw="",
                    label=self._local(end if self.profile.label == "END" else start),
                    start_utc=start,
                    channel_text=block.channel_text,
                    channel=code,
                    value=None if value == MISSING else from_micro(value),
                    unit=block.unit,
                    minutes=block.minutes,
                    status=Status(int(block.status[at])).name,
                    method=_method(int(block.method[at])),
                )
            )
        self.rows[block.channel_text] += room

    def _read(self, row: RegisterRow) -> None:
        self.seen += 1
        self.resolver.learn([row.channel_text])
        target = self.resolver.register(row)
        late = future_read(row, self.file.received_at)
        if late is not None:
            self._reject(late)
        code = self._code(target)
        if self._room(row.channel_text) == 0:
            return
        self.rows[row.channel_text] += 1
        self.preview.reads.append(
            PreviewRow(
                line=row.line,
                raw=row.text,
                label=self._local(row.read_at_utc),
                start_utc=row.read_at_utc,
                channel_text=row.channel_text,
                channel=code,
                value=None,
                unit=row.unit,
                minutes=0,
                status=row.status.name,
                method=str(row.read_type),
            )
        )

    def _room(self, text: str) -> int:
        """Return how many more rows of a channel are shown."""
        if text not in self.rows and len(self.rows) >= CHANNELS:
            return 0
        return max(0, ROWS_PER_CHANNEL - self.rows[text])

    def _local(self, moment: datetime) -> str:
        there = moment.astimezone(self.zone)
        return f"{there:%Y-%m-%d %H:%M} {there:%z}"

    def _code(self, target: Target | Rejected) -> str:
        """Return the code of a channel; a rejection is told once and has none."""
        if isinstance(target, Rejected):
            self._reject(target)
            return ""
        return target.code

    def _reject(self, part: Rejected) -> None:
        if (part.channel_text, part.code) not in self.refused:
            self.refused.add((part.channel_text, part.code))
            self._tell(
                part.line_first, part.line_last, part.code, part.channel_text, part.message, True
            )

    def _tell(
        self, line: int, last: int, code: str, channel: str, message: str, is_error: bool
    ) -> None:
        self.preview.faults.append(PreviewFault(line, last, code, channel, message, is_error))


def _method(code: int) -> str:
    return "" if code == Method.NONE else Method(code).name


def _with_raw(preview: Preview, stream: BinaryIO) -> Preview:
    """Lay the lines of the file beside the rows that came from them; a workbook has none."""
    near = [row.line for row in preview.rows if row.line <= RAW_LINES]
    last = max(near, default=0)
    stream.seek(0)
    if last == 0 or stream.read(4).startswith(_PACKED):
        return preview
    stream.seek(0)
    lines = [
        line[:RAW_CHARACTERS].decode("utf-8", "replace").rstrip() for line in islice(stream, last)
    ]
    preview.rows = [
        replace(row, raw=lines[row.line - 1]) if 0 < row.line <= len(lines) else row
        for row in preview.rows
    ]
    return preview
