"""The quality report of a campus month: page, CSV, JSON and PDF."""

from django.http import Http404
from django.shortcuts import render
from django.views import View

from meters.models import Campus
from meters.pages.findings import titles
from meters.queries.quality import quality_report
from meters.reports.files import PAPERS, name_of, quality_csv, quality_json, quality_pdf
from meters.reports.quality import summary, tables
from poweroptix.clock import now
from poweroptix.kernel.period import Period
from poweroptix.pages.asked import read_month
from poweroptix.pages.downloads import attachment
from poweroptix.pages.guards import StaffPage


def chosen_campus(code: str) -> tuple[Campus | None, list[Campus]]:
    """Return the campus that the address names, else the first one, and all of them."""
    campuses = list(Campus.objects.order_by("code"))
    if not code:
        return (campuses[0] if campuses else None), campuses
    found = next((one for one in campuses if one.code == code), None)
    if found is None:
        raise Http404(f"no campus {code[:40]}")
    return found, campuses


def last_month(zone: str) -> Period:
    """Return the newest local month that has ended."""
    today = Period.day("UTC", now().date()).start_utc.date()
    return Period.month(zone, f"{today:%Y-%m}").previous()


class QualityPage(StaffPage, View):
    """The report of a month; `export` hands it out as csv, json or pdf (`paper` letter or a4)."""

    verb = "meters.view"

    def get(self, request):
        """Show the report or hand it out."""
        campus, campuses = chosen_campus(request.GET.get("campus", ""))
        if campus is None:
            return render(request, "meters/quality.html", {"campus": None})
        asked = request.GET.get("month", "")
        period = read_month(asked, campus.zone) if asked else last_month(campus.zone)
        report = quality_report(campus, period, now=now(), titles=titles())
        form = request.GET.get("export", "")
        if form:
            return _file(report, form, request.GET.get("paper", PAPERS[0]))
        context = {
            "campus": campus,
            "campuses": campuses,
            "period": period,
            "previous": period.previous().label,
            "next": period.next().label,
            "facts": summary(report),
            "tables": [
                {
                    "table": one,
                    "rows": one.written(campus.zone),
                    "foot": one.written_foot(campus.zone),
                }
                for one in tables(report)
            ],
        }
        return render(request, "meters/quality.html", context)


def _file(report, form: str, paper: str):
    name = name_of(report)
    if form == "csv":
        return attachment(quality_csv(report), f"{name}.csv", "text/csv; charset=utf-8")
    if form == "json":
        return attachment(quality_json(report), f"{name}.json", "application/json")
    if form == "pdf" and paper in PAPERS:
        return attachment(quality_pdf(report, paper), f"{name}.pdf", "application/pdf")
    raise Http404(f"unknown form {form[:20]}")
