"""A month: how good its readings are, which days are complete, which lines counted when."""

from __future__ import annotations

import json

from rest_framework.request import Request
from rest_framework.response import Response

from meters.calc.day_quality import KINDS
from meters.models import Campus, Channel
from meters.pages.findings import titles
from meters.queries import ChannelQuality, quality_board
from meters.queries.quality import quality_report
from meters.reports.files import quality_json
from poweroptix.api import resources
from poweroptix.api.lists import ApiView, found, instant
from poweroptix.clock import now
from poweroptix.kernel.canonical import canonical_json
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import Period
from poweroptix.pages.asked import read_month
from settlement.queries.replay import replay


class CampusMonth(ApiView):
    """What is asked of a local month of a campus; for the operator alone."""

    staff_verb = "meters.view"
    parameters = frozenset({"month"})

    def asked(self, request: Request, key: str) -> tuple[Campus, Period]:
        """Return the campus and its month; Refused without a month that can be read."""
        campus = found(resources.CAMPUSES, self.principal, key)
        label = request.query_params.get("month")
        if label is None:
            raise Refused("parameter", "'month' is missing.", pointer="?month")
        return campus, read_month(label, campus.zone)


class QualityReportOfMonth(CampusMonth):
    """The quality report of a month of a campus: every table, numbers exact."""

    def get(self, request: Request, key: str) -> Response:
        """Return it as it stands now."""
        campus, period = self.asked(request, key)
        report = quality_report(campus, period, now=now(), titles=titles())
        return Response(json.loads(quality_json(report)))


class CompletenessOfMonth(CampusMonth):
    """The completeness board of a month of a campus: each channel, day by day."""

    def get(self, request: Request, key: str) -> Response:
        """Return it as it stands now; days to come count nowhere."""
        campus, period = self.asked(request, key)
        channels = Channel.objects.filter(delivery_point__campus=campus, is_active=True)
        board = quality_board(channels.order_by("code"), period, now=now())
        days = [day.isoformat() for day in period.days()]
        return Response(
            {
                "campus": campus.code,
                "month": period.label,
                "zone": campus.zone,
                "channels": [_channel(one, days) for one in board],
            }
        )


class ReplayOfMonth(ApiView):
    """The lines of a month that counted at an instant, computed again from what was pinned."""

    staff_verb = "settlement.view"
    parameters = frozenset({"month", "as_of"})

    def get(self, request: Request, key: str) -> Response:
        """Return run, moment and lines; 404 when nothing was approved by then."""
        contract = found(resources.CONTRACTS, self.principal, key)
        for name in ("month", "as_of"):
            if name not in request.query_params:
                raise Refused("parameter", f"'{name}' is missing.", pointer=f"?{name}")
        label = read_month(request.query_params["month"], contract.zone).label
        then = replay(contract, label, instant(request.query_params["as_of"]))
        return Response(json.loads(canonical_json(then.document())))


def _channel(one: ChannelQuality, days: list[str]) -> dict:
    return {
        "channel": one.channel.code,
        "unit": one.channel.unit,
        "total": format(one.total, "f"),
        "estimated": format(one.estimated, "f"),
        "open_days": one.open_count,
        "days": [
            {
                "date": date,
                "letter": day.letter,
                "minutes_to_final": day.minutes_to_final,
                "intervals": {kind: day.count(kind) for kind in KINDS},
            }
            for date, day in zip(days, one.days, strict=True)
        ],
    }
