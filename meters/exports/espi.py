"""Green Button (ESPI): an Atom feed of usage points, meter readings and blocks of readings.

One entry of readings for each run without gap in a day of the zone. Element names, links, units
and quality codes as in the readers' notes, docs/formats/espi.md; docs/exports/espi.md says what
is written.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from itertools import pairwise
from urllib.parse import quote
from xml.sax.saxutils import escape

import numpy as np

from meters.exports._base import ChannelHead, Head, Part, refuse_readings, writers
from meters.exports._bulk import constant, integers, joined, words
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import LocalClock
from poweroptix.kernel.quality import Method, Status

SITE = "espi/1_1/resource"
MILLI = -3  # 10^-3 Wh is 10^-6 kWh: our integers as they are
MOST = 2**47 - 1  # ESPI numbers have 48 bits
FLOWS = {"DELIVERED": (1, "DEL"), "RECEIVED": (19, "REC"), "NET": (4, "NET")}
UNITS = {"kWh": (72, "KWH"), "kVArh": (73, "KVARH"), "kVAh": (71, "KVAH")}
QUALITY = {
    Status.VALIDATED: 19,
    Status.VERIFIED: 18,
    Status.CALCULATED: 11,
    Status.SUBSTITUTED_FINAL: 17,
    Status.EDITED: 7,
    Status.ESTIMATED: 8,
    Status.SUSPECT: 10,
    Status.RAW: 14,
    Status.REJECTED: 10,
}
#: Estimates that are not made from history.
ESTIMATED = {Method.INTERPOLATE: 9, Method.NODE_CALC: 11}
_ESPI = 'xmlns="http://naesb.org/espi"'


@writers.register("espi@1")
class Espi:
    """Green Button XML: whole milli-watt-hours with the quality of every reading."""

    title = "Green Button (ESPI XML)"
    suffix = "xml"
    content_type = "application/atom+xml; charset=utf-8"

    @staticmethod
    def check(head: Head) -> None:
        """Refuse a channel that is not energy of one direction."""
        for channel in head.channels:
            if channel.unit not in UNITS or channel.direction not in FLOWS:
                text = (
                    f"{channel.code} is in {channel.unit}; Green Button files hold kWh, kVArh and "
                    "kVAh; export it as Parquet or CSV."
                )
                raise Refused("export.unit", text, channel=channel.code)

    @staticmethod
    def write(head: Head, parts: Iterable[Part]) -> Iterator[bytes]:
        """Yield what the readings mean, channel by channel, then the readings."""
        stamp = f"{head.made_at:%Y-%m-%dT%H:%M:%SZ}"
        yield (
            '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">\n'
            f"<id>{_urn(f'{head.campus} {stamp}')}</id><title>Readings of {escape(head.campus)}, "
            f"{head.first} to {head.last}, {head.layer}</title><updated>{stamp}</updated>\n"
        ).encode()
        points: dict[str, list[ChannelHead]] = {}
        for channel in head.channels:
            points.setdefault(point_href(channel), []).append(channel)
        for href, channels in points.items():
            yield _point(href, channels, stamp).encode()
        for part in parts:
            refuse_readings(
                part,
                ~part.series.missing & (np.abs(part.series.values) > MOST),
                "Green Button numbers have 48 bits",
            )
            yield b"".join(_blocks(part, head.zone, stamp))
        yield b"</feed>\n"


def point_href(channel: ChannelHead) -> str:
    """Return the address of a channel's usage point.

    It is the meter, where a reader makes the same code of it, direction and unit; else the whole
    code, so that two channels of one meter never become one.
    """
    meter, _, name = channel.code.rpartition("/")
    named = f"{FLOWS[channel.direction][1]}_{UNITS[channel.unit][1]}"
    point = meter if name == named and meter else channel.code
    return f"{SITE}/UsagePoint/{quote(point, safe='')}"


def reading_href(channel: ChannelHead) -> str:
    """Return the address of a channel's meter reading."""
    return f"{point_href(channel)}/MeterReading/{quote(channel.code, safe='')}"


