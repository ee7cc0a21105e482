"""Revised and late prices: which runs rest on other prices than the newest ones."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import numpy as np

from contracts.calc.price_versions import series_code
from contracts.models import IndexSeries
from contracts.queries import prices_for
from poweroptix.kernel.period import Period
from poweroptix.kernel.price_series import PriceSeries
from settlement.models import Correction, SettlementRun
from settlement.queries.resolver import StoredResolver
from settlement.services.corrections import FLAGGED

#: Runs read prices of days before their period where a term names a ladder or a gas day.
REACH = timedelta(days=70)


def flag_prices(
    series: IndexSeries, first_utc: datetime, last_utc: datetime, now: datetime
) -> list[str]:
    """Note for every run that read prices of a series how many of them differ now.

    Listens to publications of prices, in their transaction. Prices that went back to what a run
    read take its flag away; a publication that only says "final" of equal prices flags nothing.
    Returns the approved runs in sentences.
    """
    runs = SettlementRun.objects.filter(
        state__in=FLAGGED, start_utc__lt=last_utc + REACH, end_utc__gt=first_utc - REACH
    )
    told = []
    for run in runs.select_related("contract").order_by("period", "contract__code", "version"):
        pairs = _prices(run, series.code)
        if not pairs:
            continue
        count = _note(run, series.code, pairs, now)
        if count and run.is_settled:
            told.append(
                f"{run.contract.code} {run.period} v{run.version} is approved with other prices: "
                "a correction waits."
            )
    return told


def _prices(run: SettlementRun, code: str) -> list[tuple[PriceSeries, PriceSeries]]:
    """Return the prices that a run read of a series and the same ones now, under each name."""
    content = bytes(run.inputs)
    if code.encode() not in content:
        return []
    period = Period(run.start_utc, run.end_utc, run.contract.zone, run.period)
    pairs = []
    for name, entry in json.loads(content)["prices"].items():
        if series_code(name) == code and "ref" in entry:
            reach = {name: entry["ref"].get("days_before", 0)}
            found, _ = prices_for([name], period, days_before=reach)
            pairs.append((StoredResolver(period).prices(name, entry["ref"]), found[name]))
    return pairs


def _note(
    run: SettlementRun, code: str, pairs: list[tuple[PriceSeries, PriceSeries]], now: datetime
) -> int:
    """Write, rewrite or take away the correction of a run; return how many prices differ."""
    differs = [
        (after.grid.start_of(at), after.grid.start_of(at + 1))
        for before, after in pairs
        for at in np.flatnonzero(before.values != after.values).tolist()
    ]
    if not differs:
        Correction.objects.filter(run=run, series=code).delete()
        return 0
    Correction.objects.update_or_create(
        run=run,
        channel_id=None,
        series=code,
        defaults={
            "tenant_id": run.tenant_id,
            "scope": Correction.Scope.PRICE,
            "start_utc": min(start for start, _ in differs),
            "end_utc": max(end for _, end in differs),
            "interval_count": len(set(differs)),
            "created_at": now,
        },
    )
    return len(set(differs))
