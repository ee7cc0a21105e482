"""The versions of a local day of a channel: who, why, from which file, and what changed between."""

from django.shortcuts import render
from django.views import View

from meters.models import PublicationKind
from meters.pages.edits import channel_of
from meters.queries import Version, compare, versions
from meters.queries.people import people_behind
from poweroptix.kernel.period import Period
from poweroptix.pages.asked import read_day, read_pk
from poweroptix.pages.guards import StaffPage


class HistoryPage(StaffPage, View):
    """All versions of a day; two of them side by side when the address names both."""

    verb = "meters.view"

    def get(self, request, code):
        """Show the versions; by default the newest edit is compared with the one before it."""
        channel = channel_of(code)
        zone = channel.delivery_point.campus.zone
        day = read_day(request.GET.get("day", ""))
        period = Period.day(zone, day)
        found = versions(channel, period.start_utc, period.end_utc)
        older, newer = first_shown(found)
        if request.GET.get("old") and request.GET.get("new"):
            older, newer = (read_pk(request.GET[name]) for name in ("old", "new"))
        people = people_behind(channel, [version.publication for version in found])
        context = {
            "rows": [(version, people[version.publication.pk]) for version in found],
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


def first_shown(found: list[Version]) -> tuple[int | None, int | None]:
    """Return the two versions that the page opens with: the newest edit and the one before it.

    Without an edit the newest and the one before it; nothing where there is only one.
    """
    edits = (
        at
        for at, version in enumerate(found[:-1])
        if version.publication.kind == PublicationKind.EDIT
    )
    at = next(edits, 0)
    if len(found) < at + 2:
        return None, None
    return found[at + 1].publication.pk, found[at].publication.pk
