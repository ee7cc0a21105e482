"""The master data of metering as a document that `apply` reads back without a change."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import yaml
from django.apps import apps
from django.db import models
from django.db.backends.postgresql.psycopg_any import DateRange, DateTimeTZRange

from meters.models import DeliveryPoint, GeneratingUnit, Meter, VirtualDefinition
from meters.queries.definitions import in_force
from poweroptix.portfolio.virtual import as_item

#: Sections in the order of a document, with their models.
MODELS = {
    "campuses": "meters.Campus",
    "generating_units": "meters.GeneratingUnit",
    "delivery_points": "meters.DeliveryPoint",
    "meters": "meters.Meter",
    "channels": "meters.Channel",
    "installations": "meters.Installation",
    "loss_factors": "meters.LossFactor",
    "site_holidays": "meters.SiteHoliday",
    "import_profiles": "meters.ImportProfile",
    "sources": "meters.Source",
    "rule_sets": "meters.RuleSet",
    "capacity_steps": "meters.CapacityStep",
    "unit_limits": "meters.UnitLimits",
    "rule_set_uses": "meters.RuleSetUse",
    "rule_settings": "meters.RuleSetting",
    "transformer_certificates": "meters.TransformerCertificate",
    "meter_tests": "meters.MeterTest",
    "interruptions": "meters.Interruption",
}
VIRTUAL = "virtual_channels"


def metering_document() -> dict[str, list[dict[str, Any]]]:
    """Return the sections of metering as they stand; empty ones are left out.

    Secrets are not in it, only where they are kept.
    """
    found = {name: [item_of(row) for row in rows_of(label)] for name, label in MODELS.items()}
    definitions = VirtualDefinition.objects.filter(withdrawn_at=None).select_related("channel")
    found[VIRTUAL] = [
        as_item(row.channel.code, told)
        for row in definitions.order_by("channel__code", "valid")
        if (told := in_force(row.channel, row.valid.lower)) is not None
    ]
    return {name: items for name, items in found.items() if items}


def as_yaml(document: dict[str, Any]) -> str:
    """Return a document as text, one field per line."""
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)


def rows_of(label: str) -> Iterable[models.Model]:
    """Return all rows of a model, the oldest first, with what they refer to."""
    model = apps.get_model(label)
    related = [f.name for f in model._meta.concrete_fields if isinstance(f, models.ForeignKey)]
    rows = model.objects.select_related(*related) if related else model.objects.all()
    return rows.prefetch_related("points").order_by("pk") if label == "meters.MeterTest" else (
        rows.order_by("pk")
    )  # fmt: skip


def item_of(row: models.Model, *, without: str = "") -> dict[str, Any]:
    """Return the fields of a row that a person set and that differ from what they are anyway.

    `without` names the field that a row inside another one leaves to it; such a row is told whole.
    """
    item: dict[str, Any] = {}
    for field in row._meta.concrete_fields:
        if not field.editable or field.primary_key or field.name == without:
            continue
        value = getattr(row, field.name)
        if value is None or value == "" or (not without and _is_default(field, value)):
            continue
        if isinstance(value, DeliveryPoint | GeneratingUnit | Meter):
            item.setdefault("campus", value.campus.code)
        item[field.name] = written(value)
    if row._meta.model_name == "metertest":
        item["points"] = [item_of(point, without="test") for point in row.points.all()]
    return item


def _is_default(field: models.Field, value: Any) -> bool:
    return field.has_default() and value == field.get_default()


def written(value: Any) -> Any:
    """Return a value as a document writes it."""
    if isinstance(value, Meter):
        return value.serial
    if isinstance(value, models.Model):
        return getattr(value, "certificate_number", None) or value.code
    if isinstance(value, DateRange | DateTimeTZRange):
        return [written(value.lower), written(value.upper) if value.upper else ""]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    return value
