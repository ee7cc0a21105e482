"""What the charts of metering show: final and received readings, and like days as context.

A chart says how wide it is; a range with more intervals than it has room for comes as the lowest
and the highest of each bucket, and the chart asks again when somebody looks closer.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

import numpy as np

from meters.calc.decimate import decimate
from meters.calc.multipliers import apply_multiplier
from meters.models import Channel
from meters.queries import final_many, raw_series
from meters.services.editing.previews import Preview
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.period import zone_of
from poweroptix.kernel.series import Series
from poweroptix.pages.asked import read_instant
from poweroptix.pages.charts import POWER, runs

MOST_DAYS = 400
WEEKS_BACK = (1, 2)
#: Pixels across that a chart may say it has, and what is assumed of one that says nothing.
LEAST_WIDTH, USUAL_WIDTH, MOST_WIDTH = 50, 1_000, 2_000
#: Up to so many intervals a pixel are drawn as they are.
EXACT_PER_PIXEL = 4


def asked_view(
    asked: Mapping[str, str], start: datetime | None = None, end: datetime | None = None
) -> tuple[datetime, datetime, int]:
    """Return from, to and width that a chart asks for; `start` and `end` where it does not say.

    Raises Refused for what is no instant, an empty range and a width that no screen has.
    """
    said = {name: asked.get(name, "") for name in ("from", "to")}
    begin = start if start is not None and not said["from"] else read_instant(said["from"])
    finish = end if end is not None and not said["to"] else read_instant(said["to"])
    if not begin < finish:
        raise Refused("series.range", "The end of the range is not after its start.")
    text = asked.get("width") or str(USUAL_WIDTH)
    if not (text.isascii() and text.isdecimal() and len(text) < 6):
        raise Refused("series.width", f"'{text[:20]}' is not a width in pixels such as 1200.")
    width = int(text)
    if not LEAST_WIDTH <= width <= MOST_WIDTH:
        limits = f"{LEAST_WIDTH} to {MOST_WIDTH}"
        raise Refused("series.width", f"A chart is {limits} pixels wide, not {width}.")
    return begin, finish, width


def profile(
    channel: Channel,
    start: datetime,
    end: datetime,
    *,
    beside: Iterable[Channel] = (),
    weeks_back: tuple = (),
    width: int = USUAL_WIDTH,
) -> dict:
    """Return the chart of a channel: final readings, what was received, the same days before.

    `beside` adds the final readings of channels that measure the same, such as a check meter;
    `weeks_back` adds the final readings of the same wall-clock times so many weeks earlier; of
    more intervals than `width` pixels show, each pixel gets the lowest and the highest.
    Raises Refused for an empty range or more than 400 days.
    """
    if not start < end or end - start > timedelta(days=MOST_DAYS):
        raise Refused("series.range", f"Ask for more than nothing and at most {MOST_DAYS} days.")
    start, end = on_intervals(channel, start, end)
    series = {"final": _final(channel, start, end)}
    raw, _raw_pins = raw_series(channel.pk, start, end)
    primary = _primary(channel, raw)
    series["as received" if primary is raw else "as received × multiplier"] = primary
    styles = ["final", "raw"]
    for other in beside:
        series[f"{other.get_role_display().lower()} {other.code}"] = _final(other, start, end)
        styles.append("check")
    zone = channel.delivery_point.campus.zone
    for weeks in weeks_back:
        begin = _weeks_before(start, weeks, zone)
        name = "a week before" if weeks == 1 else f"{weeks} weeks before"
        series[name] = _final(channel, begin, begin + (end - start))
    return styled(drawn(series, zone, width), styles)


def changed_profile(preview: Preview, around: timedelta) -> dict:
    """Return the chart of an edit: readings after and before it, with days around."""
    order = preview.order
    start, end = on_intervals(order.channel, order.start - around, order.end + around)
    before, after = preview.series(start, end)
    return styled(
        drawn({"after": after, "before": before}, order.zone, USUAL_WIDTH), ["final", "raw"]
    )


def drawn(series: Mapping[str, Series], zone: str, width: int) -> dict:
    """Return the document that po-chart.js draws, of series of one grid.

    Energy becomes average power. `n` is how many intervals a pixel stands for: with more than one
    each has two points half a pixel apart, its lowest and its highest in the order they occur.
    `q` counts points, not intervals. `also` is a second axis: the energy of an interval.
    """
    thin = {
        name: decimate(one.values, one.status, width, exact=width * EXACT_PER_PIXEL)
        for name, one in series.items()
    }
    first, size = next(iter(series.values())), next(iter(thin.values())).size
    points, grid = (2 if size > 1 else 1), first.grid
    scale = 60 / grid.minutes / 1e6 if first.unit in POWER else 1e-6
    return {
        "t0": int(grid.start_utc.timestamp()),
        "step": size * grid.minutes * 60 // points,
        "n": size,
        "unit": POWER.get(first.unit, first.unit),
        "also": _also(first),
        "tz": zone,
        "series": [
            {
                "name": name,
                "v": _column(
                    np.column_stack((one.first, one.second)).reshape(-1) if size > 1 else one.first,
                    scale,
                ),
            }
            for name, one in thin.items()
        ],
        "q": [[letter, count * points] for letter, count in runs(next(iter(thin.values())).status)],
    }


def _also(series: Series) -> dict | None:
    """Return the second axis of energy that is drawn as power: what an interval holds."""
    if series.unit not in POWER:
        return None
    minutes = series.grid.minutes
    return {"unit": f"{series.unit} per {minutes} min", "factor": minutes / 60}


def _column(values: np.ndarray, scale: float) -> list:
    return [None if value == MISSING else round(value * scale, 3) for value in values.tolist()]


def styled(document: dict, styles: list[str]) -> dict:
    """Say how each series is drawn: in front, as received, to compare, and the rest as context."""
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
