"""Members of an uploaded file: the file itself, what a gzip holds, or the files of a zip.

Members stream; nothing is written anywhere and no name of an archive becomes a path. Codes:
A001 damaged, A002 empty, A003 too many files, A004 unsafe name, A005 link or device, A006
encrypted, A007 bomb, A008 same name twice, A009 archive in an archive.
"""

from __future__ import annotations

import gzip
import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NoReturn

from poweroptix.kernel.errors import Refused

_ZIP, _ZIP_EMPTY, _GZIP = b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b"
_DAMAGE = (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, NotImplementedError)
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MAC_FOLDER = "__MACOSX/"


@dataclass(frozen=True)
class Limits:
    """What an archive may grow to; the ratio counts once ``ratio_from_bytes`` came out."""

    members: int = 100
    member_bytes: int = 4 << 30
    total_bytes: int = 8 << 30
    ratio: int = 200
    ratio_from_bytes: int = 16 << 20


@dataclass
class Member:
    """One file to read: its name and a stream that keeps the limits."""

    name: str
    stream: BinaryIO


def open_members(stream: BinaryIO, name: str, limits: Limits | None = None) -> Iterator[Member]:
    """Yield the members of an uploaded, seekable stream; raise ``Refused`` A001..A009.

    A member can be read until the next one is asked for. The kind is told by the first bytes,
    never by the name. Names are checked before the first
    member is yielded; damage and bombs show while a member is read.
    """
    limits = limits or Limits()
    head = stream.read(4)
    stream.seek(0)
    if head in (_ZIP, _ZIP_EMPTY) and not _is_workbook(stream):
        yield from _zip_members(stream, limits)
    elif head[:2] == _GZIP:
        size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        inner = name[:-3] if name.lower().endswith(".gz") else name
        with gzip.GzipFile(fileobj=stream, mode="rb") as opened:
            yield _member(inner, opened, size, limits, _Total())
    else:
        yield Member(name, stream)


def _is_workbook(stream: BinaryIO) -> bool:
    """Tell whether a zip is an Excel workbook, which is one file to its reader."""
    try:
        with zipfile.ZipFile(stream) as archive:
            names = archive.namelist()
    except _DAMAGE:
        return False  # opened as an archive it is refused with its reason
    finally:
        stream.seek(0)
    return "[Content_Types].xml" in names and "xl/workbook.xml" in names


@dataclass
class _Total:
    out: int = 0


def _zip_members(stream: BinaryIO, limits: Limits) -> Iterator[Member]:
    try:
        with zipfile.ZipFile(stream) as archive:
            infos = [
                info
                for info in archive.infolist()
                if not info.filename.endswith("/") and not info.filename.startswith(_MAC_FOLDER)
            ]
            _check_infos(infos, limits)
            total = _Total()
            for info in infos:
                with archive.open(info) as opened:
                    yield _member(info.filename, opened, info.compress_size, limits, total)
    except (*_DAMAGE, IndexError, UnicodeDecodeError, ValueError) as error:
        _damaged(error)


def _check_infos(infos: list[zipfile.ZipInfo], limits: Limits) -> None:
    if not infos:
        raise Refused("A002", "The archive has no file in it.")
    if len(infos) > limits.members:
        text = f"The archive has {len(infos)} files; at most {limits.members} are opened."
        raise Refused("A003", text)
    seen: set[str] = set()
    for info in infos:
        shown = _shown(info.filename)
        if not _safe_name(info.orig_filename) or not _safe_name(info.filename):
            text = f"The archive has a file with the unsafe name '{shown}'; rename it."
            raise Refused("A004", text)
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise Refused("A005", f"'{shown}' in the archive is a link or device, not a file.")
        if info.flag_bits & 0x1:
            raise Refused("A006", f"'{shown}' in the archive is encrypted; send it open.")
        if info.filename.lower() in seen:
            raise Refused("A008", f"The archive has '{shown}' twice.")
        if info.compress_type not in _METHODS:
            raise Refused("A001", f"'{shown}' uses a compression that is not opened; use deflate.")
        seen.add(info.filename.lower())


def _safe_name(name: str) -> bool:
    if not name or name.startswith("/") or "\\" in name or name[1:2] == ":":
        return False
    return name.isprintable() and ".." not in name.split("/") and name.strip() == name


def _member(name: str, opened: BinaryIO, packed: int, limits: Limits, total: _Total) -> Member:
    stream = _Guarded(opened, name, packed, limits, total)
    head = stream.peek(4)
    if head[:4] in (_ZIP, _ZIP_EMPTY) or head[:2] == _GZIP:
        raise Refused("A009", f"'{_shown(name)}' is an archive inside an archive; unpack it first.")
    return Member(name, stream)  # type: ignore[arg-type]


class _Guarded(io.RawIOBase):
    """A member's stream that stops at the limits and names damage."""

    def __init__(
        self, opened: BinaryIO, name: str, packed: int, limits: Limits, total: _Total
    ) -> None:
        super().__init__()
        self._opened = opened
        self._name = name
        self._packed = max(packed, 1)
        self._limits = limits
        self._total = total
        self._out = 0
        self._head = b""

    def readable(self) -> bool:
        """Return True."""
        return True

    def peek(self, size: int) -> bytes:
        """Return the first bytes without consuming them."""
        self._head = self._read(size)
        return self._head

    def read(self, size: int = -1) -> bytes:
        """Read up to ``size`` bytes (all of it when negative)."""
        head, self._head = self._head, b""
        if size is None or size < 0:
            return head + b"".join(iter(lambda: self._read(1 << 20), b""))
        return head + self._read(size - len(head)) if size > len(head) else self._give(head, size)

    def _give(self, head: bytes, size: int) -> bytes:
        self._head = head[size:]
        return head[:size]

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill a buffer."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _read(self, size: int) -> bytes:
        if self._opened.closed:
            raise ValueError("The member was closed when the next one was asked for.")
        try:
            data = self._opened.read(size)
        except (*_DAMAGE, ValueError, OSError) as error:
            _damaged(error, self._name)
        self._out += len(data)
        self._total.out += len(data)
        limits = self._limits
        inflated = self._out > limits.ratio_from_bytes and self._out > limits.ratio * self._packed
        if inflated or self._out > limits.member_bytes or self._total.out > limits.total_bytes:
            text = f"'{_shown(self._name)}' unpacks to far more than it should; nothing was taken."
            raise Refused("A007", text)
        return data


def _damaged(error: BaseException, name: str = "") -> NoReturn:
    what = f"'{_shown(name)}' in the archive" if name else "The archive"
    raise Refused("A001", f"{what} is damaged or cut; send it again.") from error


def _shown(name: str) -> str:
    safe = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in name[:80])
    return safe or "(none)"
