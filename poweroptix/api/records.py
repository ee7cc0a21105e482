"""What proves readings: where they come from, what was checked, and what rules are set to."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from meters.models import (
    CapacityStep,
    ClockCheck,
    ImportProfile,
    Interruption,
    MeterTest,
    MeterTestPoint,
    Publication,
    QuarantinedRecord,
    RegisterRead,
    RuleSetting,
    Source,
    SourceRun,
    TransformerCertificate,
)
from poweroptix.api.lists import Resource
from poweroptix.api.principals import Principal
from poweroptix.api.serializers import of, text

_PROOF = "certificate_number laboratory accuracy_class comment corrects_id recorded_by recorded_at"


@extend_schema_field(
    {
        "type": "object",
        "properties": {
            "start_utc": {"type": "string", "format": "date-time"},
            "end_utc": {"type": ["string", "null"], "format": "date-time"},
        },
    }
)
class SpanField(serializers.Field):
    """A range of instants, half-open; an open end is null."""

    def to_representation(self, value: Any) -> dict[str, str | None]:
        """Return both ends in UTC."""
        ends = {"start_utc": value.lower, "end_utc": value.upper}
        return {name: at and f"{at:%Y-%m-%dT%H:%M:%SZ}" for name, at in ends.items()}


@extend_schema_field({"type": "object", "additionalProperties": True})
class BagField(serializers.JSONField):
    """Settings by name."""


RegisterReadOut = of(
    RegisterRead,
    "id read_at_utc text digits decimals unit_factor multiplier_ratio read_type status method "
    "quantity import_file_id line recorded_at",
    channel=text("channel.code"),
)
ClockCheckOut = of(
    ClockCheck, "id at_utc drift_s reference recorded_by recorded_at", meter=text("meter.serial")
)
SourceOut = of(
    Source,
    "id code name kind every_minutes cadence_minutes enabled paused_reason last_seen_at "
    "failing_since last_error created_at",
    profile=text("profile.code"),
    parameters=BagField(read_only=True),
)
SourceRunOut = of(
    SourceRun,
    "id job_id asked_by started_at ended_at outcome seen taken duplicates refused passed error",
    source=text("source.code"),
)
TestPointOut = of(MeterTestPoint, "load_pct power_factor_ratio as_found_pct as_left_pct")
MeterTestOut = of(
    MeterTest,
    f"id tested_on result next_due {_PROOF}",
    meter=text("meter.serial"),
    points=TestPointOut(many=True, read_only=True),
)
CertificateOut = of(
    TransformerCertificate,
    f"id role kind serials primary_rating secondary_rating burden_va issued_on expires_on {_PROOF}",
    delivery_point=text("delivery_point.code"),
)
InterruptionOut = of(
    Interruption,
    "id cause is_planned comment recorded_by recorded_at",
    delivery_point=text("delivery_point.code"),
    during=SpanField(read_only=True),
)
CapacityStepOut = of(
    CapacityStep,
    "id effective_from nameplate_kw note",
    campus=text("generating_unit.campus.code"),
    generating_unit=text("generating_unit.code"),
)
ProfileOut = of(
    ImportProfile,
    "id code format zone label unit unit_factor sign on_row_error on_duplicate assume_header",
    quality_map=BagField(read_only=True),
    options=BagField(read_only=True),
)
RuleSettingOut = of(
    RuleSetting,
    "id rule_key effective_from",
    campus=text("campus.code"),
    rule_set=text("rule_set.code"),
    channel=text("channel.code"),
    parameters=BagField(read_only=True),
)
QuarantineOut = of(
    QuarantinedRecord,
    "id import_file_id channel_text line_first line_last code message state decided_by decided_at "
    "reason",
)


def _reads(_who: Principal) -> QuerySet:
    published = Publication.objects.filter(published_at__isnull=False).values("pk")
    return RegisterRead.objects.filter(publication_id__in=published).select_related("channel")


def _all(model: type, *related: str):
    rows = model.objects.select_related(*related) if related else model.objects.all()
    return lambda _who: rows.all()


REGISTER_READS = Resource(
    "register-reads", "Reads of registers", RegisterReadOut, _reads, "meters.view",
    filters={
        "channel": "channel__code", "read_type": "read_type", "import_file_id": "import_file_id",
        "read_since": "read_at_utc__gte", "read_before": "read_at_utc__lt",
    },
)  # fmt: skip
CLOCK_CHECKS = Resource(
    "clock-checks", "Checks of meter clocks", ClockCheckOut, _all(ClockCheck, "meter"),
    "meters.view", filters={"meter": "meter__serial", "checked_since": "at_utc__gte"},
)  # fmt: skip
SOURCES = Resource(
    "sources", "Sources of files", SourceOut, _all(Source, "profile"), "meters.view", key="code",
    filters={"kind": "kind", "profile": "profile__code"},
)  # fmt: skip
SOURCE_RUNS = Resource(
    "source-runs", "Looks at sources", SourceRunOut, _all(SourceRun, "source"), "meters.view",
    filters={
        "source": "source__code", "outcome": "outcome", "started_since": "started_at__gte",
    },
)  # fmt: skip
METER_TESTS = Resource(
    "meter-tests", "Tests of meters", MeterTestOut,
    lambda _who: MeterTest.objects.select_related("meter").prefetch_related("points"),
    "meters.view", filters={"meter": "meter__serial", "result": "result"},
)  # fmt: skip
CERTIFICATES = Resource(
    "transformer-certificates", "Certificates of transformers", CertificateOut,
    _all(TransformerCertificate, "delivery_point"), "meters.view",
    filters={"delivery_point": "delivery_point__code", "kind": "kind", "role": "role"},
)  # fmt: skip
INTERRUPTIONS = Resource(
    "interruptions", "Interruptions of delivery points", InterruptionOut,
    _all(Interruption, "delivery_point"), "meters.view",
    filters={"delivery_point": "delivery_point__code", "cause": "cause"},
)  # fmt: skip
CAPACITY_STEPS = Resource(
    "capacity-steps", "Capacity of units by phases", CapacityStepOut,
    _all(CapacityStep, "generating_unit__campus"), "meters.view",
    filters={"campus": "generating_unit__campus__code", "generating_unit": "generating_unit__code"},
)  # fmt: skip
PROFILES = Resource(
    "import-profiles", "Import profiles", ProfileOut, _all(ImportProfile), "meters.view",
    key="code", filters={"file_format": "format"},
)  # fmt: skip
RULE_SETTINGS = Resource(
    "rule-settings", "Settings of rules", RuleSettingOut,
    _all(RuleSetting, "campus", "rule_set", "channel"), "meters.view",
    filters={
        "campus": "campus__code", "rule_set": "rule_set__code", "channel": "channel__code",
        "rule_key": "rule_key",
    },
)  # fmt: skip
QUARANTINE = Resource(
    "quarantined-records", "Records in quarantine", QuarantineOut, _all(QuarantinedRecord),
    "meters.view",
    filters={"state": "state", "code": "code", "import_file_id": "import_file_id"},
)  # fmt: skip
ALL = (
    REGISTER_READS, CLOCK_CHECKS, SOURCES, SOURCE_RUNS, METER_TESTS, CERTIFICATES, INTERRUPTIONS,
    CAPACITY_STEPS, PROFILES, RULE_SETTINGS, QUARANTINE,
)  # fmt: skip
