"""Text files: chunks of whole lines, the checks of the envelope, strict splitting of a line.

Codes: F001 empty, F004 not UTF-8, F005 NUL, F009 other kind of file, F010 delimiter, F011 quoting
or overlong line, F015 last line cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NoReturn

import numpy as np

from meters.formats._base import clip, printable
from poweroptix.kernel.errors import Refused

CHUNK_BYTES = 1 << 20
LINE_LIMIT = 1 << 17
FIELD_LIMIT = 255
_BOM = b"\xef\xbb\xbf"
_FIELD = re.compile(r'"((?:[^"]|"")*)"(?=,|$)|([^",]*)(?=,|$)')


class RowFault(Exception):  # noqa: N818 - a signal inside the readers, never shown as such
    """A fault in one record: code, field and message; readers turn it into a ``RowError``."""

    def __init__(self, code: str, field: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.field = field
        self.message = message


@dataclass(frozen=True)
class Chunk:
    """Whole lines, each ended by one line feed; ``first_line`` is the number of the first."""

    data: bytes
    first_line: int


def refuse(code: str, message: str, *, line: int = 0, field: str = "") -> NoReturn:
    """Raise ``Refused`` for the whole file, with the place in its data."""
    raise Refused(code, clip(message), line=line, field=field)


def chunks(
    stream: BinaryIO, *, size: int = CHUNK_BYTES, final_break: bool = True, first_line: int = 1
) -> Iterator[Chunk]:
    """Yield a stream as chunks of whole lines; raise ``Refused`` for faults of the envelope.

    The first line has the number ``first_line``. With ``final_break`` a last line without a line
    break is refused (F015): a file that was cut inside its last number would otherwise deliver a
    shorter, valid number.
    """
    rest, line, offset, seen = b"", first_line, 0, False
    while True:
        read = stream.read(size)
        if not seen and read:
            read = _first(read, stream)
            offset, read = (len(_BOM), read[len(_BOM) :]) if read[:3] == _BOM else (0, read)
        data = rest + read if rest else read
        if not read:
            break
        cut = data.rfind(b"\n") + 1
        rest, whole = data[cut:], data[:cut]
        if len(rest) > LINE_LIMIT:
            _too_long(line + whole.count(b"\n"))
        seen = seen or bool(whole.strip())
        if whole:
            if seen:
                yield _checked(whole, line, offset)
            line += whole.count(b"\n")
            offset += len(whole)
    seen = seen or bool(rest.strip())
    if not seen:
        refuse("F001", "The file is empty. Send the file again.")
    if rest.strip():
        final = _checked(rest + b"\n", line, offset)
        if final_break:
            refuse(
                "F015",
                f"The last line ({line}) does not end with a line break: the file may be cut. "
                "Send the whole file again.",
                line=line,
            )
        yield final


def _first(head: bytes, stream: BinaryIO) -> bytes:
    """Check what only the first bytes can tell; return enough of them to tell it."""
    while not head.strip() and (more := stream.read(CHUNK_BYTES)):
        head = (head + more).lstrip(b" ") if len(head) > LINE_LIMIT else head + more
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        refuse("F004", "The file is UTF-16, not UTF-8. Save it as UTF-8 and send it again.", line=1)
    body = head.removeprefix(_BOM).lstrip()
    kinds = {b"<": "a web page or XML", b"{": "JSON", b"[": "JSON", b"PK\x03\x04": "a zip archive"}
    for start, kind in kinds.items():
        if body.startswith(start):
            refuse(
                "F009",
                f"This is {kind}, not a text file of readings. Send the file that the source wrote "
                "itself, or name the format that it has.",
                line=1,
            )
    return head


def _checked(data: bytes, line: int, offset: int) -> Chunk:
    """Check bytes of whole lines; return them with plain line feeds."""
    if b"\0" in data:
        where = line + data.count(b"\n", 0, data.index(b"\0"))
        refuse("F005", f"There is a NUL byte in line {where}.", line=where)
    _check_lengths(data, line)
    if not data.isascii():
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            at = error.start
            where = line + data.count(b"\n", 0, at)
            refuse(
                "F004",
                f"Byte {offset + at + 1}, line {where} is not UTF-8. Save the file as UTF-8.",
                line=where,
            )
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
    return Chunk(data, line)


def _check_lengths(data: bytes, line: int) -> None:
    if len(data) <= LINE_LIMIT:
        return
    breaks = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == 0x0A)
    lengths = np.diff(breaks, prepend=-1)
    if (lengths > LINE_LIMIT).any():
        _too_long(line + int(np.argmax(lengths > LINE_LIMIT)))


def _too_long(line: int) -> NoReturn:
    text = f"Line {line} is longer than {LINE_LIMIT} bytes; a quote or a line break may be missing."
    refuse("F011", text, line=line)


def split_line(text: str, line: int) -> list[str]:
    """Split one CSV line strictly: quotes only around a whole field, doubled inside.

    >>> split_line('a,"1,5",b', 1)
    ['a', '1,5', 'b']
    """
    if '"' not in text:
        return text.split(",")
    fields, at = [], 0
    while True:
        match = _FIELD.match(text, at)
        if match is None:
            refuse(
                "F011",
                f"Line {line}: a quote is open or stands inside a field, near "
                f"'{printable(text[at : at + 30])}'.",
                line=line,
            )
        quoted, plain = match.groups()
        fields.append(plain if quoted is None else quoted.replace('""', '"'))
        at = match.end()
        if at >= len(text):
            return fields
        at += 1


def read_header(text: str, line: int) -> list[str]:
    """Split and check the header line of a CSV (F007, F010, F013)."""
    if "," not in text:
        for other, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
            if other in text:
                refuse("F010", f"Columns are separated by {name}; commas are needed.", line=line)
    names = split_line(text, line)
    if len(names) >= 1000:
        refuse("F013", f"The header has {len(names)} columns; fewer than 1000 are read.", line=line)
    for name in names:
        if len(name) > FIELD_LIMIT:
            refuse("F011", f"Line {line}: a column name has {len(name)} characters.", line=line)
        if names.count(name) > 1:
            refuse("F007", f"Column '{printable(name)}' stands twice in the header.", line=line)
    return names


def check_id(text: str, field: str) -> str:
    """Return an identifier that is not empty and has no invisible character (R009, R202)."""
    if 0 < len(text) <= FIELD_LIMIT and text.isascii() and text.isprintable() and " " not in text:
        return text
    if len(text) > FIELD_LIMIT:
        raise RowFault("R009", field, f"{field} has {len(text)} characters, at most {FIELD_LIMIT}")
    if not text or text != text.strip():
        shown = printable(text)
        raise RowFault("R202", field, f"{field} '{shown}' is empty or has blanks at its ends")
    for character in text:
        if character != " " and (not character.isprintable() or character.isspace()):
            raise RowFault(
                "R202",
                field,
                f"{field} '{printable(text)}' has the invisible character U+{ord(character):04X}",
            )
    return text
