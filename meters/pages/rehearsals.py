"""A dry run as people see it: the receipt as it would be, or the job that works on it."""

from datetime import datetime
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404, render
from django.views import View

from meters.pages.multipliers import zones_of
from meters.pages.receipts import as_arrived, replaced
from poweroptix.jobs.models import Job
from poweroptix.pages.guards import StaffPage

KIND = "rehearse_file"


def with_moments(registers: list[dict]) -> list[dict]:
    """Return registers of a receipt, the moments of their moves read, with the zone of each."""
    zones = zones_of(registers) if registers else {}
    return [
        row
        | {
            "zone": zones.get(row["code"], "UTC"),
            "moves": [
                move
                | {
                    "from_at": datetime.fromisoformat(move["previous"]["read_at_utc"]),
                    "to_at": datetime.fromisoformat(move["this"]["read_at_utc"]),
                }
                for move in row.get("moves", [])
            ],
        }
        for row in registers
    ]


def as_shown(document: dict[str, Any]) -> dict[str, Any]:
    """Return what the template of a dry run needs."""
    arrived = as_arrived(document.get("channels", []))
    return {
        "dry": document,
        "arrived": arrived,
        "over": replaced(document, arrived),
        "registers": with_moments(document.get("registers", [])),
    }


class RehearsalPage(StaffPage, View):
    """The dry run of a large file: a bar while it works, then the receipt as it would be."""

    verb = "meters.view"

    def get(self, request, pk):
        """Show how far it is, or what came of it."""
        job = get_object_or_404(Job, pk=pk)
        if job.kind != KIND:
            raise Http404
        context: dict[str, Any] = {"job": job}
        if job.state == Job.State.DONE and job.result:
            context |= as_shown(job.result)
        part = request.headers.get("HX-Request")
        name = "meters/rehearsal_part.html" if part else "meters/rehearsal.html"
        return render(request, name, context)
