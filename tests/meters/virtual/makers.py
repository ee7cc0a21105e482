"""Metered and virtual channels with a day of readings, for tests."""

from datetime import UTC, date, datetime, timedelta

from meters.models import Channel, DeliveryPoint
from meters.queries import final_series
from meters.services import validate_days
from meters.services.virtual.checking import Order
from meters.services.virtual.definitions import define
from poweroptix.audit.actor import Actor
from poweroptix.jobs.services import drain
from tests.meters.builders import ACTOR, NOW, ingest, long_csv, make_campus, make_channel

DAY = datetime(2026, 3, 10, tzinfo=UTC)
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
ADMIN = Actor.system("test")


def metered(code, values=None, *, start=DAY, kind="CHECK", **more):
    """Return a metered channel, with validated readings of UTC days from `start` on."""
    channel = make_channel(code, campus=make_campus("UTCAMP", "UTC"), kind=kind, **more)
    if values is not None:
        read(channel, values, start=start)
    return channel


def read(channel, values, *, start=DAY, now=NOW):
    """Ingest and validate consecutive readings."""
    text = long_csv(channel.code, start, values, minutes=channel.minutes, unit=channel.unit)
    ingest(text, now=now)
    end = start + timedelta(minutes=channel.minutes * len(values)) - timedelta(seconds=1)
    validate_days([channel.pk], start.date(), end.date(), now=now, actor=ACTOR)


def virtual(
    code, *, kind="CHECK", minutes=15, unit="kWh", direction="NET", role="MAIN", point=None
):
    """Return a virtual channel with a point of its own."""
    point = point or DeliveryPoint.objects.create(
        campus=make_campus("UTCAMP", "UTC"), code=code, name=code, kind=kind
    )
    return Channel.objects.create(
        delivery_point=point, code=code, kind="VIRTUAL", minutes=minutes, unit=unit,
        direction=direction, role=role,
    )  # fmt: skip


def defined(channel, expression="", *, since=SINCE, compute=True, now=NOW, **more):
    """Define a channel and, unless told otherwise, let the worker compute it."""
    order = Order(channel, since, expression=expression, **more)
    made = define(order, actor=ADMIN, now=now)
    if compute:
        drain(60)
        made.refresh_from_db()
    return made


def values(channel, start=DAY, hours=1):
    """Return the final readings as texts; None where missing."""
    series, _ = final_series(channel.pk, start, start + timedelta(hours=hours))
    return [None if one is None else f"{one.normalize():f}" for one in series.decimals()]


def versions(channel, day=date(2026, 3, 10)):
    """Return the versions of the final blocks of a day."""
    rows = channel.blocks.filter(day=day, layer=2).order_by("version")
    return list(rows.values_list("version", flat=True))
