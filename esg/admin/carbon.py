"""Factors, policies, carbon runs and their lines."""

from django.contrib import admin, messages

from esg.models import CarbonPolicy, EmissionFactor, EmissionLine, EmissionRun, GwpValue
from esg.resources import EmissionLineResource, FactorResource, PolicyResource
from esg.services import verify_emission_run
from poweroptix.adminkit import (
    ExchangeAdmin,
    ExportAdmin,
    ExportMixin,
    ReadOnly,
    ReadOnlyAdmin,
    ReadOnlyInline,
    badge,
    columns_of,
)

TONES = {"DRAFT": "info", "CALCULATED": "good", "SUPERSEDED": "quiet"}


@admin.register(EmissionFactor)
class EmissionFactorAdmin(ReadOnly, ExportAdmin):
    """Published factors; they are loaded from their files and never edited."""

    resource_classes = [FactorResource]
    list_display = ["code", "gas", "value", "unit", "edition", "valid_from", "verification"]
    list_filter = ["category", "gas", "verification", "edition"]
    search_fields = ["code", "subject", "source"]


@admin.register(GwpValue)
class GwpValueAdmin(ExportMixin, ReadOnlyAdmin):
    """Global warming potentials."""

    resource_classes = [
        columns_of(
            GwpValue,
            "code",
            "edition",
            "gas",
            "value",
            "unit",
            "gwp_set",
            "valid_from",
            "valid_to",
            "source",
            "source_table",
            "verification",
            "note",
        )
    ]
    list_display = ["gwp_set", "gas", "value", "unit", "source", "source_table", "verification"]
    list_filter = ["gwp_set", "gas"]
    search_fields = ["code", "source"]


@admin.register(CarbonPolicy)
class CarbonPolicyAdmin(ExchangeAdmin):
    """Grid region, weights and loss rule of each campus."""

    resource_classes = [PolicyResource]
    edit_verb = "esg.edit"
    list_display = ["campus", "effective_from", "grid_region", "gwp_set", "loss_carbon"]
    list_filter = ["campus", "gwp_set"]
    list_select_related = ["campus"]
    search_fields = ["campus__code", "campus__name", "grid_region"]
    autocomplete_fields = ["campus"]


class LineInline(ReadOnlyInline):
    """Lines of a run."""

    model = EmissionLine
    fields = ["sink", "code", "energy_kwh", "co2e_kg", "kg_per_mwh"]
    readonly_fields = fields
    show_change_link = True


@admin.register(EmissionRun)
class EmissionRunAdmin(ExportMixin, ReadOnlyAdmin):
    """Carbon runs; made by account_carbon, never edited."""

    resource_classes = [
        columns_of(
            EmissionRun,
            "campus__code",
            "period",
            "version",
            "state",
            "gwp_set",
            "energy_in_kwh",
            "co2_mg",
            "ch4_fossil_mg",
            "ch4_nonfossil_mg",
            "n2o_mg",
            "co2_biogenic_mg",
            "co2e_g",
            "inputs_sha256",
            "outcome_sha256",
            "created_by",
            "created_at",
        )
    ]
    list_display = [
        "period",
        "campus",
        "version",
        "shown_state",
        "co2e_kg",
        "gwp_set",
        "created_at",
    ]
    list_filter = ["state", "campus", "gwp_set"]
    list_select_related = ["campus"]
    search_fields = ["period", "campus__code"]
    exclude = ["inputs", "intensity"]
    inlines = [LineInline]
    actions = ["verify"]

    @admin.display(description="state", ordering="state")
    def shown_state(self, obj):
        """State as a badge."""
        return badge(obj.get_state_display(), TONES[obj.state])

    @admin.action(description="Compute again and compare", permissions=["view"])
    def verify(self, request, queryset):
        """Verify the chosen runs."""
        for run in queryset:
            report = verify_emission_run(run)
            if report.ok:
                self.message_user(request, f"{run}: the same to the milligram")
            for text in report.differences:
                self.message_user(request, f"{run}: {text}", messages.ERROR)


@admin.register(EmissionLine)
class EmissionLineAdmin(ReadOnly, ExportAdmin):
    """Carbon by sink."""

    resource_classes = [EmissionLineResource]
    list_display = ["run", "sink", "code", "energy_kwh", "co2e_kg", "kg_per_mwh"]
    list_filter = ["sink", "run__period", "run__campus"]
    list_select_related = ["run"]
    search_fields = ["code", "run__period"]
