"""ESPI XML as a stream of parsed entries; every limit of a hostile file is held here.

Codes: F001 empty, F004 not UTF-8, X001 DOCTYPE or entity, X002 too deep or too long a text, X003
not well-formed, X004 not an Atom feed, X005 too many elements in one entry, X006 too many
attributes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from lxml import etree

from meters.formats._base import printable
from meters.formats._text import RowFault, refuse

ATOM = "{http://www.w3.org/2005/Atom}"
ESPI = "{http://naesb.org/espi}"
FEED_BYTES = 1 << 16
PROLOG_LIMIT = 1 << 20
DEPTH_LIMIT = 64
ATTRIBUTE_LIMIT = 50
ENTRY_ELEMENTS = 500_000  # beside its readings, which are freed one by one
TEXT_LIMIT = 10_000
READING, BLOCK = f"{ESPI}IntervalReading", f"{ESPI}IntervalBlock"
ENTRY, CONTENT, LINK = f"{ATOM}entry", f"{ATOM}content", f"{ATOM}link"
_ROOT = re.compile(rb"<[A-Za-z_]")
_INTEGER = re.compile(r"-?[0-9]{1,15}")


@dataclass
class Block:
    """One IntervalBlock: columns of readings, or the fault that keeps it out."""

    line: int
    last_line: int = 0
    start: int | None = None
    duration: int | None = None
    starts: list[int] = field(default_factory=list)  # -1: no timePeriod
    durations: list[int] = field(default_factory=list)  # 0: no timePeriod
    values: list[int] = field(default_factory=list)
    qualities: list[tuple[int, ...]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    fault: RowFault | None = None
    fault_line: int = 0


@dataclass
class Entry:
    """One Atom entry: its links and what it holds."""

    line: int
    self_href: str = ""
    up: str = ""
    related: list[str] = field(default_factory=list)
    kind: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)


def entries(stream: BinaryIO) -> Iterator[Entry]:
    """Yield the entries of a feed one by one, in document order."""
    head = _prolog(stream)
    parser = etree.XMLPullParser(
        events=("start", "end"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    walk = _Walk()
    data = head
    while True:
        try:
            if data:
                parser.feed(data)
            else:
                parser.close()
        except etree.XMLSyntaxError as error:
            yield from walk.events(parser.read_events(), broken=True)
            _refuse_syntax(error, at_end=not data and walk.root and bool(error.lineno))
        yield from walk.events(parser.read_events())
        if not data:
            return
        data = stream.read(FEED_BYTES)


def _prolog(stream: BinaryIO) -> bytes:
    """Read up to the root element; refuse any DOCTYPE before it, in whatever encoding."""
    head = b""
    while len(head) < PROLOG_LIMIT and (more := stream.read(FEED_BYTES)):
        head += more
        if _ROOT.search(head):
            break
    if not head.strip():
        refuse("F001", "The file is empty. Send the file again.")
    wide = head[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in head[:8]
    plain = head.replace(b"\0", b"") if wide else head
    if b"<!DOCTYPE" in plain or b"<!ENTITY" in plain:
        refuse("X001", "The file has a DOCTYPE or entities; an ESPI feed has none.", line=1)
    if wide or not _declares_utf8(head):
        refuse("F004", "The file is not UTF-8. Save it as UTF-8 and send it again.", line=1)
    return head


def _declares_utf8(head: bytes) -> bool:
    match = re.match(rb"(\xef\xbb\xbf)?<\?xml[^>]*?encoding=[\"']([^\"']+)[\"']", head)
    return match is None or match[2].lower() in (b"utf-8", b"utf8", b"us-ascii", b"ascii")


def _refuse_syntax(error: etree.XMLSyntaxError, *, at_end: bool) -> None:
    """Refuse XML that cannot be read; `at_end`: nothing was wrong with it until it stopped."""
    text, line = str(error), error.lineno or 0
    if at_end:
        refuse(
            "X003",
            f"The file ends early, in line {line}, before all of its elements are closed: it was "
            "cut on its way. Have the source send it again whole.",
            line=line,
        )
    lower = text.lower()
    if "huge" in lower or "excessive depth" in lower or "xml_max" in lower or "too deep" in lower:
        refuse("X002", f"Line {line}: elements are too deep or a text is too long.", line=line)
    if "entity" in lower or "dtd" in lower:
        refuse("X001", f"Line {line}: entities are not allowed in an ESPI feed.", line=line)
    refuse(
        "X003",
        f"The XML is not well-formed in line {line}, so nothing of it can be trusted. Have the "
        f"source send the file again. (The parser says: {printable(text, 160)})",
        line=line,
    )


class _Walk:
    """Follows parser events, keeps the limits, builds entries and frees what is done."""

    def __init__(self) -> None:
        self.depth = 0
        self.elements = 0
        self.entry: Entry | None = None
        self.block: Block | None = None
        self.root = False
        self.before_reading = 0

    def events(
        self, found: Iterator[tuple[str, etree._Element]], *, broken: bool = False
    ) -> Iterator[Entry]:
        """Yield the entries that these events complete."""
        for event, element in found:
            if event == "start":
                self._start(element)
                continue
            self.depth -= 1
            tag = element.tag
            if tag == READING:
                self._reading(element)
            elif tag == BLOCK and self.block is not None:
                self._block(element)
            elif tag == ENTRY and self.entry is not None and not broken:
                entry, self.entry = self.entry, None
                _links(element, entry)
                yield entry
                self.elements = 0
                _forget(element)

    def _start(self, element: etree._Element) -> None:
        self.depth += 1
        self.elements += 1
        tag = element.tag
        if (
            not self.root
            or self.depth > DEPTH_LIMIT
            or self.elements > ENTRY_ELEMENTS
            or len(element.attrib) > ATTRIBUTE_LIMIT
        ):
            self._check_limits(element)
        if tag == READING:
            self.before_reading = self.elements
        elif tag == ENTRY:
            self.entry = Entry(element.sourceline or 0)
        elif tag == BLOCK and self.entry is not None:
            self.block = Block(element.sourceline or 0)

    def _check_limits(self, element: etree._Element) -> None:
        """Refuse a hostile feed; note that the root was seen."""
        line = element.sourceline or 0
        if not self.root and element.tag not in (f"{ATOM}feed", ENTRY):
            refuse("X004", f"The root '{printable(element.tag)}' is not an Atom feed.", line=line)
        if not self.root and element.getroottree().docinfo.doctype:
            refuse("X001", "The file has a DOCTYPE; an ESPI feed has none.", line=line)
        self.root = True
        if self.depth > DEPTH_LIMIT:
            text = f"Line {line}: elements are nested more than {DEPTH_LIMIT} deep."
            refuse("X002", text, line=line)
        if len(element.attrib) > ATTRIBUTE_LIMIT:
            refuse("X006", f"Line {line}: an element has more than 50 attributes.", line=line)
        if self.elements > ENTRY_ELEMENTS:
            refuse("X005", f"Line {line}: one entry has too many elements.", line=line)

    def _block(self, element: etree._Element) -> None:
        block = self.block
        self.block = None
        if block is None or self.entry is None:
            return
        block.last_line = max([block.line, *block.lines[-1:]])
        interval = element.find(f"{ESPI}interval")
        try:
            if interval is not None:
                block.start = _whole(interval, "start", "X010")
                block.duration = _whole(interval, "duration", "X011")
        except RowFault as fault:
            block.fault = block.fault or fault
        self.entry.kind = "IntervalBlock"
        self.entry.blocks.append(block)
        element.clear()

    def _reading(self, element: etree._Element) -> None:
        block = self.block
        if block is None:
            return
        line = element.sourceline or 0
        if block.fault is None:
            try:
                _take_reading(element, block, line)
            except RowFault as fault:
                block.fault, block.fault_line = fault, line
        element.clear()
        self.elements = self.before_reading - 1
        before = element.getprevious()
        if before is not None and before.tag == READING:
            element.getparent().remove(before)


def _take_reading(element: etree._Element, block: Block, line: int) -> None:
    start, duration, value = -1, 0, None
    qualities: list[int] = []
    for child in element:
        tag = child.tag
        if tag == f"{ESPI}value":
            value = _integer(child.text, "value", "X009")
        elif tag == f"{ESPI}timePeriod":
            found = _whole(child, "start", "X010")
            if found is None:
                raise RowFault("X010", "start", "a timePeriod has no start")
            start = found
            duration = _whole(child, "duration", "X011") or 0
            if duration <= 0:
                raise RowFault("X011", "duration", f"a reading lasts {duration} s")
        elif tag == f"{ESPI}ReadingQuality":
            qualities.append(_quality(child))
    if value is None:
        raise RowFault("X009", "value", "a reading has no value")
    block.starts.append(start)
    block.durations.append(duration)
    block.values.append(value)
    block.qualities.append(tuple(qualities))
    block.lines.append(line)


def _quality(element: etree._Element) -> int:
    text = element.findtext(f"{ESPI}quality")
    return _integer(text if text is not None else element.text, "quality", "R203")


def _whole(parent: etree._Element, name: str, code: str) -> int | None:
    """Return a child's integer, None when the child is absent; stamps must be of 1990 to 2100."""
    text = parent.findtext(f"{ESPI}{name}")
    if text is None:
        return None
    number = _integer(text, name, code)
    if name == "start" and not 631152000 <= number < 4133980800:
        raise RowFault(code, name, f"{name} {number} is not between the years 1990 and 2100")
    return number


def _integer(text: str | None, name: str, code: str) -> int:
    stripped = (text or "").strip()
    if not stripped.isascii() or not _INTEGER.fullmatch(stripped):
        raise RowFault(code, name, f"{name} '{printable(stripped)}' is not a whole number")
    return int(stripped)


def _links(element: etree._Element, entry: Entry) -> None:
    for link in element.iterchildren(LINK):
        rel, href = link.get("rel", ""), (link.get("href") or "").strip()
        if rel == "self":
            entry.self_href = href
        elif rel == "up":
            entry.up = href
        elif rel == "related":
            entry.related.append(href)
    content = element.find(CONTENT)
    resource = next(iter(content), None) if content is not None else None
    if resource is None or entry.blocks:
        return
    entry.kind = etree.QName(resource).localname
    for child in resource:
        text = child.text or ""
        if len(text) > TEXT_LIMIT:
            refuse("X002", f"Line {entry.line}: a text is too long.", line=entry.line)
        entry.fields.setdefault(etree.QName(child).localname, text.strip())


def _forget(element: etree._Element) -> None:
    """Free an entry and everything before it."""
    parent = element.getparent()
    element.clear()
    if parent is not None:
        while element.getprevious() is not None:
            del parent[0]
