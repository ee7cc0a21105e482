"""The energy behind a line: its own days and intervals, and what one interval consists of.

Own meters + share of shared points + share of losses = settled, for each interval. Where a line
prices every interval, all of it or a share with or without losses, the priced kWh of its own
intervals add up to the quantity of its worksheet (`is_sum`). Where sources are told apart, they
add up to the settled kWh; a line that prices one source settles that part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from poweroptix.kernel.exact import total as exact_total
from poweroptix.kernel.fixed import MISSING, from_micro
from poweroptix.kernel.period import Period
from poweroptix.kernel.quality import Status, letter
from poweroptix.kernel.series import Series
from settlement.calc.inputs import from_bytes
from settlement.calc.own_intervals import Priced, PricedLine, own_intervals, total
from settlement.models import AllocationPart, Line, SettlementRun
from settlement.queries.resolver import StoredResolver
from settlement.queries.shelf import OF_SOURCE
from settlement.storage import read_parts

KINDS = ("METERED", "SHARED", "LOSS", "TOTAL")
WORDS = {
    "METERED": "own meters",
    "SHARED": "share of shared points",
    "LOSS": "share of losses",
    "TOTAL": "settled",
}
Key = tuple[str, str]


class LineEnergy:
    """The parts of an allocation that a line rests on, cut to the line's own intervals."""

    def __init__(
        self, line: Line, period: Period, quantity_name: str, bound: Series | None = None
    ) -> None:
        """Read the parts and the frozen inputs; a handful of queries, whatever the month.

        A line on a further quantity of the contract, `bound`, rests on that alone.
        """
        self.run: SettlementRun = line.run
        self.period = period
        rows = (
            {(self.run.contract_id, "TOTAL", ""): (bound, "")}
            if bound is not None
            else read_parts(
                self.run.allocation_run_id,
                contract_ids=[self.run.contract_id],
                kinds=(*KINDS, "SOURCE"),
            )
        )
        self.sources: dict[str, Series] = {
            pool: series
            for (_, kind, pool), (series, _) in sorted(rows.items())
            if kind == "SOURCE"
        }
        found = {key: series for key, (series, _) in rows.items() if key[1] != "SOURCE"}
        self.parts: dict[Key, Series] = {
            (kind, pool): series for (_, kind, pool), series in sorted(found.items(), key=_order)
        }
        source = quantity_name.removeprefix(OF_SOURCE)
        self.priced_source = source if source != quantity_name else ""
        inputs = from_bytes(bytes(self.run.inputs), StoredResolver(period))
        self.allocation = dict(inputs.allocation)
        self.priced: Priced | None = own_intervals(inputs, PricedLine.of(line), quantity_name)

    def document(self) -> dict[str, Any]:
        """Return days, count and exact sum of the line's own intervals; no days for a fee.

        `allocation` is what the run froze of its allocation: its key, version and digest.
        """
        if self.priced is None or ("TOTAL", "") not in self.parts:
            return {
                "days": [],
                "interval_count": 0,
                "sum_kwh": None,
                "allocation": self.allocation,
            }
        return {
            "allocation": self.allocation,
            "sources": list(self.sources),
            "priced_source": self.priced_source,
            "days": self._days(self.priced),
            "price_unit": self.priced.column.unit if self.priced.column else "",
            "interval_count": self.priced.count,
            "sum_kwh": total(self.priced.series, self.priced.chosen),
            "priced_kwh": self.priced.total_kwh,
            "priced_said": self.priced.said,
            "is_sum": self.priced.is_sum,
        }

    def _days(self, own: Priced) -> list[dict[str, Any]]:
        days = []
        for day in self.period.days():
            bounds = self.period.day_bounds(day)
            first, part, chosen = own.cut(*bounds)
            if chosen.any():
                days.append(
                    {"day": day, **self._sums(bounds, chosen), "total_kwh": total(part, chosen),
                     "priced_kwh": own.kwh_of(first, chosen),
                     "by_source": [
                         (code, total(one, chosen))
                         for code, one in self._cut_sources(*bounds)
                     ],
                     **_quality(part, chosen)}
                )  # fmt: skip
        return days

    def _cut_sources(self, start: datetime, end: datetime) -> list[tuple[str, Series]]:
        """Return what each source gave in a range, at the length of the settled intervals."""
        minutes = self.parts["TOTAL", ""].grid.minutes
        return [
            (code, one.slice(start, end).to_minutes(minutes)) for code, one in self.sources.items()
        ]

    def _sums(self, bounds: tuple[datetime, datetime], chosen: np.ndarray) -> dict[str, Decimal]:
        """Return the kWh of own meters, shared points, losses and delivered in these intervals."""
        sums: dict[str, Decimal] = {}
        for (kind, _pool), series in self._cut(*bounds).items():
            name = f"{kind.lower()}_kwh" if kind != "TOTAL" else "delivered_kwh"
            sums[name] = sums.get(name, Decimal(0)) + total(series, chosen)
        return sums

    def _cut(self, start: datetime, end: datetime) -> dict[Key, Series]:
        """Return every part of a range at the length of the settled intervals."""
        minutes = self.parts["TOTAL", ""].grid.minutes
        return {key: one.slice(start, end).to_minutes(minutes) for key, one in self.parts.items()}

    def intervals(
        self, day: date | None = None, places: slice = slice(None)
    ) -> list[dict[str, Any]]:
        """Return the line's own intervals of a local day, or of all days; `places` cuts them.

        Where the charge prices intervals each has its price, and the exact product where the line
        is the sum of these.
        """
        own = self.priced
        if own is None or ("TOTAL", "") not in self.parts:
            return []
        whole = self.period.start_utc, self.period.end_utc
        bounds = self.period.day_bounds(day) if day else whole
        first, part, chosen = own.cut(*bounds)
        cut, sources = self._cut(*bounds), self._cut_sources(*bounds)
        return [
            {
                "start_utc": part.grid.start_of(at),
                "end_utc": part.grid.start_of(at + 1),
                "period": own.part_name(first + at),
                **_by_kind(cut, at),
                "settled_kwh": _value(part, at),
                **_priced(own, first + at),
                "by_source": [(code, _value(one, at)) for code, one in sources],
                "letter": letter(int(part.status[at])),
            }
            for at in np.flatnonzero(chosen)[places].tolist()
        ]

    def interval(self, instant: datetime) -> dict[str, Any]:
        """Return one interval with each part, its rule and the whole of its pool; two queries."""
        grid = self.parts["TOTAL", ""].grid
        index = grid.index_of(instant)
        start = grid.start_of(index)
        bounds = start, start + timedelta(minutes=grid.minutes)
        cut = self._cut(*bounds)
        own = self.priced
        return {
            "start_utc": start,
            "end_utc": bounds[1],
            "period": own.part_name(index) if own else "",
            "is_own": bool(own and own.chosen[index]),
            "priced_kwh": own.kwh_at(index) if own and own.chosen[index] else None,
            **_by_kind(cut, 0),
            "settled_kwh": _value(own.cut(*bounds)[1], 0) if own else None,
            "letter": letter(int(cut["TOTAL", ""].status[0])),
            "parts": self._parts(cut, bounds),
            "by_source": [(code, _value(one, 0)) for code, one in self._cut_sources(*bounds)],
        }

    def _parts(
        self, cut: Mapping[Key, Series], bounds: tuple[datetime, datetime]
    ) -> list[dict[str, Any]]:
        sheets = {
            (kind, pool): sheet
            for kind, pool, sheet in AllocationPart.objects.filter(
                run=self.run.allocation_run_id, contract=self.run.contract_id,
                kind__in=("SHARED", "LOSS"),
            ).values_list("kind", "pool_code", "worksheet")
        }  # fmt: skip
        wholes = {
            pool: series
            for (_, _, pool), (series, _) in read_parts(
                self.run.allocation_run_id, kinds=("WHOLE",), pools={pool for _, pool in cut}
            ).items()
        }
        return [
            {
                "kind": kind,
                "words": WORDS[kind],
                "pool": pool,
                "kwh": _value(series, 0),
                "letter": letter(int(series.status[0])),
                "rule": sheets.get((kind, pool), {}).get("title", ""),
                "whole_kwh": _whole(wholes[pool], bounds) if pool in wholes else None,
            }
            for (kind, pool), series in cut.items()
        ]


