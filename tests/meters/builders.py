"""Campuses, channels and files for tests of metering."""

from __future__ import annotations

import io
import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from meters.formats import ChannelBlock, Profile, formats
from meters.models import (
    Campus,
    Channel,
    DeliveryPoint,
    ImportFile,
    ImportProfile,
    Installation,
    Meter,
)
from meters.services import ingest_file, receive_file
from poweroptix.audit.actor import Actor

NOW = datetime(2026, 4, 2, 12, 0, tzinfo=UTC)
ACTOR = Actor.system("test")
LONG_AGO = datetime(1990, 1, 1, tzinfo=UTC)
CASES = Path(os.environ.get("POWEROPTIX_CASES", Path(__file__).parents[3] / "shared" / "cases"))


def cases(*parts: str) -> Path:
    """Return a path among the acceptance cases; skips the test where they are absent."""
    path = CASES.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"no acceptance cases at {path} (POWEROPTIX_CASES)")
    return path


def make_campus(code: str = "CAP", zone: str = "America/Chicago") -> Campus:
    """Return a campus, new or existing."""
    return Campus.objects.get_or_create(code=code, defaults={"name": code, "zone": zone})[0]


def make_channel(
    code: str = "TEN-ALFA/DEL_KWH",
    *,
    campus: Campus | None = None,
    unit: str = "kWh",
    minutes: int = 15,
    direction: str = "DELIVERED",
    quantity: str = "KWH",
    capacity_kw: Decimal | None = None,
    kind: str = "TENANT_LOAD",
    multiplier: Decimal | None = None,
    successor_of: Channel | None = None,
    installed_from: datetime | None = LONG_AGO,
) -> Channel:
    """Return a channel with its point and, unless `installed_from` is None, a meter for ever."""
    campus = campus or make_campus()
    point = (
        successor_of.delivery_point
        if successor_of
        else DeliveryPoint.objects.create(
            campus=campus, code=code, name=code, kind=kind, capacity_kw=capacity_kw
        )
    )
    channel = Channel.objects.create(
        delivery_point=point,
        code=code,
        unit=unit,
        minutes=minutes,
        direction=direction,
        quantity=quantity,
        successor_of=successor_of,
    )
    if installed_from is not None:
        install(channel, installed_from, None, multiplier)
    return channel


def install(
    channel: Channel, start: datetime, end: datetime | None, multiplier: Decimal | None = None
) -> Installation:
    """Put a new meter on a channel; `multiplier` None means the source has applied it."""
    campus = channel.delivery_point.campus
    meter = Meter.objects.create(campus=campus, serial=f"{channel.code}-{start:%Y%m%d%H%M}")
    return Installation.objects.create(
        channel=channel,
        meter=meter,
        valid=DateTimeTZRange(start, end),
        ct_ratio=multiplier or 1,
        multiplier_applied_by_source=multiplier is None,
    )


def make_profile(code: str = "P", **fields) -> ImportProfile:
    """Return an import profile."""
    return ImportProfile.objects.create(code=code, **{"format": "csv_long@1"} | fields)


def receive(
    content: bytes | str, *, name: str = "file.csv", source: str = "test", now: datetime = NOW,
    **more,
) -> ImportFile:  # fmt: skip
    """Receive a file from memory."""
    data = content.encode() if isinstance(content, str) else content
    return receive_file(io.BytesIO(data), name=name, source=source, now=now, actor=ACTOR, **more)


def ingest(content: bytes | str, *, now: datetime = NOW, **more) -> dict:
    """Receive and ingest a file from memory; return its receipt."""
    return ingest_file(receive(content, now=now, **more).pk, now=now, actor=ACTOR)


def long_csv(
    code: str, start: datetime, values: list, *, minutes: int = 15, unit: str = "kWh",
    status: str = "A",
) -> str:  # fmt: skip
    """Return our long CSV for one channel, consecutive intervals."""
    meter, channel = code.split("/")
    rows = ["meter_id,channel,interval_start,interval_seconds,value,unit,status"]
    begin = int(start.timestamp())
    for i, value in enumerate(values):
        moment = datetime.fromtimestamp(begin + i * minutes * 60, UTC)
        rows.append(
            f"{meter},{channel},{moment:%Y-%m-%dT%H:%M:%SZ},{minutes * 60},{value},{unit},{status}"
        )
    return "\n".join(rows) + "\n"


def channels_for(path: Path, profile: Profile) -> None:
    """Create every channel that a file speaks of, as the file describes it."""
    made: dict[tuple[str, int], Channel] = {}
    with path.open("rb") as stream:
        for item in formats.get(profile.format).read(stream, profile):
            if not isinstance(item, ChannelBlock):
                continue
            key = (item.channel_text, item.minutes)
            if key in made:
                continue
            before = [channel for (text, _), channel in made.items() if text == item.channel_text]
            made[key] = make_channel(
                f"{item.channel_text}/{item.minutes}" if before else item.channel_text,
                campus=make_campus("AEMO", "Australia/Brisbane"),
                unit=item.unit,
                minutes=item.minutes,
                quantity="KVARH" if item.unit == "kVArh" else "KWH",
                direction="NET",
                successor_of=before[-1] if before else None,
            )


def person(name: str, role: str = "analyst") -> Actor:
    """Return a member of staff as actor."""
    user = get_user_model().objects.filter(username=name).first()
    return Actor.of_user(user or get_user_model().objects.create_user(username=name, role=role))
