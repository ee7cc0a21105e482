"""What every file format of meter data shares: profile, blocks, row errors, the registry.

A reader is ``read(stream, profile)``, an iterator of ``ChannelBlock``, ``RegisterRow`` and
``RowError``. It streams: what it holds is bounded by a window, not by the file. It is strict: a
record is taken whole or not at all, nothing is guessed or coerced. A fault of the envelope (wrong
format, cut file, not UTF-8) raises ``Refused``; a fault inside a record is yielded as a
``RowError`` for the smallest complete record. Whether a row error refuses the file is the caller's
decision (`Profile.on_row_error`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, BinaryIO, Protocol

import numpy as np

from poweroptix.kernel.finding import Severity
from poweroptix.kernel.quality import Method, Status
from poweroptix.kernel.registry import Registry

REFUSE_FILE = "refuse_file"
QUARANTINE = "quarantine"


class Duplicate(StrEnum):
    """What becomes of rows of one file that give one instant different values (V02).

    REFUSE takes none of them; FIRST and LAST say which of them the source means.
    """

    REFUSE = "refuse"
    FIRST = "first"
    LAST = "last"


MESSAGE_LIMIT = 300
RAW_LIMIT = 2_000
INTERVAL_MINUTES = (1, 5, 10, 15, 30, 60)
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Profile:
    """How one source writes its files. Mirrors the ``ImportProfile`` row; pure data.

    ``zone`` is an IANA name, needed wherever a format writes local or zone-less times.
    ``label`` says whether a stamp names the BEGIN or the END of its interval. ``unit`` supplies a
    unit where the file has none, or overrides the file's. ``unit_factor`` is kWh (or the canonical
    unit of ``unit``) per raw unit of the file and replaces the file's own scale. ``sign`` is 1 or
    -1. ``quality_map`` maps a source's quality letter to a ``Status`` name. ``received_at`` is the
    time of receipt given by the source or caller (the test for future readings belongs to the
    service). ``options`` holds what only one format knows; each format's page lists them.
    """

    format: str = ""
    zone: str = ""
    label: str = "BEGIN"
    unit: str = ""
    unit_factor: Decimal | None = None
    sign: int = 1
    on_row_error: str = ""
    on_duplicate: str = Duplicate.REFUSE
    quality_map: Mapping[str, str] = field(default_factory=dict)
    assume_header: bool = False
    received_at: datetime | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class ChannelBlock:
    """Consecutive intervals of one channel, in time order without holes.

    ``values`` are int64 in 10^-6 of ``unit`` (canonical), ``MISSING`` where the source has no
    value. ``status`` and ``method`` hold the codes of ``kernel.quality``. ``lines`` is the line
    (for XML: the element's source line) each interval came from. ``flags`` are half-open ranges
    ``(first, end, code, detail)`` of quality, reason and device events.
    ``stamp`` is the source's own version of the newest record in it (NEM12 UpdateDateTime), "" if
    the format has none. ``multiplier`` is what the file says the values must still be multiplied
    by to be primary ones (CMEP), None if it says nothing; it is not applied here. ``serials``
    are the meters that the file names for it, each with the line that does, ``channels_said`` the
    lists of channels of its meter that the file states; both empty if the format has none.
    """

    channel_text: str
    unit: str
    minutes: int
    start_utc: datetime
    values: np.ndarray
    status: np.ndarray
    method: np.ndarray
    lines: np.ndarray
    flags: list[tuple[int, int, str, dict[str, str]]] = field(default_factory=list)
    stamp: str = ""
    multiplier: Decimal | None = None
    serials: tuple[tuple[str, int], ...] = ()
    channels_said: tuple[tuple[str, ...], ...] = ()

    @property
    def count(self) -> int:
        """Number of intervals."""
        return len(self.values)

    @property
    def end_utc(self) -> datetime:
        """End of the last interval (exclusive)."""
        return self.start_utc + timedelta(minutes=self.minutes * len(self.values))


class ReadType(StrEnum):
    """Why a register was read."""

    SCHEDULED = "SCHEDULED"
    INSTALL = "INSTALL"
    REMOVE = "REMOVE"
    SPECIAL = "SPECIAL"
    SELF_READ = "SELF_READ"


@dataclass(frozen=True)
class RegisterRow:
    """One read of a cumulative register, as a file delivers it.

    ``text`` is the read exactly as written: its leading zeros tell the dials. ``digits`` are whole
    dials and ``decimals`` places behind the point. ``unit`` is canonical, ``factor`` converts the
    register's own unit to it. ``multiplier`` is the transformer factor that the file states, None
    if it states none; nothing is multiplied here. ``previous`` is the read before where the format
    carries both, ``quantity`` the consumption since then as the source states it, with its sign;
    ``reverse`` tells that the source counts this register negative. ``bucket`` is the time-of-use
    period that the register counts; empty for the total.
    """

    channel_text: str
    read_at_utc: datetime
    text: str
    digits: int
    decimals: int
    unit: str
    factor: Decimal
    line: int
    read_type: ReadType = ReadType.SCHEDULED
    status: Status = Status.RAW
    method: Method = Method.NONE
    multiplier: Decimal | None = None
    previous: RegisterRow | None = None
    quantity: Decimal | None = None
    reverse: bool = False
    bucket: str = ""


@dataclass(frozen=True)
class RowError:
    """One record that was not taken, or (severity WARN) a remark on one that was.

    ``severity`` REJECT: nothing of lines ``line``..``line_last`` became a reading. WARN: nothing
    was lost; the receipt shows it. ``message`` is printable, at most 300 characters, and says what
    was found and what to do.
    """

    line: int
    field: str
    code: str
    message: str
    channel_text: str = ""
    raw: str = ""
    line_last: int = 0
    severity: Severity = Severity.REJECT

    @property
    def is_error(self) -> bool:
        """True when a record was not taken."""
        return self.severity == Severity.REJECT


Item = ChannelBlock | RegisterRow | RowError


class Format(Protocol):
    """A file format: one class, registered under a versioned key.

    A format whose columns an analyst may name has ``table(stream, profile)`` as well, which returns
    the head of the table (``Table``).
    """

    title: str
    on_row_error: str

    @staticmethod
    def sniff(head: bytes) -> bool:
        """Tell whether the first bytes of a file look like this format."""

    @staticmethod
    def read(stream: BinaryIO, profile: Profile) -> Iterator[Item]:
        """Read a stream; yield blocks, register reads and row errors; ``Refused`` for the file."""


formats: Registry[Format] = Registry("format", "meters.formats")


def row_error_policy(format_class: Format, profile: Profile) -> str:
    """Return ``refuse_file`` or ``quarantine``: the profile's choice, else the format's default."""
    return profile.on_row_error or format_class.on_row_error


def printable(text: object, limit: int = 60) -> str:
    r"""Return text for a message: control and invisible characters escaped, cut to ``limit``.

    >>> printable("GEN\u200b-01")
    'GEN\\u200b-01'
    """
    shown = str(text)[: limit + 1]
    if len(shown) <= limit and shown.isprintable():
        return shown
    out = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown)
    return out if len(out) <= limit else out[: limit - 3] + "..."


def clip(message: str) -> str:
    """Cut a message to 300 printable characters."""
    return printable(message, MESSAGE_LIMIT)


def at_second(epoch_seconds: int) -> datetime:
    """Return the UTC instant of an epoch second."""
    return datetime.fromtimestamp(int(epoch_seconds), UTC)