def _point(href: str, channels: list[ChannelHead], stamp: str) -> str:
    """Return the entries that say what the readings of a usage point are."""
    found = [
        _entry(
            href,
            f"{SITE}/UsagePoint",
            [reading_href(one) for one in channels],
            channels[0].code.rpartition("/")[0] or channels[0].code,
            f"<UsagePoint {_ESPI}><ServiceCategory><kind>0</kind></ServiceCategory></UsagePoint>",
            stamp,
        )
    ]
    for one in channels:
        own = reading_href(one)
        kind = f"{SITE}/ReadingType/{quote(one.code, safe='')}"
        up, blocks = f"{href}/MeterReading", f"{own}/IntervalBlock"
        found.append(_entry(own, up, [kind, blocks], one.code, f"<MeterReading {_ESPI}/>", stamp))
        found.append(_entry(kind, f"{SITE}/ReadingType", [], one.code, _reading_type(one), stamp))
    return "".join(found)


def _reading_type(channel: ChannelHead) -> str:
    fields = {
        "accumulationBehaviour": 4,
        "commodity": 1,
        "dataQualifier": 12,
        "flowDirection": FLOWS[channel.direction][0],
        "intervalLength": channel.minutes * 60,
        "kind": 12,
        "powerOfTenMultiplier": MILLI,
        "uom": UNITS[channel.unit][0],
    }
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    return f"<ReadingType {_ESPI}>{inner}</ReadingType>"


def _blocks(part: Part, zone: str, stamp: str) -> Iterator[bytes]:
    """Yield an entry for each run of readings without gap within a day."""
    channel, grid = part.channel, part.series.grid
    present = np.flatnonzero(~part.series.missing)
    if not len(present):
        return
    day = LocalClock.of(grid, zone).date_ordinal[present]
    cuts = np.flatnonzero((np.diff(present) != 1) | (np.diff(day) != 0)) + 1
    seconds = grid.epoch_minutes()[present] * 60
    text, starts = _readings(part, present, seconds)
    href = f"{reading_href(channel)}/IntervalBlock"
    step = channel.minutes * 60
    bounds = [0, *cuts.tolist(), len(present)]
    for a, b in pairwise(bounds):
        first = int(seconds[a])
        head, tail = _entry(
            f"{href}/{first}",
            href,
            [],
            channel.code,
            f"<IntervalBlock {_ESPI}><interval><duration>{(b - a) * step}</duration>"
            f"<start>{first}</start></interval>\n\0</IntervalBlock>",
            stamp,
        ).split("\0")
        yield head.encode()
        yield text[starts[a] : starts[b]]
        yield tail.encode()


def _readings(part: Part, at: np.ndarray, seconds: np.ndarray) -> tuple[bytes, np.ndarray]:
    """Return the text of the readings that are there, and where each begins."""
    count, step = len(at), part.channel.minutes * 60
    return joined(
        constant("<IntervalReading><ReadingQuality><quality>", count),
        words([str(code) for code in range(20)], _quality(part)[at]),
        constant(
            f"</quality></ReadingQuality><timePeriod><duration>{step}</duration><start>", count
        ),
        integers(seconds),
        constant("</start></timePeriod><value>", count),
        integers(part.series.values[at]),
        constant("</value></IntervalReading>\n", count),
    )


def _quality(part: Part) -> np.ndarray:
    """Return the QualityOfReading of every interval."""
    table = np.zeros(101, np.uint8)
    for status, code in QUALITY.items():
        table[status] = code
    codes = table[part.series.status]
    estimated = part.series.status == Status.ESTIMATED
    for method, code in ESTIMATED.items():
        codes[estimated & (part.method == method)] = code
    return codes


def _entry(own: str, up: str, related: list[str], title: str, content: str, stamp: str) -> str:
    """Return one Atom entry."""
    links = f'<link rel="self" href="{own}"/><link rel="up" href="{up}"/>'
    links += "".join(f'<link rel="related" href="{href}"/>' for href in related)
    return (
        f"<entry><id>{_urn(own)}</id>{links}<title>{escape(title)}</title>"
        f"<content>{content}</content><published>{stamp}</published><updated>{stamp}</updated>"
        "</entry>\n"
    )


def _urn(name: str) -> str:
    """Return an id that is the same for the same name."""
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}"
