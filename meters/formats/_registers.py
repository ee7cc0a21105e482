"""What every format of register reads shares: dials, stamps, and one read per instant.

Codes: R105 not a register, R208 more dials than the meter (V28), R301 different reads of one
instant, W301 identical copies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from meters.calc.registers import Dial, read_dial
from meters.formats._base import RegisterRow, RowError, clip, printable
from meters.formats._text import RowFault
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Severity

WINDOW_READS = 50_000
_CODES = {"register.text": "R105", "register.dials": "R208"}


def dial_of(text: str, field_name: str, digits: int | None = None) -> Dial:
    """Return the dial of a register's text; raise ``RowFault`` R105 or R208."""
    try:
        return read_dial(text, digits)
    except Refused as refused:
        shown = f"{field_name} '{printable(text)}': {refused.message.rstrip('.')}"
        raise RowFault(_CODES[refused.code], field_name, shown) from None


@dataclass
class RegisterWindow:
    """Holds reads up to a limit, then yields one for each register and instant."""

    limit: int = WINDOW_READS
    rows: list[RegisterRow] = field(default_factory=list)

    def add(self, row: RegisterRow) -> None:
        """Add a read in file order."""
        self.rows.append(row)

    @property
    def full(self) -> bool:
        """True when the window should be flushed."""
        return len(self.rows) >= self.limit

    def flush(self) -> Iterator[RegisterRow | RowError]:
        """Yield what is held: identical copies once, with a remark; different reads not at all."""
        rows, self.rows = self.rows, []
        groups: dict[tuple, list[RegisterRow]] = {}
        for row in rows:
            key = (row.channel_text, row.bucket, row.read_at_utc, row.read_type)
            groups.setdefault(key, []).append(row)
        for copies in groups.values():
            first = copies[0]
            lines = ", ".join(str(row.line) for row in copies[:5])
            moment = f"{first.read_at_utc:%Y-%m-%dT%H:%MZ}"
            if len({_content(row) for row in copies}) > 1:
                text = f"lines {lines} give different reads of {moment}; send one"
                for row in copies:
                    yield register_error(row, "R301", text)
                continue
            yield first
            if len(copies) > 1:
                text = f"lines {lines} all give the read of {moment}; one is taken"
                yield register_error(copies[1], "W301", text, Severity.WARN)


def _content(row: RegisterRow) -> RegisterRow:
    """Return a read without where it stands in the file."""
    before = None if row.previous is None else _content(row.previous)
    return replace(row, line=0, previous=before)


def register_error(
    row: RegisterRow, code: str, text: str, severity: Severity = Severity.REJECT
) -> RowError:
    """Return the row error of a read."""
    message = clip(f"Line {row.line}, {row.channel_text}: {text}.")
    return RowError(row.line, "", code, message, row.channel_text, row.text, row.line, severity)
