"""What registers advanced between consecutive exact reads, for sum checks and for scaling.

Exact is a read that nobody estimated. Two reads make an advance when they are of one installation
and the way between them is plausible, or a person accepted what was doubtful about it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.db.models import QuerySet

from meters.calc.circumstances import RegisterAdvance
from meters.calc.registers import Advance, Dial, Verdict, advance, judge, primary
from meters.models import (
    Finding,
    FindingState,
    ImportFile,
    Installation,
    Publication,
    RegisterRead,
    RegisterReadType,
)
from meters.services.arriving.capacities import capacities
from meters.services.arriving.multipliers import ratio_at
from meters.services.arriving.registering import CODES
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import EXACT
from poweroptix.kernel.quality import Status

ACTUAL = (Status.RAW, Status.VALIDATED, Status.VERIFIED)
Moment = tuple[datetime, str]
Register = tuple[int, str]  # channel id, time-of-use period


@dataclass(frozen=True)
class Between:
    """An advance with the two reads behind it."""

    first: RegisterRead
    last: RegisterRead
    advance: RegisterAdvance
    multiplier: Decimal
    files: Mapping[int, str] = field(default_factory=dict)

    @property
    def reads(self) -> list[dict[str, Any]]:
        """Return both reads as a worksheet names them: instant, register, file and line."""
        return [self._named(self.first), self._named(self.last)]

    def _named(self, read: RegisterRead) -> dict[str, Any]:
        return {
            "read_at": f"{read.read_at_utc:%Y-%m-%dT%H:%M:%SZ}",
            "register": read.text,
            "file": self.files.get(read.import_file_id, f"#{read.import_file_id}"),
            "line": read.line,
        }


def advances(
    channel_ids: Iterable[int], start_utc: datetime, end_utc: datetime, *, buckets: bool = False
) -> dict[int, list[Between]]:
    """Return by channel id, in order, the advances that have some time in [start, end).

    Of total registers; with `buckets` those of time-of-use registers come after them. One query for
    channels without register reads, at most nine in all.
    """
    ids = list(channel_ids)
    reads = _reads(ids, start_utc, end_utc, buckets)
    if not reads:
        return {}
    facts = _Facts([row for rows in reads.values() for row in rows])
    found: dict[int, list[Between]] = defaultdict(list)
    for (channel_id, _bucket), rows in sorted(reads.items()):
        chosen = [r for r in facts.between(rows) if _overlaps(r.advance, start_utc, end_utc)]
        if chosen:
            found[channel_id] += chosen
    return dict(found)


def _overlaps(one: RegisterAdvance, start_utc: datetime, end_utc: datetime) -> bool:
    return one.start_utc < end_utc and start_utc < one.end_utc


def _reads(
    ids: list[int], start: datetime, end: datetime, buckets: bool
) -> dict[Register, list[RegisterRead]]:
    """Return exact reads in [start, end] by register, with the nearest one on either side."""
    having = set(
        RegisterRead.objects.filter(channel__in=ids).values_list("channel", flat=True).distinct()
    )
    if not having:
        return {}
    published = Publication.objects.filter(published_at__isnull=False).values("pk")
    exact = RegisterRead.objects.filter(
        channel__in=having, publication_id__in=published, status__in=ACTUAL
    )
    if not buckets:
        exact = exact.filter(bucket="")
    rows = [
        *_nearest(exact.filter(read_at_utc__lt=start), "-read_at_utc"),
        *exact.filter(read_at_utc__gte=start, read_at_utc__lte=end).order_by("publication_id"),
        *_nearest(exact.filter(read_at_utc__gt=end), "read_at_utc"),
    ]
    newest: dict[Register, dict[Moment, RegisterRead]] = defaultdict(dict)
    for row in rows:
        newest[row.channel_id, row.bucket][row.read_at_utc, row.read_type] = row
    return {
        register: sorted(kept.values(), key=lambda r: (r.read_at_utc, _rank(r)))
        for register, kept in newest.items()
    }


def _nearest(rows: QuerySet[RegisterRead], order: str) -> QuerySet[RegisterRead]:
    """Return the first read of each register in an order, as it was sent last."""
    return rows.order_by("channel_id", "bucket", order, "-publication_id").distinct(
        "channel_id", "bucket"
    )


def _rank(read: RegisterRead) -> int:
    """Return the order of reads of one instant: the old meter goes before the new one comes."""
    return {RegisterReadType.REMOVE: 0, RegisterReadType.INSTALL: 2}.get(read.read_type, 1)


class _Facts:
    """Installations, capacities, files and decisions that the advances of some reads rest on."""

    def __init__(self, reads: Sequence[RegisterRead]) -> None:
        ids = {row.channel_id for row in reads}
        self._installed: dict[int, list[Installation]] = defaultdict(list)
        for row in Installation.objects.filter(channel__in=ids):
            self._installed[row.channel_id].append(row)
        self._capacities = capacities(ids)
        files = {row.import_file_id for row in reads}
        self._files = dict(ImportFile.objects.filter(pk__in=files).values_list("pk", "name"))
        decided = Finding.objects.filter(channel__in=ids, rule_code__in=CODES).exclude(
            state=FindingState.CLOSED
        )
        self._accepted: set[tuple] = set()
        self._doubted: set[tuple] = set()
        for row in decided:
            kept = self._accepted if row.state == FindingState.ACCEPTED else self._doubted
            kept.add((row.channel_id, row.start_utc, row.end_utc))

    def between(self, rows: Sequence[RegisterRead]) -> list[Between]:
        """Return what may be taken between neighbouring reads of one channel."""
        found = [self._pair(before, after) for before, after in pairwise(rows)]
        return [each for each in found if each is not None]

    def _pair(self, before: RegisterRead, after: RegisterRead) -> Between | None:
        """Return the advance between two reads; None where it must not be taken."""
        if (
            after.read_type == RegisterReadType.INSTALL
            or before.read_type == RegisterReadType.REMOVE
            or before.read_at_utc == after.read_at_utc
        ):
            return None
        old, new = self._installation(before), self._installation(after)
        if old is not None and new is not None and old.meter_id != new.meter_id:
            return None
        try:
            moved = advance(_dial(before), _dial(after))
        except Refused:
            return None  # other dials: V28 holds it
        ratio = after.multiplier_ratio
        if ratio is None:
            ratio = Decimal(1) if new is None else new.multiplier_ratio
        factor = ratio * after.unit_factor
        if not self._taken(before, after, moved, factor):
            return None
        least = max(_dial(before).least, _dial(after).least)
        known = RegisterAdvance(
            before.read_at_utc, after.read_at_utc, _plain(primary(moved.forward, factor)),
            _plain(primary(least, factor)), rolled_over=moved.rolled,
            source=_source(before, after), decimals=(before.decimals, after.decimals),
            bucket=before.bucket,
        )  # fmt: skip
        return Between(before, after, known, _plain(factor), self._files)

    def _installation(self, read: RegisterRead) -> Installation | None:
        """Return the installation that a read was made of."""
        installed = self._installed[read.channel_id]
        if read.read_type == RegisterReadType.REMOVE:
            installed = [row for row in installed if row.valid.upper == read.read_at_utc]
        return ratio_at(installed, read.read_at_utc)

    def _taken(
        self, before: RegisterRead, after: RegisterRead, moved: Advance, factor: Decimal
    ) -> bool:
        """Tell whether an advance is beyond doubt, or a person took the doubt away."""
        key = (after.channel_id, before.read_at_utc, after.read_at_utc)
        if key in self._accepted:
            return True
        if key in self._doubted:
            return False
        capacity = self._capacity(after.channel_id, before.read_at_utc, after.read_at_utc)
        verdict = judge(moved, factor, after.read_at_utc - before.read_at_utc, capacity)
        proved = verdict == Verdict.UNPROVEN and after.quantity is not None
        return verdict == Verdict.ACCEPTED or proved

    def _capacity(self, channel_id: int, start: datetime, end: datetime) -> Decimal | None:
        """Return the largest capacity in force between two reads; None where none is known."""
        return self._capacities[channel_id].largest(start, end)


def _plain(number: Decimal) -> Decimal:
    """Return a number without the zeros that its factors carried behind the point."""
    short = EXACT.normalize(number)
    return short if short.as_tuple().exponent <= 0 else Decimal(int(short))


def _dial(read: RegisterRead) -> Dial:
    return Dial(Decimal(read.text), read.digits, read.decimals)


def _source(before: RegisterRead, after: RegisterRead) -> str:
    return (
        f"register {before.text} of {before.read_at_utc:%Y-%m-%dT%H:%MZ} "
        f"to {after.text} of {after.read_at_utc:%Y-%m-%dT%H:%MZ}"
    )
