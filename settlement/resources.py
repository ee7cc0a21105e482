"""Exports of runs and lines: the columns a spreadsheet wants, never the frozen bytes."""

from import_export import resources
from import_export.fields import Field

from settlement.models import Line, SettlementRun


class SettlementRunResource(resources.ModelResource):
    """Runs with contract, period, state and total."""

    contract = Field(attribute="contract__code", column_name="contract")

    class Meta:
        model = SettlementRun
        fields = (
            "id", "contract", "period", "version", "kind", "state", "currency", "total_usd",
            "estimated_ratio", "inputs_sha256", "created_by", "created_at", "approved_by",
            "approved_at",
        )  # fmt: skip
        export_order = fields


class LineResource(resources.ModelResource):
    """Lines with their quantity, rate and amount."""

    contract = Field(attribute="run__contract__code", column_name="contract")
    period = Field(attribute="run__period", column_name="period")
    version = Field(attribute="run__version", column_name="version")

    class Meta:
        model = Line
        fields = (
            "id", "contract", "period", "version", "position", "line_code", "label", "clause",
            "first_date", "last_date", "quantity", "unit", "rate", "amount_usd",
            "estimated_ratio", "corrects_period",
        )  # fmt: skip
        export_order = fields
