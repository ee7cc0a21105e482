"""What the form of an edit offers, and what it says when it comes back."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.urls import reverse

from meters.models import Channel, ReasonCode
from meters.queries import versions
from meters.services.editing.actions import ACTIONS, CHANNEL, DAY, NUMBER, PUBLICATION
from meters.services.editing.order import EditOrder, sources_of
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.period import zone_of
from poweroptix.pages.asked import read_local, read_number
from poweroptix.pages.templatetags.po import moment_text, span_text

#: The two ends of a range, as the form names them.
BOUNDS = {"start": "From", "end": "To"}
FIELDS = {DAY: "day", CHANNEL: "other", PUBLICATION: "version"}


def edit_choices(
    channel: Channel, span: tuple[datetime, datetime] | None, said: Mapping[str, str]
) -> dict[str, Any]:
    """Return what the form shows: actions, days, channels and versions to copy, and what was said.

    `span` is the range, None while it cannot be read: then no version is offered. The day offered
    first is the same weekday one week earlier.
    """
    zone = channel.delivery_point.campus.zone
    others = sources_of(channel)
    earlier = versions(channel, *span)[1:] if span and on_intervals(channel, *span) else []
    offered = [
        action
        for action in ACTIONS.values()
        if (others or action.needs != CHANNEL) and (earlier or action.needs != PUBLICATION)
    ]
    shown = [moment_text(instant, zone) for instant in span] if span else ["", ""]
    week_before = (
        f"{span[0].astimezone(zone_of(zone)) - timedelta(weeks=1):%Y-%m-%d}" if span else ""
    )
    return {
        "form_url": reverse("office-edit", args=[channel.code]),
        "actions": offered,
        "others": others,
        "earlier": earlier,
        "reasons": ReasonCode.choices,
        "start_text": said.get("start", shown[0]),
        "end_text": said.get("end", shown[1]),
        "day_text": said.get("day") or week_before,
    }


def on_intervals(channel: Channel, *instants: datetime) -> bool:
    """Return whether every instant is a bound of the channel's intervals."""
    return all(instant.timestamp() % (60 * channel.minutes) == 0 for instant in instants)


def asked_range(channel: Channel, said: Mapping[str, str]) -> tuple[datetime, datetime]:
    """Return the range that an address or a form names.

    Refused when it is empty, unreadable or off the intervals; a finding names each field by
    `where`.
    """
    read, wrong = {}, []
    for name, label in BOUNDS.items():
        try:
            read[name] = _bound(channel, said.get(name, ""))
        except Refused as fault:
            wrong.append(Finding(fault.code, f"{label}: {fault.message}", where=name))
    if not wrong and read["start"] >= read["end"]:
        text = f"{BOUNDS['end']}: the end of the range is not after its start."
        wrong.append(Finding("edit.range", text, where="end"))
    if wrong:
        raise Refused("edit.range", " ".join(one.message for one in wrong), findings=wrong)
    return read["start"], read["end"]


def _bound(channel: Channel, text: str) -> datetime:
    zone = channel.delivery_point.campus.zone
    found = read_local(text, zone)
    if not on_intervals(channel, found):
        before = datetime.fromtimestamp(
            found.timestamp() // (60 * channel.minutes) * 60 * channel.minutes, UTC
        )
        near = span_text(before, before + timedelta(minutes=channel.minutes), zone)
        raise Refused(
            "edit.range",
            f"{moment_text(found, zone)} lies inside an interval of {channel.minutes} minutes, "
            f"{near}; write one of its ends.",
        )
    return found


def asked_order(channel: Channel, said: Mapping[str, str]) -> EditOrder:
    """Return the edit that a form asks for; only the field that its action needs counts."""
    start, end = asked_range(channel, said)
    action = said.get("action", "")
    if not action:
        raise Refused("edit.action_missing", "Choose what to do with the readings.")
    needs = ACTIONS[action].needs if action in ACTIONS else ""
    number = read_number(said.get("operand", "")) if needs == NUMBER else None
    source = said.get(FIELDS[needs], "").strip() if needs in FIELDS else ""
    return EditOrder(channel, start, end, action, number, source)
