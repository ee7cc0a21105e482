"""Worked examples and opening balances."""

from django.contrib import admin

from contracts.admin._draft import WritesDraft
from contracts.models import ContractExample, ContractVersion, OpeningBalance
from poweroptix.adminkit import ExportAdmin, badge, columns_of
from poweroptix.audit.actor import Actor
from poweroptix.clock import now

TONES = {"PASS": "good", "FAIL": "bad", "": "quiet"}


@admin.register(ContractExample)
class ContractExampleAdmin(WritesDraft, ExportAdmin):
    """Examples of drafts can be written; those of other versions only looked at."""

    resource_classes = [
        columns_of(
            ContractExample,
            "version__contract__code",
            "version__number",
            "name",
            "inputs",
            "expected",
            "last_verdict",
            "last_run_at",
        )
    ]
    list_display = ["name", "version", "verdict", "last_run_at"]
    list_filter = ["last_verdict", "version__state", "version__contract"]
    list_select_related = ["version__contract"]
    search_fields = ["name", "version__contract__code"]
    readonly_fields = ["verdict", "last_report", "last_run_at"]
    deletable = True

    def has_change_permission(self, request, obj=None):
        """Only examples of drafts change."""
        return self.is_open(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request, obj=None):
        """Only examples of drafts vanish."""
        return self.is_open(obj) and super().has_delete_permission(request, obj)

    @staticmethod
    def is_open(obj) -> bool:
        """Return True while the version is a draft."""
        return obj is None or obj.version.state == ContractVersion.State.DRAFT

    @admin.display(ordering="last_verdict")
    def verdict(self, obj):
        """Return what the last run said."""
        return badge(obj.last_verdict or "not run", TONES[obj.last_verdict])


@admin.register(OpeningBalance)
class OpeningBalanceAdmin(ExportAdmin):
    """What contracts brought along."""

    resource_classes = [
        columns_of(
            OpeningBalance,
            "contract__code",
            "period",
            "carry",
            "reason",
            "recorded_by",
            "recorded_at",
        )
    ]
    list_display = ["contract", "period", "reason", "recorded_at", "recorded_by"]
    list_filter = ["contract__campus", "contract"]
    list_select_related = ["contract"]
    search_fields = ["contract__code", "reason"]
    autocomplete_fields = ["contract"]
    readonly_fields = ["recorded_at", "recorded_by"]

    def save_model(self, request, obj, form, change):
        """Stamp who wrote it and when."""
        obj.recorded_at, obj.recorded_by = now(), str(Actor.of_user(request.user))
        super().save_model(request, obj, form, change)
