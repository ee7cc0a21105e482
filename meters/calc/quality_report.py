"""The quality of a campus month, from plain rows: what arrived, what was made, what people did.

Shares of intervals are exact fractions. Shares of energy count what has a value; the energy of a
missing interval is unknown and never taken as zero, so a channel with one has no share of energy.
Ages are counted to the instant at which the report is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from statistics import median

from meters.calc.availability import Minutes, Outage, outage_minutes

#: Letters of quality in order, and their names.
LETTERS = {
    "A": "Measured",
    "S": "Substituted",
    "E": "Estimated",
    "M": "Edited",
    "?": "Not validated",
    "X": "Missing",
}
#: Upper ends of the classes of age, in days, and their names.
AGES = ((1, "under 1 day"), (7, "1 to 7 days"), (30, "7 to 30 days"), (None, "over 30 days"))


@dataclass(frozen=True)
class Header:
    """Which month of which campus, and when the report was made."""

    campus: str
    name: str
    zone: str
    label: str
    start_utc: datetime
    end_utc: datetime
    made_at: datetime


@dataclass(frozen=True)
class ChannelRow:
    """A channel in the month: intervals and energy by quality letter, and by method of estimate.

    `energy` is in the channel's unit; the letter X has none. `received` counts raw intervals; a
    computed channel receives none, and has None. `is_balance` marks the main energy channels that
    totals are made of; `is_energy` those whose readings may be added up at all.
    """

    code: str
    unit: str
    received: int | None
    counts: Mapping[str, int]
    energy: Mapping[str, Decimal]
    methods: Mapping[str, tuple[int, Decimal]] = field(default_factory=dict)
    is_balance: bool = True
    is_energy: bool = True

    @property
    def expected(self) -> int:
        """Intervals that the month has."""
        return sum(self.counts.values())

    @property
    def received_ratio(self) -> Fraction | None:
        """Return the share of intervals that arrived."""
        return None if self.received is None else ratio(self.received, self.expected)

    def share(self, letter: str) -> Fraction | None:
        """Return the share of intervals of a letter."""
        return ratio(self.counts.get(letter, 0), self.expected)

    @property
    def total(self) -> Decimal:
        """Return the energy of the intervals that have a value."""
        return sum(self.energy.values(), Decimal(0))

    def energy_share(self, letter: str) -> Fraction | None:
        """Return the share of energy of a letter; None when an interval is missing."""
        if self.counts.get("X", 0):
            return None
        return ratio(self.energy.get(letter, Decimal(0)), self.total)


@dataclass(frozen=True)
class FindingRow:
    """A finding that touches the month."""

    rule_code: str
    title: str
    state: str
    created_at: datetime
    decided_at: datetime | None


@dataclass(frozen=True)
class EditRow:
    """An edit of readings of the month; `change` is after less before, in `unit`."""

    actor: str
    approver: str
    reason: str
    change: Decimal | None
    unit: str


@dataclass(frozen=True)
class LateRow:
    """A late channel: its local days past its grace that lack intervals, and the oldest of them."""

    code: str
    grace_hours: int
    days: int
    missing: int
    oldest: date
    hours_late: int


@dataclass(frozen=True)
class FinalRow:
    """The local days of a channel: minutes from their end to their first billable version."""

    code: str
    minutes: Sequence[int | None]


@dataclass(frozen=True)
class OutageRow:
    """An interruption of a delivery point, cut to the month."""

    point: str
    outage: Outage

    @property
    def minutes(self) -> Decimal:
        """Return how long it lasted."""
        return outage_minutes([self.outage], self.outage.start_utc, self.outage.end_utc).total


@dataclass(frozen=True)
class FindingLine:
    """Findings of one rule in one state: how many of each class of age, in the order of AGES."""

    rule_code: str
    title: str
    state: str
    by_age: tuple[int, ...]

    @property
    def count(self) -> int:
        """Return all of them."""
        return sum(self.by_age)


@dataclass(frozen=True)
class EditLine:
    """Edits of one person for one reason."""

    actor: str
    reason: str
    unit: str
    count: int
    confirmed: int
    change: Decimal | None


@dataclass(frozen=True)
class MethodLine:
    """Estimates by one method in one unit."""

    method: str
    unit: str
    channels: int
    intervals: int
    energy: Decimal


@dataclass(frozen=True)
class FinalLine:
    """How long the days of a channel took to become billable; hours."""

    code: str
    days: int
    waiting: int
    median_hours: Decimal | None
    longest_hours: Decimal | None


@dataclass(frozen=True)
class OutageLine:
    """The interruptions of one point in the month."""

    point: str
    count: int
    minutes: Minutes


@dataclass(frozen=True)
class QualityReport:
    """The report; `total` is the sum of the channels of the balance."""

    header: Header
    channels: tuple[ChannelRow, ...]
    total: ChannelRow
    findings: tuple[FindingLine, ...]
    edits: tuple[EditLine, ...]
    methods: tuple[MethodLine, ...]
    late: tuple[LateRow, ...]
    finals: tuple[FinalLine, ...]
    outages: tuple[OutageLine, ...]


def ratio(part: Decimal | int, whole: Decimal | int) -> Fraction | None:
    """Return part / whole, None of nothing.

    >>> ratio(1, 4), ratio(1, 0)
    (Fraction(1, 4), None)
    """
    return Fraction(part) / Fraction(whole) if whole else None


def build_report(
    header: Header,
    *,
    channels: Iterable[ChannelRow],
    findings: Iterable[FindingRow] = (),
    edits: Iterable[EditRow] = (),
    late: Iterable[LateRow] = (),
    finals: Iterable[FinalRow] = (),
    outages: Iterable[OutageRow] = (),
) -> QualityReport:
    """Return the report of plain rows; the order of the rows does not matter."""
    rows = sorted(channels, key=lambda row: row.code)
    return QualityReport(
        header=header,
        channels=tuple(rows),
        total=_total([row for row in rows if row.is_balance]),
        findings=_findings(findings, header.made_at),
        edits=_edits(edits),
        methods=_methods(rows),
        late=tuple(sorted(late, key=lambda row: (row.oldest, row.code))),
        finals=tuple(_final(row) for row in sorted(finals, key=lambda row: row.code)),
        outages=_outages(outages, header),
    )


def _total(rows: Sequence[ChannelRow]) -> ChannelRow:
    return ChannelRow(
        "All channels of the balance",
        "kWh",
        sum(row.received or 0 for row in rows),
        {name: sum(row.counts.get(name, 0) for row in rows) for name in LETTERS},
        {
            name: sum((row.energy.get(name, Decimal(0)) for row in rows), Decimal(0))
            for name in LETTERS
        },
    )


def _findings(rows: Iterable[FindingRow], made_at: datetime) -> tuple[FindingLine, ...]:
    counted: dict[tuple[str, str, str], list[int]] = {}
    for row in rows:
        key = (row.rule_code, row.title, row.state)
        ages = counted.setdefault(key, [0] * len(AGES))
        ages[age_class((row.decided_at or made_at) - row.created_at)] += 1
    return tuple(FindingLine(*key, tuple(ages)) for key, ages in sorted(counted.items()))


def age_class(age: timedelta) -> int:
    """Return the class of an age; a class begins where the one before ends.

    >>> age_class(timedelta(hours=23)), age_class(timedelta(days=1)), age_class(timedelta(days=30))
    (0, 1, 3)
    """
    for at, (days, _name) in enumerate(AGES):
        if days is not None and age < timedelta(days=days):
            return at
    return len(AGES) - 1


def _edits(rows: Iterable[EditRow]) -> tuple[EditLine, ...]:
    grouped: dict[tuple[str, str, str], list[EditRow]] = {}
    for row in rows:
        grouped.setdefault((row.actor, row.reason, row.unit), []).append(row)
    return tuple(
        EditLine(
            *key,
            len(made),
            sum(bool(row.approver) for row in made),
            None
            if any(row.change is None for row in made)
            else sum((row.change for row in made if row.change is not None), Decimal(0)),
        )
        for key, made in sorted(grouped.items())
    )


def _methods(rows: Iterable[ChannelRow]) -> tuple[MethodLine, ...]:
    grouped: dict[tuple[str, str], list[tuple[int, Decimal]]] = {}
    for row in rows:
        for method, made in row.methods.items():
            grouped.setdefault((method, row.unit), []).append(made)
    return tuple(
        MethodLine(
            *key,
            len(made),
            sum(count for count, _energy in made),
            sum((energy for _count, energy in made), Decimal(0)),
        )
        for key, made in sorted(grouped.items())
    )


def _final(row: FinalRow) -> FinalLine:
    known = [Fraction(minutes, 60) for minutes in row.minutes if minutes is not None]
    return FinalLine(
        row.code,
        len(row.minutes),
        len(row.minutes) - len(known),
        _decimal(median(known)) if known else None,
        _decimal(max(known)) if known else None,
    )


def _decimal(hours: Fraction) -> Decimal:
    return Decimal(hours.numerator) / Decimal(hours.denominator)


def _outages(rows: Iterable[OutageRow], header: Header) -> tuple[OutageLine, ...]:
    grouped: dict[str, list[Outage]] = {}
    for row in rows:
        grouped.setdefault(row.point, []).append(row.outage)
    return tuple(
        OutageLine(point, len(made), outage_minutes(made, header.start_utc, header.end_utc))
        for point, made in sorted(grouped.items())
    )
