"""Setting up sources; what their looks brought."""

import json

from django import forms
from django.contrib import admin
from django.utils.html import format_html
from import_export import fields, resources
from import_export.widgets import ForeignKeyWidget

from meters.models import ImportProfile, Source, SourceItem, SourceRun
from meters.resources import Document, Exact
from meters.sources import connectors
from poweroptix.adminkit import ExchangeAdmin, ExportMixin, ReadOnlyAdmin, badge
from poweroptix.kernel.parameters import describe

OUTCOME_TONES = {"RUNNING": "info", "DONE": "good", "FAILED": "bad", "INTERRUPTED": "warn"}
VERDICT_TONES = {"TAKEN": "good", "DUPLICATE": "quiet", "REFUSED": "bad"}
#: What people set; the rest is what happened.
SET_UP = (
    *("code", "name", "kind", "parameters", "profile", "every_minutes", "cadence_minutes"),
    *("enabled", "paused_reason", "secret_place"),
)


class SourceResource(resources.ModelResource):
    """Sources by code; a secret is named, never carried."""

    parameters = fields.Field("parameters", "parameters", Document())
    profile = fields.Field("profile", "profile", ForeignKeyWidget(ImportProfile, "code"))

    class Meta(Exact):
        """Columns."""

        model = Source
        import_id_fields = ["code"]
        fields = SET_UP


class SourceRunResource(resources.ModelResource):
    """Looks, for export."""

    class Meta:
        """Columns."""

        model = SourceRun
        exclude = ["notes"]


class SourceItemResource(resources.ModelResource):
    """Files that were seen, for export."""

    class Meta:
        """Columns."""

        model = SourceItem


@admin.register(Source)
class SourceAdmin(ExchangeAdmin):
    """Where files come from."""

    resource_classes = [SourceResource]
    list_display = ["code", "name", "kind", "profile", "every_minutes", "cadence_minutes",
                    "shown_state", "last_seen_at"]  # fmt: skip
    list_filter = ["kind", "enabled"]
    list_select_related = ["profile"]
    search_fields = ["code", "name"]
    fields = [*SET_UP[:3], "shown_parameters", *SET_UP[3:]]
    readonly_fields = ["shown_parameters"]

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        """Offer the connectors there are."""
        if db_field.name == "kind":
            return forms.ChoiceField(  # a bound method as choices would copy the registry
                choices=lambda: connectors.choices(), help_text=db_field.help_text
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @admin.display(description="state", ordering="enabled")
    def shown_state(self, obj):
        """Return whether the source fails, is paused, or neither."""
        if not obj.enabled:
            return badge("Paused", "quiet")
        return badge("Failing", "bad") if obj.last_error else badge("Enabled", "good")

    @admin.display(description="what the parameters may hold")
    def shown_parameters(self, obj):
        """Return the fields of the chosen connector, or of all while none is chosen."""
        chosen = [(obj.kind, obj.connector)] if obj and obj.kind else connectors.items()
        lines = [
            f"{key}: "
            + ", ".join(
                f"{entry['name']}{'' if entry['required'] else '=' + json.dumps(entry['default'])}"
                for entry in describe(item.Parameters)
            )
            for key, item in chosen
        ]
        return format_html("<pre>{}</pre>", "\n".join(lines))


@admin.register(SourceRun)
class SourceRunAdmin(ExportMixin, ReadOnlyAdmin):
    """Looks at sources."""

    resource_classes = [SourceRunResource]
    list_display = ["source", "started_at", "ended_at", "shown_outcome", "seen", "taken",
                    "duplicates", "refused", "passed"]  # fmt: skip
    list_filter = ["outcome", "source"]
    list_select_related = ["source"]
    search_fields = ["source__code", "error"]
    date_hierarchy = "started_at"

    @admin.display(description="outcome", ordering="outcome")
    def shown_outcome(self, obj):
        """Return the outcome as a badge."""
        return badge(obj.get_outcome_display(), OUTCOME_TONES[obj.outcome])


@admin.register(SourceItem)
class SourceItemAdmin(ExportMixin, ReadOnlyAdmin):
    """Files that were seen at sources."""

    resource_classes = [SourceItemResource]
    list_display = ["source", "name", "shown_verdict", "message", "modified_at", "at"]
    list_filter = ["verdict", "source"]
    list_select_related = ["source"]
    search_fields = ["source__code", "name", "message"]

    @admin.display(description="verdict", ordering="verdict")
    def shown_verdict(self, obj):
        """Return the verdict as a badge."""
        return badge(obj.get_verdict_display(), VERDICT_TONES[obj.verdict])
