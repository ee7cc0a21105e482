"""Files that are being read: their bars, which end by showing the page anew."""

from dataclasses import dataclass

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import render
from django.views import View

from meters.models import ImportFile
from meters.pages.rereading import READING_KINDS
from poweroptix.jobs.models import Job
from poweroptix.pages.asked import read_pk
from poweroptix.pages.guards import StaffPage

#: Bars of one page; what waits behind them is counted by the page of jobs.
SHOWN = 20


@dataclass(frozen=True)
class Reading:
    """A job and the name of the file that it reads."""

    job: Job
    file_id: int
    file_name: str


def jobs_of(file_id: int) -> QuerySet[Job]:
    """Return the readings of a file, the newest first."""
    found = Job.objects.filter(kind__in=READING_KINDS, payload__import_file_id=file_id)
    return found.order_by("-pk")


def under_way() -> list[Reading]:
    """Return the readings of all files that wait or run, the oldest first; one or two queries."""
    found = Job.objects.filter(kind__in=READING_KINDS, state__in=("queued", "running"))
    return named(list(found.order_by("pk")[:SHOWN]))


def named(jobs: list[Job]) -> list[Reading]:
    """Return jobs with the names of their files; one query, none without a job."""
    keys = {job.pk: int(job.payload["import_file_id"]) for job in jobs}
    names = dict(ImportFile.objects.filter(pk__in=keys.values()).values_list("pk", "name"))
    return [Reading(job, keys[job.pk], names.get(keys[job.pk], "")) for job in jobs]


class ReadingNow(StaffPage, View):
    """The bars of the readings asked for; once one has ended, the page around them is loaded."""

    verb = "meters.view"

    def get(self, request):
        """Show how far they are; `jobs` names them, separated by commas."""
        keys = {read_pk(key) for key in request.GET.get("jobs", "").split(",")}
        if len(keys) > SHOWN:
            raise Http404
        jobs = list(Job.objects.filter(pk__in=keys, kind__in=READING_KINDS).order_by("pk"))
        response = render(request, "meters/reading.html", {"reading": named(jobs)})
        if len(jobs) < len(keys) or not all(job.is_open for job in jobs):
            response["HX-Refresh"] = "true"
        return response
