"""Parameters of a plug-in: a dataclass from which form, schema and documents are made."""

from __future__ import annotations

import dataclasses
import re
import types
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from poweroptix.kernel.canonical import number as plain
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.plain import plain_decimal
from poweroptix.kernel.words import label

P = TypeVar("P")
_UNSET: Any = object()


class _WrongError(Exception):
    """One value does not fit its field; the sentence says why."""


def param(
    default: Any = _UNSET,
    *,
    unit: str = "",
    help: str = "",  # noqa: A002 - the word of every form library
    label: str = "",
    choices: Sequence[str] | None = None,
    minimum: Decimal | int | None = None,
    maximum: Decimal | int | None = None,
    required: bool | None = None,
) -> Any:
    """Return a dataclass field with what forms and documents need to know about it.

    A field with a default is not required; a list or dict default is copied for each instance.
    """
    if required and default is not _UNSET:
        raise TypeError("A required parameter has no default.")
    described = {
        "unit": unit,
        "help": help,
        "label": label,
        "choices": tuple(choices) if choices is not None else None,
        "minimum": minimum,
        "maximum": maximum,
    }
    if default is _UNSET and required is not False:
        return dataclasses.field(metadata=described)
    value = None if default is _UNSET else default
    if isinstance(value, list | dict | set):
        return dataclasses.field(default_factory=lambda: type(value)(value), metadata=described)
    return dataclasses.field(default=value, metadata=described)


def parse(cls: type[P], mapping: Mapping[str, Any]) -> P:
    """Return an instance of `cls` from plain data; Refused with one finding per wrong field.

    Exact numbers are written as text ("9.85"); floats are refused, and so are unknown fields.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Fee:
    ...     '''A fee.'''
    ...     price: Decimal = param(unit="USD/month", minimum=0)
    >>> parse(Fee, {"price": "12500"})
    Fee(price=Decimal('12500'))
    >>> parse(Fee, {"prcie": "1"})
    Traceback (most recent call last):
        ...
    poweroptix.kernel.errors.Refused: prcie: unknown field; known: price. price: is required.
    """
    if not isinstance(mapping, Mapping):
        raise Refused("parameters.not_an_object", "The parameters are not an object of fields.")
    return _parse(cls, mapping, "")


def to_json(instance: Any) -> Any:
    """Return the plain data that `parse` reads back."""
    if dataclasses.is_dataclass(instance) and not isinstance(instance, type):
        return {
            field.name: to_json(getattr(instance, field.name))
            for field in dataclasses.fields(instance)
        }
    if isinstance(instance, Mapping):
        return {str(to_json(key)): to_json(each) for key, each in instance.items()}
    if isinstance(instance, list | tuple):
        return [to_json(each) for each in instance]
    if isinstance(instance, set | frozenset):
        return sorted(to_json(each) for each in instance)
    if isinstance(instance, Enum):
        return instance.value
    if isinstance(instance, Decimal):
        return plain(instance)
    if isinstance(instance, date):
        return instance.isoformat()
    if isinstance(instance, float):
        raise Refused("parameters.float", f"{instance} is a float; parameters are exact.")
    return instance


def describe(cls: type) -> list[dict[str, Any]]:
    """Return one entry per field: name, label, unit, help, type, choices, required, default."""
    hints = get_type_hints(cls)
    return [_described(field, hints[field.name]) for field in dataclasses.fields(cls)]


def json_schema(cls: type) -> dict[str, Any]:
    r"""Return a JSON schema (2020-12) of the fields.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Fee:
    ...     '''A fee.'''
    ...     price: Decimal = param(unit="USD/month", help="Per month.")
    >>> json_schema(Fee)["properties"]["price"]["pattern"]
    '^-?[0-9]{1,28}(\\.[0-9]{1,28})?$'
    """
    hints = get_type_hints(cls)
    fields = dataclasses.fields(cls)
    return {
        "type": "object",
        "title": cls.__name__,
        "additionalProperties": False,
        "required": [field.name for field in fields if _required(field)],
        "properties": {field.name: _property(field, hints[field.name]) for field in fields},
    }


@lru_cache(maxsize=512)
def _hints(cls: type) -> dict[str, Any]:
    """Return the types of a class's fields; they are resolved once per class."""
    return get_type_hints(cls)


