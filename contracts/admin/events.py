"""Events: entered with the form of their kind; corrected on the page of the contract."""

from django import forms
from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from contracts.events import event_kind, event_kinds
from contracts.forms import PREFIX, fields_of, plain_of
from contracts.models import ContractEvent
from contracts.services.events import propose_event, record_event
from poweroptix.adminkit import ExportAdmin, columns_of
from poweroptix.audit.actor import Actor
from poweroptix.clock import now
from poweroptix.kernel.errors import DomainError

TIMES = ["contract", "start_utc", "end_utc"]


class EventAdminForm(forms.ModelForm):
    """An event with the fields of its kind."""

    key = ""

    class Meta:
        """What is typed beside the values."""

        model = ContractEvent
        fields = [*TIMES, "reason"]

    def clean(self):
        """Let the service judge the event as a whole; findings land on their fields."""
        cleaned = super().clean()
        if self.errors:
            return cleaned
        try:
            propose_event(**self.deed())
        except DomainError as error:
            for finding in error.findings:
                name = PREFIX + finding.where
                self.add_error(name if name in self.fields else None, finding.message)
            if not error.findings:
                self.add_error(None, error.message)
        return cleaned

    def deed(self) -> dict:
        """Return what `record_event` takes."""
        cleaned = self.cleaned_data
        return {
            "contract": cleaned["contract"],
            "kind": self.key,
            "start_utc": cleaned["start_utc"],
            "end_utc": cleaned.get("end_utc"),
            "values": plain_of(cleaned, event_kind(self.key).Values),
            "reason": cleaned["reason"],
        }


def admin_form(key: str) -> type[EventAdminForm]:
    """Return the form class of one kind; what happens at an instant has no end."""
    kind = event_kind(key)
    fields = {**fields_of(kind.Values), "key": key}
    if not kind.lasts:
        typed = [name for name in EventAdminForm.Meta.fields if name != "end_utc"]
        fields["Meta"] = type("Meta", (EventAdminForm.Meta,), {"fields": typed})
    return type("EventAdminFormOf" + key.split("@")[0].title(), (EventAdminForm,), fields)


@admin.register(ContractEvent)
class ContractEventAdmin(ExportAdmin):
    """What happened under contracts. Rows are only added."""

    resource_classes = [
        columns_of(
            ContractEvent,
            "contract__code",
            "kind",
            "start_utc",
            "end_utc",
            "values",
            "reason",
            "replaces__id",
            "withdrawn",
            "recorded_at",
            "recorded_by",
        )
    ]
    list_display = ["contract", "sentence", "start_utc", "end_utc", "stands", "recorded_by"]
    list_filter = ["kind", "withdrawn", "contract__campus", "contract"]
    list_select_related = ["contract", "replaced_by"]
    search_fields = ["contract__code", "reason"]
    date_hierarchy = "start_utc"
    autocomplete_fields = ["contract"]
    readonly_fields = ["kinds", "sentence", "stands", "written"]

    def event_key(self, request) -> str:
        """Return the kind that the form is for."""
        asked = request.GET.get("kind", "")
        known = event_kinds.keys()
        return asked if asked in known else known[0]

    def get_form(self, request, obj=None, change=False, **kwargs):
        """Return the form of the kind for a new event."""
        if obj is None:
            kwargs["form"] = admin_form(self.event_key(request))
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request, obj=None):
        """Return the times, then the values of the kind."""
        if obj is not None:
            shown = [*TIMES, "reason", "replaces", "withdrawn", "sentence", "stands", "written"]
            return [(None, {"fields": shown})]
        key = self.event_key(request)
        form = admin_form(key)
        names = [name for name in form.base_fields if name.startswith(PREFIX)]
        times = [name for name in TIMES if name in form.base_fields]
        return [
            (None, {"fields": [*times, "reason"]}),
            (f"{event_kind(key).title} ({key})", {"fields": names}),
            (None, {"fields": ["kinds"]}),
        ]

    def has_change_permission(self, request, obj=None):
        """Refuse for everybody: an event is corrected by another one."""
        return False

    def save_model(self, request, obj, form, change):
        """Let the service write the event."""
        written = record_event(**form.deed(), actor=Actor.of_user(request.user), now=now())
        obj.pk, obj._state.adding = written.pk, False

    @admin.display(description="in words")
    def sentence(self, obj):
        """Return the event in plain words."""
        kind = event_kind(obj.kind)
        return kind.sentence(kind.parse(obj.values))

    @admin.display(boolean=True, description="stands")
    def stands(self, obj):
        """Return whether the event counts."""
        return not obj.withdrawn and getattr(obj, "replaced_by", None) is None

    @admin.display(description="correct it")
    def written(self, obj):
        """Link to the page on which events are corrected."""
        return format_html(
            '<a href="{}">events of the contract</a>',
            reverse("office-events", args=[obj.contract.code]),
        )

    @admin.display(description="other kinds of event")
    def kinds(self, obj):
        """Links to the forms of the other kinds."""
        return format_html_join(" · ", '<a href="?kind={}">{}</a>', event_kinds.choices())
