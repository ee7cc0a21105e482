"""Readings of a channel as a file: CSV, Parquet, Green Button or NEM12."""

from __future__ import annotations

from datetime import date

from django.http import HttpResponse
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from meters.queries.export import ExportOrder, prepare
from poweroptix.api import resources
from poweroptix.api.children import MOST_INTERVALS, InvoiceFile
from poweroptix.api.lists import ApiView, found
from poweroptix.clock import now
from poweroptix.kernel.errors import Refused
from poweroptix.pages.downloads import attachment


class ChannelReadings(ApiView):
    """Readings of a channel as a file that other systems read."""

    staff_verb = "meters.view"
    parameters = frozenset({"first", "last", "file", "zone", "layer"})
    renderer_classes = (JSONRenderer, InvoiceFile.AnyRenderer)

    def get(self, request: Request, key: str) -> HttpResponse:
        """Return it whole; nothing of a file with a reading that it cannot hold."""
        channel = found(resources.CHANNELS, self.principal, key)
        asked = request.query_params
        order = ExportOrder(
            (channel.code,),
            _day(request, "first"),
            _day(request, "last"),
            asked.get("file", "csv_long@1"),
            asked.get("layer", "final"),
            asked.get("zone", ""),
        )
        export = prepare(order, now=now())
        if export.intervals > MOST_INTERVALS:
            raise Refused("parameter", f"Ask for at most {MOST_INTERVALS} intervals at once.")
        content = b"".join(export.content())
        return attachment(content, export.file_name, export.writer.content_type)


def _day(request: Request, name: str) -> date:
    text = request.query_params.get(name)
    if text is None:
        raise Refused("parameter", f"'{name}' is missing.", pointer=f"?{name}")
    try:
        return date.fromisoformat(text)
    except ValueError as fault:
        told = f"'{text[:20]}' is not a day such as 2026-03-01."
        raise Refused("parameter", told, pointer=f"?{name}") from fault
