"""Definitions of virtual channels: looked at, added through the service, taken in and out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from import_export import fields, resources

from meters.models import Channel, ChannelKind, DefinitionMethod, VirtualDefinition
from meters.queries.definitions import Told
from meters.services.virtual.checking import Order, check
from meters.services.virtual.definitions import define
from poweroptix.adminkit import ExchangeAdmin, badge
from poweroptix.audit.actor import Actor
from poweroptix.clock import now
from poweroptix.kernel.errors import Refused

COLUMNS = ("channel", "from", "method", "expression", "parameters", "metered", "opposite",
           "cut_longer", "comment")  # fmt: skip


class VirtualDefinitionResource(resources.ModelResource):
    """Definitions by channel and instant; what is imported goes through the service."""

    class Meta:
        """Columns."""

        model = VirtualDefinition
        fields = ()
        use_transactions = True
        skip_diff = True

    def get_fields(self, **_kwargs):
        """Return the columns of a file."""
        return [self.fields[name] for name in COLUMNS]

    def get_instance(self, _loader, _row):
        """Return none: a row is a new definition, or the same once more."""
        return

    def import_instance(self, instance, row, **_kwargs):
        """Check a row; what is wrong is told at its column."""
        self._order = order_of(row)
        checked_or_invalid(self._order)
        instance.channel = self._order.channel

    def validate_instance(self, instance, import_validation_errors=None, validate_unique=True):
        """Raise what `import_instance` found."""
        if import_validation_errors:
            raise ValidationError(import_validation_errors)

    def save_instance(self, instance, _is_create, _row, **kwargs):
        """Define the channel, in the name of whoever imports."""
        user = kwargs.get("user")
        actor = Actor.of_user(user) if user else Actor.system("import")
        made = define(self._order, actor=actor, now=now())
        instance.pk = made.pk

    def do_instance_save(self, instance, is_create):
        """Do nothing: the service has stored it."""


def _column(name: str, read) -> fields.Field:
    made = fields.Field(column_name=name, readonly=True)
    made.export = lambda instance, **_kwargs: read(Told(instance))
    return made


VirtualDefinitionResource.fields = {
    name: _column(name, read)
    for name, read in {
        "channel": lambda told: told.row.channel.code,
        "from": lambda told: told.row.valid.lower.isoformat(),
        "method": lambda told: told.row.method,
        "expression": lambda told: told.rule if told.row.formula else "",
        "parameters": lambda told: json.dumps(told.row.parameters, sort_keys=True),
        "metered": lambda told: told.metered,
        "opposite": lambda told: told.opposite,
        "cut_longer": lambda told: "1" if told.row.cut_longer else "",
        "comment": lambda told: told.row.comment,
    }.items()
}


def order_of(row: Any) -> Order:
    """Return the definition that a row of a file asks for; ValidationError names the column."""
    said = {name: str(row.get(name) or "").strip() for name in COLUMNS}
    channel = Channel.objects.filter(code=said["channel"]).first()
    if channel is None:
        raise ValidationError({"channel": f"There is no channel '{said['channel']}'."})
    try:
        begins = datetime.fromisoformat(said["from"])
        parameters = json.loads(said["parameters"] or "{}")
    except ValueError as error:
        text = f"'{said['from']}' is no instant, or '{said['parameters']}' no JSON: {error}"
        raise ValidationError({"from": text}) from error
    if begins.tzinfo is None or not isinstance(parameters, dict):
        raise ValidationError(
            {"from": "Write the instant with an offset or Z, and the parameters as an object."}
        )
    return Order(
        channel=channel,
        from_utc=begins.astimezone(UTC),
        method=said["method"] or DefinitionMethod.FORMULA,
        expression=said["expression"],
        parameters=parameters,
        metered=said["metered"],
        opposite=said["opposite"],
        cut_longer=said["cut_longer"].lower() in ("1", "true", "yes"),
        comment=said["comment"],
    )


def checked_or_invalid(order: Order) -> None:
    """Raise a ValidationError with the faults of an order by field."""
    try:
        check(order)
    except Refused as refused:
        faults: dict[str, list[str]] = {}
        for one in refused.findings:
            faults.setdefault(one.where, []).append(one.message)
        raise ValidationError(faults or refused.message) from refused


class DefinitionForm(forms.ModelForm):
    """A new definition: an expression, or losses of a metered channel."""

    from_utc = forms.SplitDateTimeField(label="From (UTC)", widget=admin.widgets.AdminSplitDateTime)
    expression = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Channels in square brackets: max(0, [GEN1/KWH] - [AUX1/KWH]).",
    )
    metered = forms.CharField(required=False, help_text="Of losses: the code of the meter.")
    opposite = forms.CharField(
        required=False, help_text="Of losses: the code of the other direction of the same place."
    )

    class Meta:
        """Columns."""

        model = VirtualDefinition
        fields = ["channel", "method", "parameters", "cut_longer", "comment"]

    def clean(self):
        """Check the order; every fault stands at its field."""
        said = super().clean()
        if self.errors or "channel" not in said:
            return said
        names = ("channel", "from_utc", "method", "expression", "parameters", "metered",
                 "opposite", "cut_longer", "comment")  # fmt: skip
        self.order = Order(**{name: said[name] for name in names})
        try:
            checked_or_invalid(self.order)
        except ValidationError as invalid:
            for where, messages in getattr(invalid, "error_dict", {None: invalid}).items():
                self.add_error(where if where in self.fields else "parameters", messages)
        return said

    def _post_clean(self):
        """Leave the constraints of the row to the service, which makes room first."""


@admin.register(VirtualDefinition)
class VirtualDefinitionAdmin(ExchangeAdmin):
    """Definitions of virtual channels: added, never changed; ended and withdrawn on their page."""

    form = DefinitionForm
    resource_classes = [VirtualDefinitionResource]
    list_display = ["channel", "valid", "method", "rule", "shown_state", "recorded_by"]
    list_filter = ["channel__delivery_point__campus", "method", "cut_longer"]
    search_fields = ["channel__code", "formula", "terms__channel__code", "comment"]
    autocomplete_fields = ["channel"]

    def get_queryset(self, request):
        """Return the rows with what their rule names."""
        rows = super().get_queryset(request).select_related("channel")
        return rows.prefetch_related("terms__channel")

    def has_change_permission(self, request, obj=None):
        """Refuse: a definition is followed by another one."""
        return obj is None and super().has_change_permission(request, obj)

    def get_fields(self, request, obj=None):
        """Show what was stored, or ask for what is new."""
        if obj is None:
            return ["channel", "from_utc", "method", "expression", "metered", "opposite",
                    "parameters", "cut_longer", "comment"]  # fmt: skip
        return ["channel", "valid", "method", "rule", "parameters", "cut_longer", "comment",
                "recorded_by", "recorded_at", "shown_state", "withdrawn_reason"]  # fmt: skip

    def get_readonly_fields(self, request, obj=None):
        """Return everything of a stored definition."""
        return self.get_fields(request, obj) if obj is not None else []

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        """Offer virtual channels alone."""
        if db_field.name == "channel":
            kwargs["queryset"] = Channel.objects.filter(kind=ChannelKind.VIRTUAL)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request, obj, form, change):
        """Define through the service."""
        made = define(form.order, actor=Actor.of_user(request.user), now=now())
        for field in VirtualDefinition._meta.concrete_fields:
            setattr(obj, field.attname, getattr(made, field.attname))

    @admin.display(description="follows from")
    def rule(self, obj):
        """Return the expression with channel codes, or the losses in words."""
        return Told(obj).rule

    @admin.display(description="state")
    def shown_state(self, obj):
        """Return whether it holds for its time."""
        return badge("holds", "good") if obj.is_live else badge("withdrawn", "quiet")
