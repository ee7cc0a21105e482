"""The versions of a local day of a channel: who, why, from which file, and what changed between."""

from django.shortcuts import render
from django.views import View

from meters.models import Edit
from meters.pages.edits import channel_of
from meters.queries import compare, versions
from poweroptix.kernel.period import Period
from poweroptix.pages.asked import read_day, read_pk
from poweroptix.pages.guards import StaffPage


class HistoryPage(StaffPage, View):
    """All versions of a day; two of them side by side when the address names both."""

    verb = "meters.view"

    def get(self, request, code):
        """Show the versions; by default the newest is compared with the one before it."""
        channel = channel_of(code)
        zone = channel.delivery_point.campus.zone
        day = read_day(request.GET.get("day", ""))
        period = Period.day(zone, day)
        found = versions(channel, period.start_utc, period.end_utc)
        keys = [version.publication.pk for version in found]
        older, newer = (keys[1], keys[0]) if len(keys) > 1 else (None, None)
        if request.GET.get("old") and request.GET.get("new"):
            older, newer = (read_pk(request.GET[name]) for name in ("old", "new"))
        approvers = dict(
            Edit.objects.filter(publication_id__in=keys)
            .exclude(approver="")
            .values_list("publication_id", "approver")
        )
        context = {
            "rows": [(version, approvers.get(version.publication.pk)) for version in found],
            "channel": channel,
            "zone": zone,
            "day": day,
            "older": older,
            "newer": newer,
            "comparison": compare(channel, period.start_utc, period.end_utc, older, newer)
            if older and newer
            else None,
        }
        return render(request, "meters/history.html", context)
