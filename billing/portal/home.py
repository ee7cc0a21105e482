"""Home: this month in three cards and 31 bars, the months before, the latest invoice."""

from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
from django.shortcuts import render
from django.views import View

from billing.access import OwnChannel, contracts_of, invoices_of, usage
from billing.portal.bars import Bar, bars
from billing.portal.base import TenantPage, channels_and_end, month_label, month_of
from billing.portal.months import before, beside, change, in_words, months_of, reason
from poweroptix.kernel import exact
from poweroptix.kernel.fixed import MISSING, from_micro
from poweroptix.kernel.period import Period
from poweroptix.kernel.quality import Status, letter
from poweroptix.kernel.series import Series

#: Where energy comes from, by the letter of its quality.
ORIGINS = {
    "A": "measured",
    "S": "estimated by the source, final",
    "E": "estimated",
    "M": "edited",
    "?": "not yet checked",
}


class Home(TenantPage, View):
    """The newest month with readings; empty until there are any."""

    def get(self, request):
        """Show it."""
        contracts = contracts_of(self.tenant_id)
        channels, newest = channels_and_end(self.tenant_id)
        zone = contracts[0].zone if contracts else "UTC"
        label = month_label(newest, zone)
        standing = invoices_of(self.tenant_id).filter(state="ISSUED")
        latest = standing.order_by("-period", "-issued_at").first()
        label = label or (latest.period if latest else "")
        if not contracts or not label:
            return render(request, "portal/home.html", {"zone": zone, "contracts": contracts})
        period = month_of(None, zone, label)
        months = months_of(self.tenant_id, period, newest)
        month, previous = months[-1], before(months, months[-1])
        end = period.end_utc if newest is None else min(period.end_utc, _whole_hour(newest))
        fine = usage(channels, period.start_utc, end, _finest(channels)) if channels else None
        series = fine.to_minutes(_minutes(channels)) if fine is not None else None
        so_far, peak = _peak(series)
        context = {
            "zone": zone,
            "contracts": contracts,
            "period": period,
            "month": month,
            "previous": previous,
            "months": list(reversed(months)),
            "latest": latest,
            "so_far_kwh": so_far,
            "origins": origins(fine) if fine is not None else [],
            "peak": peak,
            "until": end if end < period.end_utc else None,
            "chart": _daily(series, period, end) if series is not None else "",
            "cost_reason": reason(month, previous) if previous else "",
            **_comparison(month, previous),
        }
        return render(request, "portal/home.html", context)


def _whole_hour(moment: datetime) -> datetime:
    """Return the end of the hour in which a reading ended, so that hours can be summed."""
    floor = moment.replace(minute=0, second=0, microsecond=0)
    return floor if floor == moment else floor + timedelta(hours=1)


def _finest(channels: list[OwnChannel]) -> int:
    """Return the length at which the readings of all channels meet."""
    return max(one.channel.minutes for one in channels)


def origins(series: Series) -> list[tuple[str, Decimal]]:
    """Return the energy of the known intervals by where it comes from, what there is of it.

    An interval to which several meters add up counts with the worst of them.
    """
    letters = np.array([letter(Status(int(code))) for code in series.status])
    found = []
    for one, words in ORIGINS.items():
        values = series.values[(letters == one) & (series.values != MISSING)]
        if values.any():
            found.append((words, from_micro(exact.total(values))))
    return found


def _minutes(channels: list[OwnChannel]) -> int:
    return max(60, *(one.channel.minutes for one in channels))


def _comparison(month, previous) -> dict[str, str]:
    if previous is None:
        return {"energy_reason": "", "carbon_reason": ""}
    energy = in_words(change(month.energy_kwh, previous.energy_kwh), "more", "less")
    carbon = in_words(change(month.kg_per_mwh, previous.kg_per_mwh), "more", "less")
    return {
        "energy_reason": beside(energy, previous),
        "carbon_reason": beside(carbon, previous, " per MWh"),
    }


def _peak(series: Series | None) -> tuple[Decimal | None, tuple[Decimal, datetime] | None]:
    """Return the energy so far and its highest average power with the moment."""
    if series is None or series.missing_count == series.grid.count:
        return None, None
    values = [-1 if v == MISSING else v for v in series.values.tolist()]
    at = max(range(len(values)), key=values.__getitem__)
    kilowatts = from_micro(values[at]) * 60 / series.grid.minutes
    return series.total_present(), (kilowatts, series.grid.start_of(at))


def _daily(series: Series, period: Period, end: datetime):
    """Return one bar per local day in MWh; days with estimates carry the other tone."""
    rows = []
    for day in period.days():
        start, stop = period.day_bounds(day)
        label = str(day.day) if day.day % 2 else ""
        if start >= end:
            rows.append(Bar(label, None))
            continue
        part = series.slice(start, min(stop, end))
        letters = {letter(Status(int(code))) for code in set(part.status.tolist())}
        energy = part.total_present() / 1000
        note = " (some of it estimated)" if "E" in letters else ""
        says = f"{day:%a %Y-%m-%d}: {energy:,.3f} MWh{note}"
        rows.append(Bar(label, energy, "f2" if letters & set("EX?") else "f1", says))
    return bars(rows, "MWh", f"Energy of each day of {period.label} in MWh", is_wide=True)
