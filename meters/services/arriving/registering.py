"""Register reads of a file: stored once, judged against the read before, held when doubtful.

Codes: V28 other dials than before, REGISTER_RAN_BACK, REGISTER_IMPLAUSIBLE and REGISTER_UNPROVEN
(vee.md 9.1), REGISTER_EXCHANGE (9.5), REGISTER_QUANTITY (7.3), V03 another read of one instant.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from django.db.models import Q

from meters.calc.registers import (
    Advance,
    Dial,
    Verdict,
    advance,
    check_quantity,
    judge,
    most,
    primary,
    read_dial,
)
from meters.formats import ReadType, RegisterRow
from meters.models import (
    Finding,
    FindingSeverity,
    ImportFile,
    Installation,
    Publication,
    RegisterRead,
)
from meters.services.arriving.capacities import capacities
from meters.services.arriving.multipliers import ratio_at
from meters.validation._compare import plain
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import EXACT

BACK_AND_FORTH = {
    Verdict.RAN_BACK: "The register went back by {backward}, or forward by {forward}: {energy}, "
    "and the point can carry {most} in that time.",
    Verdict.IMPLAUSIBLE: "The register went forward by {forward}: {energy}, and the point can "
    "carry {most} in that time.",
    Verdict.UNPROVEN: "The register passed zero, forward by {forward}: {energy}, and the point has "
    "no capacity that would prove it.",
}
FIX = "Compare with the meter; accept the finding, or send the right read."
CODES = ("V28", *(str(v) for v in BACK_AND_FORTH), "REGISTER_EXCHANGE", "REGISTER_QUANTITY")
#: A channel, and the time-of-use period that the register counts (empty: the total).
Register = tuple[int, str]


@dataclass(frozen=True)
class Move:
    """From one read of a register to the next, as judged.

    `advance` is in units of the register and None where the dials differ or the meter was
    exchanged; times `factor` (multiplier and unit) it is energy. `held` is why it is doubted.
    """

    channel_id: int
    before: RegisterRow
    after: RegisterRow
    advance: Decimal | None
    factor: Decimal
    rolled: bool
    held: Finding | None

    @property
    def quantity(self) -> Decimal | None:
        """Return the energy of the advance in the canonical unit."""
        return None if self.advance is None else EXACT.multiply(self.advance, self.factor)


@dataclass
class Registered:
    """What came of the register reads of a window."""

    new: list[RegisterRead] = field(default_factory=list)
    same: int = 0
    found: list[Finding] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)


def flat(pieces: Iterable[tuple[int, RegisterRow]]) -> list[tuple[int, RegisterRow]]:
    """Return reads with the read before each, where the file carries it, as reads of their own."""
    found: dict[tuple, tuple[int, RegisterRow]] = {}
    for channel_id, row in pieces:
        for each in (row.previous, row):
            if each is not None:
                key = (channel_id, each.bucket, each.read_at_utc, each.read_type)
                if key not in found or each is row:
                    found[key] = (channel_id, each)
    return sorted(found.values(), key=lambda item: (item[0], item[1].read_at_utc))


def register(
    pieces: list[tuple[int, RegisterRow]],
    file: ImportFile,
    publication: Publication,
    now: datetime,
) -> Registered:
    """Compare the reads of a window with what is stored; nothing is written. Five queries at most.

    Reads that are stored already are judged again: what was wrong may have been mended.
    """
    result = Registered()
    reads = flat(pieces)
    if not reads:
        return result
    ids = {channel_id for channel_id, _ in reads}
    stored = _stored(reads, publication)
    registers: dict[Register, list[RegisterRow]] = defaultdict(list)
    for channel_id, row in reads:
        known = stored[channel_id, row.bucket].get((row.read_at_utc, str(row.read_type)))
        registers[channel_id, row.bucket].append(row)
        if known is not None and _same(known, row):
            result.same += 1
            continue
        result.new.append(_read(channel_id, row, file, publication, now))
        if known is not None:
            text = f"The source sent {row.text} for a read that it had sent as {known.text}."
            moment = row.read_at_utc
            result.found.append(
                _finding(file, channel_id, now, "V03", moment, moment, text, FindingSeverity.WARN)
            )
    judging = _Judging(file, ids, now)
    for (channel_id, bucket), rows in registers.items():
        before = _before(stored[channel_id, bucket].values(), rows[0])
        moves = [judging.move(channel_id, *pair) for pair in pairwise([*before, *rows])]
        result.moves += moves
        result.found += [move.held for move in moves if move.held is not None]
    for channel_id, row in pieces:
        result.found += judging.quantity(channel_id, row)
    return result


def _stored(
    reads: list[tuple[int, RegisterRow]], publication: Publication
) -> dict[Register, dict[tuple[datetime, str], RegisterRead]]:
    """Return by register the newest read of each instant of the window, and the last one before.

    Seen is what is published, and what this publication wrote before it was interrupted.
    """
    moments = [row.read_at_utc for _, row in reads]
    published = Publication.objects.filter(published_at__isnull=False).values("pk")
    visible = RegisterRead.objects.filter(
        Q(publication_id__in=published) | Q(publication_id=publication.pk),
        channel__in={channel_id for channel_id, _ in reads},
    )
    before = visible.filter(read_at_utc__lt=min(moments)).order_by(
        "channel_id", "bucket", "-read_at_utc", "-publication_id"
    )
    during = visible.filter(read_at_utc__gte=min(moments), read_at_utc__lte=max(moments))
    found: dict[Register, dict[tuple[datetime, str], RegisterRead]] = defaultdict(dict)
    for row in (*before.distinct("channel_id", "bucket"), *during.order_by("publication_id")):
        found[row.channel_id, row.bucket][row.read_at_utc, row.read_type] = row
    return found


def _same(known: RegisterRead, row: RegisterRow) -> bool:
    """Return whether a stored read says what an arriving one says."""
    return (
        known.text == row.text
        and known.digits == row.digits
        and known.unit_factor == row.factor
        and known.multiplier_ratio == row.multiplier
        and known.status == row.status
        and (row.quantity is None or known.quantity == row.quantity)
    )


def _read(
    channel_id: int, row: RegisterRow, file: ImportFile, publication: Publication, now: datetime
) -> RegisterRead:
    return RegisterRead(
        channel_id=channel_id,
        read_at_utc=row.read_at_utc,
        bucket=row.bucket,
        text=row.text,
        digits=row.digits,
        decimals=row.decimals,
        unit_factor=row.factor,
        multiplier_ratio=row.multiplier,
        read_type=str(row.read_type),
        status=int(row.status),
        method=int(row.method),
        quantity=row.quantity,
        import_file_id=file.pk,
        line=row.line,
        publication_id=publication.pk,
        recorded_at=now,
    )


def _before(stored: Iterable[RegisterRead], first: RegisterRow) -> list[RegisterRow]:
    """Return the newest stored read before a row, as a row; none if there is none."""
    earlier = [read for read in stored if read.read_at_utc < first.read_at_utc]
    if not earlier:
        return []
    read = max(earlier, key=lambda each: each.read_at_utc)
    return [
        RegisterRow(
            first.channel_text, read.read_at_utc, read.text, read.digits, read.decimals,
            first.unit, read.unit_factor, read.line, ReadType(read.read_type),
            multiplier=read.multiplier_ratio, bucket=read.bucket,
        )
    ]  # fmt: skip


class _Judging:
    """Judges reads against the ones before them."""

    def __init__(self, file: ImportFile, ids: set[int], now: datetime) -> None:
        self.file, self.now = file, now
        self.capacities = capacities(ids)
        self.installed: dict[int, list[Installation]] = defaultdict(list)
        for row in Installation.objects.filter(channel__in=ids).select_related("meter"):
            self.installed[row.channel_id].append(row)

    def move(self, channel_id: int, before: RegisterRow, after: RegisterRow) -> Move:
        """Return what lies between two neighbouring reads, and what is doubtful about it."""
        factor = self._multiplier(channel_id, after) * after.factor

        def told(
            moved: Advance | None,
            code: str = "",
            text: str = "",
            limits: tuple[Decimal | None, Decimal | None] = (None, None),
        ) -> Move:
            held = self._hold(channel_id, code, before, after, text, *limits) if code else None
            forward, rolled = (moved.forward, moved.rolled) if moved else (None, False)
            return Move(channel_id, before, after, forward, factor, rolled, held)

        kinds = (before.read_type, after.read_type)
        if kinds == (ReadType.REMOVE, ReadType.INSTALL):
            return told(None)
        if after.read_type == ReadType.INSTALL or before.read_type == ReadType.REMOVE:
            text = (
                f"{after.text} ({after.read_type}) follows {before.text} ({before.read_type}): an "
                "exchange needs the REMOVE read of the old and the INSTALL read of the new meter."
            )
            return told(None, "REGISTER_EXCHANGE", text)
        try:
            moved = advance(_dial(before), _dial(after))
        except Refused as refused:
            dials = Decimal(after.digits), Decimal(before.digits)
            return told(None, "V28", refused.message, dials)
        elapsed = after.read_at_utc - before.read_at_utc
        kw = self.capacities[channel_id].largest(before.read_at_utc, after.read_at_utc)
        verdict = judge(moved, factor, elapsed, kw)
        if verdict == Verdict.ACCEPTED or (
            verdict == Verdict.UNPROVEN and after.quantity is not None
        ):
            return told(moved)  # a stated quantity proves a rollover as well as a capacity does
        energy = plain(primary(moved.forward, factor))
        limit = None if kw is None else plain(most(kw, elapsed))
        text = BACK_AND_FORTH[verdict].format(
            forward=f"{moved.forward:f}",
            backward=f"{moved.backward:f}",
            energy=_energy(energy, after),
            most=_energy(limit, after),
        )
        return told(moved, str(verdict), text, (energy, limit))

    def quantity(self, channel_id: int, row: RegisterRow) -> list[Finding]:
        """Return a finding when the stated quantity is not the advance times the multiplier."""
        if row.quantity is None or row.previous is None:
            return []
        try:
            check = check_quantity(
                _dial(row.previous),
                _dial(row),
                self._multiplier(channel_id, row),
                row.quantity,
                reverse=row.reverse,
            )
        except Refused:
            return []  # other dials: V28 says so
        if check.passes:
            return []
        stated, expected, apart, step = (
            plain(EXACT.multiply(number, row.factor))
            for number in (
                check.stated, check.expected, abs(check.difference), check.tolerance
            )
        )  # fmt: skip
        text = (
            f"The source states {_energy(stated, row)}, the register says "
            f"{_energy(expected, row)} ({row.previous.text} to {row.text}): "
            f"{_energy(apart, row)} apart, less than {_energy(step, row)} passes."
        )
        held = self._hold(
            channel_id, "REGISTER_QUANTITY", row.previous, row, text, apart, step
        )  # fmt: skip
        return [held]

    def _multiplier(self, channel_id: int, row: RegisterRow) -> Decimal:
        """Return the factor of the file, else that of the installation, else 1."""
        if row.multiplier is not None:
            return row.multiplier
        installed = ratio_at(self.installed[channel_id], row.read_at_utc)
        return Decimal(1) if installed is None else installed.multiplier_ratio

    def _hold(
        self, channel_id: int, code: str, before: RegisterRow, after: RegisterRow, text: str,
        metric: Decimal | None = None, threshold: Decimal | None = None,
    ) -> Finding:  # fmt: skip
        held = _finding(
            self.file, channel_id, self.now, code, before.read_at_utc, after.read_at_utc, text,
            FindingSeverity.HOLD,
        )  # fmt: skip
        held.metric, held.threshold = metric, threshold
        return held


def _energy(number: Decimal | None, row: RegisterRow) -> str:
    """Return an amount of what a register counts, in words; nothing for None."""
    return "" if number is None else f"{number:f} {row.unit}"


def _dial(row: RegisterRow) -> Dial:
    return read_dial(row.text, row.digits)


def _finding(
    file: ImportFile,
    channel_id: int,
    now: datetime,
    code: str,
    start: datetime,
    end: datetime,
    text: str,
    severity: str,
) -> Finding:
    return Finding(
        channel_id=channel_id,
        rule_code=code,
        severity=severity,
        start_utc=start,
        end_utc=end,
        message=text[:500],
        fix=FIX if severity == FindingSeverity.HOLD else "",
        import_file_id=file.pk,
        created_at=now,
    )
