"""Admin page of the audit trail: search, filter, export; nothing can be changed."""

import json

from django.contrib import admin
from django.utils.html import format_html
from import_export.resources import ModelResource

from poweroptix.adminkit import ExportMixin, ReadOnlyAdmin
from poweroptix.audit.models import AuditEvent


class AuditEventResource(ModelResource):
    """Columns of the exported trail."""

    class Meta:
        model = AuditEvent


@admin.register(AuditEvent)
class AuditEventAdmin(ExportMixin, ReadOnlyAdmin):
    """Who did what, when and why."""

    resource_classes = [AuditEventResource]
    date_hierarchy = "at"
    list_display = ["at", "shown_actor", "action", "object_type", "object_label", "reason"]
    list_filter = ["actor_kind", "action", "object_type"]
    search_fields = ["=object_id", "actor_name", "action", "object_label", "reason"]
    fields = [
        "at",
        "shown_actor",
        "action",
        "object_type",
        "object_id",
        "object_label",
        "tenant_id",
        "reason",
        "shown_before",
        "shown_after",
        "request_id",
        "digest",
    ]

    def has_export_permission(self, request):
        """Whether the trail may be taken out."""
        return self._may(request, "audit.export")

    @admin.display(description="Actor", ordering="actor_name")
    def shown_actor(self, event):
        """Return kind and name."""
        return f"{event.actor_name} ({event.actor_kind})"

    @admin.display(description="Before")
    def shown_before(self, event):
        """Return the fields as they were."""
        return _document(event.before)

    @admin.display(description="After")
    def shown_after(self, event):
        """Return the fields as they became."""
        return _document(event.after)


def _document(document) -> str:
    if document is None:
        return "-"
    return format_html("<pre>{}</pre>", json.dumps(document, indent=1, sort_keys=True))
