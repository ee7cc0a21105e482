"""The quality report of a campus month as tables, in the order in which an auditor asks."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from meters.calc.quality_report import AGES, LETTERS, ChannelRow, QualityReport
from meters.queries.late import DEFINITION
from meters.reports.tables import ABSENT, Column, Table, share

HEAD = ("table", "item", "measure", "value", "unit")
_LETTER_COLUMNS = tuple(Column(name, "share", "ratio") for name in LETTERS.values())


def summary(report: QualityReport) -> tuple[tuple[str, str, str], ...]:
    """Return the figures of the head: name, value, what they are of."""
    total = report.total
    made = sum(total.counts.get(name, 0) for name in "SE")
    open_count = sum(line.count for line in report.findings if line.state == "Open")
    waiting = sum(line.waiting for line in report.finals)
    return (
        (
            "Received",
            _share(total.received_ratio),
            f"{total.received:,} of {total.expected:,} intervals of the balance",
        ),
        ("Estimated", _share(_of(made, total.expected)), f"{made:,} intervals"),
        ("Edited", _share(total.share("M")), f"{total.counts.get('M', 0):,} intervals"),
        ("Missing", _share(total.share("X")), f"{total.counts.get('X', 0):,} intervals"),
        ("Open findings", f"{open_count:,}", "wait for a decision"),
        ("Days not final", f"{waiting:,}", "channel days that cannot be billed"),
    )


def tables(report: QualityReport) -> tuple[Table, ...]:
    """Return the tables of a report."""
    return (
        _completeness(report),
        _energy(report),
        _findings(report),
        _edits(report),
        _methods(report),
        _late(report),
        _finals(report),
        _outages(report),
    )


def _completeness(report: QualityReport) -> Table:
    def row(one: ChannelRow) -> tuple:
        shares = [one.share(name) for name in LETTERS]
        return (one.code, one.expected, one.received_ratio, *shares)

    return Table(
        "completeness",
        "Completeness by channel",
        (
            Column("Channel", is_key=True),
            Column("Intervals", "count", "count"),
            Column("Received", "share", "ratio"),
            *_LETTER_COLUMNS,
        ),
        tuple(row(one) for one in report.channels),
        "Shares of the intervals of the month. Received: arrived from the source, whatever its "
        "quality; a computed channel receives nothing. The other columns are the final readings "
        "and add up to 100 %.",
        "The campus has no active channel.",
        row(report.total),
    )


def _energy(report: QualityReport) -> Table:
    def row(one: ChannelRow) -> tuple:
        shares = [one.energy_share(name) for name in ("E", "S", "M")]
        return (one.code, one.unit, one.total, *shares, one.counts.get("X", 0))

    return Table(
        "energy",
        "Estimated and edited energy",
        (
            Column("Channel", is_key=True),
            Column("Unit"),
            Column("Energy with a value", "energy", "own"),
            Column("Estimated", "share", "ratio"),
            Column("Substituted", "share", "ratio"),
            Column("Edited", "share", "ratio"),
            Column("Missing intervals", "count", "count"),
        ),
        tuple(row(one) for one in report.channels if one.is_energy),
        "Shares of the energy; the last row adds sources and sinks. The energy of a missing "
        "interval is unknown: a channel with one has no share.",
        "The campus has no active channel of energy.",
        row(report.total),
    )


def _findings(report: QualityReport) -> Table:
    return Table(
        "findings",
        "Findings by rule, state and age",
        (
            Column("Rule", is_key=True),
            Column("Meaning"),
            Column("State", is_key=True),
            *(Column(name.capitalize(), "count", "count") for _days, name in AGES),
            Column("All", "count", "count"),
        ),
        tuple(
            (line.rule_code, line.title, line.state, *line.by_age, line.count)
            for line in report.findings
        ),
        "The age is the time from finding to decision, or to this report while it is open; what "
        "rules settled themselves never waited and counts as under 1 day.",
        "No rule found anything.",
    )


def _edits(report: QualityReport) -> Table:
    return Table(
        "edits",
        "Edits by person and reason",
        (
            Column("Person", is_key=True),
            Column("Reason", is_key=True),
            Column("Unit", is_key=True),
            Column("Edits", "count", "count"),
            Column("Confirmed by a second person", "count", "count"),
            Column("Change", "energy", "own"),
        ),
        tuple(
            (
                line.actor.partition(":")[2] or line.actor,
                line.reason,
                line.unit,
                line.count,
                line.confirmed,
                line.change,
            )
            for line in report.edits
        ),
        "The change is the total after less the total before; it is unknown when a reading was "
        "missing.",
        "Nobody edited a reading of this month.",
    )


def _methods(report: QualityReport) -> Table:
    return Table(
        "estimates",
        "Estimates by method",
        (
            Column("Method", is_key=True),
            Column("Unit", is_key=True),
            Column("Channels", "count", "count"),
            Column("Intervals", "count", "count"),
            Column("Energy", "energy", "own"),
        ),
        tuple(
            (
                line.method.replace("_", " ").capitalize(),
                line.unit,
                line.channels,
                line.intervals,
                line.energy,
            )
            for line in report.methods
        ),
        empty="No reading of this month is estimated.",
    )


def _late(report: QualityReport) -> Table:
    return Table(
        "late_channels",
        "Late channels",
        (
            Column("Channel", is_key=True),
            Column("Grace (h)", "count", "hours"),
            Column("Late days", "count", "count"),
            Column("Missing intervals", "count", "count"),
            Column("Oldest day"),
            Column("Past due (h)", "count", "hours"),
        ),
        tuple(
            (
                row.code,
                row.grace_hours,
                row.days,
                row.missing,
                row.oldest.isoformat(),
                row.hours_late,
            )
            for row in report.late
        ),
        f"{DEFINITION} Here: the days of this month, as they are at the time of the report.",
        "No local day of this month that is past its grace lacks intervals.",
    )


def _finals(report: QualityReport) -> Table:
    return Table(
        "time_to_final",
        "Time to final",
        (
            Column("Channel", is_key=True),
            Column("Days", "count", "count"),
            Column("Not final yet", "count", "count"),
            Column("Median (h)", "number", "hours"),
            Column("Longest (h)", "number", "hours"),
        ),
        tuple(
            (line.code, line.days, line.waiting, line.median_hours, line.longest_hours)
            for line in report.finals
        ),
        "Hours from the end of each local day to the first version of it of which every interval "
        "could be billed. Days that had not ended at the time of this report are not counted.",
        "The campus has no active channel.",
    )


def _outages(report: QualityReport) -> Table:
    return Table(
        "interruptions",
        "Interruptions by delivery point",
        (
            Column("Point", is_key=True),
            Column("Interruptions", "count", "count"),
            Column("Minutes", "number", "minutes"),
            Column("Planned", "number", "minutes"),
            Column("Unplanned", "number", "minutes"),
        ),
        tuple(
            (
                line.point,
                line.count,
                line.minutes.total,
                line.minutes.planned,
                line.minutes.unplanned,
            )
            for line in report.outages
        ),
        "Minutes inside the month; what overlaps counts once.",
        "No interruption is on record for this month.",
    )


def _share(ratio: Fraction | None) -> str:
    return ABSENT if ratio is None else share(ratio)


def _of(part: Decimal | int, whole: int) -> Fraction | None:
    return Fraction(part) / whole if whole else None
