"""How objects look in the API: plain names, decimals as text, instants in UTC."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from billing.models import Invoice, InvoiceLine
from contracts.models import Contract, ContractVersion, IndexSeries, Term
from esg.models import EmissionLine
from meters.models import (
    Campus,
    Channel,
    DeliveryPoint,
    Finding,
    GeneratingUnit,
    ImportFile,
    Meter,
    VirtualDefinition,
)
from poweroptix.jobs.models import Job
from settlement.models import AllocationRun, Line, SettlementRun

Text = serializers.CharField


def of(
    model: type, names: str, *, _name: str = "", **extra: serializers.Field
) -> type[serializers.ModelSerializer]:
    """Return a serializer of the named fields; `extra` fields read through relations."""
    fields = [*names.split(), *extra]
    meta = type("Meta", (), {"model": model, "fields": fields, "read_only_fields": fields})
    name = f"{_name or model.__name__}Serializer"
    return type(name, (serializers.ModelSerializer,), {"Meta": meta, **extra})


def text(source: str) -> Text:
    """Return a read-only text field that follows a relation."""
    return Text(source=source, read_only=True, allow_null=True)


@extend_schema_field(
    {
        "type": "object",
        "properties": {
            "first_date": {"type": "string", "format": "date"},
            "end_date": {"type": ["string", "null"], "format": "date"},
        },
    }
)
class RangeField(serializers.Field):
    """A range of days, half-open; an open end is null."""

    def to_representation(self, value: Any) -> dict[str, str | None]:
        """Return first day and the day after the last."""
        return {
            "first_date": value.lower.isoformat(),
            "end_date": value.upper.isoformat() if value.upper else None,
        }


CampusOut = of(Campus, "id code name zone currency")
UnitOut = of(
    GeneratingUnit,
    "id code name technology vendor fuel nameplate_kw commissioning_date retired_date",
    campus=text("campus.code"),
)
PointOut = of(DeliveryPoint, "id code name kind capacity_kw", campus=text("campus.code"))
MeterOut = of(Meter, "id serial manufacturer model", campus=text("campus.code"))
ChannelOut = of(
    Channel,
    "id code quantity direction unit minutes role is_active",
    delivery_point=text("delivery_point.code"),
)
FindingOut = of(
    Finding,
    "id rule_code severity start_utc end_utc metric threshold message fix state "
    "assigned_to import_file_id created_at decided_by decided_at reason",
    channel=text("channel.code"),
)
FileOut = of(
    ImportFile,
    "id sha256 source name size profile_code format received_at state uploaded_by",
)
ReceiptOut = of(
    ImportFile,
    "id sha256 source name size profile_code format received_at state uploaded_by receipt",
    _name="Receipt",
)
ContractOut = of(
    Contract,
    "id code name currency zone payment_days rounding_point rounding state",
    seller=text("seller.legal_name"),
    offtaker=text("offtaker.legal_name"),
    campus=text("campus.code"),
)
VersionOut = of(
    ContractVersion,
    "id number state anchor_date note activated_at",
    contract=text("contract.code"),
    valid=RangeField(read_only=True),
)
TermOut = of(
    Term,
    "id version_id position line_code charge_type label clause_number clause_text quantity_name "
    "parameters",
    contract=text("version.contract.code"),
)


class TermsField(serializers.Field):
    """The channel behind each name of a definition."""

    def to_representation(self, value: Any) -> dict[str, str]:
        """Return names and channel codes."""
        return {term.name: term.channel.code for term in value.all()}


VirtualOut = of(
    VirtualDefinition,
    "id method formula parameters cut_longer comment recorded_at withdrawn_at withdrawn_reason "
    "computed_at",
    _name="VirtualDefinition",
    channel=text("channel.code"),
    from_utc=serializers.DateTimeField(source="valid.lower", read_only=True),
    until_utc=serializers.DateTimeField(source="valid.upper", read_only=True, allow_null=True),
    terms=extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}})(
        TermsField
    )(read_only=True),
)
IndexOut = of(IndexSeries, "id code name unit minutes zone market location")
AllocationOut = of(
    AllocationRun,
    "id period start_utc end_utc version state minutes inputs_sha256 balance findings created_by "
    "created_at",
    campus=text("campus.code"),
)
RunOut = of(
    SettlementRun,
    "id period start_utc end_utc version kind state currency allocation_run_id total_usd "
    "estimated_ratio inputs_sha256 lines_sha256 created_at approved_at",
    contract=text("contract.code"),
)
LINE = (
    "id position line_code charge_type label clause first_date last_date quantity unit rate "
    "rate_text exact_usd amount_usd estimated_ratio corrects_period sha256"
)
LineOut = of(Line, LINE)
LineExplained = of(Line, LINE + " worksheet", _name="ExplainedLine")
InvoiceOut = of(
    Invoice,
    "id number period first_date last_date state currency total_usd energy_kwh estimated_ratio "
    "issued_at issue_date due_date content_sha256 pdf_sha256 voided_at void_reason "
    "cancellation_sha256 cancellation_pdf_sha256",
    contract=text("contract.code"),
    amount_due=serializers.DecimalField(18, 2, read_only=True),
    co2e_kg=serializers.DecimalField(24, 3, read_only=True, allow_null=True),
)
InvoiceLineOut = of(
    InvoiceLine,
    "id position line_code label clause quantity unit rate_text amount_usd estimated_ratio",
    settlement_line=serializers.IntegerField(source="settlement_line_id", read_only=True),
)
EmissionOut = of(
    EmissionLine,
    "id energy_kwh pooled_kwh kg_per_mwh worksheet",
    contract=text("contract.code"),
    period=text("run.period"),
    gwp_set=text("run.gwp_set"),
    co2e_kg=serializers.DecimalField(24, 3, read_only=True, allow_null=True),
)


@extend_schema_field({"type": ["object", "null"], "additionalProperties": True})
class ResultField(serializers.JSONField):
    """What a job made, by name; null until it has ended."""


JobOut = of(
    Job,
    "id kind state progress_done progress_total progress_label error_code error created_at "
    "started_at finished_at",
    result=ResultField(read_only=True),
)


class StrictSerializer(serializers.Serializer):
    """A body whose every field is known and text, but for the `documents` among them."""

    documents: frozenset[str] = frozenset()

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Refuse unknown fields and everything that is not text."""
        wrong = {
            str(name)[:60]: ["There is no such field."] for name in data if name not in self.fields
        } | {
            name: ["Send text."]
            for name, value in data.items()
            if name in self.fields and not (isinstance(value, str) or name in self.documents)
        }
        if wrong:
            raise serializers.ValidationError(wrong)
        return super().to_internal_value(data)


