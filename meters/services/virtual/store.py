"""Definitions as they are computed with, and which channels rest on which."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from meters.calc.compensation import METHODS, side_of
from meters.calc.losses import Side
from meters.calc.virtual import Span, Version, Virtual
from meters.models import (
    Channel,
    ChannelKind,
    DefinitionMethod,
    Installation,
    VirtualDefinition,
)
from poweroptix.kernel.parameters import parse

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


def version_of(row: VirtualDefinition, channel: Channel) -> Version:
    """Return a definition in pure form."""
    is_formula = row.method == DefinitionMethod.FORMULA
    return Version(
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
