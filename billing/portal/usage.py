"""Usage: the load profile of a month, its days, and thirteen months side by side."""

from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.views import View

from billing.access import OwnChannel, contracts_of, not_yours, usage
from billing.portal.bars import Bar, bars
from billing.portal.base import TenantPage, around, channels_and_end, month_label, month_of
from billing.portal.months import months_of
from poweroptix.kernel.fixed import MISSING, from_micro
from poweroptix.kernel.period import Period
from poweroptix.kernel.quality import Status, letter
from poweroptix.kernel.rounding import to_places
from poweroptix.kernel.series import Series
from poweroptix.pages.charts import payload
from poweroptix.pages.downloads import table_response

RESOLUTIONS = (5, 15, 30, 60)
ORDER = "ASME?X"


class UsageView(TenantPage, View):
    """What the page, the chart and the download read alike."""

    verb = "portal.energy"
    known_parameters = frozenset({"month", "res", "place", "export"})

    def get(self, request) -> HttpResponse:
        """Read the address and answer."""
        contracts = contracts_of(self.tenant_id)
        zone = contracts[0].zone if contracts else "UTC"
        channels, newest = channels_and_end(self.tenant_id)
        label = month_label(newest, zone)
        if not channels or (not label and not request.GET.get("month")):
            return self.nothing(request, zone)
        self.zone, self.channels, self.newest = zone, channels, newest
        self.period = month_of(request.GET.get("month"), zone, label)
        self.place = request.GET.get("place", "")
        chosen = [one for one in channels if self.place in ("", one.channel.code)]
        if not chosen:
            raise not_yours()
        self.minutes = self._resolution(request.GET.get("res"), chosen)
        self.series = usage(chosen, self.period.start_utc, self.period.end_utc, self.minutes)
        return self.answer(request)

    def _resolution(self, text: str | None, chosen: list[OwnChannel]) -> int:
        shortest = max(one.channel.minutes for one in chosen)
        self.resolutions = [m for m in RESOLUTIONS if m >= shortest and m % shortest == 0]
        if text is None:
            return max(15, shortest) if max(15, shortest) in self.resolutions else shortest
        if not text.isdecimal() or int(text) not in self.resolutions:
            raise not_yours()
        return int(text)

    def nothing(self, request, zone: str) -> HttpResponse:
        """Answer where there is nothing to show yet."""
        raise not_yours()

    def answer(self, request) -> HttpResponse:
        """Answer with what was read."""
        raise NotImplementedError


class UsageSeries(UsageView):
    """The chart's data."""

    def answer(self, request) -> JsonResponse:
        """Return columns, with the quality of every interval."""
        return JsonResponse(payload({"your load": self.series}, self.zone))


class Usage(UsageView):
    """The page, and its table as a file."""

    def nothing(self, request, zone: str) -> HttpResponse:
        """Show the page of a tenant without readings."""
        return render(request, "portal/usage.html", {"zone": zone})

    def answer(self, request) -> HttpResponse:
        """Show the month, or hand out exactly its intervals."""
        form = request.GET.get("export")
        if form is not None:
            if form not in ("csv", "xlsx"):
                raise not_yours()
            name = f"poweroptix_usage_{self.period.label}_{self.minutes}min"
            return table_response(form, name, HEAD, interval_rows(self.series, self.period))
        months = months_of(self.tenant_id, self.period, self.newest)
        known = self.series.grid.count - self.series.missing_count
        return render(
            request,
            "portal/usage.html",
            {
                "zone": self.zone,
                **around(self.period),
                "channels": self.channels,
                "place": self.place,
                "minutes": self.minutes,
                "resolutions": self.resolutions,
                "known": known,
                "total": self.series.total_present() if known else None,
                "missing": self.series.missing_count,
                "days": days_of(self.series, self.period),
                "month": months[-1],
                "months": list(reversed(months)),
                "charts": _charts(months),
                "address": f"month={self.period.label}&res={self.minutes}"
                + (f"&place={self.place}" if self.place else ""),
            },
        )


HEAD = ("start_utc", "end_utc", "start_local", "kwh", "average_kw", "quality")


def interval_rows(series: Series, period: Period):
    """Yield one row per interval: exact kWh, average kW, quality letter; nothing where missing."""
    step = timedelta(minutes=series.grid.minutes)
    per_hour = Decimal(60) / series.grid.minutes
    start = series.grid.start_utc
    local = period.zone
    for value, code in zip(series.values.tolist(), series.status.tolist(), strict=True):
        kwh = None if value == MISSING else from_micro(value)
        yield (
            f"{start:%Y-%m-%dT%H:%M:%SZ}",
            f"{start + step:%Y-%m-%dT%H:%M:%SZ}",
            _local(start, local),
            kwh,
            None if kwh is None else kwh * per_hour,
            letter(Status(code)),
        )
        start += step


def _local(instant, zone: str) -> str:
    return instant.astimezone(ZoneInfo(zone)).isoformat()


def days_of(series: Series, period: Period) -> list[dict]:
    """Return energy, highest power and quality letters of each local day."""
    per_hour = Decimal(60) / series.grid.minutes
    rows = []
    for day in period.days():
        part = series.slice(*period.day_bounds(day))
        values = [value for value in part.values.tolist() if value != MISSING]
        letters = {letter(Status(code)) for code in set(part.status.tolist())}
        rows.append(
            {
                "day": day,
                "kwh": part.total_present() if values else None,
                "peak_kw": from_micro(max(values)) * per_hour if values else None,
                "letters": sorted(letters, key=ORDER.find),
                "missing": part.missing_count,
            }
        )
    return rows


def _charts(months) -> list[dict]:
    """Return energy, cost and average price of the months as bars."""
    wanted = (
        ("Energy", "MWh", lambda m: None if m.energy_kwh is None else m.energy_kwh / 1000, 1),
        ("Cost", "USD", lambda m: m.cost_usd, 2),
        ("Average price", "USD/MWh", lambda m: m.price_usd_per_mwh, 2),
    )
    charts = []
    for name, unit, value_of, places in wanted:
        rows = []
        for month in months:
            value = value_of(month)
            says = "" if value is None else f"{month.title}: {to_places(value, places):,} {unit}"
            tone = "f1" if month.is_final else "f2"
            rows.append(Bar(f"{month.label[5:]}/{month.label[2:4]}", value, tone, says))
        charts.append({"name": name, "svg": bars(rows, unit, f"{name} of thirteen months, {unit}")})
    return charts
