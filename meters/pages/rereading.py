"""Reading a kept file again, with its profile as it is now or with another one."""

from django.shortcuts import get_object_or_404, redirect
from django.views import View

from meters.models import FileState, ImportFile
from meters.services import set_profile
from poweroptix.clock import now
from poweroptix.jobs.models import Job
from poweroptix.jobs.services import enqueue
from poweroptix.kernel.errors import Conflict, Refused
from poweroptix.pages.guards import StaffPage, actor_of, attempt

READING_KINDS = ("ingest_file", "reread_file", "replay_file")


class ReadAgain(StaffPage, View):
    """Queue another reading: for a wrong unit, zone or sign that only its totals betrayed.

    The bytes stay, the earlier reading stays in the history; what differs becomes a new version.
    """

    verb = "meters.import"

    def post(self, request, pk):
        """Set the profile, queue the reading, and show its job."""
        file = get_object_or_404(ImportFile, pk=pk)
        queued: list[Job] = []

        def act() -> str:
            reason = read_reason(request.POST.get("reason", ""))
            queued.append(queue_reading(file, request.POST.get("profile", ""), reason, request))
            return f"{file.name} is read again with {file.profile_code or 'no profile'}."

        if attempt(request, act):
            return redirect("office-job", pk=queued[0].pk)
        return redirect("office-import", pk=pk)


def queue_reading(file: ImportFile, profile_code: str, reason: str, request) -> Job:
    """Give a kept file a profile and queue its reading, the first one or another.

    Raises Conflict while another reading is open.
    """
    _nothing_under_way(file)
    set_profile(file, profile_code, actor=actor_of(request), reason=reason)
    again = file.state == FileState.ACCEPTED
    return enqueue(
        "reread_file" if again else "ingest_file",
        f"{file.pk}/{now():%Y-%m-%dT%H:%M:%S.%fZ}",
        {"import_file_id": file.pk, "reason": reason},
        created_by=request.user,
    )


def read_reason(text: str) -> str:
    """Return why something is done to a file or its profile; Refused for less than five letters."""
    if len(text.strip()) < 5:
        raise Refused("file.reason", "Say in a few words why the file has to be read again.")
    return text.strip()[:300]


def _nothing_under_way(file: ImportFile) -> None:
    """Refuse a second reading while one is open."""
    jobs = Job.objects.filter(kind__in=READING_KINDS, payload__import_file_id=file.pk)
    for job in jobs.order_by("-pk")[:5]:
        if job.is_open:
            raise Conflict("file.busy", f"Job {job.pk} reads this file already; wait for it.")
