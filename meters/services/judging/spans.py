"""Which days must be judged together because a register was read at both ends of them.

All estimates between two exact reads share what the register counted beyond the measured intervals.
When some of these days are judged anew, a measured or estimated value may change, and with it the
share of every other estimate of the span: then the whole span is judged, for that channel alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from meters.models import Channel, Finding, FindingState
from meters.services.judging.advances import Between, advances
from meters.services.judging.evidence_survey import SPAN_MOST
from poweroptix.kernel.period import day_start, zone_of

Days = tuple[date, date]
_JUST_BEFORE = timedelta(microseconds=1)
#: Spans whose reads lie inside of a day share that day with the next one; further ones follow when
#: they are judged themselves.
ROUNDS = 3


def days_together(ids: Sequence[int], first: date, last: date) -> dict[Days, list[int]]:
    """Return the channels by the days to judge: those asked for, wider where a span reaches out.

    The range asked for comes first. Two queries for channels without register reads.
    """
    zones = dict(
        Channel.objects.filter(pk__in=ids).values_list("pk", "delivery_point__campus__zone")
    )
    wide = dict.fromkeys(ids, (first, last))
    asking = list(zones)
    for _ in range(ROUNDS):
        reached = _reached({i: wide[i] for i in asking}, zones)
        asking = [i for i, days in reached.items() if days != wide[i]]
        wide.update(reached)
        if not asking:
            break
    found: dict[Days, list[int]] = {}
    for channel_id in ids:
        if wide[channel_id] == (first, last):
            found.setdefault((first, last), []).append(channel_id)
    for channel_id, days in sorted(wide.items(), key=lambda item: (item[1], item[0])):
        if days != (first, last):
            found.setdefault(days, []).append(channel_id)
    return found


def _reached(wide: Mapping[int, Days], zones: Mapping[int, str]) -> dict[int, Days]:
    """Return the days of channels, with the spans that begin or end outside and have estimates."""
    if not wide:
        return {}
    ranges = {i: _instants(days, zones[i]) for i, days in wide.items()}
    starts, ends = zip(*ranges.values(), strict=True)
    registers = advances(list(wide), min(starts), max(ends))
    reaching = {
        i: [b for b in found if _reaches_out(b, *ranges[i])] for i, found in registers.items()
    }
    reaching = {i: found for i, found in reaching.items() if found}
    if not reaching:
        return {}
    estimated = _estimates(reaching)
    reached = {}
    for channel_id, found in reaching.items():
        start, end = ranges[channel_id]
        for each in found:
            if any(_outside(e, each, start, end) for e in estimated[channel_id]):
                start = min(start, each.advance.start_utc)
                end = max(end, each.advance.end_utc)
        reached[channel_id] = _days(start, end, zones[channel_id])
    return reached


def _reaches_out(between: Between, start: datetime, end: datetime) -> bool:
    """Tell whether an advance lies partly inside and partly outside of a range."""
    one = between.advance
    if one.end_utc - one.start_utc > SPAN_MOST or one.end_utc <= start or end <= one.start_utc:
        return False
    return one.start_utc < start or end < one.end_utc


def _estimates(reaching: Mapping[int, Sequence[Between]]) -> dict[int, list[tuple]]:
    """Return where channels have estimates near their spans. One query."""
    spans = [each.advance for found in reaching.values() for each in found]
    rows = Finding.objects.filter(
        channel__in=reaching,
        state=FindingState.ESTIMATED,
        start_utc__lt=max(one.end_utc for one in spans),
        end_utc__gt=min(one.start_utc for one in spans),
    )
    found: dict[int, list[tuple]] = defaultdict(list)
    for channel_id, *span in rows.values_list("channel_id", "start_utc", "end_utc"):
        found[channel_id].append(tuple(span))
    return found


def _outside(estimate: tuple, between: Between, start: datetime, end: datetime) -> bool:
    """Tell whether a part of an estimate lies inside the span and outside of the range."""
    first = max(estimate[0], between.advance.start_utc)
    last = min(estimate[1], between.advance.end_utc)
    return first < last and (first < start or end < last)


def _instants(days: Days, zone: str) -> tuple[datetime, datetime]:
    return day_start(days[0], zone), day_start(days[1] + timedelta(days=1), zone)


def _days(start: datetime, end: datetime, zone: str) -> Days:
    place = zone_of(zone)
    return start.astimezone(place).date(), (end - _JUST_BEFORE).astimezone(place).date()
