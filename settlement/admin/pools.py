"""Shared pools, allocation runs and their parts."""

from django.contrib import admin, messages
from django.utils.html import format_html

from poweroptix.adminkit import (
    ExportAdmin,
    ExportMixin,
    ModelAdmin,
    ReadOnlyAdmin,
    ReadOnlyInline,
    TabularInline,
    badge,
    columns_of,
)
from settlement.models import AllocationPart, AllocationRun, Pool, PoolMember
from settlement.services import verify_allocation

TONES = {"DRAFT": "info", "CALCULATED": "info", "APPROVED": "good", "SUPERSEDED": "quiet"}


class MemberInline(TabularInline):
    """Contracts that bear their part of a pool."""

    model = PoolMember
    autocomplete_fields = ["contract"]
    deletable = True


@admin.register(Pool)
class PoolAdmin(ExportAdmin):
    """Pools: what is shared, by which key, among whom."""

    list_display = ["code", "campus", "name", "kind", "key"]
    list_filter = ["campus", "kind", "key"]
    list_select_related = ["campus"]
    search_fields = ["code", "name", "campus__code"]
    filter_horizontal = ["points"]
    inlines = [MemberInline]


class PartInline(ReadOnlyInline):
    """Parts of an allocation run with their totals; the series stay out of the page."""

    model = AllocationPart
    fields = ["kind", "pool_code", "contract", "minutes", "total_kwh", "digest"]
    readonly_fields = fields

    def get_queryset(self, request):
        """Leave the arrays in the database."""
        return super().get_queryset(request).defer("values", "status").select_related("contract")


@admin.register(AllocationRun)
class AllocationRunAdmin(ExportMixin, ReadOnlyAdmin):
    """Allocation runs, only shown; they can be computed again to prove them."""

    resource_classes = [
        columns_of(
            AllocationRun,
            "campus__code",
            "period",
            "version",
            "state",
            "minutes",
            "start_utc",
            "end_utc",
            "inputs_sha256",
            "created_by",
            "created_at",
        )
    ]
    list_display = ["__str__", "campus", "period", "version", "shown_state", "created_by"]
    list_filter = ["campus", "state", "period"]
    list_select_related = ["campus"]
    search_fields = ["period", "campus__code"]
    exclude = ["inputs", "state", "worksheets", "balance"]
    readonly_fields = ["shown_state", "residual"]
    inlines = [PartInline]
    actions = ["verify"]

    def get_queryset(self, request):
        """Leave the frozen document in the database."""
        return super().get_queryset(request).defer("inputs", "worksheets")

    @admin.display(description="state", ordering="state")
    def shown_state(self, obj):
        """State as a badge."""
        return badge(obj.get_state_display(), TONES[obj.state])

    @admin.display(description="residual")
    def residual(self, obj):
        """Residual of the month, kWh."""
        return format_html("{} kWh", obj.balance["residual_kwh"]) if obj.balance else "—"

    @admin.action(description="Compute again from the pinned readings")
    def verify(self, request, queryset):
        """Compute the chosen runs again and say what differs."""
        for run in queryset.select_related("campus"):
            show(self, request, verify_allocation(run))


def show(page: ModelAdmin, request, report) -> None:
    """Show a verification as a message."""
    if report.ok:
        page.message_user(request, f"{report.subject}: proved.", messages.SUCCESS)
    for difference in report.differences:
        page.message_user(request, f"{report.subject}: {difference}", messages.ERROR)
