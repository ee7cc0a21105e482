"""Ownership of campuses, with dated shares, and the statements that were made."""

from django.contrib import admin
from django.forms.models import BaseInlineFormSet

from poweroptix.adminkit import (
    ExportAdmin,
    ExportMixin,
    ReadOnlyAdmin,
    ReadOnlyInline,
    TabularInline,
    badge,
    columns_of,
)
from settlement.admin._shares import refuse_not_one
from settlement.admin.money import TONES
from settlement.models import OwnerLine, OwnerMonth, OwnerShare, Ownership
from settlement.models.ownership import SHARES


class OwnerShareFormSet(BaseInlineFormSet):
    """Shares of one ownership."""

    def clean(self):
        """Refuse shares of a kind that are not one on a day on which somebody holds them."""
        super().clean()
        for share in SHARES:
            name = share.replace("_", " ").capitalize()
            refuse_not_one(self, lambda row: str(row.get("party")), share, f"{name}s: ")


class OwnerShareInline(TabularInline):
    """Who holds what, from when to when."""

    model = OwnerShare
    formset = OwnerShareFormSet
    autocomplete_fields = ["party"]
    deletable = True


@admin.register(Ownership)
class OwnershipAdmin(ExportAdmin):
    """The ownership model of each campus."""

    list_display = ["campus", "model", "first_date", "share_change", "operator", "evidence"]
    list_filter = ["campus", "model"]
    list_select_related = ["campus", "operator"]
    search_fields = ["campus__code", "evidence"]
    autocomplete_fields = ["operator"]
    inlines = [OwnerShareInline]


class OwnerLineInline(ReadOnlyInline):
    """The amounts of every party."""

    model = OwnerLine
    fields = ["position", "party", "label", "base_usd", "weight", "weights", "amount_usd"]
    readonly_fields = fields

    def get_queryset(self, request):
        """Fetch the parties with the lines."""
        return super().get_queryset(request).select_related("party")


@admin.register(OwnerMonth)
class OwnerMonthAdmin(ExportMixin, ReadOnlyAdmin):
    """Statements of owners, only shown."""

    resource_classes = [
        columns_of(
            OwnerMonth,
            *("campus__code", "period", "version", "state", "net_usd", "inputs_sha256"),
            *("created_by", "created_at"),
        )
    ]
    list_display = ["__str__", "campus", "period", "net_usd", "shown_state", "created_by"]
    list_filter = ["campus", "state", "period"]
    list_select_related = ["campus"]
    search_fields = ["campus__code", "period"]
    exclude = ["inputs", "state"]
    readonly_fields = ["shown_state"]
    inlines = [OwnerLineInline]

    @admin.display(description="state", ordering="state")
    def shown_state(self, obj):
        """State as a badge."""
        return badge(obj.get_state_display(), TONES[obj.state])
