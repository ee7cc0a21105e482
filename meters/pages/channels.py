"""A channel: its profile with the quality of every interval, and the history of each reading."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.http import JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views import View

from meters.models import Channel, Direction, PointKind, Role
from meters.queries import final_series, raw_series, trace
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING, from_micro
from poweroptix.kernel.period import Period
from poweroptix.kernel.quality import Status, letter
from poweroptix.pages.asked import read_day, read_instant, read_month
from poweroptix.pages.charts import payload
from poweroptix.pages.guards import StaffPage
from poweroptix.pages.lists import Column, Filter, ListPage

MOST_DAYS = 400


def _link(channel: Channel) -> str:
    return reverse("office-channel", args=[channel.code])


class ChannelList(StaffPage, ListPage):
    """All channels."""

    verb = "meters.view"
    title = "Channels"
    intro = "Every measured quantity, its interval length and its meter."
    name = "channels"
    search = ("code", "delivery_point__name")
    default_sort = "code"
    columns = (
        Column("code", "Channel", sort="code", link=_link),
        Column("delivery_point__name", "Point"),
        Column("quantity", "Quantity", sort="quantity", value=lambda c: c.get_quantity_display()),
        Column(
            "direction", "Direction", sort="direction", value=lambda c: c.get_direction_display()
        ),
        Column("minutes", "Minutes", kind="num", places=0, sort="minutes"),
        Column("role", "Role", sort="role", value=lambda c: c.get_role_display()),
    )
    filters = (
        Filter("role", "Role", lambda: Role.choices),
        Filter("direction", "Direction", lambda: Direction.choices),
        Filter("kind", "Point", lambda: PointKind.choices, "delivery_point__kind"),
    )

    def rows(self):
        """Return all channels."""
        return Channel.objects.select_related("delivery_point__campus")


class ChannelPage(StaffPage, View):
    """One channel in one month, or one of its intervals."""

    verb = "meters.view"

    def get(self, request, code):
        """Show the profile; with `at` the history of that interval."""
        channel = get_object_or_404(
            Channel.objects.select_related("delivery_point__campus"), code=code
        )
        campus = channel.delivery_point.campus
        month = request.GET.get("month") or _last_month(channel, campus.zone)
        period = read_month(month, campus.zone)
        series, _pins = final_series(channel.pk, period.start_utc, period.end_utc)
        at = request.GET.get("at")
        context = {
            "channel": channel,
            "campus": campus,
            "zone": campus.zone,
            "period": period,
            "previous": period.previous().label,
            "next": period.next().label,
            "total": series.total_present(),
            "missing": series.missing_count,
            "count": series.grid.count,
            "trace": trace(channel.pk, read_instant(at)) if at else None,
            "day": request.GET.get("day", ""),
            "intervals": _intervals(channel, campus.zone, request.GET["day"])
            if request.GET.get("day")
            else [],
            "installations": channel.installations.select_related("meter").order_by("valid"),
        }
        return render(request, "meters/channel.html", context)


class ChannelSeries(StaffPage, View):
    """The profile of a range as JSON for the chart."""

    verb = "meters.view"

    def get(self, request, code):
        """Return final and received readings from `from` to `to`."""
        channel = get_object_or_404(
            Channel.objects.select_related("delivery_point__campus"), code=code
        )
        start, end = (read_instant(request.GET.get(name, "")) for name in ("from", "to"))
        return JsonResponse(profile(channel, start, end))


def profile(channel: Channel, start: datetime, end: datetime) -> dict:
    """Return the chart of a channel: final readings first, what was received beside them."""
    if not start < end or end - start > timedelta(days=MOST_DAYS):
        raise Refused("series.range", f"Ask for more than nothing and at most {MOST_DAYS} days.")
    step = timedelta(minutes=channel.minutes)
    start = datetime.fromtimestamp(
        start.timestamp() // step.total_seconds() * step.total_seconds(), UTC
    )
    end = datetime.fromtimestamp(
        -(-end.timestamp() // step.total_seconds()) * step.total_seconds(), UTC
    )
    final, _pins = final_series(channel.pk, start, end)
    raw, _raw_pins = raw_series(channel.pk, start, end)
    return payload({"final": final, "as received": raw}, channel.delivery_point.campus.zone)


def _last_month(channel: Channel, zone: str) -> str:
    """Return the local month in which the newest day of readings begins."""
    newest = channel.blocks.order_by("-day").values_list("day", flat=True).first()
    if newest is None:
        return "2026-01"
    begins = datetime(newest.year, newest.month, newest.day, tzinfo=UTC)
    return f"{begins.astimezone(ZoneInfo(zone)):%Y-%m}"


def _intervals(channel: Channel, zone: str, day: str) -> list[dict]:
    """Return the intervals of a local day: received and final values with their quality."""
    period = Period.day(zone, read_day(day))
    final, _pins = final_series(channel.pk, period.start_utc, period.end_utc)
    raw, _raw_pins = raw_series(channel.pk, period.start_utc, period.end_utc)
    return [
        {
            "start_utc": final.grid.start_of(at),
            "raw": None if raw.values[at] == MISSING else from_micro(int(raw.values[at])),
            "final": None if final.values[at] == MISSING else from_micro(int(final.values[at])),
            "letter": letter(Status(int(final.status[at]))),
        }
        for at in range(final.grid.count)
    ]