def _parse(cls: type[P], mapping: Mapping[str, Any], prefix: str) -> P:
    hints = _hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    known = ", ".join(fields) or "none"
    findings = [
        _finding(prefix + str(name), f"unknown field; known: {known}.", "parameters.unknown")
        for name in mapping
        if name not in fields
    ]
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name not in mapping:
            if _required(field):
                findings.append(_finding(prefix + name, "is required.", "parameters.required"))
            continue
        try:
            value = _value(hints[name], mapping[name], f"{prefix}{name}")
            _check_limits(field, value)
            values[name] = value
        except _WrongError as wrong:
            findings.append(_finding(prefix + name, str(wrong), "parameters.wrong"))
        except Refused as refused:
            findings.extend(refused.findings)
    if findings:
        message = " ".join(f"{finding.where}: {finding.message}" for finding in findings)
        raise Refused("parameters.refused", message, findings=findings)
    return _built(cls, values, prefix)


def _built(cls: type[P], values: dict[str, Any], prefix: str) -> P:
    """Make the instance; its own cross-field checks may refuse."""
    try:
        return cls(**values)
    except Refused as refused:
        if refused.findings and not prefix:
            raise
        if refused.findings:  # a nested object says its own fields; they stand at its place
            placed = [
                dataclasses.replace(one, where=(prefix + one.where).rstrip("."))
                for one in refused.findings
            ]
            raise Refused(refused.code, f"{prefix}{refused.message}", findings=placed) from refused
        finding = _finding(prefix.rstrip("."), refused.message, refused.code)
        raise Refused(refused.code, refused.message, findings=[finding]) from refused


def _value(hint: Any, given: Any, where: str) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _optional(hint, given, where)
    if hint is Any:
        return given
    if origin in (list, tuple, set, frozenset):
        return _sequence(hint, origin, given, where)
    if origin in (dict, Mapping) or origin is types.MappingProxyType:
        return _mapping(hint, given, where)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _nested(hint, given, where)
    return _scalar(hint, given)


def _optional(hint: Any, given: Any, where: str) -> Any:
    if given is None and type(None) in get_args(hint):
        return None
    others = [each for each in get_args(hint) if each is not type(None)]
    if len(others) != 1:
        raise _WrongError("has a type that cannot be read.")
    return _value(others[0], given, where)


def _sequence(hint: Any, origin: type, given: Any, where: str) -> Any:
    if not isinstance(given, list | tuple):
        raise _WrongError("must be a list.")
    arguments = [each for each in get_args(hint) if each is not Ellipsis]
    if origin is tuple and Ellipsis not in get_args(hint) and len(arguments) != 1:
        if len(arguments) != len(given):
            raise _WrongError(f"must have {len(arguments)} entries.")
        pairs = zip(arguments, given, strict=True)
        return tuple(_value(each, one, f"{where}[{at}]") for at, (each, one) in enumerate(pairs))
    return origin(_each(arguments[0], one, f"{where}[{at}]", at) for at, one in enumerate(given))


def _each(hint: Any, given: Any, where: str, at: int) -> Any:
    try:
        return _value(hint, given, where)
    except _WrongError as wrong:
        raise _WrongError(f"entry {at + 1} {wrong}") from wrong


def _mapping(hint: Any, given: Any, where: str) -> dict[Any, Any]:
    if not isinstance(given, Mapping):
        raise _WrongError("must be an object.")
    key_hint, value_hint = get_args(hint)
    result = {}
    for key, value in given.items():
        try:
            result[_value(key_hint, key, where)] = _value(value_hint, value, f"{where}.{key}")
        except _WrongError as wrong:
            raise _WrongError(f"entry {key!r} {wrong}") from wrong
    return result


def _nested(hint: type, given: Any, where: str) -> Any:
    if isinstance(given, hint):
        return given
    if not isinstance(given, Mapping):
        raise _WrongError("must be an object.")
    return _parse(hint, given, f"{where}.")


def _scalar(hint: Any, given: Any) -> Any:
    if hint is Decimal:
        return _decimal(given)
    if hint is bool or hint is str or hint in (dict, list):
        if not isinstance(given, hint):
            words = {bool: "true or false", str: "text", dict: "an object", list: "a list"}
            raise _WrongError(f"must be {words[hint]}.")
        return given
    if hint is int:
        return _integer(given)
    if hint is date:
        return _date(given)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _member(hint, given)
    raise _WrongError("has a type that cannot be read.")


def _decimal(given: Any) -> Decimal:
    if isinstance(given, Decimal) and given.is_finite():
        return given
    if not isinstance(given, str):
        raise _WrongError(f'must be a number written as text, for example "9.85", not {given!r}.')
    found = plain_decimal(given)
    if found is None:
        raise _WrongError(f"{given!r} is not a plain decimal number.")
    return found


