"""Jobs: what is running, how far, what it said; retry and cancel."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views import View

from meters.models import ImportFile
from poweroptix.accounts.permissions import may
from poweroptix.jobs import services
from poweroptix.jobs.models import Job
from poweroptix.jobs.queries import health
from poweroptix.office.queries import jobs_for_a_person
from poweroptix.pages.guards import StaffPage, actor_of, attempt
from poweroptix.pages.lists import Column, Filter, ListPage
from poweroptix.pages.templatetags.po import words

RETRY = ("failed", "dead", "cancelled")


class JobList(StaffPage, ListPage):
    """All jobs, the newest first."""

    verb = "jobs.view"
    title = "Jobs"
    intro = "Longer work runs here, survives its worker and is never done twice."
    name = "jobs"
    template_name = "office/jobs.html"
    search = ("kind", "key", "error")
    columns = (
        Column("pk", "Job", sort="pk", link=lambda job: reverse("office-job", args=[job.pk])),
        Column("kind", "Kind", sort="kind", value=lambda job: words(job.kind)),
        Column("key", "What"),
        Column("state", "State", kind="state", sort="state"),
        Column("progress_ratio", "Progress", kind="percent"),
        Column("attempts", "Attempts", kind="num", places=0),
        Column("created_at", "Asked", kind="moment", sort="created_at"),
        Column("finished_at", "Ended", kind="moment", sort="finished_at"),
    )
    filters = (
        Filter("state", "State", lambda: Job.State.choices),
        Filter(
            "needs",
            "Needs",
            lambda: [("person", "A person")],
            narrow=lambda rows, _person: rows.filter(pk__in=jobs_for_a_person().values("pk")),
        ),
    )
    empty_text = "No job has been asked for."

    def rows(self):
        """Return all jobs."""
        return Job.objects.all()

    def extra(self):
        """Return the health of the queue."""
        return {"health": health()}


class JobPage(StaffPage, View):
    """One job with its bar; the page refreshes itself while the job is open."""

    verb = "jobs.view"

    def get(self, request, pk):
        """Show the job; to htmx only the part that moves."""
        job = get_object_or_404(Job, pk=pk)
        context = {
            "job": job,
            "file": _file(job),
            "can_act": may(request.user, "jobs.retry"),
            "next": _next(job),
            "children": _children(job),
            "may_retry": RETRY,
        }
        template = (
            "office/job_state.html" if request.headers.get("HX-Request") else "office/job.html"
        )
        response = render(request, template, context)
        if request.headers.get("HX-Request") and not job.is_open:
            response["HX-Refresh"] = "true"
        return response

    def post(self, request, pk) -> HttpResponse:
        """Retry or cancel."""
        job = get_object_or_404(Job, pk=pk)
        reason = request.POST.get("reason", "").strip()
        if request.POST.get("action") == "cancel":
            attempt(
                request,
                lambda: _said(
                    services.cancel(job, actor=actor_of(request), reason=reason),
                    "Asked the job to stop.",
                ),
            )
        else:
            attempt(
                request,
                lambda: _said(
                    services.retry(job, actor=actor_of(request), reason=reason),
                    "The job is queued again.",
                ),
            )
        return redirect("office-job", pk=pk)


def _said(_done, text: str) -> str:
    return text


def _file(job: Job) -> ImportFile | None:
    """Return the file that a job reads, if it reads one."""
    key = job.payload.get("import_file_id")
    return None if key is None else ImportFile.objects.filter(pk=key).first()


def _next(job: Job) -> str:
    """Return where the outcome of a job can be seen."""
    result = job.result if isinstance(job.result, dict) else {}
    if job.payload.get("import_file_id"):
        return reverse("office-import", args=[job.payload["import_file_id"]])
    if job.kind == "export_readings":
        done = job.state == Job.State.DONE
        return reverse("office-export-file", args=[job.pk]) if done else ""
    if isinstance(result.get("desk_check"), int):
        return reverse("office-desk-check", args=[result["desk_check"]])
    run_id = result.get("run_id") or result.get("run")
    if isinstance(run_id, int):
        return reverse("office-run", args=[run_id])
    if (
        job.kind in ("settle_month", "recalculate_month", "month_end")
        and job.state == Job.State.DONE
    ):
        return f"{reverse('office-settlement')}?{urlencode({'q': job.payload['period']})}"
    return ""


def _children(job: Job) -> list[Job]:
    """Return the jobs that a month queued for its contracts."""
    result = job.result if isinstance(job.result, dict) else {}
    return list(Job.objects.filter(pk__in=result.get("jobs", [])).order_by("pk"))
