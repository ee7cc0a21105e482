"""Export of factors and import of carbon policies; factors themselves come from their files."""

from import_export import fields, resources
from import_export.widgets import ForeignKeyWidget

from esg.models import CarbonPolicy, EmissionFactor, EmissionLine
from meters.models import Campus


class FactorResource(resources.ModelResource):
    """Published factors, for export."""

    class Meta:
        """Columns."""

        model = EmissionFactor
        fields = [
            *("code", "edition", "category", "subject", "gas", "value", "unit", "basis"),
            *("gwp_set", "valid_from", "valid_to", "source", "source_table", "verification"),
            "note",
        ]


class PolicyResource(resources.ModelResource):
    """Carbon policies by campus and first day."""

    campus = fields.Field("campus", "campus", ForeignKeyWidget(Campus, "code"))

    class Meta:
        """Columns."""

        model = CarbonPolicy
        import_id_fields = ["campus", "effective_from"]
        skip_unchanged = True
        report_skipped = True
        clean_model_instances = True
        fields = [
            *("campus", "effective_from", "grid_region", "gwp_set", "loss_carbon"),
            *("storage_charge_ratio", "storage_discharge_ratio"),
        ]


class EmissionLineResource(resources.ModelResource):
    """Carbon by sink, for export."""

    class Meta:
        """Columns."""

        model = EmissionLine
        fields = [
            *("run__campus__code", "run__period", "run__version", "sink", "code"),
            *("energy_kwh", "pooled_kwh", "co2_mg", "ch4_fossil_mg", "ch4_nonfossil_mg"),
            *("n2o_mg", "co2_biogenic_mg", "co2e_g", "kg_per_mwh"),
        ]
