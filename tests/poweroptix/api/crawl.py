"""The API as its own description tells it: every operation, with an address that works."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import jsonschema
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer

from meters.models import Channel, Finding
from poweroptix.api import resources
from poweroptix.api.principals import Principal
from poweroptix.jobs.services import enqueue

SPAN = {
    "start": "2026-03-12T06:00:00Z",
    "end": "2026-03-12T07:00:00Z",
    "first": "2026-03-12",
    "last": "2026-03-12",
}


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document."""
    made = SchemaGenerator().get_schema(request=None, public=True)
    return json.loads(OpenApiJsonRenderer().render(made))


@dataclass(frozen=True)
class Operation:
    """One operation of the document."""

    method: str
    path: str
    name: str

    @property
    def said(self) -> dict[str, Any]:
        """Return what the document says about it."""
        return document()["paths"][self.path][self.method]

    @property
    def parameters(self) -> list[str]:
        """Return the names of its parameters in the address."""
        return [one["name"] for one in self.said.get("parameters", ()) if one["in"] == "query"]

    def address(self, world: Any, key: str | None = None) -> str:
        """Return an address of an object that is there, or of `key`."""
        if key is None and "{key}" in self.path:
            key = _key(self.path, world)
        return self.path.replace("{key}", key or "").replace("{position}", "1")

    def query(self, _world: Any) -> dict[str, str]:
        """Return the parameters that have to be there."""
        return {name: SPAN[name] for name in self.parameters if name in SPAN}


@cache
def operations(method: str = "") -> tuple[Operation, ...]:
    """Return every operation, or those of one method."""
    return tuple(
        Operation(verb, path, said["operationId"])
        for path, verbs in document()["paths"].items()
        for verb, said in verbs.items()
        if not method or verb == method
    )


def fits(value: Any, schema: dict[str, Any]) -> list[str]:
    """Return what is wrong with a value under a schema of the document."""
    whole = schema | {"components": document()["components"]}
    return [error.message for error in jsonschema.Draft202012Validator(whole).iter_errors(value)]


def _key(path: str, world: Any) -> str:
    name = path.split("/")[3]
    [resource] = [one for one in resources.ALL if one.name == name]
    row = resource.rows(Principal(world.people["administrator"])).order_by("pk").first()
    if row is None:
        row = _MADE[name]()
    return str(row.pk if resource.key == "pk" else getattr(row, resource.key))


def _job() -> Any:
    return enqueue("allocate_month", "crawl", {"campus": "MESA", "period": "2026-03"})


def _finding() -> Any:
    start = datetime(2026, 3, 12, tzinfo=UTC)
    return Finding.objects.create(
        channel=Channel.objects.get(code="HALL-A/DEL_KWH"),
        rule_code="V01",
        severity="WARN",
        start_utc=start,
        end_utc=start,
        message="A gap.",
        created_at=start,
    )


#: What the campus of the tests has none of.
_MADE = {"jobs": _job, "findings": _finding}
