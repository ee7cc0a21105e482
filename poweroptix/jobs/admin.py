"""Admin pages of jobs; the queue's own pages are taken away.

Whoever may add a django-q schedule can run any function, so those pages must not exist.
"""

import django_q.admin  # noqa: F401 - registers the pages that are taken away below
from django.contrib import admin
from django.utils.html import format_html
from django_q.models import Failure, OrmQ, Schedule, Success, Task
from import_export.resources import ModelResource

from poweroptix.adminkit import ExportAdmin, ExportMixin, ReadOnlyAdmin, badge
from poweroptix.audit.actor import Actor
from poweroptix.jobs import services
from poweroptix.jobs.models import Job, Recurring
from poweroptix.kernel.errors import DomainError

for _model in (Schedule, Success, Failure, OrmQ, Task):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)

_TONES = {
    "queued": "quiet",
    "running": "info",
    "done": "good",
    "failed": "bad",
    "dead": "bad",
    "cancelled": "warn",
}


class JobResource(ModelResource):
    """Columns of exported jobs: what was asked and how it went, not what was passed."""

    class Meta:
        model = Job
        fields = [
            *("id", "kind", "key", "state", "attempts", "error_code", "error"),
            *("created_at", "started_at", "finished_at"),
        ]


@admin.register(Job)
class JobAdmin(ExportMixin, ReadOnlyAdmin):
    """Work that waits, runs or has ended."""

    resource_classes = [JobResource]
    list_display = ["id", "kind", "key", "shown_state", "shown_progress", "attempts", "created_at"]
    list_filter = ["state", "kind"]
    search_fields = ["=id", "key", "error"]
    actions = ["retry", "cancel"]
    fields = [
        "kind",
        "key",
        "shown_state",
        "shown_progress",
        "error_code",
        "error",
        "trace",
        "result",
        "payload",
        "stage",
        "attempts",
        "max_attempts",
        "owner",
        "fence",
        "lease_until",
        "run_after",
        "created_at",
        "started_at",
        "finished_at",
    ]

    @admin.display(description="State", ordering="state")
    def shown_state(self, job):
        """Return the state as a badge."""
        return badge(job.get_state_display(), _TONES[job.state])

    @admin.display(description="Progress")
    def shown_progress(self, job):
        """Return a bar with its label."""
        if not job.progress_total:
            return job.progress_label or "-"
        return format_html(
            '<progress max="{}" value="{}"></progress> {} of {} {}',
            job.progress_total,
            job.progress_done,
            job.progress_done,
            job.progress_total,
            job.progress_label,
        )

    @admin.action(description="Try again", permissions=["retry"])
    def retry(self, request, queryset):
        """Queue the chosen jobs again."""
        self._each(request, queryset, services.retry)

    @admin.action(description="Stop", permissions=["cancel"])
    def cancel(self, request, queryset):
        """Stop the chosen jobs."""
        self._each(request, queryset, services.cancel)

    def has_retry_permission(self, request):
        """Whether the person may try jobs again."""
        return self._may(request, "jobs.retry")

    def has_cancel_permission(self, request):
        """Whether the person may stop jobs."""
        return self._may(request, "jobs.cancel")

    def _each(self, request, queryset, verb) -> None:
        actor = Actor.of_user(request.user)
        for job in queryset:
            try:
                verb(job, actor=actor, reason="asked for in the admin")
            except DomainError as error:
                self.message_user(request, f"{job}: {error.message}", level="warning")
            else:
                self.message_user(request, f"{job}: done.")


@admin.register(Recurring)
class RecurringAdmin(ExportAdmin):
    """Work that comes back."""

    ordering = ["name"]
    list_filter = ["is_active", "kind"]
    search_fields = ["name", "kind"]
    edit_verb = "accounts.manage"
    list_display = ["name", "kind", "every_minutes", "next_run_at", "is_active", "last_error"]
    readonly_fields = ["last_error"]
