"""Series for exports: any zone, day, length, gaps, statuses; and files read back."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta

import numpy as np
from hypothesis import strategies as st

from meters.exports import ChannelHead, Head, Part, writers
from meters.formats import ChannelBlock, Profile, formats
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.period import Period
from poweroptix.kernel.quality import Method, Status
from poweroptix.kernel.series import Series

MADE = datetime(2026, 12, 1, 8, 30, tzinfo=UTC)
CHICAGO, FIXED = "America/Chicago", "Etc/GMT+6"
ZONES = (CHICAGO, "Europe/London", "America/Phoenix", FIXED)
SPRING, AUTUMN, PLAIN = date(2026, 3, 8), date(2026, 11, 1), date(2026, 6, 30)
NAMES = {"DELIVERED": "DEL_KWH", "RECEIVED": "REC_KWH", "NET": "NET_KWH"}


def head_of(channels, zone=CHICAGO, first=PLAIN, days=1, layer="final"):
    last = first + timedelta(days=days - 1)
    return Head("CAP", zone, first, last, layer, MADE, tuple(channels))


def part_of(channel, head, values, status=Status.VALIDATED, method=Method.NONE):
    """Return a part of the head's days; numbers in 10^-6, one or as many as intervals."""
    grid = Period.days_between(head.zone, head.first, head.last).grid(channel.minutes)
    columns = [
        np.broadcast_to(np.asarray(each, kind), (grid.count,)).copy()
        for each, kind in ((values, np.int64), (status, np.uint8), (method, np.uint8))
    ]
    columns[1][columns[0] == MISSING] = Status.MISSING
    columns[2][columns[0] == MISSING] = Method.NONE
    series = Series(grid, columns[0], columns[1], channel.unit)
    return Part(channel, series, columns[2], np.full(grid.count, 3, np.int32))


def write(key, head, parts):
    writer = writers.get(key)
    writer.check(head)
    return b"".join(writer.write(head, parts))


def blocks(key, content, **profile):
    """Return what our reader makes of a file; a remark or a fault fails."""
    items = list(formats.get(key).read(io.BytesIO(content), Profile(**profile)))
    assert [item.message for item in items if not isinstance(item, ChannelBlock)] == []
    return items


def read_back(key, content, **profile):
    """Return {channel: {start: (value, status, method)}} of the intervals that have a value."""
    found = {}
    for block in blocks(key, content, **profile):
        of_channel = found.setdefault(block.channel_text, {})
        step = timedelta(minutes=block.minutes)
        for at in np.flatnonzero(block.values != MISSING).tolist():
            start = block.start_utc + at * step
            assert start not in of_channel
            of_channel[start] = (
                int(block.values[at]),
                Status(int(block.status[at])),
                Method(int(block.method[at])),
            )
    return {code: rows for code, rows in found.items() if rows}


def written(parts, told=lambda status, method: (status, method)):
    """Return what `read_back` should; `told` says what the format makes of a quality."""
    found = {}
    for part in parts:
        of_channel = found.setdefault(part.channel.code, {})
        grid = part.series.grid
        for at in np.flatnonzero(~part.series.missing).tolist():
            quality = told(Status(int(part.series.status[at])), Method(int(part.method[at])))
            of_channel[grid.start_of(at)] = (int(part.series.values[at]), *quality)
    return {code: rows for code, rows in found.items() if rows}


@st.composite
def files(
    draw, zones=(CHICAGO, "Europe/London", "America/Phoenix", FIXED), lengths=(5, 15, 30, 60)
):
    """Return a head and its parts: one to three channels, DST days, gaps, statuses, extremes."""
    zone = draw(st.sampled_from(zones))
    first = draw(st.sampled_from([SPRING, AUTUMN, PLAIN, date(2026, 3, 29), date(2026, 10, 25)]))
    directions = draw(st.lists(st.sampled_from(sorted(NAMES)), min_size=1, max_size=3, unique=True))
    channels = [
        ChannelHead(f"MTR-{n}/{NAMES[each]}", "kWh", draw(st.sampled_from(lengths)), each)
        for n, each in enumerate(directions)
    ]
    head = head_of(channels, zone, first, draw(st.integers(1, 2)))
    seed = draw(st.integers(0, 2**32 - 1))
    return head, [
        _any_part(one, head, np.random.default_rng(seed + n)) for n, one in enumerate(channels)
    ]


def _any_part(channel, head, random):
    part = part_of(channel, head, 0)
    count = part.series.grid.count
    size = 10 ** random.integers(0, 14)
    low = -size if channel.direction == "NET" else 0
    values = random.integers(low, size, count, endpoint=True)
    values[random.random(count) < random.choice([0, 0.2, 1], p=[0.4, 0.5, 0.1])] = MISSING
    known = [status for status in Status if status != Status.MISSING]
    runs = np.sort(random.integers(0, count, 6))
    number = np.searchsorted(runs, np.arange(count))
    status = np.array(random.choice(known, 7))[number]
    method = np.array(random.choice(list(Method), 7))[number]
    return part_of(channel, head, values, status, method)
