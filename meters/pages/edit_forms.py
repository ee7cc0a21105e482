"""What the form of an edit offers, and what it says when it comes back."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse

from meters.models import Channel, ReasonCode
from meters.queries import versions
from meters.services.editing.actions import ACTIONS, CHANNEL, DAY, NUMBER, PUBLICATION
from meters.services.editing.order import EditOrder, sources_of
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import zone_of
from poweroptix.pages.asked import read_instant, read_number

FIELDS = {DAY: "day", CHANNEL: "other", PUBLICATION: "version"}


def edit_choices(
    channel: Channel, start: datetime, end: datetime, said: Mapping[str, str]
) -> dict[str, Any]:
    """Return what the form shows: actions, days, channels and versions to copy, and what was said.

    The day offered first is the same weekday one week earlier.
    """
    place = zone_of(channel.delivery_point.campus.zone)
    local = start.astimezone(place)
    others = sources_of(channel)
    earlier = versions(channel, start, end)[1:]
    offered = [
        action
        for action in ACTIONS.values()
        if (others or action.needs != CHANNEL) and (earlier or action.needs != PUBLICATION)
    ]
    return {
        "form_url": reverse("office-edit", args=[channel.code]),
        "actions": offered,
        "others": others,
        "earlier": earlier,
        "reasons": ReasonCode.choices,
        "start_text": said.get("start") or local.isoformat(),
        "end_text": said.get("end") or end.astimezone(place).isoformat(),
        "day_text": said.get("day") or f"{local - timedelta(weeks=1):%Y-%m-%d}",
    }


def asked_range(said: Mapping[str, str]) -> tuple[datetime, datetime]:
    """Return the range that an address or a form names; Refused when it is empty or unreadable."""
    start, end = (read_instant(said.get(name, "")) for name in ("start", "end"))
    if start >= end:
        raise Refused("edit.range", "The end of the range is not after its start.")
    return start, end


def asked_order(channel: Channel, said: Mapping[str, str]) -> EditOrder:
    """Return the edit that a form asks for; only the field that its action needs counts."""
    start, end = asked_range(said)
    action = said.get("action", "")
    if not action:
        raise Refused("edit.action_missing", "Choose what to do with the readings.")
    needs = ACTIONS[action].needs if action in ACTIONS else ""
    number = read_number(said.get("operand", "")) if needs == NUMBER else None
    source = said.get(FIELDS[needs], "").strip() if needs in FIELDS else ""
    return EditOrder(channel, start, end, action, number, source)