def _integer(given: Any) -> int:
    if isinstance(given, str) and re.fullmatch(r"-?[0-9]{1,18}", given.strip()):
        return int(given)
    if isinstance(given, bool) or not isinstance(given, int):
        raise _WrongError(f"must be a whole number, not {given!r}.")
    return given


def _date(given: Any) -> date:
    if isinstance(given, date) and not isinstance(given, datetime):
        return given
    try:
        return date.fromisoformat(str(given))
    except ValueError as error:
        raise _WrongError(f"must be a date such as 2026-03-01, not {given!r}.") from error


def _member(hint: type[Enum], given: Any) -> Enum:
    try:
        return given if isinstance(given, hint) else hint(given)
    except ValueError as error:
        known = ", ".join(str(each.value) for each in hint)
        raise _WrongError(f"{given!r} is not one of {known}.") from error


def _check_limits(field: dataclasses.Field[Any], value: Any) -> None:
    choices = field.metadata.get("choices")
    if choices is not None and value is not None and value not in choices:
        raise _WrongError(f"{value!r} is not one of {', '.join(str(each) for each in choices)}.")
    low, high = field.metadata.get("minimum"), field.metadata.get("maximum")
    if isinstance(value, bool) or not isinstance(value, Decimal | int):
        return
    if low is not None and value < low:
        raise _WrongError(f"{value} is below the smallest allowed value {low}.")
    if high is not None and value > high:
        raise _WrongError(f"{value} is above the largest allowed value {high}.")


def _finding(where: str, message: str, code: str) -> Finding:
    return Finding(code, message, where=where)


def _required(field: dataclasses.Field[Any]) -> bool:
    unset = dataclasses.MISSING
    return field.default is unset and field.default_factory is unset


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return to_json(field.default)
    if field.default_factory is not dataclasses.MISSING:
        return to_json(field.default_factory())
    return None


def _described(field: dataclasses.Field[Any], hint: Any) -> dict[str, Any]:
    return {
        "name": field.name,
        "label": field.metadata.get("label") or label(field.name),
        "unit": field.metadata.get("unit", ""),
        "help": field.metadata.get("help", ""),
        "type": _type_name(hint),
        "choices": list(_choices(field, hint)) or None,
        "required": _required(field),
        "default": _default(field),
    }


def _choices(field: dataclasses.Field[Any], hint: Any) -> Sequence[Any]:
    given = field.metadata.get("choices")
    if given is not None:
        return list(given)
    plain_hint = _without_none(hint)
    if isinstance(plain_hint, type) and issubclass(plain_hint, Enum):
        return [each.value for each in plain_hint]
    return []


def _type_name(hint: Any) -> str:
    plain_hint = _without_none(hint)
    names = {Decimal: "decimal", int: "integer", bool: "boolean", str: "text", date: "date"}
    if plain_hint in names:
        return names[plain_hint]
    if isinstance(plain_hint, type) and issubclass(plain_hint, Enum):
        return "choice"
    container = get_origin(plain_hint) or plain_hint
    return "list" if container in (list, tuple, set, frozenset) else "object"


def _without_none(hint: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        return next(each for each in get_args(hint) if each is not type(None))
    return hint


def _property(field: dataclasses.Field[Any], hint: Any) -> dict[str, Any]:
    schema = _schema_of(hint)
    entry = _described(field, hint)
    described = {"title": entry["label"], "description": entry["help"]}
    schema.update({key: text for key, text in described.items() if text})
    if entry["unit"]:
        schema["x-unit"] = entry["unit"]
    if entry["choices"]:
        schema["enum"] = entry["choices"]
    if not entry["required"]:
        schema["default"] = entry["default"]
    return schema


def _schema_of(hint: Any) -> dict[str, Any]:
    plain_hint = _without_none(hint)
    if dataclasses.is_dataclass(plain_hint) and isinstance(plain_hint, type):
        return json_schema(plain_hint)
    if plain_hint is Decimal:
        return {"type": "string", "pattern": r"^-?[0-9]{1,28}(\.[0-9]{1,28})?$"}
    if plain_hint is date:
        return {"type": "string", "format": "date"}
    name = _type_name(plain_hint)
    if name == "list":
        arguments = [each for each in get_args(plain_hint) if each is not Ellipsis]
        return {"type": "array", "items": _schema_of(arguments[0]) if arguments else {}}
    plain_names = {"integer": "integer", "boolean": "boolean", "text": "string", "choice": "string"}
    return {"type": plain_names.get(name, "object")}
