"""What a virtual reading was computed from: its terms and their versions, down to file and row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from meters.calc.compensation import METHODS, side_of
from meters.calc.written import filled_in, write_expression
from meters.models import Channel, ImportFile, Layer, Publication, VirtualDefinition
from meters.queries.series import DAY_MINUTES, at_minute
from meters.storage import Batch, epoch_day, load
from meters.storage.batch import lines_of
from poweroptix.kernel.errors import NotFoundError
from poweroptix.kernel.fixed import MISSING, from_micro
from poweroptix.kernel.grid import utc
from poweroptix.kernel.parameters import parse
from poweroptix.kernel.quality import letter
from poweroptix.kernel.rounding import display

MOST_DEPTH = 20
#: What a tenant may read of a definition too.
SEEN = ("channel", "valid", "method", "formula", "parameters", "cut_longer")


@dataclass(frozen=True)
class TermReading:
    """One interval of a term, in the version that was used.

    `used` is what of it went into the expression: less than `quantity` where a longer interval was
    cut. A metered term has the received version behind it with its file and line, a virtual one
    its own terms.
    """

    channel: Channel
    start_utc: datetime
    version: int
    quantity: Decimal | None
    used: Decimal | None
    status: int
    raw_version: int | None = None
    raw_quantity: Decimal | None = None
    import_file: ImportFile | None = None
    line: int | None = None
    terms: tuple[TermReading, ...] = ()

    @property
    def letter(self) -> str:
        """Return the quality letter."""
        return letter(self.status)

    @property
    def end_utc(self) -> datetime:
        """Return the end of the interval."""
        return self.start_utc + timedelta(minutes=self.channel.minutes)

    @property
    def below(self) -> list[tuple[int, TermReading]]:
        """Return this reading and all it rests on, each with its depth."""
        deeper = [(depth + 1, one) for term in self.terms for depth, one in term.below]
        return [(0, self), *deeper]

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "channel": self.channel.code,
            "start_utc": self.start_utc,
            "minutes": self.channel.minutes,
            "unit": self.channel.unit,
            "version": self.version,
            "quantity": self.quantity,
            "used": self.used,
            "letter": self.letter,
            "raw_version": self.raw_version,
            "raw_quantity": self.raw_quantity,
            "file": self.import_file.name if self.import_file else "",
            "file_sha256": self.import_file.sha256 if self.import_file else "",
            "line": self.line,
            "terms": [one.to_json() for one in self.terms],
        }


@dataclass(frozen=True)
class Explained:
    """A virtual reading: its rule in words, the rule with numbers in it, and the terms.

    `hidden`: terms that whoever asks may not see.
    """

    channel: Channel
    start_utc: datetime
    version: int
    quantity: Decimal | None
    sentence: str
    numbers: str
    terms: tuple[TermReading, ...]
    hidden: int
    definition: VirtualDefinition | None

    @property
    def rows(self) -> list[tuple[int, TermReading]]:
        """Return the terms and all they rest on, each with its depth."""
        return [row for term in self.terms for row in term.below]

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "channel": self.channel.code,
            "start_utc": self.start_utc,
            "version": self.version,
            "quantity": self.quantity,
            "unit": self.channel.unit,
            "sentence": self.sentence,
            "numbers": self.numbers,
            "hidden": self.hidden,
            "terms": [one.to_json() for one in self.terms],
        }


def explain_virtual(
    channel_id: int, instant: datetime, version: int | None = None
) -> Explained | None:
    """Return what the interval that holds `instant` was computed from, in a version (the newest).

    None for a metered channel, and where there is no such version. Raises NotFoundError for an
    unknown channel. A few queries per level of channels that rest on each other.
    """
    channel = Channel.objects.filter(pk=channel_id).first()
    if channel is None:
        raise NotFoundError("channel.unknown", f"There is no channel {channel_id}.")
    if not channel.is_virtual:
        return None
    moment = utc(instant)
    blocks = _Blocks(epoch_day(moment.date()))
    blocks.read([channel_id])
    block = blocks.final(channel_id, version)
    if block is None:
        return None
    minute = (moment.hour * 60 + moment.minute) // channel.minutes * channel.minutes
    start = moment.replace(hour=minute // 60, minute=minute % 60, second=0, microsecond=0)
    reading = blocks.term(channel, minute, block.version, channel.minutes, 0)
    files = ImportFile.objects.defer("receipt", "path").in_bulk(blocks.files)
    terms = tuple(_with_file(one, files) for one in reading.terms)
    used = {pk for pk, _version in block.used_at(minute)}
    by = VirtualDefinition.objects.only(*SEEN).prefetch_related("terms")
    definition = by.filter(pk=block.definition_at(minute)).first()
    sentence, numbers = _words(definition, channel, terms)
    seen = {one.channel.pk for one in terms}
    return Explained(
        channel=channel,
        start_utc=start,
        version=block.version,
        quantity=reading.quantity,
        sentence=sentence,
        numbers=numbers,
        terms=terms,
        hidden=len(used - seen),
        definition=definition,
    )


class _Block:
    """One version of one day, with its place in a batch."""

    def __init__(self, batch: Batch, at: int) -> None:
        self.minutes, self.version = batch.minutes, int(batch.versions[at])
        self.publication_id = int(batch.publication_ids[at])
        self.values, self.status = batch.values[at], batch.status[at]
        self.runs = batch.sources_of(at)

    def used_at(self, minute: int) -> list[tuple[int, int]]:
        """Return (channel, version) of the terms of the definition in force at a minute."""
        return [(-row[1], row[2]) for row in self._told_at(minute)]

    def definition_at(self, minute: int) -> int:
        """Return the definition that was in force at a minute; 0 for none."""
        return max((row[3] for row in self._told_at(minute)), default=0)

    def _told_at(self, minute: int) -> list[list[int]]:
        """Return the source runs of the definition that was in force at a minute."""
        told = [row for row in self.runs.tolist() if row[1] < 0]
        first = max((row[0] for row in told if row[0] * self.minutes <= minute), default=-1)
        return [row for row in told if row[0] == first]

    def source_at(self, minute: int) -> tuple[int, int]:
        """Return (file, line) of an interval; of a final block the line is its received version."""
        files, lines = lines_of(self.runs, DAY_MINUTES // self.minutes)
        return int(files[minute // self.minutes]), int(lines[minute // self.minutes])

    def value(self, minute: int) -> int:
        """Return the reading of an interval in 10^-6, MISSING where there is none."""
        return int(self.values[minute // self.minutes])


class _Blocks:
    """The blocks of a day, read level by level, and the files that were met."""

    def __init__(self, day: int) -> None:
        self.day, self.files = day, set()
        self._blocks: dict[tuple[int, int, int], _Block] = {}
        self._channels: dict[int, Channel] = {}
        self._read: set[int] = set()

    def read(self, channel_ids: Iterable[int]) -> None:
        """Read the channels of one level that were not read yet."""
        ids = set(channel_ids) - self._read
        self._read |= ids
        if not ids:
            return
        self._channels |= Channel.objects.in_bulk(ids)
        for batch in load(ids, self.day, self.day, sources=True):
            for at in range(len(batch)):
                key = (int(batch.channel_ids[at]), int(batch.layers[at]), int(batch.versions[at]))
                self._blocks[key] = _Block(batch, at)

    def final(self, channel_id: int, version: int | None) -> _Block | None:
        """Return a version of a channel's final block; without one the newest that is visible."""
        if version is not None:
            return self._blocks.get((channel_id, Layer.FINAL, version))
        found = {
            key[2]: block
            for key, block in self._blocks.items()
            if key[:2] == (channel_id, Layer.FINAL)
        }
        seen = Publication.objects.filter(
            pk__in={block.publication_id for block in found.values()}, published_at__isnull=False
        )
        visible = set(seen.values_list("pk", flat=True))
        newest = [v for v, block in found.items() if block.publication_id in visible]
        return found[max(newest)] if newest else None

    def term(
        self, channel: Channel, minute: int, version: int, length: int, depth: int
    ) -> TermReading:
        """Return one interval of a term that is used over `length` minutes, with all below."""
        own = minute // channel.minutes * channel.minutes
        block = self._blocks.get((channel.pk, Layer.FINAL, version))
        micro = MISSING if block is None else block.value(own)
        found = TermReading(
            channel=channel,
            start_utc=_instant(self.day, own),
            version=version,
            quantity=_decimal(micro),
            used=_decimal(_share(micro, channel.minutes, length, minute - own)),
            status=100 if block is None else int(block.status[own // channel.minutes]),
        )
        if block is None or depth > MOST_DEPTH:
            return found
        if channel.is_virtual:
            return replace(found, terms=self._terms(channel, block, own, depth))
        return self._received(found, block, own)

    def _terms(
        self, channel: Channel, block: _Block, minute: int, depth: int
    ) -> tuple[TermReading, ...]:
        used = block.used_at(minute)
        self.read(pk for pk, _version in used)
        return tuple(
            self.term(self._channels[pk], at, version, channel.minutes, depth + 1)
            for pk, version in used
            if pk in self._channels
            for at in _minutes(minute, channel.minutes, self._channels[pk].minutes)
        )

    def _received(self, found: TermReading, block: _Block, minute: int) -> TermReading:
        """Add what was received, with its file and line."""
        _file, raw_version = block.source_at(minute)
        raw = self._blocks.get((found.channel.pk, Layer.RAW, raw_version))
        if raw is None:
            return found
        file, line = raw.source_at(minute)
        self.files.add(file)
        # The file is looked up for all terms at once; until then its number stands in the line.
        return replace(
            found,
            raw_version=raw_version,
            raw_quantity=_decimal(raw.value(minute)),
            line=line,
            import_file=ImportFile(pk=file),
        )


def _minutes(minute: int, length: int, own: int) -> range:
    """Return the minutes at which intervals of `own` begin within one of `length`."""
    return range(minute, minute + length, own) if own < length else range(minute, minute + 1)


def _share(micro: int, own: int, length: int, offset: int) -> int:
    """Return what of an interval falls into a shorter one `offset` minutes after its start."""
    if micro == MISSING or own <= length:
        return micro
    parts, at = own // length, offset // length
    return micro * (at + 1) // parts - micro * at // parts


def _with_file(reading: TermReading, files: dict[int, ImportFile]) -> TermReading:
    """Return a reading with its file as stored; a tenant may not see every file."""
    file = reading.import_file
    return replace(
        reading,
        import_file=files.get(file.pk) if file else None,
        terms=tuple(_with_file(one, files) for one in reading.terms),
    )


def _words(
    definition: VirtualDefinition | None, channel: Channel, terms: tuple[TermReading, ...]
) -> tuple[str, str]:
    """Return the rule with channel codes, and with the numbers of this interval."""
    if definition is None:
        return "", ""
    codes = {one.channel.pk: one.channel.code for one in terms}
    names = {term.name: term.channel_id for term in definition.terms.all()}
    rule = rule_of(definition, channel)
    known = {name: codes[pk] for name, pk in names.items() if pk in codes}
    return write_expression(rule, known), filled_in(rule, _used(names, terms))


def rule_of(definition: VirtualDefinition, channel: Channel) -> str:
    """Return the formula of a definition, or its losses in words, over the names of its terms."""
    if definition.formula:
        return definition.formula
    losses = parse(METHODS[definition.method], definition.parameters)
    return losses.sentence(side_of(channel.direction))


def _used(names: dict[str, int], terms: tuple[TermReading, ...]) -> dict[str, str]:
    found = {}
    for name, pk in names.items():
        parts = [one.used for one in terms if one.channel.pk == pk]
        if parts and None not in parts:
            found[name] = f"{display(sum(parts, Decimal(0)), 6).normalize():f}"
        elif parts:
            found[name] = "missing"
    return found


def _instant(day: int, minute: int) -> datetime:
    return at_minute(day * DAY_MINUTES + minute)


def _decimal(micro: int) -> Decimal | None:
    return None if micro == MISSING else from_micro(micro)
