"""Readings that come row by row (our CSV): gathered per channel over a window, cut into blocks.

A row that cannot be taken takes its channel-day (UTC) with it: the smallest complete record. Two
different values for one instant reject both, whatever a third copy says; identical copies collapse
with a remark; a null never withdraws a value.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import numpy as np

from meters.formats._base import ChannelBlock, Duplicate, Profile, RowError, at_second, clip
from meters.formats._claims import Claims
from meters.formats._numbers import Scale
from meters.formats._stamps import DAY, Fault, resolve_local
from poweroptix.kernel.exact import total
from poweroptix.kernel.finding import Severity
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.quality import Method, Status
from poweroptix.kernel.rounding import cumulative_steps

WINDOW_ROWS = 1_000_000
Item = ChannelBlock | RowError
Key = tuple[str, str, Decimal | Fraction, int, Decimal | None]
KindFlag = tuple[str, tuple[tuple[str, str], ...]]  # code, detail


@dataclass(frozen=True)
class RowKind:
    """What the text columns of a row say: channel, unit, length, quality. Many rows share one."""

    channel: str
    unit: str
    factor: Decimal | Fraction
    minutes: int
    status: Status
    method: Method
    flags: tuple[KindFlag, ...] = ()
    multiplier: Decimal | None = None

    @property
    def key(self) -> Key:
        """Rows with one key form one series."""
        return self.channel, self.unit, self.factor, self.minutes, self.multiplier


@dataclass
class Batch:
    """Columns of rows: index into the kinds, stamp (seconds), value (10^-6 raw), line, local."""

    kind: np.ndarray
    stamp: np.ndarray
    value: np.ndarray
    line: np.ndarray
    local: np.ndarray


@dataclass
class Poison:
    """A row that failed although its channel and time are known: its day is not taken."""

    key: Key
    stamp: int
    line: int


@dataclass
class RowWindow:
    """Holds rows up to a limit, then yields them as blocks.

    With ``rounds`` the rows hold whole raw units (none missing), and a factor below one (a raw
    unit finer than 10^-6) rounds the running sum of a channel instead of refusing the row.
    """

    profile: Profile
    zone: ZoneInfo | None
    kinds: list[RowKind] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    poison: list[Poison] = field(default_factory=list)
    claims: Claims = field(default_factory=Claims)
    rows: int = 0
    rounds: bool = False
    taken: dict[Key, int] = field(default_factory=dict)  # sum of raw units before this window

    def add(self, batch: Batch) -> None:
        """Add rows in file order."""
        self.batches.append(batch)
        self.rows += len(batch.kind)

    @property
    def full(self) -> bool:
        """True when the window should be flushed."""
        return self.rows >= int(self.profile.options.get("window_rows", WINDOW_ROWS))

    def flush(self, *, last: bool) -> Iterator[Item]:
        """Yield everything held, channel by channel in order of appearance.

        Zone-less rows of a channel's newest local day stay until the day is over.
        """
        if not self.batches:
            return
        columns = [
            np.concatenate([getattr(batch, name) for batch in self.batches])
            for name in ("kind", "stamp", "value", "line", "local")
        ]
        self.batches, self.rows = [], 0
        keys: dict[Key, int] = {}
        number = np.array([keys.setdefault(kind.key, len(keys)) for kind in self.kinds])
        group = number[columns[0]]
        order = np.argsort(group, kind="stable")
        cuts = np.searchsorted(group[order], np.arange(len(keys) + 1))
        for at, key in enumerate(keys):
            rows = order[cuts[at] : cuts[at + 1]]
            if not last:
                rows = self._hold_back(columns, rows)
            if len(rows):
                yield from self._channel(key, Batch(*(column[rows] for column in columns)))
        if last:
            self.poison = []

    def _hold_back(self, columns: list[np.ndarray], rows: np.ndarray) -> np.ndarray:
        """Return the rows to work on now; put those of an unfinished local day back."""
        local, stamps = columns[4][rows], columns[1][rows]
        if not local.any():
            return rows
        keep = local & (stamps // DAY >= (stamps[local].max() - 1) // DAY)
        held = rows[keep]
        self.add(Batch(*(column[held] for column in columns)))
        return rows[~keep]

    def _channel(self, key: Key, batch: Batch) -> Iterator[Item]:
        work = _Channel(self, key, batch)
        yield from work.drop(work.resolve())
        yield from work.drop(work.misaligned())
        yield from work.drop(work.inexact())
        yield from work.drop(work.poisoned())
        yield from work.duplicates()
        yield from work.blocks()


class _Channel:
    """The rows of one channel in one window."""

    def __init__(self, window: RowWindow, key: Key, batch: Batch) -> None:
        self.window = window
        self.key = key
        self.channel, self.unit, self.factor, self.minutes, self.multiplier = key
        self.batch = batch
        self.is_fine = window.rounds and abs(self.factor) < 1
        self.start = batch.stamp
        self.keep = np.ones(len(batch.kind), dtype=bool)
        self.reported: set[int] = set()

    def _ends(self) -> int:
        return self.minutes * 60 if self.window.profile.label == "END" else 0

    def resolve(self) -> list[Fault]:
        """Turn stamps into starts in UTC seconds."""
        stamps, local = self.batch.stamp.copy(), self.batch.local
        faults: list[Fault] = []
        zone = self.window.zone
        if local.any() and zone is not None:
            rows = np.flatnonzero(local)
            jump = bool(self.window.profile.options.get("jump_label"))
            instants, found = resolve_local(
                stamps[rows], zone, jump_ends=jump and self.window.profile.label == "END"
            )
            stamps[rows] = instants
            faults = [(int(rows[row]), code, text) for row, code, text in found]
        self.start = stamps - self._ends()
        return faults

    def misaligned(self) -> list[Fault]:
        """Return rows whose start is not a boundary of their interval length."""
        off = self.start % (self.minutes * 60) != 0
        text = f"interval_start is not on the {self.minutes}-minute grid"
        return [(row, "R006", text) for row in np.flatnonzero(off).tolist()]

    def inexact(self) -> list[Fault]:
        """Scale to the canonical unit; return rows that would lose digits.

        Too fine a scale is rounded at the very end, over the rows that stay.
        """
        if self.is_fine:
            return []
        self.batch.value, exact = Scale(self.factor).apply(self.batch.value)
        text = f"in {self.unit} the value needs more than 6 decimals or is too large"
        return [(row, "R103", text) for row in np.flatnonzero(~exact).tolist()]

    def poisoned(self) -> list[Fault]:
        """Return rows of days in which another row failed before it came here."""
        days = {(p.stamp // DAY): p.line for p in self.window.poison if p.key == self.key}
        if not days:
            return []
        hit = np.isin(self.start // DAY, list(days))
        self.reported |= set(days)
        return [(row, "R110", "") for row in np.flatnonzero(hit).tolist()]

    def drop(self, faults: list[Fault]) -> Iterator[RowError]:
        """Report faulty rows and take the rest of their days out."""
        faults = [fault for fault in faults if self.keep[fault[0]]]
        if not faults:
            return
        days = self.start // DAY
        for row, code, text in faults:
            if text:
                yield self.error(row, code, text)
        bad = np.unique(days[[row for row, _, _ in faults]])
        hit = np.isin(days, bad) & self.keep
        self.keep &= ~hit
        rest = hit.copy()
        rest[[row for row, _, text in faults if text]] = False
        if rest.any():
            rows = np.flatnonzero(rest)
            text = f"{len(rows)} other rows of the same day are left out with the faulty one"
            yield self.error(int(rows[0]), "R110", text, int(self.batch.line[rows[-1]]))

    def error(
        self, row: int, code: str, text: str, last: int = 0, severity: Severity = Severity.REJECT
    ) -> RowError:
        """Return the row error of a row."""
        line = int(self.batch.line[row])
        message = clip(f"Line {line}, {self.channel}: {text}.")
        return RowError(line, "", code, message, self.channel, "", last or line, severity)

    def duplicates(self) -> Iterator[RowError]:
        """Leave one row per start."""
        rows = np.flatnonzero(self.keep)
        order = rows[np.argsort(self.start[rows], kind="stable")]
        starts = self.start[order]
        same = np.flatnonzero(starts[1:] == starts[:-1])
        if not len(same):
            return
        groups = np.split(same, np.flatnonzero(np.diff(same) != 1) + 1)
        faults: list[Fault] = []
        for group in groups:
            copies = order[group[0] : group[-1] + 2]
            yield from self._copies(copies, faults)
        yield from self.drop(faults)

    def _copies(self, copies: np.ndarray, faults: list[Fault]) -> Iterator[RowError]:
        value = self.batch.value
        present = copies[value[copies] != MISSING]
        if len(present) == 0:
            present = copies[:1]
        kinds = self.window.kinds
        distinct = {
            (int(value[row]), kinds[int(self.batch.kind[row])].status) for row in present.tolist()
        }
        lines = ", ".join(str(self.batch.line[row]) for row in copies[:5])
        moment = f"{at_second(self.start[copies[0]]):%Y-%m-%dT%H:%MZ}"
        policy = self.window.profile.on_duplicate
        if len(distinct) > 1 and policy == Duplicate.REFUSE:
            text = f"lines {lines} give {moment} different values; send one"
            faults += [(row, "R301", text) for row in copies.tolist()]
            return
        chosen = present[-1] if policy == Duplicate.LAST and len(distinct) > 1 else present[0]
        self.keep[copies] = False
        self.keep[chosen] = True
        which = f"the {policy} is taken" if len(distinct) > 1 else "one is taken"
        text = f"lines {lines} all give {moment}; {which}"
        yield self.error(int(copies[1]), "W301", text, severity=Severity.WARN)

    def blocks(self) -> Iterator[Item]:
        """Yield consecutive rows as blocks."""
        rows = np.flatnonzero(self.keep)
        starts = self.start[rows]
        if (starts[1:] < starts[:-1]).any():
            rows = rows[np.argsort(starts, kind="stable")]
            starts = self.start[rows]
        step = self.minutes * 60
        cuts = np.flatnonzero(np.diff(starts) != step) + 1
        for part in np.split(rows, cuts):
            if len(part):
                yield from self._claimed(part)

    def _claimed(self, rows: np.ndarray) -> Iterator[Item]:
        first = int(self.start[rows[0]]) // 60
        end = int(self.start[rows[-1]]) // 60 + self.minutes
        claims = self.window.claims
        taken = claims.overlap(self.channel, first, end)
        if taken is None:
            claims.add(self.channel, first, end)
            yield self._block(rows)
            return
        minute = self.start[rows] // 60
        repeated = (minute < taken[1]) & (minute + self.minutes > taken[0])
        at = np.flatnonzero(repeated)
        text = (
            f"{len(at)} intervals from {at_second(self.start[rows[at[0]]]):%Y-%m-%dT%H:%MZ} on "
            "came already earlier in the file; send them once"
        )
        yield self.error(int(rows[at[0]]), "R301", text, int(self.batch.line[rows[at[-1]]]))
        for part in (rows[: at[0]], rows[at[-1] + 1 :]):
            if len(part):
                yield from self._claimed(part)

    def _rounded(self, rows: np.ndarray) -> np.ndarray:
        """Return 10^-6 units whose total, over all blocks of the channel, is off by half a unit."""
        values = self.batch.value[rows]
        before = self.window.taken.get(self.key, 0)
        self.window.taken[self.key] = before + total(values)
        return cumulative_steps(values, self.factor, before)

    def _block(self, rows: np.ndarray) -> ChannelBlock:
        kinds = self.window.kinds
        used, inverse = np.unique(self.batch.kind[rows], return_inverse=True)
        status = np.array([kinds[k].status for k in used.tolist()], dtype=np.uint8)[inverse]
        method = np.array([kinds[k].method for k in used.tolist()], dtype=np.uint8)[inverse]
        values = self._rounded(rows) if self.is_fine else self.batch.value[rows]
        status[values == MISSING] = int(Status.MISSING)
        method[values == MISSING] = int(Method.NONE)
        flags: list[tuple[int, int, str, dict[str, str]]] = []
        for at, kind in enumerate(used.tolist()):
            for name, detail in kinds[kind].flags:
                hit = np.flatnonzero(inverse == at)
                for run in np.split(hit, np.flatnonzero(np.diff(hit) != 1) + 1):
                    flags.append((int(run[0]), int(run[-1]) + 1, name, dict(detail)))
        return ChannelBlock(
            self.channel, self.unit, self.minutes, at_second(int(self.start[rows[0]])), values,
            status, method, self.batch.line[rows], sorted(flags, key=lambda flag: flag[:3]),
            multiplier=self.multiplier,
        )  # fmt: skip
