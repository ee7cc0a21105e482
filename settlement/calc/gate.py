"""Ready to settle? Each answer is a finding with the key of the page that mends it.

Link keys (`data["link"]`): meters.completeness, meters.findings, meters.quarantine,
contracts.index, contracts.version, settlement.allocation, settlement.run.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from contracts.calc.price_versions import series_code
from contracts.charges import Needs
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.period import Period
from poweroptix.kernel.price_series import PriceSeries
from poweroptix.kernel.quality import BILLABLE, is_one_of
from poweroptix.kernel.series import Series
from poweroptix.kernel.words import counted

#: Records in quarantine that one finding names.
HELD_SHOWN = 6
NOTHING = Needs()


def linked(
    code: str,
    message: str,
    link: str,
    severity: Severity = Severity.BLOCK,
    *,
    fix: str = "",
    metric: Decimal | None = None,
    **params: Any,
) -> Finding:
    """Return a finding with the link to what mends it."""
    return Finding(
        code, message, severity, metric=metric, fix=fix, data={"link": link, "params": params}
    )


def judge_series(
    name: str, series: Series, period: Period, channels: Collection[int]
) -> list[Finding]:
    """Judge a quantity: every interval of the local month there, and of a billable quality."""
    findings = []
    expected = int(period.hours * 60 / series.grid.minutes)
    if series.grid.count != expected or series.grid.start_utc != period.start_utc:
        text = (
            f"{name}: {series.grid.count} intervals instead of {expected} in {period.label} "
            f"({period.hours:f} hours)."
        )
        findings.append(linked("settlement.interval_count", text, "settlement.allocation"))
    if series.missing_count:
        first = series.grid.start_of(int(series.missing.argmax()))
        text = (
            f"{name}: {series.missing_count} of {series.grid.count} intervals have no reading, "
            f"the first at {first:%Y-%m-%d %H:%M} UTC."
        )
        findings.append(
            linked(
                "settlement.readings_missing",
                text,
                "meters.completeness",
                metric=Decimal(series.missing_count),
                fix="Bring in the readings or estimate them.",
                channels=sorted(channels),
                period=period.label,
            )
        )
    doubtful = int((~is_one_of(series.status, BILLABLE) & ~series.missing).sum())
    if doubtful:
        text = f"{name}: {doubtful} intervals are not validated."
        findings.append(
            linked(
                "settlement.readings_unvalidated",
                text,
                "meters.findings",
                metric=Decimal(doubtful),
                fix="Validate the days or decide the open findings.",
                channels=sorted(channels),
                period=period.label,
            )
        )
    return findings


def judge_prices(
    prices: Mapping[str, PriceSeries], period: Period, needs: Needs = NOTHING
) -> list[Finding]:
    """Judge prices: published for every interval of the period, and final.

    Gaps of those that the terms help themselves with are left to the terms, and so is all that
    only stands by for them.
    """
    findings = []
    for name, series in sorted(prices.items()):
        if name in needs.standby:
            continue
        code, missing = series_code(name), _missing(series, period)
        if name in needs.helped:
            missing = 0
        if missing:
            text = f"{code}: {missing} of {series.grid.count} prices are not published."
            code_of, fix = "settlement.price_missing", "Publish the missing prices."
        elif not series.final:
            text = f"{code}: the prices are {series.vintage or 'provisional'}, not final."
            code_of, fix = "settlement.price_not_final", "Publish the final prices."
        else:
            continue
        findings.append(
            linked(
                code_of,
                text,
                "contracts.index",
                metric=Decimal(missing),
                fix=fix,
                series=code,
                period=period.label,
            )
        )
    return findings


def _missing(series: PriceSeries, period: Period) -> int:
    """Return how many prices of the period, not of the days before it, are not published."""
    step = timedelta(minutes=series.grid.minutes)
    first = max(0, (period.start_utc - series.grid.start_utc) // step)
    return int((series.values[first:] == MISSING).sum())


def judge_open(count: int, worst: str, channels: Collection[int], period: Period) -> list[Finding]:
    """Judge findings of validation that nobody has decided yet."""
    if not count:
        return []
    are = "is" if count == 1 else "are"
    text = f"{counted(count, 'finding')} of validation {are} open, the first: {worst}"
    return [
        linked(
            "settlement.findings_open",
            text,
            "meters.findings",
            metric=Decimal(count),
            fix="Accept, estimate or edit the readings.",
            channels=sorted(channels),
            period=period.label,
        )
    ]


def judge_warned(
    messages: Sequence[str], channels: Collection[int], period: Period
) -> list[Finding]:
    """Tell what the checks of the month warn of; a person looks at it, nothing waits for that."""
    if not messages:
        return []
    text = f"{counted(len(messages), 'warning')} about the month, the first: {messages[0]}"
    return [
        linked(
            "settlement.month_warned",
            text,
            "meters.findings",
            Severity.WARN,
            metric=Decimal(len(messages)),
            fix="Look at it before the bill goes out.",
            channels=sorted(channels),
            period=period.label,
        )
    ]


def judge_held(named: Sequence[str], text: str) -> list[Finding]:
    """Tell which records of the month wait in quarantine; `text` is the name of the first one."""
    if not named:
        return []
    shown = "; ".join(dict.fromkeys(named[:HELD_SHOWN]))
    more = f" and {len(named) - HELD_SHOWN} more" if len(named) > HELD_SHOWN else ""
    waits = "waits" if len(named) == 1 else "wait"
    return [
        linked(
            "settlement.records_held",
            f"{counted(len(named), 'record')} of the month {waits} in quarantine: {shown}{more}.",
            "meters.quarantine",
            Severity.WARN,
            metric=Decimal(len(named)),
            fix="Replay or dismiss them before the bill goes out.",
            text=text if len(set(named)) == 1 else "",
        )
    ]


def blocking(findings: list[Finding] | tuple[Finding, ...]) -> list[Finding]:
    """Return those that keep a final run from being approved."""
    return [finding for finding in findings if finding.severity is Severity.BLOCK]
