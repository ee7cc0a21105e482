"""A campus month: where the energy came from, where it went, and what every unit did."""

from datetime import UTC, datetime, time
from decimal import Decimal

from django.db.models import Max
from django.shortcuts import get_object_or_404, render
from django.views import View

from meters.models import Campus, Channel, ReadingBlock
from meters.queries import completeness, final_many
from poweroptix.clock import now
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.period import Period, zone_of
from poweroptix.pages.asked import read_month
from poweroptix.pages.guards import StaffPage
from settlement.models import AllocationRun


class CampusPage(StaffPage, View):
    """Energy balance and completeness of a month."""

    verb = "meters.view"

    def get(self, request):
        """Show the month asked for, else the newest with an allocation, else with readings."""
        campuses = list(Campus.objects.order_by("code"))
        if not campuses:
            return render(request, "office/campus.html", {"campuses": []})
        asked = request.GET.get("campus")
        campus = get_object_or_404(Campus, code=asked) if asked else campuses[0]
        period = read_month(request.GET.get("month") or _newest_month(campus), campus.zone)
        run = (
            AllocationRun.objects.filter(
                campus=campus, period=period.label, state__in=["CALCULATED", "APPROVED"]
            )
            .defer("inputs")
            .first()
        )
        channels = list(
            Channel.objects.filter(delivery_point__campus=campus, is_active=True)
            .select_related("delivery_point__generating_unit")
            .order_by("code")
        )
        days = period.days()
        grid = completeness([channel.pk for channel in channels], days[0], days[-1])
        context = {
            "campuses": campuses,
            "campus": campus,
            "zone": campus.zone,
            "period": period,
            "previous": period.previous().label,
            "next": period.next().label,
            "run": run,
            "balance": run.balance if run else None,
            "flows": _flows(channels, period),
            "completeness": grid,
        }
        return render(request, "office/campus.html", context)


def _newest_month(campus: Campus) -> str:
    """Return the newest month with an allocation, else with readings, else the one that runs."""
    runs = AllocationRun.objects.filter(campus=campus).order_by("-period")
    allocated = runs.values_list("period", flat=True).first()
    if allocated:
        return allocated
    blocks = ReadingBlock.objects.filter(channel__delivery_point__campus=campus)
    newest = blocks.aggregate(day=Max("day"))["day"]
    # A block is a day of UTC: it begins in the local month that its first reading belongs to.
    at = datetime.combine(newest, time(), tzinfo=UTC) if newest else now()
    return f"{at.astimezone(zone_of(campus.zone)):%Y-%m}"


def _flows(channels: list[Channel], period: Period) -> list[dict]:
    """Return the month's energy of every main channel with a bar against the largest."""
    wanted = [c for c in channels if c.quantity == "KWH" and c.role == "MAIN"]
    try:
        found, _pins = final_many([c.pk for c in wanted], period.start_utc, period.end_utc)
    except Refused:
        return []
    rows = [
        {
            "channel": c,
            "kwh": found[c.pk].total_present(),
            "missing": int((found[c.pk].values == MISSING).sum()),
        }
        for c in wanted
    ]
    largest = max((row["kwh"] for row in rows), default=Decimal(0)) or Decimal(1)
    for row in rows:
        row["ratio"] = row["kwh"] / largest
    return sorted(rows, key=lambda row: -row["kwh"])
