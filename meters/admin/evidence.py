"""What rules found, what people did, what was published: to look at, never to change."""

from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.forms import CharField

from meters.models import (
    Edit,
    EditProposal,
    Finding,
    Publication,
    ReadingNote,
    ReasonCode,
    RegisterRead,
    VeeRun,
)
from meters.resources import EditResource, FindingResource, RegisterReadResource
from meters.services import accept_finding, look_again
from poweroptix.adminkit import ExportMixin, ReadOnlyAdmin, badge, columns_of
from poweroptix.audit.actor import Actor
from poweroptix.clock import now
from poweroptix.kernel.errors import DomainError

SEVERITY_TONES = {"BLOCK": "bad", "REJECT": "bad", "HOLD": "bad", "ESTIMATE": "warn",
                  "WARN": "warn", "INFO": "info"}  # fmt: skip
STATE_TONES = {"OPEN": "bad", "ACCEPTED": "good", "ESTIMATED": "warn", "EDITED": "info",
               "CLOSED": "quiet"}  # fmt: skip


class CommentForm(ActionForm):
    """A comment beside the action; accepting a finding needs one."""

    comment = CharField(required=False, label="Comment")


@admin.register(Finding)
class FindingAdmin(ExportMixin, ReadOnlyAdmin):
    """Findings; the work is done on the pages of the office."""

    resource_classes = [FindingResource]
    list_display = ["rule_code", "channel", "shown_severity", "shown_state", "start_utc", "end_utc",
                    "metric", "threshold", "message"]  # fmt: skip
    list_filter = ["state", "severity", "rule_code", "channel__delivery_point__campus"]
    list_select_related = ["channel"]
    search_fields = ["channel__code", "rule_code", "message"]
    date_hierarchy = "start_utc"
    action_form = CommentForm
    actions = ["accept", "judge_again"]

    @admin.display(description="severity", ordering="severity")
    def shown_severity(self, obj):
        """Return the severity as a badge."""
        return badge(obj.get_severity_display(), SEVERITY_TONES[obj.severity])

    @admin.display(description="state", ordering="state")
    def shown_state(self, obj):
        """Return the state as a badge."""
        return badge(obj.get_state_display(), STATE_TONES[obj.state])

    @admin.action(description="Accept as read (needs a comment)")
    def accept(self, request, queryset):
        """Accept the chosen findings in the name of whoever asks."""
        actor, done = Actor.of_user(request.user), 0
        for finding in queryset:
            try:
                accept_finding(
                    finding,
                    reason_code=ReasonCode.OTHER,
                    comment=request.POST.get("comment", ""),
                    actor=actor,
                    now=now(),
                )
                done += 1
            except DomainError as fault:
                self.message_user(request, f"{finding}: {fault.message}", messages.ERROR)
        self.message_user(request, f"{done} findings accepted.")

    @admin.action(description="Judge the days of these findings again")
    def judge_again(self, request, queryset):
        """Validate the local days that the chosen findings touch."""
        actor = Actor.of_user(request.user)
        for finding in queryset.exclude(channel=None):
            try:
                look_again(finding, now=now(), actor=actor)
            except DomainError as fault:
                self.message_user(request, f"{finding}: {fault.message}", messages.ERROR)
        self.message_user(request, "The days were judged again.")


@admin.register(Edit)
class EditAdmin(ExportMixin, ReadOnlyAdmin):
    """Edits of final readings."""

    resource_classes = [EditResource]
    list_display = ["channel", "action", "operand", "source", "start_utc", "end_utc",
                    "before_total", "after_total", "reason_code", "actor", "approver",
                    "created_at"]  # fmt: skip
    list_filter = ["action", "reason_code", "channel__delivery_point__campus"]
    list_select_related = ["channel"]
    search_fields = ["channel__code", "comment", "actor"]
    date_hierarchy = "start_utc"


@admin.register(EditProposal)
class EditProposalAdmin(ExportMixin, ReadOnlyAdmin):
    """Edits above the limit; they are decided on the pages of the office."""

    resource_classes = [
        columns_of(
            EditProposal,
            "channel__code",
            "start_utc",
            "end_utc",
            "action",
            "operand",
            "reason_code",
            "comment",
            "state",
            "proposed_by",
            "proposed_at",
            "decided_by",
            "decided_at",
            "decision_reason",
        )
    ]
    list_display = ["channel", "action", "operand", "source", "start_utc", "end_utc", "state",
                    "proposed_by", "proposed_at", "decided_by", "decided_at"]  # fmt: skip
    list_filter = ["state", "action", "reason_code", "channel__delivery_point__campus"]
    list_select_related = ["channel"]
    search_fields = ["channel__code", "comment", "proposed_by", "decided_by"]
    date_hierarchy = "proposed_at"


@admin.register(Publication)
class PublicationAdmin(ExportMixin, ReadOnlyAdmin):
    """What made readings visible."""

    resource_classes = [
        columns_of(
            Publication,
            "id",
            "kind",
            "import_file_id",
            "actor",
            "reason",
            "created_at",
            "published_at",
            "withdrawn_at",
        )
    ]
    list_display = ["id", "kind", "import_file_id", "actor", "reason", "created_at",
                    "published_at", "withdrawn_at"]  # fmt: skip
    list_filter = ["kind"]
    search_fields = ["=id", "=import_file_id", "actor", "reason"]
    date_hierarchy = "created_at"


@admin.register(RegisterRead)
class RegisterReadAdmin(ExportMixin, ReadOnlyAdmin):
    """Reads of cumulative registers, as they were delivered."""

    resource_classes = [RegisterReadResource]
    list_display = ["channel", "bucket", "read_at_utc", "text", "read_type", "multiplier_ratio",
                    "quantity", "import_file_id", "line"]  # fmt: skip
    list_filter = ["read_type", "bucket"]
    list_select_related = ["channel"]
    search_fields = ["channel__code", "=import_file_id"]
    date_hierarchy = "read_at_utc"


@admin.register(ReadingNote)
class ReadingNoteAdmin(ExportMixin, ReadOnlyAdmin):
    """Flags of sources on ranges of readings."""

    resource_classes = [
        columns_of(
            ReadingNote,
            "channel__code",
            "start_utc",
            "end_utc",
            "code",
            "detail",
            "publication_id",
        )
    ]
    list_display = ["channel", "code", "start_utc", "end_utc", "detail"]
    list_filter = ["code"]
    list_select_related = ["channel"]
    search_fields = ["channel__code"]
    date_hierarchy = "start_utc"


@admin.register(VeeRun)
class VeeRunAdmin(ExportMixin, ReadOnlyAdmin):
    """Validations."""

    resource_classes = [
        columns_of(
            VeeRun,
            "channel__code",
            "first_day",
            "last_day",
            "rules_digest",
            "counts",
            "publication_id",
            "actor",
            "created_at",
        )
    ]
    list_display = ["channel", "first_day", "last_day", "counts", "publication_id", "actor",
                    "created_at"]  # fmt: skip
    list_filter = ["channel__delivery_point__campus"]
    list_select_related = ["channel"]
    search_fields = ["channel__code"]
    date_hierarchy = "first_day"
