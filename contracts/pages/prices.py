"""Published prices of one series in a month: what is missing, and the file that fills it."""

from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views import View

from contracts.models import IndexBlock, IndexSeries
from contracts.queries import prices_for
from contracts.services import publish_index_file
from poweroptix.accounts.permissions import may
from poweroptix.clock import now
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING, from_price
from poweroptix.kernel.period import Period
from poweroptix.kernel.words import counted
from poweroptix.pages.asked import read_month
from poweroptix.pages.guards import StaffPage, actor_of, attempt

MOST_BYTES = 5_000_000


class PricePage(StaffPage, View):
    """One series: its days of a month, and the upload of a price file."""

    verb = "contracts.view"
    write_verb = "contracts.publish_index"

    def get(self, request, code):
        """Show which days are published, and how finally."""
        series = get_object_or_404(IndexSeries, code=code)
        period = read_month(request.GET.get("month") or _newest_month(series), series.zone)
        found, _pins = prices_for([code], period)
        prices = found[code]
        context = {
            "series": series,
            "period": period,
            "previous": period.previous().label,
            "next": period.next().label,
            "days": _days(series, period, prices),
            "missing": prices.missing_count,
            "count": prices.grid.count,
            "may_publish": may(request.user, "contracts.publish_index"),
        }
        return render(request, "contracts/prices.html", context)

    def post(self, request, code):
        """Publish the prices of a file."""
        series, file = get_object_or_404(IndexSeries, code=code), request.FILES.get("file")

        def act() -> str:
            if file is None or file.size > MOST_BYTES:
                raise Refused("prices.file", "Choose a CSV file of at most 5 MB.")
            receipt = publish_index_file(
                series,
                file.read(),
                vintage=request.POST.get("vintage", "").strip() or "final",
                final=request.POST.get("final") == "yes",
                source=file.name[:200],
                zone=series.zone,
                actor=actor_of(request),
                now=now(),
            )
            done = (
                f"{counted(receipt.new_days, 'new day')}, "
                f"{counted(receipt.changed_days, 'changed day')}, "
                f"{counted(receipt.equal_days, 'day')} as before."
            )
            return " ".join((done, *receipt.told))

        attempt(request, act)
        month = urlencode({"month": request.GET["month"]}) if request.GET.get("month") else ""
        return redirect(f"{reverse('office-prices', args=[code])}?{month}")


def _newest_month(series: IndexSeries) -> str:
    newest = series.blocks.order_by("-day").values_list("day", flat=True).first()
    return f"{newest:%Y-%m}" if newest else f"{now():%Y-%m}"


def _days(series: IndexSeries, period: Period, prices) -> list[dict]:
    """Return each local day with its count, extremes and vintage; two queries."""
    newest = {
        block.day: block
        for block in IndexBlock.objects.filter(
            series_id=series.pk,
            day__gte=period.start_utc.date(),
            day__lte=period.end_utc.date(),
        )
        .order_by("version")
        .defer("values")
    }
    grid, rows = prices.grid, []
    for day in period.days():
        start, end = period.day_bounds(day)
        values = [
            value
            for at, value in enumerate(prices.values.tolist())
            if value != MISSING and start <= grid.start_of(at) < end
        ]
        block = newest.get(start.date())
        expected = int((end - start).total_seconds()) // (series.minutes * 60)
        rows.append(
            {
                "day": day,
                "published": len(values),
                "missing": expected - len(values),
                "lowest": from_price(min(values)) if values else None,
                "highest": from_price(max(values)) if values else None,
                "block": block,
            }
        )
    return rows
