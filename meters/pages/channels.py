"""A channel: its profile with the quality of every interval, and the history of each reading."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Case, DateField, IntegerField, QuerySet, Value, When
from django.http import Http404, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views import View

from meters.calc.over_time import over_time
from meters.exports import writers
from meters.models import Channel, Direction, PointKind, Role
from meters.pages.profiles import asked_view, profile
from meters.queries import completeness, final_series, late_channels, raw_series, trace
from meters.queries.basis import told
from meters.queries.definitions import in_force
from meters.queries.late import DEFINITION, LATE_LOOKBACK_DAYS
from meters.queries.metrology import lapsed_of
from meters.queries.newest import newest_month
from meters.queries.registers import registers_shown
from meters.queries.terms import explain_virtual
from poweroptix.accounts.permissions import may
from poweroptix.clock import now
from poweroptix.kernel.fixed import MISSING, from_micro
from poweroptix.kernel.period import Period
from poweroptix.kernel.quality import Status, letter
from poweroptix.pages.asked import read_day, read_instant, read_month, read_pk
from poweroptix.pages.guards import StaffPage
from poweroptix.pages.lists import Column, Filter, ListPage

NEVER_HOURS = LATE_LOOKBACK_DAYS * 24
#: What the chart of a channel shows: so many months, the last of them the page's.
SPANS = {"month": 1, "year": 12}


def _link(channel: Channel) -> str:
    return reverse("office-channel", args=[channel.code])


def of_keys(rows: QuerySet, keys: str) -> QuerySet:
    """Return the channels that a link names by their keys, such as `4,7`."""
    return rows.filter(pk__in=[read_pk(key) for key in keys.split(",")])


def with_gaps(rows: QuerySet, label: str) -> QuerySet:
    """Return the channels with an interval of the local month that cannot be billed."""
    days = read_month(label, "UTC").days()
    found = completeness(rows.values_list("pk", flat=True), days[0], days[-1])
    open_days = {
        row.channel.pk for row in found.rows if any(d.billable < d.expected for d in row.days)
    }
    return rows.filter(pk__in=open_days)


def _late(channel: Channel) -> str:
    """Say how late a channel is; nothing for one that is not."""
    if channel.hours_late < 0:
        return "—"
    if channel.hours_late >= NEVER_HOURS:
        return f"{LATE_LOOKBACK_DAYS} days or more"
    return f"{channel.hours_late:,} h"


class ChannelList(StaffPage, ListPage):
    """All channels."""

    verb = "meters.view"
    title = "Channels"
    intro = f"Every measured quantity, its interval length and its meter. {DEFINITION}"
    name = "channels"
    template_name = "meters/channels.html"
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
        Column("hours_late", "Late by", sort="hours_late", value=_late),
        Column("late_day", "Oldest late day", kind="day", sort="late_day"),
    )
    filters = (
        Filter("role", "Role", lambda: Role.choices),
        Filter("direction", "Direction", lambda: Direction.choices),
        Filter("kind", "Point", lambda: PointKind.choices, "delivery_point__kind"),
        Filter(
            "late",
            "Arrival",
            lambda: [("yes", "Late")],
            narrow=lambda rows, _yes: rows.filter(hours_late__gte=0),
        ),
        Filter("gaps", "Gaps in", kind="month", narrow=with_gaps),
        Filter("channels", "Some channels", kind="link", narrow=of_keys),
    )

    def rows(self):
        """Return all channels with the hours by which they are late, else -1, and since when."""
        late = {row.channel.pk: row for row in late_channels(now())}
        hours = [
            When(pk=pk, then=Value(NEVER_HOURS if row.hours_late is None else row.hours_late))
            for pk, row in late.items()
        ]
        days = [When(pk=pk, then=Value(row.oldest)) for pk, row in late.items()]
        return Channel.objects.select_related("delivery_point__campus").annotate(
            hours_late=Case(*hours, default=Value(-1), output_field=IntegerField()),
            late_day=Case(*days, default=Value(None), output_field=DateField()),
        )


class ChannelPage(StaffPage, View):
    """One channel in one month, or one of its intervals."""

    verb = "meters.view"

    def get(self, request, code):
        """Show the profile; with `at` the history of that interval."""
        channel = get_object_or_404(
            Channel.objects.select_related("delivery_point__campus"), code=code
        )
        campus = channel.delivery_point.campus
        month = request.GET.get("month")
        period = (
            read_month(month, campus.zone) if month else newest_month(campus, channel, now=now())
        )
        series, _pins = final_series(channel.pk, period.start_utc, period.end_utc)
        span = request.GET.get("span") or "month"
        drawn = _drawn(period, span)
        at = request.GET.get("at")
        context = {
            "channel": channel,
            "campus": campus,
            "zone": campus.zone,
            "period": period,
            "previous": period.previous().label,
            "next": period.next().label,
            "span": span,
            "drawn": drawn,
            "figure": over_time(series, channel.quantity),
            "missing": series.missing_count,
            "count": series.grid.count,
            "lapsed": lapsed_of(channel, now().date()),
            "trace": trace(channel.pk, read_instant(at)) if at else None,
            "may_edit": may(request.user, "meters.edit") and not channel.is_virtual,
            "virtual": in_force(channel, now()) if channel.is_virtual else None,
            "day": request.GET.get("day", ""),
            "intervals": _intervals(channel, campus.zone, request.GET["day"])
            if request.GET.get("day")
            else [],
            "export_formats": writers.choices(),
            "installations": channel.installations.select_related("meter").order_by("valid"),
            "registers": registers_shown(channel, period.start_utc, period.end_utc),
        }
        found, day = context["trace"], context["day"]
        if found is not None:
            context["told"] = told(found)
            explained = explain_virtual(channel.pk, found.start_utc) if channel.is_virtual else None
            context["computed"] = explained.to_json() if explained else None
            context["trace_end"] = found.start_utc + timedelta(minutes=channel.minutes)
            local = found.start_utc.astimezone(ZoneInfo(campus.zone))
            context["trace_day"] = f"{local:%Y-%m-%d}"
        if day:
            shown = Period.day(campus.zone, read_day(day))
            context["day_bounds"] = (shown.start_utc, shown.end_utc)
        return render(request, "meters/channel.html", context)


class ChannelSeries(StaffPage, View):
    """The profile of a range as JSON for the chart."""

    verb = "meters.view"

    def get(self, request, code):
        """Return final and received readings from `from` to `to`, for `width` pixels."""
        channel = get_object_or_404(
            Channel.objects.select_related("delivery_point__campus"), code=code
        )
        start, end, width = asked_view(request.GET)
        return JsonResponse(profile(channel, start, end, width=width))


def _drawn(period: Period, span: str) -> tuple[datetime, datetime]:
    """Return the range of the chart: the month, or the twelve months that it ends."""
    if span not in SPANS:
        raise Http404(f"unknown span {span[:20]}")
    first = period
    for _ in range(SPANS[span] - 1):
        first = first.previous()
    return first.start_utc, period.end_utc


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