def _order(item: tuple[tuple[int | None, str, str], Any]) -> tuple[int, str]:
    """Return the order of the sum: own meters, shared points, losses, then what is settled."""
    (_, kind, pool), _ = item
    return KINDS.index(kind), pool


def _by_kind(cut: Mapping[Key, Series], at: int) -> dict[str, Decimal | None]:
    """Return the kWh of one interval by kind; pools of a kind are added, missing stays missing."""
    found: dict[str, Decimal | None] = {}
    for (kind, _pool), series in cut.items():
        name, value = f"{kind.lower()}_kwh", int(series.values[at])
        before = found.get(name, Decimal(0))
        known = value != MISSING and before is not None
        found[name] = before + from_micro(value) if known else None
    return found


def _priced(own: Priced, at: int) -> dict[str, Decimal | None]:
    """Return the energy that is priced, its price and their product; empty where none is."""
    kwh = own.kwh_at(at)
    if own.column is None:
        return {"priced_kwh": kwh, "price": None, "exact_usd": None}
    exact_usd = own.column.exact_usd(at, kwh)
    return {"priced_kwh": kwh, "price": own.column.price_at(at), "exact_usd": exact_usd}


def _value(series: Series, at: int) -> Decimal | None:
    value = int(series.values[at])
    return None if value == MISSING else from_micro(value)


def _whole(series: Series, bounds: tuple[datetime, datetime]) -> Decimal | None:
    """Return the kWh of a whole pool in an interval; None where it is unknown or coarser."""
    start, end = bounds
    if (end - start) < timedelta(minutes=series.grid.minutes):
        return None
    part = series.slice(start, end)
    return None if part.missing_count else from_micro(exact_total(part.values))


def _quality(part: Series, chosen: np.ndarray) -> dict[str, Any]:
    """Return how many of the chosen intervals there are, lack a value or are estimated."""
    status = part.status[chosen]
    return {
        "interval_count": int(chosen.sum()),
        "missing_count": int((part.missing & chosen).sum()),
        "estimated_count": int(np.count_nonzero(status == int(Status.ESTIMATED))),
        "letter": letter(int(status.max())),
    }
