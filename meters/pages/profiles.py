"""What the charts of metering show: final and received readings, and like days as context."""

from datetime import UTC, datetime, timedelta

from meters.calc.multipliers import apply_multiplier
from meters.models import Channel
from meters.queries import final_many, raw_series
from meters.services.previews import Preview
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import zone_of
from poweroptix.kernel.series import Series
from poweroptix.pages.charts import payload

MOST_DAYS = 400
WEEKS_BACK = (1, 2)


def profile(channel: Channel, start: datetime, end: datetime, *, weeks_back: tuple = ()) -> dict:
    """Return the chart of a channel: final readings, what was received, the same days before.

    `weeks_back` adds the final readings of the same wall-clock times so many weeks earlier.
    Raises Refused for an empty range or more than 400 days.
    """
    if not start < end or end - start > timedelta(days=MOST_DAYS):
        raise Refused("series.range", f"Ask for more than nothing and at most {MOST_DAYS} days.")
    start, end = on_intervals(channel, start, end)
    series = {"final": _final(channel, start, end)}
    raw, _raw_pins = raw_series(channel.pk, start, end)
    primary = _primary(channel, raw)
    series["as received" if primary is raw else "as received × multiplier"] = primary
    zone = channel.delivery_point.campus.zone
    for weeks in weeks_back:
        begin = _weeks_before(start, weeks, zone)
        name = "a week before" if weeks == 1 else f"{weeks} weeks before"
        series[name] = _final(channel, begin, begin + (end - start))
    return styled(payload(series, zone), ["final", "raw"])


def changed_profile(preview: Preview, around: timedelta) -> dict:
    """Return the chart of an edit: readings after and before it, with days around."""
    order = preview.order
    start, end = on_intervals(order.channel, order.start - around, order.end + around)
    before, after = preview.series(start, end)
    return styled(payload({"after": after, "before": before}, order.zone), ["final", "raw"])


def styled(document: dict, styles: list[str]) -> dict:
    """Say how each series is drawn: in front, as received, and the rest as context."""
    for at, one in enumerate(document["series"]):
        one["style"] = styles[at] if at < len(styles) else "context"
    return document


def on_intervals(channel: Channel, start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """Widen a range to whole intervals of a channel."""
    step = channel.minutes * 60
    first, last = start.timestamp() // step * step, -(-end.timestamp() // step) * step
    return datetime.fromtimestamp(first, UTC), datetime.fromtimestamp(last, UTC)


def _final(channel: Channel, start: datetime, end: datetime) -> Series:
    found, _pins = final_many([channel.pk], start, end)
    return found[channel.pk]


def _primary(channel: Channel, raw: Series) -> Series:
    """Return received readings times the multiplier of the meter installed; as they are with 1."""
    values = raw.values.copy()
    step = timedelta(minutes=raw.grid.minutes)
    scaled = False
    for one in channel.installations.all():
        first = max(0, -((raw.grid.start_utc - one.valid.lower) // step))
        end = raw.grid.count
        if one.valid.upper is not None:
            end = min(end, -((raw.grid.start_utc - one.valid.upper) // step))
        if one.applied_ratio != 1 and first < end:
            values[first:end] = apply_multiplier(values[first:end], one.applied_ratio)
            scaled = True
    return Series(raw.grid, values, raw.status, raw.unit) if scaled else raw


def _weeks_before(start: datetime, weeks: int, zone: str) -> datetime:
    """Return the same wall-clock moment some weeks earlier."""
    return (start.astimezone(zone_of(zone)) - timedelta(weeks=weeks)).astimezone(UTC)
