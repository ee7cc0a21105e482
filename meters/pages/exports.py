"""Readings as a file: choose channels, days, layer and format; a long one becomes a job."""

from dataclasses import replace

from django.http import FileResponse, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views import View

from meters.documents.export_files import kept, written
from meters.exports import writers
from meters.models import Channel
from meters.queries.export import Export, ExportOrder, prepare
from poweroptix.clock import now
from poweroptix.jobs.models import Job
from poweroptix.jobs.services import enqueue
from poweroptix.kernel.errors import Conflict, DomainError
from poweroptix.pages.asked import read_day
from poweroptix.pages.guards import StaffPage

#: What is written while a browser waits; more becomes a job.
AT_ONCE_INTERVALS = 2_000_000
FIELDS = ("campus", "first", "last", "layer", "format", "zone")


class ExportPage(StaffPage, View):
    """Channels and days into a file."""

    verb = "meters.view"

    def get(self, request):
        """Show the form, filled with what the address says."""
        return _page(request, request.GET)

    def post(self, request) -> HttpResponse:
        """Hand out the file, or queue a long one; a refusal is said above the form."""
        stamp = now()
        try:
            order = _order(request.POST)
            export = prepare(order, now=stamp)
            if export.intervals <= AT_ONCE_INTERVALS:
                return _download(written(export), export.file_name, export.writer.content_type)
        except DomainError as fault:
            return _page(request, request.POST, fault.message)
        job = enqueue(
            "export_readings",
            f"{export.file_name}@{stamp:%Y-%m-%dT%H:%M:%SZ}",
            _named(order, export).to_json(),
            created_by=request.user,
        )
        return redirect("office-job", pk=job.pk)


class ExportFile(StaffPage, View):
    """The file that a job has written."""

    verb = "meters.view"

    def get(self, _request, pk):
        """Hand it out; 409 while the job is open or when it failed, 404 when the file is gone."""
        job = get_object_or_404(Job, pk=pk, kind="export_readings")
        if job.state != Job.State.DONE:
            raise Conflict("export.not_done", f"Job {pk} is {job.state}; it has no file.")
        writer = writers.get(job.payload["format"])
        return _download(kept(pk), job.result["name"], writer.content_type)


def _order(said) -> ExportOrder:
    """Return what the form asks for; Refused for a day that is none."""
    codes = tuple(said.getlist("channel"))
    if campus := said.get("campus"):
        active = Channel.objects.filter(delivery_point__campus__code=campus, is_active=True)
        codes += tuple(active.values_list("code", flat=True))
    return ExportOrder(
        codes,
        read_day(said.get("first", "")),
        read_day(said.get("last", "")),
        said.get("format", ""),
        said.get("layer", "final"),
        said.get("zone", "").strip(),
    )


def _named(order: ExportOrder, export: Export) -> ExportOrder:
    """Return the order with each channel once."""
    return replace(order, codes=tuple(one.code for one in export.head.channels))


def _page(request, said, refused: str = "") -> HttpResponse:
    channels = list(
        Channel.objects.select_related("delivery_point__campus").order_by(
            "delivery_point__campus__code", "code"
        )
    )
    chosen = set(said.getlist("channel"))
    context = {
        "channels": sorted(channels, key=lambda one: one.code not in chosen),
        "campuses": sorted({one.delivery_point.campus.code for one in channels}),
        "chosen": chosen,
        "said": {name: said.get(name, "") for name in FIELDS},
        "formats": writers.choices(),
        "refused": refused,
        "at_once": AT_ONCE_INTERVALS,
    }
    return render(request, "meters/export.html", context, status=400 if refused else 200)


def _download(stream, name: str, content_type: str) -> FileResponse:
    response = FileResponse(stream, as_attachment=True, filename=name, content_type=content_type)
    response["X-Content-Type-Options"] = "nosniff"
    return response
