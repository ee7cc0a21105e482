"""Published prices of one series in a month: what is missing, who published what, and files."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.http import JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views import View

from contracts.calc.index_gaps import Gap
from contracts.models import IndexSeries
from contracts.pages.price_month import DAY_MINUTES, HEAD, PriceMonth
from contracts.services import IndexReceipt, publish_index_file
from poweroptix.accounts.permissions import may
from poweroptix.clock import now
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.words import counted
from poweroptix.pages.asked import read_month
from poweroptix.pages.downloads import table_response
from poweroptix.pages.guards import StaffPage, actor_of, attempt
from poweroptix.pages.templatetags.po import span_text

MOST_BYTES = 5_000_000


class PricePage(StaffPage, View):
    """One series: its days of a month, and the upload of a price file."""

    verb = "contracts.view"
    write_verb = "contracts.publish_index"

    def get(self, request, code):
        """Show the month: days, gaps, publications; `export` hands its prices out."""
        series = get_object_or_404(IndexSeries, code=code)
        month = _month(request, series)
        form = request.GET.get("export")
        if form in {"csv", "xlsx"}:
            name = f"{series.code}-{month.period.label}"
            return table_response(form, name, HEAD, month.rows())
        context = {
            "series": series,
            "period": month.period,
            "previous": month.period.previous().label,
            "next": month.period.next().label,
            "days": month.days(),
            "gaps": month.gaps(),
            "publications": month.publications(),
            "missing": month.prices.missing_count,
            "count": month.prices.grid.count,
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
            return " ".join((*said(series, receipt), *receipt.told))

        attempt(request, act)
        month = urlencode({"month": request.GET["month"]}) if request.GET.get("month") else ""
        return redirect(f"{reverse('office-prices', args=[code])}?{month}")


class PriceChart(StaffPage, View):
    """The prices of a month, as the chart takes them."""

    verb = "contracts.view"

    def get(self, request, code):
        """Return the price of every interval and how final it is."""
        series = get_object_or_404(IndexSeries, code=code)
        return JsonResponse(_month(request, series).chart())


def said(series: IndexSeries, receipt: IndexReceipt) -> list[str]:
    """Return in sentences what a publication did to its days, and the first of its gaps."""
    days = [
        counted(receipt.new_days, "new day"),
        counted(receipt.changed_days, "changed day"),
        receipt.filled_days and f"{counted(receipt.filled_days, 'day')} with further prices",
        receipt.restated_days
        and f"{counted(receipt.restated_days, 'day')} with the same prices published anew",
        f"{counted(receipt.equal_days, 'day')} as before",
    ]
    done = [f"{', '.join(filter(None, days))}."]
    if receipt.gaps:
        missing = sum(gap.count for gap in receipt.gaps)
        verb = "is" if missing == 1 else "are"
        gaps = counted(len(receipt.gaps), "gap")
        where = _gap_text(series, receipt.gaps[0])
        done.append(f"{counted(missing, 'price')} {verb} missing in {gaps}, the first {where}.")
    return done


def _gap_text(series: IndexSeries, gap: Gap) -> str:
    """Return when a gap is: local time, or dates where a price belongs to a date."""
    if series.minutes != DAY_MINUTES:
        return span_text(gap.start_utc, gap.end_utc, series.zone)
    first, last = gap.start_utc.date(), gap.end_utc.date() - timedelta(days=1)
    return f"{first}" if first == last else f"{first} to {last}"


def _month(request, series: IndexSeries) -> PriceMonth:
    """Return the month that is asked for; without one the newest that has prices."""
    asked = request.GET.get("month") or _newest_month(series)
    return PriceMonth(series, read_month(asked, series.zone))


def _newest_month(series: IndexSeries) -> str:
    newest = series.blocks.order_by("-day").values_list("day", flat=True).first()
    if newest is None or series.minutes == DAY_MINUTES:
        return f"{newest or now():%Y-%m}"
    begins = datetime.combine(newest, time(), tzinfo=UTC)  # a local month may end within that day
    return f"{begins.astimezone(ZoneInfo(series.zone)):%Y-%m}"
