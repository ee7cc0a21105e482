"""Rows of plain master data: find by natural key, compare field by field, create or update.

A section names its model and its key; everything else is read from the model itself, so a new
column can be set from a document the day it exists.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any

from django.apps import apps
from django.contrib.postgres.fields import DateRangeField, DateTimeRangeField
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import DatabaseError, models, transaction
from django.db.backends.postgresql.psycopg_any import DateRange, DateTimeTZRange

from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.db.errors import translate
from poweroptix.db.numbers import check_plain
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.plain import plain_decimal
from poweroptix.portfolio.changes import CREATE, SAME, UPDATE, Change


@dataclass(frozen=True)
class Section:
    """A list of the document: its name, its model and the fields that identify an item.

    Rows of an `added_only` section are evidence: one that differs is refused, not changed.
    """

    name: str
    model: str
    key: tuple[str, ...]
    added_only: bool = False


def apply_row(
    section: Section,
    item: Any,
    where: str,
    actor: Actor,
    *,
    signature: Mapping[str, Any] = MappingProxyType({}),
    among: models.QuerySet | None = None,
) -> tuple[models.Model, Change]:
    """Create or update the row of one item; `Refused` names the path of a wrong field.

    What was created or changed stands in the audit trail. A new row carries the `signature`.
    `among` are the rows that the key tells apart; without it all of the model.
    """
    model = apps.get_model(section.model)
    if not isinstance(item, Mapping):
        raise Refused("portfolio.shape", f"{where}: an item is a block of fields, found {item!r}")
    own = {field.name for field in model._meta.get_fields()}
    values = {
        name: _value(model, name, raw, item, where)
        for name, raw in item.items()
        if name != "campus" or name in own  # elsewhere `campus` only says where codes belong
    }
    required(values, where, *section.key)
    row = _existing(model.objects.all() if among is None else among, section.key, values)
    label = "/".join(_text(values[name]) for name in section.key)
    if row is None:
        row = model(**values, **signature)
        _save(row, where)
        said = {name: _text(value) for name, value in values.items()}
        record("portfolio.create", row, actor=actor, after=said)
        return row, Change(section.name, label, CREATE)
    changed = _update(section, row, values, where, actor)
    return row, Change(section.name, label, UPDATE if changed else SAME, changed)


def _update(
    section: Section, row: models.Model, values: Mapping[str, Any], where: str, actor: Actor
) -> dict[str, tuple[str, str]]:
    """Set what differs, and return it: the old and the new text of each field."""
    changed = {
        name: (_text(getattr(row, name)), _text(value))
        for name, value in values.items()
        if not _same(getattr(row, name), value)
    }
    if not changed:
        return {}
    if section.added_only:
        name = next(iter(changed))
        raise Refused(
            "portfolio.evidence",
            f"{where}.{name}: what was recorded is never changed (stands: {changed[name][0]!r}); "
            "add an item with a number of its own that corrects it",
        )
    for name in changed:
        setattr(row, name, values[name])
    _save(row, where)
    record(
        "portfolio.update",
        row,
        actor=actor,
        before={name: old for name, (old, _new) in changed.items()},
        after={name: new for name, (_old, new) in changed.items()},
    )
    return changed


def find(model: type[models.Model], text: Any, item: Mapping, where: str) -> models.Model:
    """Return the row that a reference names: by code, or by `campus/code` where codes repeat."""
    names = {field.name for field in model._meta.get_fields()}
    if "campus" in names and "code" in names and not model._meta.get_field("code").unique:
        return _in_campus(model, "code", str(text), item, where)
    if "serial" in names:
        return _in_campus(model, "serial", str(text), item, where)
    field = "certificate_number" if "certificate_number" in names else "code"
    found = model.objects.filter(**{field: str(text)}).first()
    if found is None:
        raise Refused(
            "portfolio.unknown", f"{where}: there is no {model._meta.verbose_name} '{text}'"
        )
    return found


def required(item: Mapping, where: str, *names: str) -> list[Any]:
    """Return the named fields; Refused names the first that is missing or empty."""
    for name in names:
        if item.get(name) in (None, ""):
            raise Refused("portfolio.key_missing", f"{where}: '{name}' is missing")
    return [item[name] for name in names]


def listed(item: Mapping, name: str, where: str) -> list:
    """Return a field that is a list; nothing when it is left out."""
    found = item.get(name)
    if found is None:
        return []
    if not isinstance(found, list):
        raise Refused("portfolio.shape", f"{where}.{name}: write a list, found {found!r}")
    return found


def whole(raw: Any, where: str) -> int:
    """Return a whole number."""
    found = plain_decimal(str(raw))
    if found is None or found.as_tuple().exponent:
        raise Refused("portfolio.value", f"{where}: {raw!r} is not a whole number")
    return int(found)


def known_fields(item: Any, known: set[str], where: str) -> None:
    """Refuse an item that is no block of fields or has a field nobody reads."""
    if not isinstance(item, Mapping):
        raise Refused("portfolio.shape", f"{where}: an item is a block of fields, found {item!r}")
    unknown = sorted(str(name) for name in item if name not in known)
    if unknown:
        raise Refused(
            "portfolio.unknown_field",
            f"{where}.{unknown[0]}: unknown field; known: {', '.join(sorted(known))}",
        )


def _in_campus(model, field: str, text: str, item: Mapping, where: str) -> models.Model:
    campus, _, code = text.rpartition("/")
    rows = model.objects.filter(**{field: code or text})
    wanted = campus or item.get("campus")
    if wanted:
        rows = rows.filter(campus__code=wanted)
    found = list(rows[:2])
    if len(found) == 1:
        return found[0]
    fault = "stands on several campuses; write CAMPUS/" + text if found else "does not exist"
    raise Refused("portfolio.unknown", f"{where}: {model._meta.verbose_name} '{text}' {fault}")


def _value(model, name: str, raw: Any, item: Mapping, where: str) -> Any:
    path = f"{where}.{name}"
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        field = None
    if field is None or not getattr(field, "concrete", False) or not _is_set_by_people(field):
        known = sorted(f.name for f in model._meta.concrete_fields if _is_set_by_people(f))
        raise Refused(
            "portfolio.unknown_field", f"{path}: unknown field; known: {', '.join(known)}"
        )
    if raw is None:
        return None
    _check_shape(field, raw, path)
    if isinstance(field, models.ForeignKey):
        return find(field.related_model, raw, item, path)
    try:
        if isinstance(field, models.DecimalField):
            check_plain(raw)
        if isinstance(field, DateRangeField | DateTimeRangeField):
            return range_of(field, raw, path)
        return field.to_python(raw)
    except ValidationError as fault:
        raise Refused("portfolio.value", f"{path}: {' '.join(fault.messages)}") from fault


def _is_set_by_people(field: models.Field) -> bool:
    return field.editable and not field.primary_key


def _check_shape(field: models.Field, raw: Any, path: str) -> None:
    """Refuse a value that Django would turn into another one, such as true into "True"."""
    if isinstance(field, models.JSONField):
        return
    if isinstance(field, models.BooleanField) != isinstance(raw, bool):
        fault = (
            "write true or false" if not isinstance(raw, bool) else "true or false means nothing"
        )
        raise Refused("portfolio.value", f"{path}: {fault} here, found {raw!r}")
    if isinstance(raw, list | Mapping) and not isinstance(
        field, DateRangeField | DateTimeRangeField
    ):
        raise Refused("portfolio.value", f"{path}: write one value, found {raw!r}")


def range_of(field: models.Field, raw: Any, path: str) -> DateRange | DateTimeTZRange:
    """Return a half-open range from `[first, end]`; an empty end stays open."""
    if not isinstance(raw, list) or len(raw) != 2:
        raise Refused("portfolio.value", f"{path}: write [first, end], the end may be empty")
    dates = isinstance(field, DateRangeField)
    kind = DateRange if dates else DateTimeTZRange
    ends = [None if text in (None, "") else _moment(str(text), dates, path) for text in raw]
    return kind(*ends, bounds="[)")


def _moment(text: str, dates: bool, path: str) -> date | datetime:
    try:
        if dates:
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
    except ValueError as fault:
        raise Refused("portfolio.value", f"{path}: '{text}' is not an ISO date") from fault
    if moment.tzinfo is None:
        raise Refused("portfolio.value", f"{path}: '{text}' needs an offset or Z")
    return moment.astimezone(UTC)


def _existing(rows: models.QuerySet, key: tuple[str, ...], values: Mapping) -> models.Model | None:
    lookup = {}
    for name in key:
        value = values[name]
        if isinstance(value, DateRange | DateTimeTZRange):
            lookup[f"{name}__startswith"] = value.lower
        else:
            lookup[name] = value
    return rows.filter(**lookup).first()


def _same(old: Any, new: Any) -> bool:
    return old == new or _text(old) == _text(new)


def _text(value: Any) -> str:
    if isinstance(value, models.Model):
        return str(getattr(value, "code", None) or getattr(value, "serial", None) or value.pk)
    if isinstance(value, DateRange | DateTimeTZRange):
        return f"{value.lower} to {value.upper or 'open'}"
    return "" if value is None else str(value)


def _save(row: models.Model, where: str) -> None:
    try:
        row.full_clean()
    except ValidationError as fault:
        problems = [
            f"{where}.{name}: {' '.join(messages)}"
            if name != "__all__"
            else f"{where}: {' '.join(messages)}"
            for name, messages in fault.message_dict.items()
        ]
        raise Refused("portfolio.invalid", "; ".join(problems)) from fault
    try:
        with transaction.atomic():
            row.save()
    except DatabaseError as fault:
        said = translate(fault)
        if said is None:
            raise
        raise Refused(said.code, f"{where}: {said.message}") from fault