class AllocationIn(StrictSerializer):
    """Which month of which campus to allocate."""

    campus = Text(max_length=40)
    period = serializers.RegexField(r"^20[0-9]{2}-(0[1-9]|1[0-2])\Z")


class SettlementIn(StrictSerializer):
    """Which month of which contract, or of all contracts of a campus, to settle."""

    contract = Text(max_length=50, required=False)
    campus = Text(max_length=40, required=False)
    period = serializers.RegexField(r"^20[0-9]{2}-(0[1-9]|1[0-2])\Z")
    kind = serializers.ChoiceField(SettlementRun.Kind.choices, default="FINAL")
    reason = Text(max_length=500, required=False, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Take exactly one of contract and campus."""
        if ("contract" in attrs) == ("campus" in attrs):
            raise serializers.ValidationError("Name either a contract or a campus.")
        return attrs


class UploadIn(StrictSerializer):
    """What is said beside an uploaded file."""

    source = serializers.RegexField(r"^[-a-zA-Z0-9_]{1,60}\Z")
    profile = Text(max_length=40, required=False, default="", allow_blank=True)
    format = Text(max_length=40, required=False, default="", allow_blank=True)


class ProblemOut(serializers.Serializer):
    """RFC 9457 problem document."""

    type = Text()
    title = Text()
    status = serializers.IntegerField()
    code = Text()
    detail = Text()
    instance = Text()
    request_id = Text()
    errors = serializers.ListField(child=serializers.DictField(), required=False)


class AcceptedOut(serializers.Serializer):
    """What was queued; `Location` leads to the job."""

    jobs = JobOut(many=True)
    files = FileOut(many=True, required=False)


class SeriesOut(serializers.Serializer):
    """A series as columns: one value per interval from `start_utc`, missing ones are null."""

    name = Text()
    unit = Text()
    start_utc = serializers.DateTimeField()
    end_utc = serializers.DateTimeField()
    minutes = serializers.IntegerField()
    count = serializers.IntegerField()
    values = serializers.ListField(child=Text(allow_null=True))
    quality = serializers.ListField(required=False)
    digest = Text()


class PricesOut(serializers.Serializer):
    """Prices as columns, with the edition they come from and whether it is the last one."""

    name = Text()
    unit = Text()
    start_utc = serializers.DateTimeField()
    end_utc = serializers.DateTimeField()
    minutes = serializers.IntegerField()
    count = serializers.IntegerField()
    values = serializers.ListField(child=Text(allow_null=True))
    vintage = Text()
    final = serializers.BooleanField()
    digest = Text()
