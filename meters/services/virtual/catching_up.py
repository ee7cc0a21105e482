"""After a definition changed: the readings of its range, window by window, and all that follows."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Max, Min

from meters.models import Layer, ReadingBlock, VirtualDefinition, VirtualTerm
from meters.queries.virtual import dependants
from meters.services.publishing.publish import utc_days
from meters.services.steps import PlainSteps, Steps
from meters.services.virtual.recompute import recompute
from meters.storage import epoch_day

WINDOW_DAYS = 31


def catch_up(
    definition_id: int,
    start: datetime,
    end: datetime | None,
    *,
    now: datetime,
    ctx: Steps | None = None,
) -> int:
    """Compute a channel and what rests on it in [start, end) anew; return the blocks written.

    Only days on which the channels or their terms have readings. Idempotent.
    """
    definition = VirtualDefinition.objects.select_related("channel").get(pk=definition_id)
    ids = [definition.channel_id, *dependants([definition.channel_id], start, end)]
    written, steps = 0, ctx or PlainSteps()
    windows = _windows(ids, start, end)
    for number, (first, last) in enumerate(windows, 1):
        label = f"Computing {definition.channel.code}"
        with steps.stage(number, label, number - 1, len(windows)) as todo:
            if todo:
                reason = f"Definition #{definition_id} of {definition.channel.code}"
                done = recompute(ids, range(first, last + 1), now=now, reason=reason[:300])
                written += done.written
    with steps.stage(len(windows) + 1, "Computed", len(windows), len(windows)) as todo:
        if todo:
            VirtualDefinition.objects.filter(pk=definition_id).update(computed_at=now)
    return written


def _windows(ids: list[int], start: datetime, end: datetime | None) -> list[tuple[int, int]]:
    """Return the days with readings as windows of at most a month."""
    terms = VirtualTerm.objects.filter(definition__channel__in=ids).values_list(
        "channel_id", flat=True
    )
    first = epoch_day(start.date())
    last = utc_days(start, end)[1] if end else None
    found = ReadingBlock.objects.filter(channel_id__in=[*ids, *terms], layer=Layer.FINAL).aggregate(
        first=Min("day"), last=Max("day")
    )
    if found["first"] is None:
        return []
    low = max(first, epoch_day(found["first"]))
    high = epoch_day(found["last"]) if last is None else min(last, epoch_day(found["last"]))
    return [(day, min(day + WINDOW_DAYS - 1, high)) for day in range(low, high + 1, WINDOW_DAYS)]
