"""Settlement runs, lines and waiting corrections."""

from collections.abc import Callable

from django.contrib import admin, messages

from poweroptix.accounts.permissions import may
from poweroptix.adminkit import ExportMixin, ReadOnlyAdmin, ReadOnlyInline, badge, columns_of
from poweroptix.audit.actor import Actor
from poweroptix.clock import now
from poweroptix.kernel.errors import DomainError
from settlement.admin.pools import show
from settlement.models import Correction, Line, SettlementRun
from settlement.resources import LineResource, SettlementRunResource
from settlement.services import approve_run, submit_run, verify_run

TONES = {
    "DRAFT": "info",
    "CALCULATED": "info",
    "REVIEW": "warn",
    "APPROVED": "good",
    "LOCKED": "good",
    "INVOICED": "good",
    "SUPERSEDED": "quiet",
    "REJECTED": "bad",
}


class LineInline(ReadOnlyInline):
    """Lines of a run."""

    model = Line
    fk_name = "run"
    fields = ["position", "line_code", "label", "quantity", "unit", "rate_text", "amount_usd"]
    readonly_fields = fields
    show_change_link = True


@admin.register(SettlementRun)
class SettlementRunAdmin(ExportMixin, ReadOnlyAdmin):
    """Runs, only shown; decisions go through the services, as everywhere."""

    resource_classes = [SettlementRunResource]
    list_display = [
        "__str__", "contract", "period", "version", "kind", "shown_state", "total_usd",
        "estimated_ratio", "created_by", "approved_by",
    ]  # fmt: skip
    list_filter = ["state", "kind", "contract__campus", "contract", "period"]
    list_select_related = ["contract"]
    search_fields = ["contract__code", "contract__name", "period", "inputs_sha256"]
    exclude = ["inputs", "state"]
    readonly_fields = ["shown_state"]
    inlines = [LineInline]
    actions = ["submit", "approve", "verify"]

    def get_queryset(self, request):
        """Leave the frozen document in the database."""
        return super().get_queryset(request).defer("inputs")

    def get_actions(self, request):
        """Offer only what the person may do."""
        actions = super().get_actions(request)
        for name in ("submit", "approve"):
            if not may(request.user, f"settlement.{name}"):
                actions.pop(name, None)
        return actions

    @admin.display(description="state", ordering="state")
    def shown_state(self, obj):
        """State as a badge."""
        return badge(obj.get_state_display(), TONES[obj.state])

    @admin.action(description="Hand to review")
    def submit(self, request, queryset):
        """Submit the chosen runs."""
        self._each(request, queryset, submit_run, "handed to review")

    @admin.action(description="Approve as second person")
    def approve(self, request, queryset):
        """Approve the chosen runs."""
        self._each(request, queryset, approve_run, "approved")

    @admin.action(description="Compute again and compare")
    def verify(self, request, queryset):
        """Verify the chosen runs."""
        for run in queryset.select_related("contract__campus", "allocation_run"):
            show(self, request, verify_run(run))

    def _each(self, request, queryset, verb: Callable, done: str) -> None:
        """Do a verb with each run and say what came of it."""
        actor = Actor.of_user(request.user)
        for run in queryset.select_related("contract"):
            name = f"{run.contract.code} {run.period} v{run.version}"
            try:
                verb(run, actor=actor, now=now())
            except DomainError as error:
                self.message_user(request, f"{name}: {error.message}", messages.ERROR)
            else:
                self.message_user(request, f"{name}: {done}.", messages.SUCCESS)


@admin.register(Line)
class LineAdmin(ExportMixin, ReadOnlyAdmin):
    """Lines with their worksheet."""

    resource_classes = [LineResource]
    list_display = ["__str__", "run", "line_code", "label", "quantity", "unit", "amount_usd"]
    list_filter = ["line_code", "charge_type", "run__contract", "run__period"]
    list_select_related = ["run__contract"]
    search_fields = ["label", "clause", "run__contract__code"]

    def get_queryset(self, request):
        """Leave the frozen documents of the runs in the database."""
        return super().get_queryset(request).defer("run__inputs")


@admin.register(Correction)
class CorrectionAdmin(ExportMixin, ReadOnlyAdmin):
    """Corrections of readings that wait for a new run."""

    resource_classes = [
        columns_of(
            Correction,
            "run__contract__code",
            "run__period",
            "run__version",
            "channel_id",
            "scope",
            "start_utc",
            "end_utc",
            "interval_count",
            "before_kwh",
            "after_kwh",
            "created_at",
        )
    ]
    list_display = [
        "run", "scope", "start_utc", "end_utc", "interval_count", "before_kwh", "after_kwh",
    ]  # fmt: skip
    list_filter = ["run__state", "scope", "run__contract", "run__period"]
    list_select_related = ["run__contract"]
    search_fields = ["run__contract__code"]

    def get_queryset(self, request):
        """Leave the frozen documents of the runs in the database."""
        return super().get_queryset(request).defer("run__inputs")
