"""NEM12: days of 24 hours in standard time, the quality of every interval (docs/exports/nem12.md).

Records, qualities and methods as our reader takes them, docs/formats/nem12.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta, timezone

import numpy as np

from meters.exports._base import ChannelHead, Head, Part, refuse_large, writers
from meters.exports._bulk import constant, decimals, joined
from meters.formats._fixed_zone import fixed_offset_minutes
from meters.formats._quality import NEM_METHOD
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.quality import Method, Status

LENGTHS = (1, 5, 10, 15, 30)
SENDER = "POWEROPTIX"
_EPOCH_ORDINAL = 719163
#: Our methods as NEM12 method flags: the first number that reads back as the method.
_METHODS = {method: code for code, method in reversed(NEM_METHOD.items())}
Quality = tuple[str, str, str]  # QualityMethod, ReasonCode, ReasonDescription


@writers.register("nem12@1")
class Nem12:
    """NEM12: days of 24 hours in standard time, qualities with method and reason."""

    title = "NEM12 (AEMO interval data)"
    suffix = "csv"
    content_type = "text/csv; charset=utf-8"

    @staticmethod
    def check(head: Head) -> None:
        """Refuse a zone that changes its clock and a channel of hours."""
        try:
            fixed_offset_minutes(head.zone)
        except Refused as fault:
            text = (
                f"{head.zone} changes its clock and NEM12 days always have 24 hours; name a zone "
                "of standard time, such as Etc/GMT+6 (UTC-6)."
            )
            raise Refused("export.zone", text, zone=head.zone) from fault
        for channel in head.channels:
            _nmi, _suffix = channel.halves
            if channel.minutes not in LENGTHS:
                text = (
                    f"{channel.code} has intervals of {channel.minutes} minutes; NEM12 holds 1, 5, "
                    "10, 15 and 30; export it as CSV, Parquet or Green Button."
                )
                raise Refused("export.length", text, channel=channel.code)

    @staticmethod
    def write(head: Head, parts: Iterable[Part]) -> Iterator[bytes]:
        """Yield header, a 200 record for each channel, its days, and the end."""
        offset = fixed_offset_minutes(head.zone)
        made = head.made_at.astimezone(timezone(timedelta(minutes=offset)))
        yield f"100,NEM12,{made:%Y%m%d%H%M},{SENDER},\r\n".encode()
        suffixes: dict[str, str] = {}
        for channel in head.channels:
            nmi, suffix = channel.halves
            suffixes[nmi] = suffixes.get(nmi, "") + suffix
        last = None
        for part in parts:
            refuse_large(part)
            if part.channel != last:
                last = part.channel
                yield _channel(part.channel, suffixes)
            yield b"".join(_days(part, offset, made))
        yield b"900\r\n"


def _channel(channel: ChannelHead, suffixes: dict[str, str]) -> bytes:
    nmi, suffix = channel.halves
    fields = ["200", nmi, suffixes[nmi], "", suffix, "", "", channel.unit, str(channel.minutes), ""]
    return f"{','.join(fields)}\r\n".encode()


def _days(part: Part, offset: int, made: datetime) -> Iterator[bytes]:
    """Yield the 300 record of each day, and 400 records where its quality changes."""
    series, minutes = part.series, part.channel.minutes
    count = 1440 // minutes
    text, starts = joined(
        decimals(np.where(series.missing, 0, series.values)), constant(",", series.grid.count)
    )
    kind = series.status.astype(np.int64) * 256 + part.method
    first = (series.grid.start_minute + offset) // 1440 + _EPOCH_ORDINAL
    for number in range(series.grid.count // count):
        a, b = number * count, (number + 1) * count
        cuts = np.flatnonzero(np.diff(kind[a:b])) + 1
        runs = [0, *cuts.tolist(), count]
        qualities = [quality_of(*divmod(int(kind[a + start]), 256)) for start in runs[:-1]]
        day = f"{date.fromordinal(first + number):%Y%m%d}"
        whole = qualities[0] if len(set(qualities)) == 1 else ("V", "", "")
        yield f"300,{day},".encode()
        yield text[starts[a] : starts[b]]
        yield f"{','.join(whole)},{made:%Y%m%d%H%M%S},\r\n".encode()
        if whole[0] == "V":
            for at, quality in enumerate(qualities):
                yield f"400,{runs[at] + 1},{runs[at + 1]},{','.join(quality)}\r\n".encode()


def quality_of(status: int, method: int) -> Quality:
    """Return quality with method flag, reason code and its description.

    >>> quality_of(Status.ESTIMATED, Method.INTERPOLATE)
    ('S17', '0', 'estimated: interpolate')
    """
    if status in (Status.VALIDATED, Status.VERIFIED, Status.CALCULATED, Status.RAW):
        return ("A", "", "")
    if status in (Status.SUSPECT, Status.REJECTED):
        return ("A", "45", "")  # readings failed to validate
    if status == Status.MISSING:
        return ("N", "", "")
    how = Method(method)
    said = how.name.lower().replace("_", " ")
    if status == Status.EDITED:
        return ("F18", "0", "edited by a person")
    code = _METHODS.get(how, _METHODS[Method.SOURCE])
    if status == Status.ESTIMATED:
        return (f"S{code}", "0", f"estimated: {said}")
    return (f"F{code}", "0", f"final substitute: {said}")
