"""Metrology: which proof of which measurement ends when, and the interruptions of a month."""

from django.http import Http404
from django.shortcuts import render
from django.views import View

from meters.calc.quality_report import OutageRow
from meters.pages.quality import chosen_campus, last_month
from meters.queries.metrology import (
    WARNING_DAYS,
    channels_without_proof,
    current_proofs,
    outages,
)
from poweroptix.accounts.permissions import may
from poweroptix.clock import now
from poweroptix.pages.asked import read_month
from poweroptix.pages.downloads import table_response
from poweroptix.pages.guards import StaffPage

HEAD = ("Record", "Subject", "Certificate", "Laboratory", "Good until", "Days left", "Channels")


class MetrologyPage(StaffPage, View):
    """Everything that holds today, what lapses within `within` days first; `export` csv or xlsx."""

    verb = "meters.view"

    def get(self, request):
        """Show or hand out the list."""
        campus, campuses = chosen_campus(request.GET.get("campus", ""))
        if campus is None:
            return render(request, "meters/metrology.html", {"campus": None})
        within = _days(request.GET.get("within", ""))
        today = now().date()
        proofs = current_proofs(today, campus_id=campus.pk)
        form = request.GET.get("export", "")
        if form in {"csv", "xlsx"}:
            rows = (
                [p.kind, p.subject, p.certificate_number, p.laboratory, p.ends_on.isoformat(),
                 p.days_left, " ".join(p.channels)]
                for p in proofs
            )  # fmt: skip
            return table_response(form, f"metrology_{campus.code}", HEAD, rows)
        asked = request.GET.get("month", "")
        period = read_month(asked, campus.zone) if asked else last_month(campus.zone)
        found = outages(period.start_utc, period.end_utc, now=now(), campus_id=campus.pk)
        context = {
            "campus": campus,
            "campuses": campuses,
            "within": within,
            "proofs": proofs,
            "due": [p for p in proofs if p.has_lapsed or p.days_left <= within],
            "unproved": channels_without_proof(today, campus.pk),
            "period": period,
            "outages": [
                (row, OutageRow(row.delivery_point.code, one).minutes) for row, one in found
            ],
            "may_configure": may(request.user, "meters.configure"),
        }
        return render(request, "meters/metrology.html", context)


def _days(text: str) -> int:
    if not text:
        return WARNING_DAYS
    if text.isascii() and text.isdecimal() and len(text) < 5:
        return int(text)
    raise Http404("days are a number")
