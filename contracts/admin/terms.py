"""Terms: the form is made from the charge type."""

import json

from django.contrib import admin
from django.utils.html import format_html_join

from contracts.admin._draft import WritesDraft
from contracts.charges import charge_types
from contracts.forms import PREFIX, term_form
from contracts.models import ContractVersion, Term
from contracts.services.sentences import sentence as in_words
from poweroptix.adminkit import ExportAdmin, columns_of

FIRST_KEY = "fixed_energy@1"
CLAUSE = ["version", "position", "line_code", "label", "clause_number", "clause_text"]


@admin.register(Term)
class TermAdmin(WritesDraft, ExportAdmin):
    """Terms of drafts can be written; those of other versions only looked at."""

    resource_classes = [
        columns_of(
            Term,
            "version__contract__code",
            "version__number",
            "position",
            "line_code",
            "charge_type",
            "label",
            "clause_number",
            "clause_text",
            "quantity_name",
            "parameters",
        )
    ]
    list_display = ["label", "version", "line_code", "charge_type", "clause_number", "sentence"]
    list_filter = ["charge_type", "version__state", "version__contract"]
    list_select_related = ["version__contract"]
    search_fields = ["label", "clause_number", "clause_text", "version__contract__code"]
    readonly_fields = ["kinds", "sentence", "written"]
    deletable = True

    def charge_key(self, request, obj=None) -> str:
        """Return the charge type that the form is for: the term's own, or the one asked for."""
        if obj is not None:
            return obj.charge_type
        asked = request.GET.get("charge_type", FIRST_KEY)
        return asked if asked in charge_types.keys() else FIRST_KEY  # noqa: SIM118

    def get_form(self, request, obj=None, change=False, **kwargs):
        """Return the form of the charge type."""
        return term_form(self.charge_key(request, obj))

    def get_fieldsets(self, request, obj=None):
        """Return the clause, then its parameters, then what they say."""
        form = self.get_form(request, obj)
        names = [name for name in form.base_fields if name.startswith(PREFIX)]
        key = self.charge_key(request, obj)
        title = charge_types.get(key).title
        if not self.has_change_permission(request, obj):
            names = ["written"]  # fields of the form alone show nothing when they are read only
        sets = [
            (None, {"fields": [*CLAUSE, "quantity_name"]}),
            (f"{title} ({key})", {"fields": names}),
        ]
        return [*sets, (None, {"fields": ["sentence"] if obj else ["kinds"]})]

    def get_changeform_initial_data(self, request):
        """Return the version that the link names."""
        return {"version": request.GET.get("version")}

    def has_change_permission(self, request, obj=None):
        """Only terms of drafts change."""
        return self.is_open(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request, obj=None):
        """Only terms of drafts vanish."""
        return self.is_open(obj) and super().has_delete_permission(request, obj)

    @staticmethod
    def is_open(obj) -> bool:
        """Return True while the version is a draft."""
        return obj is None or obj.version.state == ContractVersion.State.DRAFT

    @admin.display(description="in words")
    def sentence(self, obj):
        """Return the term in plain words."""
        return in_words(obj) if obj is not None and obj.pk else ""

    @admin.display(description="parameters")
    def written(self, obj):
        """Return the parameters as they are stored, one to a line."""
        rows = sorted(obj.parameters.items()) if obj is not None else ()
        shown = [(name, json.dumps(value, ensure_ascii=False)) for name, value in rows]
        return format_html_join("", "<div><strong>{}</strong> {}</div>", shown)

    @admin.display(description="other kinds of charge")
    def kinds(self, obj):
        """Links to the forms of the other charge types."""
        rows = [(key, kind.title) for key, kind in charge_types.items()]
        return format_html_join(" · ", '<a href="?charge_type={}">{}</a>', rows)
