"""Pools of money, their members, what was entered and how months were divided."""

from django.contrib import admin
from django.core.exceptions import ValidationError
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
from settlement.models import (
    MoneyMember,
    MoneyPool,
    PoolItem,
    PoolMonth,
    PoolSale,
    PoolShare,
)
from settlement.models.sale import NOT_REVENUE

TONES = {"DRAFT": "info", "CALCULATED": "good", "SUPERSEDED": "quiet"}


class MoneyMemberFormSet(BaseInlineFormSet):
    """Members of one pool."""

    def clean(self):
        """Refuse agreed shares that are not one on a day on which somebody takes part."""
        super().clean()
        if self.instance.key.startswith("fixed_parts@"):
            refuse_not_one(
                self, lambda row: str(row.get("contract") or row.get("part_pool")), "weight"
            )


class MoneyMemberInline(TabularInline):
    """Contracts, or pools below, with their weight and days; a change is a new row."""

    model = MoneyMember
    formset = MoneyMemberFormSet
    fk_name = "pool"
    autocomplete_fields = ["contract", "part_pool"]
    deletable = True


class PoolSaleFormSet(BaseInlineFormSet):
    """Sales of one pool."""

    def clean(self):
        """Refuse sales of a cost or a fee."""
        super().clean()
        rows = [form.cleaned_data for form in self.forms if hasattr(form, "cleaned_data")]
        if self.instance.kind != MoneyPool.Kind.REVENUE and any(
            row and not row.get("DELETE") for row in rows
        ):
            raise ValidationError(NOT_REVENUE)


class PoolSaleInline(TabularInline):
    """What a revenue pool sells, from which month on; its amount is then computed."""

    model = PoolSale
    formset = PoolSaleFormSet
    autocomplete_fields = ["channel", "index"]
    deletable = True


@admin.register(MoneyPool)
class MoneyPoolAdmin(ExportAdmin):
    """Pools of money: what is shared, by which key, among whom."""

    list_display = ["code", "campus", "name", "kind", "key", "operator", "operator_cut_ratio"]
    list_filter = ["campus", "kind", "key"]
    list_select_related = ["campus", "operator"]
    search_fields = ["code", "name", "campus__code"]
    autocomplete_fields = ["operator"]
    inlines = [PoolSaleInline, MoneyMemberInline]


@admin.register(PoolItem)
class PoolItemAdmin(ExportMixin, ReadOnlyAdmin):
    """Amounts as they were entered; the month page enters and withdraws."""

    resource_classes = [
        columns_of(
            PoolItem,
            "pool__campus__code",
            "pool__code",
            "period",
            "label",
            "quantity",
            "unit",
            "rate",
            "exact_usd",
            "source",
            "evidence",
            "created_by",
            "created_at",
            "withdrawn_by",
            "withdrawn_at",
            "withdrawn_reason",
        )
    ]
    list_display = ["label", "pool", "period", "exact_usd", "source", "evidence", "withdrawn_by"]
    list_filter = ["pool__campus", "pool", "period"]
    list_select_related = ["pool__campus"]
    search_fields = ["label", "source", "evidence", "pool__code"]


class PoolShareInline(ReadOnlyInline):
    """Who got which cents."""

    model = PoolShare
    fields = ["contract", "part_pool", "amount_usd"]
    readonly_fields = fields

    def get_queryset(self, request):
        """Fetch the names with the rows."""
        rows = super().get_queryset(request)
        return rows.select_related("contract", "part_pool__campus")


@admin.register(PoolMonth)
class PoolMonthAdmin(ExportMixin, ReadOnlyAdmin):
    """Divided months, only shown."""

    resource_classes = [
        columns_of(
            PoolMonth,
            "pool__campus__code",
            "pool__code",
            "period",
            "version",
            "state",
            "amount_usd",
            "operator_usd",
            "inputs_sha256",
            "created_by",
            "created_at",
        )
    ]
    list_display = ["__str__", "pool", "period", "amount_usd", "shown_state", "created_by"]
    list_filter = ["pool__campus", "pool", "state", "period"]
    list_select_related = ["pool__campus"]
    search_fields = ["pool__code", "period"]
    exclude = ["inputs", "state", "head", "worksheet", "pins"]
    readonly_fields = ["shown_state"]
    inlines = [PoolShareInline]

    def get_queryset(self, request):
        """Leave the frozen document in the database."""
        return super().get_queryset(request).defer("inputs")

    @admin.display(description="state", ordering="state")
    def shown_state(self, obj):
        """State as a badge."""
        return badge(obj.get_state_display(), TONES[obj.state])
