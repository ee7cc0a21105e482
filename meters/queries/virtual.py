"""Virtual channels: which rest on which, how they are defined, and what their readings are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import connection
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from meters.calc.compensation import METHODS, side_of
from meters.calc.expressions import Fault
from meters.calc.losses import Side
from meters.calc.virtual import Given, Span, Version, Virtual, evaluate
from meters.models import (
    Channel,
    ChannelKind,
    DefinitionMethod,
    Installation,
    VirtualDefinition,
)
from meters.queries.series import DAY_MINUTES, at_minute, final_many
from meters.storage import epoch_day
from poweroptix.kernel.parameters import parse
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series

_DEPENDANTS = """
WITH RECURSIVE found(channel_id) AS (
  SELECT d.channel_id
    FROM meters_virtualterm t JOIN meters_virtualdefinition d ON d.id = t.definition_id
   WHERE t.channel_id = ANY(%(ids)s) AND d.withdrawn_at IS NULL
     AND d.valid && tstzrange(%(start)s, %(end)s)
  UNION
  SELECT d.channel_id
    FROM found f JOIN meters_virtualterm t ON t.channel_id = f.channel_id
    JOIN meters_virtualdefinition d ON d.id = t.definition_id
   WHERE d.withdrawn_at IS NULL AND d.valid && tstzrange(%(start)s, %(end)s)
)
SELECT channel_id FROM found ORDER BY channel_id
"""


def dependants(channel_ids: Iterable[int], start: datetime, end: datetime | None) -> list[int]:
    """Return the virtual channels that rest on some channels in [start, end), at any depth."""
    with connection.cursor() as cursor:
        cursor.execute(_DEPENDANTS, {"ids": sorted(set(channel_ids)), "start": start, "end": end})
        return [row[0] for row in cursor.fetchall()]


def without_virtual(channel_ids: Iterable[int]) -> list[int]:
    """Return the channels that are read, not computed, in order of id. One query."""
    ids = set(channel_ids)
    computed = Channel.objects.filter(pk__in=ids, kind=ChannelKind.VIRTUAL)
    return sorted(ids.difference(computed.values_list("pk", flat=True)))


@dataclass(frozen=True)
class Defined:
    """Virtual channels in pure form, with the ids behind the codes, and meters that compensate."""

    virtuals: tuple[Virtual, ...]
    ids: dict[str, int]
    in_meter: dict[str, list[Span]]

    @property
    def own(self) -> dict[str, int]:
        """Return the virtual channels by code."""
        return {virtual.code: self.ids[virtual.code] for virtual in self.virtuals}

    @property
    def others(self) -> dict[str, int]:
        """Return the terms that are not among the virtual channels, by code."""
        own = self.own
        return {code: pk for code, pk in self.ids.items() if code not in own}


def defined(channel_ids: Sequence[int], start: datetime, end: datetime) -> Defined:
    """Return virtual channels with their live definitions in [start, end). Four queries."""
    channels = Channel.objects.in_bulk(list(channel_ids))
    rows = (
        VirtualDefinition.objects.filter(
            channel__in=channels,
            withdrawn_at__isnull=True,
            valid__overlap=DateTimeTZRange(start, end),
        )
        .prefetch_related("terms__channel")
        .order_by("valid")
    )
    versions: dict[int, list[Version]] = defaultdict(list)
    ids = {channel.code: pk for pk, channel in channels.items()}
    compensated = set()
    for row in rows:
        channel = channels[row.channel_id]
        versions[channel.pk].append(version_of(row, channel))
        for term in row.terms.all():
            ids[term.channel.code] = term.channel_id
            if row.method != DefinitionMethod.FORMULA:
                compensated.add(term.channel_id)
    virtuals = tuple(
        Virtual(channel.code, channel.unit, channel.minutes, tuple(versions[pk]))
        for pk, channel in channels.items()
        if channel.kind == ChannelKind.VIRTUAL
    )
    return Defined(virtuals, ids, _in_meter(compensated))


@dataclass(frozen=True)
class Computed:
    """What virtual channels are over whole UTC days: series and faults by channel id.

    `versions`: the final version of each (channel, day number) of the terms outside.
    """

    defined: Defined
    series: dict[int, Series]
    faults: dict[int, list[Fault]]
    versions: dict[tuple[int, int], int]


def computed(channel_ids: Sequence[int], first: int, last: int) -> Computed:
    """Return virtual channels on UTC days (numbers, inclusive), from the terms as published.

    A channel among them is computed before those that rest on it, and its stored readings are not
    looked at.
    """
    start, end = at_minute(first * DAY_MINUTES), at_minute((last + 1) * DAY_MINUTES)
    known = defined(channel_ids, start, end)
    own, others = known.own, known.others
    found, pins = final_many(others.values(), start, end)
    given = Given({code: found[pk] for code, pk in others.items()}, known.in_meter, {})
    series = evaluate(known.virtuals, given, start, end)
    return Computed(
        known,
        {own[code]: as_final(one) for code, one in series.items()},
        {own[code]: rows for code, rows in (given.faults or {}).items()},
        {(pin.channel_id, epoch_day(pin.day)): pin.version for pin in pins},
    )


def as_final(series: Series) -> Series:
    """Return a computed series as it is stored: CALCULATED at best, worse with its terms."""
    status = np.maximum(series.status, int(Status.CALCULATED)).astype(np.uint8)
    return Series(series.grid, series.values, status, series.unit)


def version_of(row: VirtualDefinition, channel: Channel) -> Version:
    """Return a definition in pure form."""
    is_formula = row.method == DefinitionMethod.FORMULA
    return Version(
        key=row.pk,
        from_utc=row.valid.lower,
        until_utc=row.valid.upper,
        formula=row.formula,
        names={term.name: term.channel.code for term in row.terms.all()},
        split=row.cut_longer,
        losses=None if is_formula else parse(METHODS[row.method], row.parameters),
        side=Side.DELIVERED if is_formula else side_of(channel.direction),
    )


def _in_meter(channel_ids: set[int]) -> dict[str, list[Span]]:
    """Return by code when a meter was installed that compensates losses itself."""
    spans: dict[str, list[Span]] = defaultdict(list)
    if channel_ids:
        rows = Installation.objects.filter(channel__in=channel_ids, compensates_losses=True)
        for code, valid in rows.values_list("channel__code", "valid"):
            spans[code].append((valid.lower, valid.upper))
    return dict(spans)
