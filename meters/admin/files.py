"""Import profiles, aliases, received files and what was quarantined."""

from django import forms
from django.contrib import admin, messages
from django.urls import reverse
from django.utils.html import format_html

from meters.formats import formats
from meters.models import ChannelAlias, ImportFile, ImportProfile, QuarantinedRecord, RecordState
from meters.resources import (
    ChannelAliasResource,
    ImportFileResource,
    ImportProfileResource,
    QuarantinedRecordResource,
)
from meters.services import dismiss_quarantine
from poweroptix.accounts.permissions import may
from poweroptix.adminkit import ExchangeAdmin, ExportMixin, ReadOnlyAdmin, badge
from poweroptix.audit.actor import Actor
from poweroptix.clock import now
from poweroptix.jobs.services import enqueue
from poweroptix.kernel.errors import DomainError

FILE_TONES = {"RECEIVED": "quiet", "READING": "info", "ACCEPTED": "good", "REFUSED": "bad"}
RECORD_TONES = {"OPEN": "bad", "MAPPED": "info", "REPLAYED": "good", "DISMISSED": "quiet"}


@admin.register(ImportProfile)
class ImportProfileAdmin(ExchangeAdmin):
    """How sources write their files."""

    resource_classes = [ImportProfileResource]
    list_display = ["code", "format", "zone", "label", "unit", "unit_factor", "on_row_error",
                    "beside_a_sample"]  # fmt: skip
    readonly_fields = ["beside_a_sample"]
    list_filter = ["format", "label"]
    search_fields = ["code", "zone"]

    @admin.display(description="live preview")
    def beside_a_sample(self, obj):
        """Link to the editor that shows the first rows of a file as the profile reads them."""
        if obj.pk is None:
            address, text = reverse("office-import-profile-new"), "Make it beside a sample file"
        else:
            address = reverse("office-import-profile", args=[obj.pk])
            text = "Edit beside a sample file"
        return format_html('<a href="{}">{}</a>', address, text)

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        """Offer the formats there are."""
        if db_field.name == "format":
            return forms.ChoiceField(  # a bound method as choices would copy the registry
                choices=lambda: formats.choices(),
                help_text=db_field.help_text,
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)


@admin.register(ChannelAlias)
class ChannelAliasAdmin(ExchangeAdmin):
    """What sources call channels."""

    resource_classes = [ChannelAliasResource]
    list_display = ["source", "channel_text", "channel"]
    list_filter = ["source"]
    list_select_related = ["channel"]
    search_fields = ["channel_text", "channel__code"]
    autocomplete_fields = ["channel"]


@admin.register(ImportFile)
class ImportFileAdmin(ExportMixin, ReadOnlyAdmin):
    """Received files."""

    resource_classes = [ImportFileResource]
    list_display = ["id", "name", "source", "format", "shown_state", "intervals", "received_at",
                    "uploaded_by"]  # fmt: skip
    list_filter = ["state", "source", "format"]
    search_fields = ["=id", "name", "=sha256"]
    date_hierarchy = "received_at"
    actions = ["read_now", "replay_mapped"]

    @admin.display(description="state", ordering="state")
    def shown_state(self, obj):
        """Return the state as a badge."""
        return badge(obj.get_state_display(), FILE_TONES.get(obj.state, "quiet"))

    @admin.display
    def intervals(self, obj):
        """Return how many intervals the file brought."""
        return obj.receipt.get("intervals", "")

    @admin.action(description="Read the chosen files (as jobs)")
    def read_now(self, request, queryset):
        """Enqueue files that were received or refused."""
        if not may(request.user, "meters.import"):
            self.message_user(request, "You may not import files.", messages.ERROR)
            return
        at = now()
        waiting = queryset.exclude(state="ACCEPTED")
        for file in waiting:
            enqueue(
                "ingest_file",
                f"ingest:{file.pk}/{at:%Y%m%dT%H%M%S}",
                {"import_file_id": file.pk},
                created_by=request.user,
            )
        self.message_user(request, f"{len(waiting)} files will be read.")

    @admin.action(description="Replay mapped records of the chosen files (as jobs)")
    def replay_mapped(self, request, queryset):
        """Enqueue the replay of what was mapped since."""
        if not may(request.user, "meters.map"):
            self.message_user(request, "You may not map records.", messages.ERROR)
            return
        mapped = QuarantinedRecord.objects.filter(state=RecordState.MAPPED)
        ids = set(mapped.values_list("import_file_id", flat=True))
        at, count = now(), 0
        for file in queryset:
            if file.pk in ids:
                enqueue(
                    "replay_file",
                    f"replay:{file.pk}/{at:%Y%m%dT%H%M%S}",
                    {"import_file_id": file.pk},
                    created_by=request.user,
                )
                count += 1
        self.message_user(request, f"{count} files will be replayed.")


@admin.register(QuarantinedRecord)
class QuarantinedRecordAdmin(ExportMixin, ReadOnlyAdmin):
    """Records that did not become readings."""

    resource_classes = [QuarantinedRecordResource]
    list_display = ["import_file", "channel_text", "code", "message", "line_first", "line_last",
                    "shown_state"]  # fmt: skip
    list_filter = ["state", "code"]
    list_select_related = ["import_file"]
    search_fields = ["channel_text", "message", "import_file__name"]
    actions = ["dismiss"]

    @admin.display(description="state", ordering="state")
    def shown_state(self, obj):
        """Return the state as a badge."""
        return badge(obj.get_state_display(), RECORD_TONES[obj.state])

    @admin.action(description="Dismiss: never to become readings")
    def dismiss(self, request, queryset):
        """Dismiss the chosen records in the name of whoever asks."""
        actor = Actor.of_user(request.user)
        for row in queryset:
            try:
                dismiss_quarantine(row, actor=actor, now=now(), reason="Dismissed in the list")
            except DomainError as fault:
                self.message_user(request, fault.message, messages.ERROR)
