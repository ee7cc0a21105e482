"""Why a line has its amount: clause, worksheet, days, intervals, readings, file and row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.core import signing
from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from billing.access import bound_channels, own_channels
from billing.calc.wording import role_of
from poweroptix.api import resources, serializers
from poweroptix.api.lists import ApiView, after_of, found, instant, limit_of
from poweroptix.api.tables import Table, TableView, document, said
from poweroptix.kernel.errors import Refused
from poweroptix.pages.asked import read_day
from settlement.models import Line
from settlement.queries.explain import explain_line, interval_rows, line_intervals, parts_of

#: What the queries call a thing, and how the API says it.
RENAMED = {
    "letter": "quality",
    "total_kwh": "delivered_kwh",
    "settled_kwh": "quantity",
    "kwh": "quantity",
    "whole_kwh": "whole",
}


class OfLine(ApiView):
    """What lies below a line of a run."""

    staff_verb, tenant_verb = "settlement.view", "portal.invoices"

    def line(self, key: str, position: int) -> Line:
        """Return the line; Http404 for what is unknown and for what is somebody else's."""
        run = found(resources.RUNS, self.principal, key)
        line = run.lines.filter(position=position).first()
        if line is None:
            raise Http404
        return line


class RunLine(OfLine):
    """One line explained: its clause, its worksheet with every formula filled in, and its days."""

    def get(self, _request: Request, key: str, position: int) -> Response:
        """Return the explanation."""
        line = self.line(key, position)
        tree = explain_line(line.pk)
        own = {**serializers.LineExplained(line).data, **_explained(tree)}
        return Response(said(own))


class LineIntervals(OfLine, TableView):
    """The intervals that a line prices, page by page; as CSV all of them without a limit."""

    parameters = frozenset({"day", "limit", "cursor"})

    def get(self, request: Request, key: str, position: int) -> Response:
        """Return them: what each consists of, its quantity, price and quality."""
        line, asked = self.line(key, position), request.query_params
        day = read_day(asked["day"]) if "day" in asked else None
        name = f"intervals of {line.pk} {day or ''}"
        first = after_of(asked.get("cursor"), name)
        is_table = self.is_table(request)
        most = None if is_table and "limit" not in asked else limit_of(asked.get("limit"))
        places = slice(first, None if most is None else first + most + 1)
        tree = line_intervals(line.pk, day=day, places=places)
        more = most is not None and len(tree["intervals"]) > most
        tree["intervals"] = tree["intervals"][:most]
        cursor = signing.dumps([name, first + most], salt="api.cursor") if more else None
        answer = (
            Response(Table(*interval_rows(tree)))
            if is_table
            else document(
                {
                    **{name: tree[name] for name in ("unit", "price_unit", "sources")},
                    "data": [_interval(tree, one) for one in tree["intervals"]],
                    "next_cursor": cursor,
                    "has_more": more,
                }
            )
        )
        if cursor:
            query = asked.dict() | {"cursor": cursor}
            answer["Link"] = f'<{request.path}?{urlencode(query)}>; rel="next"'
        return answer


class LineTrace(OfLine):
    """One interval of a line: its parts, and every version of the readings, with file and row."""

    parameters = frozenset({"at"})

    def get(self, request: Request, key: str, position: int) -> Response:
        """Return the trace; 404 for a line without intervals."""
        line = self.line(key, position)
        if "at" not in request.query_params:
            raise Refused("parameter", "'at' is missing.", pointer="?at")
        at = instant(request.query_params["at"])
        tree = explain_line(line.pk, instant=at)
        if "interval" not in tree:
            raise Http404
        readings = tree["readings"]
        if self.principal.tenant_id is not None:
            readings = _own(readings, _own_codes(self.principal.tenant_id, line, tree, at))
        shown = {**_interval(tree, tree["interval"]), "unit": tree["unit"], "readings": readings}
        shown["parts"] = [_renamed(one) for one in tree["interval"]["parts"]]
        return document(shown)


def _explained(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a line rests on; no pins, which speak of the whole campus."""
    return {
        "run": {**tree["run"], "allocation": tree.get("allocation")},
        "term": tree["term"],
        "steps": tree["rows"],
        "quantity_name": tree["quantity"],
        "interval_unit": tree["unit"],
        "price_unit": tree.get("price_unit", ""),
        "channels": [
            {
                **{name: one[name] for name in ("name", "unit", "digest")},
                **{name: channel[name] for name in ("code", "sign", "first_day", "end_day")},
            }
            for one in tree["further"]
            for channel in one["ref"]["channels"]
        ],
        "sources": tree.get("sources", []),
        "priced_source": tree.get("priced_source", ""),
        "days": [_day(tree, one) for one in tree["days"]],
        "interval_count": tree.get("interval_count", 0),
        "interval_total": tree.get("sum_kwh"),
        "priced_total": tree.get("priced_kwh"),
    }


def _day(tree: Mapping[str, Any], one: Mapping[str, Any]) -> dict[str, Any]:
    parts = parts_of(tree, {**one, "total_kwh": one["delivered_kwh"]})
    return {
        **{name: one[name] for name in ("day", "interval_count", "missing_count")},
        "estimated_count": one["estimated_count"],
        **_renamed({**parts, "settled_kwh": one["total_kwh"], "letter": one["letter"]}),
        "priced_kwh": one["priced_kwh"],
        "by_source": dict(one["by_source"]),
    }


def _interval(tree: Mapping[str, Any], one: Mapping[str, Any]) -> dict[str, Any]:
    """Return an interval as the API says it; what a line does not rest on is null."""
    return {**_renamed({**one, **parts_of(tree, one)}), "by_source": dict(one["by_source"])}


def _renamed(one: Mapping[str, Any]) -> dict[str, Any]:
    return {RENAMED.get(name, name): value for name, value in one.items()}


def _own_codes(tenant_id: int, line: Line, tree: Mapping[str, Any], at: datetime) -> set[str]:
    """Return the channels that are the tenant's at an instant: its places, and those it agreed."""
    contract, after = line.run.contract_id, at + timedelta(minutes=1)
    bound = bound_channels(tenant_id, contract, {one["name"] for one in tree["further"]})
    return {
        one.channel.code
        for one in (*own_channels(tenant_id, contract), *bound)
        if one.clipped(at, after) == (at, after)
    }


def _own(readings: list[dict[str, Any]], codes: set[str]) -> list[dict[str, Any]]:
    """Return the readings of a tenant's own channels, roles in place of people."""
    return [
        {
            **one,
            "used": _nameless(one["used"]),
            "raw": _nameless(one["raw"]),
            "computed": None,
            "versions": [_nameless(version) for version in one["versions"]],
            "edits": [
                {**edit, "who": role_of(edit["who"]), "approver": ""} for edit in one["edits"]
            ],
            "findings": [],
        }
        for one in readings
        if one["channel"] in codes
    ]


def _nameless(version: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if version is None:
        return None
    return {**version, "who": role_of(version["who"]), "file_id": None, "basis": None}
