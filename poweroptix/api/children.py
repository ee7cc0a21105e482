"""What lies below an object: lines, files of an invoice, series of values."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.http import Http404, HttpResponse
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from billing import access
from billing.documents.store import stored_csv, stored_pdf
from billing.models import Invoice
from contracts.queries import blocks_of, join
from meters.queries import final_many, raw_many
from poweroptix.api import resources, serializers
from poweroptix.api.lists import ApiView, found, instant
from poweroptix.kernel.canonical import canonical_json
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING, from_micro, from_price
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.series import Series
from poweroptix.pages.charts import runs
from poweroptix.pages.downloads import attachment, csv_bytes

MOST_INTERVALS = 400 * 288


class RunLines(ApiView):
    """Lines of a settlement run."""

    staff_verb, tenant_verb = "settlement.view", "portal.invoices"

    def get(self, _request: Request, key: str) -> Response:
        """Return them in print order."""
        run = found(resources.RUNS, self.principal, key)
        rows = run.lines.defer("worksheet").order_by("position")
        return Response({"data": serializers.LineOut(rows, many=True).data})


class InvoiceLines(ApiView):
    """Lines of an issued invoice."""

    staff_verb, tenant_verb = "billing.view", "portal.invoices"

    def get(self, _request: Request, key: str) -> Response:
        """Return them in print order."""
        invoice = found(resources.INVOICES, self.principal, key)
        rows = invoice.lines.order_by("position")
        return Response({"data": serializers.InvoiceLineOut(rows, many=True).data})


class InvoiceFile(ApiView):
    """A file of an issued invoice, as it was issued."""

    staff_verb, tenant_verb = "billing.view", "portal.invoices"

    class AnyRenderer(BaseRenderer):
        """Lets a client ask for the file's own type."""

        media_type, format = "*/*", "file"

        def render(self, data: Any, *_args: Any, **_kwargs: Any) -> Any:
            """Return what is bytes already."""
            return data

    renderer_classes = (JSONRenderer, AnyRenderer)

    def get(self, _request: Request, key: str, form: str) -> HttpResponse:
        """Return its bytes."""
        tenant = found(resources.INVOICES, self.principal, key).tenant_id
        invoice = access.invoice(tenant, key)
        content, kind = _file(invoice, form)
        return attachment(content, f"{invoice.number}.{form}", kind)


def _file(invoice: Invoice, form: str) -> tuple[bytes, str]:
    if form == "pdf":
        return stored_pdf(invoice), "application/pdf"
    if form == "csv":
        digest = invoice.document["interval_csv_sha256"]
        return stored_csv(digest), "text/csv; charset=utf-8"
    return canonical_json(invoice.document), "application/json"


class CsvRenderer(BaseRenderer):
    """`Accept: text/csv`."""

    media_type, format, charset = "text/csv", "csv", "utf-8"

    def render(self, data: Any, *_args: Any, **_kwargs: Any) -> bytes:
        """Return one row per interval."""
        step = timedelta(minutes=data["minutes"])
        start = datetime.fromisoformat(data["start_utc"].replace("Z", "+00:00"))
        letters = [letter for letter, count in data.get("quality", ()) for _ in range(count)]
        rows = []
        for index, value in enumerate(data["values"]):
            row = [f"{start + index * step:%Y-%m-%dT%H:%M:%SZ}", value]
            rows.append([*row, letters[index]] if letters else row)
        head = ["start_utc", data["unit"], "quality"][: 3 if letters else 2]
        return csv_bytes(head, rows)


class SeriesView(ApiView):
    """Values between two instants, as columns or as CSV."""

    renderer_classes = (JSONRenderer, CsvRenderer)

    @staticmethod
    def span(request: Request) -> tuple[datetime, datetime]:
        """Return the asked range; Refused when it is missing or empty."""
        for name in ("start", "end"):
            if name not in request.query_params:
                raise Refused("parameter", f"'{name}' is missing.", pointer=f"?{name}")
        start, end = (instant(request.query_params[name]) for name in ("start", "end"))
        if not start < end:
            raise Refused("parameter", "'start' must lie before 'end'.")
        return start, end


class ChannelSeries(SeriesView):
    """Readings of a channel: final ones, or as received with layer=raw."""

    staff_verb, tenant_verb = "meters.view", "portal.energy"
    parameters = frozenset({"start", "end", "layer"})

    def get(self, request: Request, key: str) -> Response:
        """Return them; a tenant gets the days on which the place is its own."""
        channel = found(resources.CHANNELS, self.principal, key)
        start, end = self.span(request)
        if self.principal.tenant_id is not None:
            own = [
                one.clipped(start, end)
                for one in access.own_channels(self.principal.tenant_id)
                if one.channel.pk == channel.pk
            ]
            start, end = next((span for span in own if span[0] < span[1]), (end, start))
            if not start < end:
                raise Http404
        if (end - start) / timedelta(minutes=channel.minutes) > MOST_INTERVALS:
            raise Refused("parameter", f"Ask for at most {MOST_INTERVALS} intervals at once.")
        layer = request.query_params.get("layer", "final")
        if layer not in ("final", "raw"):
            raise Refused("parameter", "'layer' is final or raw.")
        read = final_many if layer == "final" else raw_many
        series = read([channel.pk], start, end)[0][channel.pk]
        return Response(_columns(channel.code, series))


def _columns(name: str, series: Series) -> dict[str, Any]:
    return {
        "name": name,
        "unit": series.unit,
        "start_utc": _stamp(series.grid.start_utc),
        "end_utc": _stamp(series.grid.end_utc),
        "minutes": series.grid.minutes,
        "count": series.grid.count,
        "values": [
            None if value == MISSING else format(from_micro(value), "f")
            for value in series.values.tolist()
        ],
        "quality": runs(series.status),
        "digest": series.digest(),
    }


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


class IndexValues(SeriesView):
    """Published prices of an index series, the newest version of each day."""

    staff_verb = "contracts.view"
    parameters = frozenset({"start", "end"})

    def get(self, request: Request, key: str) -> Response:
        """Return them."""
        index = found(resources.INDICES, self.principal, key)
        start, end = self.span(request)
        if (end - start) / timedelta(minutes=index.minutes) > MOST_INTERVALS:
            raise Refused("parameter", f"Ask for at most {MOST_INTERVALS} intervals at once.")
        if int(start.timestamp()) % (index.minutes * 60):
            text = (
                f"{_stamp(start)} begins no price of {index.code}; one is {index.minutes} minutes."
            )
            raise Refused("parameter", text)
        grid = Grid.spanning(start, end, index.minutes)
        prices = join(index, grid, blocks_of(index, grid, None))
        return Response(
            {
                "name": index.code,
                "unit": index.unit,
                "start_utc": _stamp(grid.start_utc),
                "end_utc": _stamp(grid.end_utc),
                "minutes": grid.minutes,
                "count": grid.count,
                "values": [
                    None if value == MISSING else format(from_price(value), "f")
                    for value in np.asarray(prices.values).tolist()
                ],
                "vintage": prices.vintage,
                "final": prices.final,
                "digest": prices.digest(),
            }
        )
