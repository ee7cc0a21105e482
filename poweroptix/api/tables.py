"""Answers that are a document for a program and a table for a spreadsheet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from poweroptix.api.lists import ApiView
from poweroptix.kernel.canonical import canonical_json
from poweroptix.pages.downloads import csv_bytes


@dataclass(frozen=True)
class Table:
    """Head and rows of a file."""

    head: Sequence[str]
    rows: Sequence[Sequence[Any]]


class TableRenderer(BaseRenderer):
    """`Accept: text/csv`."""

    media_type, format, charset = "text/csv", "csv", "utf-8"

    def render(self, data: Table, *_args: Any, **_kwargs: Any) -> bytes:
        """Return the rows below their head, as the pages hand them out."""
        return csv_bytes(data.head, data.rows)


class TableView(ApiView):
    """What can be read as a document and as a table."""

    renderer_classes = (JSONRenderer, TableRenderer)

    @staticmethod
    def is_table(request: Request) -> bool:
        """Whether the client asked for CSV."""
        return request.accepted_renderer.format == TableRenderer.format


def said(document: Any) -> Any:
    """Return a document as the API says it: decimals as text, instants in UTC with Z."""
    return json.loads(canonical_json(document))


def document(given: Any) -> Response:
    """Answer with a document."""
    return Response(said(given))
