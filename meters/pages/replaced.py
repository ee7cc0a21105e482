"""What rules put estimates for, although a file had readings there."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Q

from meters.models import Finding, FindingState
from meters.pages.findings import rule_title
from poweroptix.pages.templatetags.po import span_text

CHANNELS, SHOWN = 200, 20
GAP = "V01"


def replaced_by_rules(receipt: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the estimated exceptions within what a file brought, in order of time. One query.

    A gap is not among them: the file had nothing there.
    """
    brought = Q(pk__in=[])
    for row in receipt.get("channels", [])[:CHANNELS]:
        brought |= Q(
            channel__code=row["code"],
            start_utc__lt=datetime.fromisoformat(row["end_utc"]),
            end_utc__gt=datetime.fromisoformat(row["first_utc"]),
        )
    rows = Finding.objects.filter(brought, state=FindingState.ESTIMATED).exclude(rule_code=GAP)
    rows = rows.select_related("channel__delivery_point__campus").order_by("start_utc", "pk")
    return [
        {
            "finding": one,
            "rule": rule_title(one),
            "span": span_text(one.start_utc, one.end_utc, one.channel.delivery_point.campus.zone),
        }
        for one in rows[:SHOWN]
    ]
