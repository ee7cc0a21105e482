"""Metrology records and capacity steps: tests and certificates are added, never changed."""

from django.contrib import admin
from import_export import resources

from meters.models import (
    CapacityStep,
    Interruption,
    MeterTest,
    MeterTestPoint,
    TransformerCertificate,
)
from meters.services.judging.outages import enqueue_judgement, range_of
from poweroptix.adminkit import ExportAdmin, ExportMixin, ModelAdmin, TabularInline
from poweroptix.audit.actor import Actor
from poweroptix.clock import now


class MeterTestPointInline(TabularInline):
    """Errors of a test in its points; entered with the test and not changed later."""

    model = MeterTestPoint

    def has_change_permission(self, request, obj=None):
        """Refuse: what was measured does not change."""
        return False

    def has_add_permission(self, request, obj=None):
        """Allow on a new test only."""
        return obj is None and super().has_add_permission(request, obj)


class Signed(ModelAdmin):
    """Rows that carry who entered them and when."""

    def save_model(self, request, obj, form, change):
        """Sign a new row."""
        if not change:
            obj.recorded_by, obj.recorded_at = str(Actor.of_user(request.user)), now()
        super().save_model(request, obj, form, change)


class AddOnly(ExportMixin, Signed):
    """Rows that can be added and looked at."""

    def has_change_permission(self, request, obj=None):
        """Refuse: a correction is a new row."""
        return False


class MeterTestPointResource(resources.ModelResource):
    """Meter tests point by point, for export."""

    class Meta:
        """Columns."""

        model = MeterTestPoint
        fields = (
            *("test__meter__serial", "test__certificate_number", "test__tested_on"),
            *("test__laboratory", "test__accuracy_class", "test__result", "test__next_due"),
            *("load_pct", "power_factor_ratio", "as_found_pct", "as_left_pct"),
        )


class MeterTestResource(resources.ModelResource):
    """Meter tests, for export."""

    class Meta:
        """Columns."""

        model = MeterTest


class TransformerCertificateResource(resources.ModelResource):
    """Transformer certificates, for export."""

    class Meta:
        """Columns."""

        model = TransformerCertificate


class InterruptionResource(resources.ModelResource):
    """Interruptions, for export."""

    class Meta:
        """Columns."""

        model = Interruption


class CapacityStepResource(resources.ModelResource):
    """Capacity steps, for export."""

    class Meta:
        """Columns."""

        model = CapacityStep


@admin.register(MeterTest)
class MeterTestAdmin(AddOnly):
    """Tests and calibrations of meters."""

    resource_classes = [MeterTestResource, MeterTestPointResource]
    list_display = ["certificate_number", "meter", "tested_on", "laboratory", "accuracy_class",
                    "result", "next_due", "corrects"]  # fmt: skip
    list_filter = ["meter__campus", "result"]
    list_select_related = ["meter__campus", "corrects__meter"]
    search_fields = ["certificate_number", "meter__serial", "laboratory"]
    autocomplete_fields = ["meter", "corrects"]
    date_hierarchy = "tested_on"
    inlines = [MeterTestPointInline]


@admin.register(TransformerCertificate)
class TransformerCertificateAdmin(AddOnly):
    """Certificates of current and potential transformers."""

    resource_classes = [TransformerCertificateResource]
    list_display = [
        *("certificate_number", "delivery_point", "role", "kind", "ratio"),
        *("accuracy_class", "burden_va", "issued_on", "expires_on", "corrects"),
    ]
    list_filter = ["delivery_point__campus", "kind", "role"]
    list_select_related = ["delivery_point__campus", "corrects__delivery_point__campus"]
    search_fields = ["certificate_number", "serials", "delivery_point__code", "laboratory"]
    autocomplete_fields = ["delivery_point", "corrects"]
    date_hierarchy = "expires_on"


@admin.register(Interruption)
class InterruptionAdmin(ExportMixin, Signed):
    """Interruptions; the end is entered when power is back."""

    resource_classes = [InterruptionResource]
    list_display = ["delivery_point", "during", "cause", "is_planned", "comment"]
    list_filter = ["delivery_point__campus", "cause", "is_planned"]
    list_select_related = ["delivery_point__campus"]
    search_fields = ["delivery_point__code", "comment"]
    autocomplete_fields = ["delivery_point"]

    def save_model(self, request, obj, form, change):
        """Save, and let the days of the point be judged again, as it was and as it is now."""
        before = [range_of(Interruption.objects.get(pk=obj.pk))] if change else []
        super().save_model(request, obj, form, change)
        enqueue_judgement(obj, *before, range_of(obj), now=now())


@admin.register(CapacityStep)
class CapacityStepAdmin(ExportAdmin):
    """Later phases of generating units."""

    resource_classes = [CapacityStepResource]
    list_display = ["generating_unit", "effective_from", "nameplate_kw", "note"]
    list_filter = ["generating_unit__campus"]
    list_select_related = ["generating_unit__campus"]
    search_fields = ["generating_unit__code", "note"]
    autocomplete_fields = ["generating_unit"]
