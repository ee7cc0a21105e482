"""Register reads of a channel as a page shows them; where none was made, what the dial would show.

Intervals lead: a register that was not read is its last exact read and the final readings since,
over the dials, for display and comparison only (vee.md 4.7). Nothing is estimated from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from meters.calc.register_estimates import estimate_register
from meters.calc.registers import Dial
from meters.models import (
    Channel,
    Installation,
    Publication,
    RegisterRead,
    RegisterReadType,
)
from meters.queries.series import final_series
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.quality import Status

ACTUAL = (Status.RAW, Status.VALIDATED, Status.VERIFIED)
#: A register is not carried forward for longer than this.
CARRIED_MOST = timedelta(days=400)


@dataclass(frozen=True)
class ShownRegister:
    """A register at an instant: as it was read, or as it would stand.

    `text`: what the dial shows, empty where that cannot be told; `note` then says why.
    """

    at_utc: datetime
    text: str
    is_estimated: bool
    read_type: str = ""
    import_file_id: int | None = None
    line: int | None = None
    note: str = ""
    worksheet: dict[str, Any] = field(default_factory=dict)


def registers_shown(
    channel: Channel, start_utc: datetime, end_utc: datetime
) -> list[ShownRegister]:
    """Return the reads in [start, end], and the register at both ends; empty without any read.

    One query for a channel without reads, at most nine otherwise.
    """
    published = Publication.objects.filter(published_at__isnull=False).values("pk")
    reads = RegisterRead.objects.filter(channel=channel, bucket="", publication_id__in=published)
    rows = list(
        reads.filter(read_at_utc__gte=start_utc - CARRIED_MOST, read_at_utc__lte=end_utc).order_by(
            "read_at_utc", "publication_id", "pk"
        )
    )
    if not rows:
        return []
    newest = {(row.read_at_utc, row.read_type): row for row in rows}
    inside = [row for row in newest.values() if row.read_at_utc >= start_utc]
    shown = [_as_read(row) for row in inside]
    for moment in (start_utc, end_utc):
        if not any(row.read_at_utc == moment for row in inside):
            shown += _as_estimated(channel, list(newest.values()), moment)
    return sorted(shown, key=lambda each: (each.at_utc, each.read_type != RegisterReadType.REMOVE))


def _as_read(row: RegisterRead) -> ShownRegister:
    kind = row.get_read_type_display()
    note = "" if row.status in ACTUAL else "estimated by the source"
    return ShownRegister(row.read_at_utc, row.text, False, kind, row.import_file_id, row.line, note)


def _as_estimated(
    channel: Channel, rows: list[RegisterRead], moment: datetime
) -> list[ShownRegister]:
    """Return the register at an instant, from the last exact read before it; none before one."""
    before = [row for row in rows if row.read_at_utc < moment and row.status in ACTUAL]
    if not before:
        return []
    last = before[-1]
    if last.read_type == RegisterReadType.REMOVE:
        return [ShownRegister(moment, "", True, note="the meter was removed")]
    try:
        energy, _ = final_series(channel.pk, last.read_at_utc, moment)
        if energy.missing_count:
            note = f"{energy.missing_count} intervals since the last read have no value"
            return [ShownRegister(moment, "", True, note=note)]
        factor = _multiplier(channel, last) * last.unit_factor
        dial = Dial(Decimal(last.text), last.digits, last.decimals)
        found = estimate_register(dial, last.read_at_utc, energy, factor)
    except Refused as refused:
        return [ShownRegister(moment, "", True, note=refused.message)]
    note = "over zero" if found.rolled else ""
    sheet = found.worksheet | {"read_at": f"{last.read_at_utc:%Y-%m-%dT%H:%M:%SZ}"}
    return [ShownRegister(moment, _text(found.dial), True, note=note, worksheet=sheet)]


def _multiplier(channel: Channel, read: RegisterRead) -> Decimal:
    """Return the factor of the file, else that of the installation, else 1."""
    if read.multiplier_ratio is not None:
        return read.multiplier_ratio
    row = Installation.objects.filter(channel=channel, valid__contains=read.read_at_utc).first()
    return Decimal(1) if row is None else row.multiplier_ratio


def _text(dial: Dial) -> str:
    """Return a dial as it shows: with its leading zeros and its decimals."""
    width = dial.digits + (dial.decimals + 1 if dial.decimals else 0)
    return f"{dial.value:.{dial.decimals}f}".zfill(width)
