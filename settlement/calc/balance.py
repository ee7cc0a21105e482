"""The energy balance of a campus: what came in, what went out, and the residual between them.

Sources: generation net of its auxiliaries, import, discharge. Sinks: tenants, house load, charging,
export. The residual (sources - sinks) is what the campus lost, or, negative, what the meters
show too much; a LOSS pool shares it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import MISSING, from_micro
from poweroptix.kernel.period import Period
from poweroptix.kernel.series import Series

INTERVAL_TOLERANCE_RATIO = Decimal("0.05")


@dataclass(frozen=True)
class DayBalance:
    """One local day of the balance, in kWh; `residual_ratio` is the residual over the sources."""

    day: date
    sources_kwh: Decimal
    sinks_kwh: Decimal
    residual_kwh: Decimal
    residual_ratio: Decimal | None
    within: bool
    missing_count: int

    def to_json(self) -> dict:
        """Return the day as JSON with numbers as text."""
        ratio = self.residual_ratio
        return {
            "day": self.day.isoformat(),
            "sources_kwh": format(self.sources_kwh, "f"),
            "sinks_kwh": format(self.sinks_kwh, "f"),
            "residual_kwh": format(self.residual_kwh, "f"),
            "residual_ratio": None if ratio is None else format(ratio, ".6f"),
            "within": self.within,
            "missing_count": self.missing_count,
        }


@dataclass(frozen=True)
class Balance:
    """The balance of a period: its residual per interval, its days, and what is wrong with it."""

    residual: Series
    days: tuple[DayBalance, ...]
    findings: tuple[Finding, ...]


def coarsest(series: Mapping[str, Series]) -> int:
    """Return the longest interval length among the series, in minutes (decision 2)."""
    return max(one.grid.minutes for one in series.values())


def sum_of(series: list[Series], minutes: int) -> Series:
    """Add series after bringing them to `minutes`; missing in one is missing in the sum."""
    if not series:
        raise Refused("balance.nothing", "There is nothing to add up.")
    total = series[0].to_minutes(minutes)
    for one in series[1:]:
        total = total.add(one.to_minutes(minutes))
    return total


def campus_balance(
    sources: Mapping[str, Series],
    sinks: Mapping[str, Series],
    period: Period,
    *,
    low_ratio: Decimal,
    high_ratio: Decimal,
) -> Balance:
    """Compare sources with sinks, per interval and per local day.

    A day outside `low_ratio`...`high_ratio` of its sources gives a blocking finding
    ("balance.day"); intervals outside 5 % are counted in a warning ("balance.interval"). Days with
    missing readings are named, not judged.
    """
    minutes = coarsest({**sources, **sinks})
    inflow = sum_of(list(sources.values()), minutes)
    outflow = sum_of(list(sinks.values()), minutes) if sinks else _zeros(inflow)
    residual = inflow.subtract(outflow)
    days = tuple(
        _day(day, period, inflow, outflow, residual, (low_ratio, high_ratio))
        for day in period.days()
    )
    findings = [_day_finding(one, low_ratio, high_ratio) for one in days if not one.within]
    rough = _rough_intervals(inflow, residual)
    if rough:
        text = f"In {rough} intervals the residual is above 5 % of the campus sources."
        findings.append(Finding("balance.interval", text, Severity.WARN, metric=Decimal(rough)))
    return Balance(residual, days, tuple(findings))


def _zeros(like: Series) -> Series:
    return Series(like.grid, np.zeros_like(like.values), like.status.copy(), like.unit)


def _day(
    day: date,
    period: Period,
    inflow: Series,
    outflow: Series,
    residual: Series,
    band: tuple[Decimal, Decimal],
) -> DayBalance:
    start, end = period.day_bounds(day)
    gap = residual.slice(start, end)
    missing = gap.missing_count
    came, went = inflow.slice(start, end), outflow.slice(start, end)
    came_kwh, went_kwh = came.total_present(), went.total_present()
    rest = gap.total_present()
    ratio = rest / came_kwh if came_kwh else None
    within = bool(missing) or _within(rest, ratio, band)
    return DayBalance(day, came_kwh, went_kwh, rest, ratio, within, missing)


def _within(rest: Decimal, ratio: Decimal | None, band: tuple[Decimal, Decimal]) -> bool:
    if ratio is None:
        return rest == 0
    return band[0] <= ratio <= band[1]


def _day_finding(day: DayBalance, low: Decimal, high: Decimal) -> Finding:
    share = "no source" if day.residual_ratio is None else f"{day.residual_ratio * 100:.3f} %"
    text = (
        f"{day.day}: sources {day.sources_kwh:f} kWh, sinks {day.sinks_kwh:f} kWh, residual "
        f"{day.residual_kwh:f} kWh ({share}); allowed is {low * 100:f} % to {high * 100:f} %."
    )
    return Finding(
        "balance.day",
        text,
        Severity.BLOCK,
        where=day.day.isoformat(),
        metric=day.residual_ratio,
        threshold=low if day.residual_kwh < 0 else high,
        fix="Look for a meter that stands still or counts twice on this day.",
    )


def _rough_intervals(inflow: Series, residual: Series) -> int:
    present = (inflow.values != MISSING) & (residual.values != MISSING)
    rest, came = np.abs(residual.values[present]), np.abs(inflow.values[present])
    limit = int(1 / INTERVAL_TOLERANCE_RATIO)
    return int((rest > came // limit).sum())


def residual_kwh(balance: Balance) -> Decimal:
    """Return the residual of the whole period in kWh, of the intervals that are known."""
    present = balance.residual.values[balance.residual.values != MISSING]
    return from_micro(int(present.sum(dtype=np.int64)))
