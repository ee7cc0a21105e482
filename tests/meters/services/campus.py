"""A small stored campus for tests of estimates: channels, readings, registers, one judgement."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from meters.models import (
    Channel,
    DeliveryPoint,
    Finding,
    ImportProfile,
    Interruption,
    Publication,
    ReadingNote,
    RuleSetting,
)
from meters.queries import final_series
from meters.services import validate_days
from poweroptix.kernel.period import day_start
from tests.meters import builders
from tests.meters.builders import ACTOR, install, long_csv, make_campus, make_profile
from tests.meters.services.worksheets import again

#: Rules that ask about the course of a load; the loads of these tests are drawn with a ruler.
DOUBTING = ("stuck@1", "zero_run@1", "spike@1", "consecutive@1", "main_check@1", "main_check_day@1",
            "scada_check@1")  # fmt: skip
LATER = datetime(2027, 1, 1, tzinfo=UTC)


def quiet(*keys: str) -> None:
    """Switch rules off, for the whole house."""
    for key in keys or DOUBTING:
        RuleSetting.objects.create(
            rule_key=key, parameters={"enabled": False}, effective_from=date(2000, 1, 1)
        )


def local(day: str, clock: str = "00:00", zone: str = "America/Chicago") -> datetime:
    """Return a local wall-clock time as an instant."""
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def store(channel: Channel, start: datetime, values: list, **more) -> None:
    """Deliver readings, consecutive intervals; None is a hole in the file."""
    rows = long_csv(channel.code, start, values, minutes=channel.minutes, unit=channel.unit)
    kept = [row for row in rows.splitlines(keepends=True) if ",None," not in row]
    receipt = builders.ingest("".join(kept), now=LATER, **more)
    assert receipt["error_count"] == 0, receipt


def store_day(channel: Channel, day: str, values: list, **more) -> None:
    """Deliver a local day from its first interval on; the values repeat until it is full."""
    zone = channel.delivery_point.campus.zone
    first = date.fromisoformat(day)
    start, end = day_start(first, zone), day_start(first + timedelta(days=1), zone)
    count = (end - start) // timedelta(minutes=channel.minutes)
    store(channel, start, (values * count)[:count] if len(values) < count else values, **more)


def judge(*channels: Channel, first: str, last: str | None = None, now: datetime = LATER):
    """Validate and estimate local days of some channels."""
    ids = [channel.pk for channel in channels]
    days = date.fromisoformat(first), date.fromisoformat(last or first)
    return validate_days(ids, *days, now=now, actor=ACTOR)


def finals(channel: Channel, start: datetime, count: int, places: int = 3) -> list[str]:
    """Return final values from an instant on as text; None where there is none."""
    end = start + timedelta(minutes=channel.minutes) * count
    series = final_series(channel.pk, start, end)[0]
    return [None if v is None else f"{v:.{places}f}" for v in values_of(series)]


def values_of(series) -> list:
    """Return the values of a series, None where missing."""
    return [
        None if absent else Decimal(int(value)).scaleb(-6)
        for value, absent in zip(series.values, series.missing, strict=True)
    ]


def sheet(channel: Channel, code: str = "V01") -> dict:
    """Return the one worksheet of the one estimated finding of a channel."""
    (found,) = sheets(channel, code)
    return found


def sheets(channel: Channel, code: str = "V01") -> list[dict]:
    """Return the worksheets of the estimates of a channel, in order.

    Each is computed again from itself alone, and is what is stored.
    """
    rows = Finding.objects.filter(channel=channel, rule_code=code, state="ESTIMATED")
    found = [each for row in rows for each in row.worksheet]
    for each in found:
        assert again(each) == each["values"]
        start = datetime.fromisoformat(each["start_utc"])
        stored = [Decimal(text) for text in finals(channel, start, len(each["values"]), 6)]
        assert stored == [Decimal(text) for text in each["values"]]
    return sorted(found, key=lambda each: each["start_utc"])


def beside(channel: Channel, code: str, **fields) -> Channel:
    """Return another channel of the same point, with a meter for ever."""
    given = {
        "unit": channel.unit,
        "minutes": channel.minutes,
        "direction": channel.direction,
        "quantity": channel.quantity,
    } | fields
    other = Channel.objects.create(delivery_point=channel.delivery_point, code=code, **given)
    install(other, builders.LONG_AGO, None)
    return other


def flag(channel: Channel, start: datetime, code: str = "POWER_FAIL", minutes: int = 15) -> None:
    """Keep a flag of the device, as a file of this channel brought it."""
    ReadingNote.objects.create(
        channel=channel,
        start_utc=start,
        end_utc=start + timedelta(minutes=minutes),
        code=code,
        detail={},
        publication_id=Publication.objects.order_by("pk").first().pk,
    )


def interrupted(channel: Channel, start: datetime, end: datetime | None, **fields) -> Interruption:
    """Put an interruption of the point of a channel on record."""
    return Interruption.objects.create(
        delivery_point=channel.delivery_point,
        during=DateTimeTZRange(start, end),
        **{"cause": "GRID", "recorded_by": "user:operator", "recorded_at": LATER} | fields,
    )


def read(channel: Channel, *reads: tuple[datetime, str, str], name: str = "reads.csv") -> dict:
    """Deliver register reads (instant, text, type)."""
    meter, text = channel.code.split("/")
    profile = _register_profile()
    lines = ["meter_id,channel,read_time,register,digits,multiplier,read_type"]
    lines += [f"{meter},{text},{at.isoformat()},{dial},6,,{kind}" for at, dial, kind in reads]
    receipt = builders.ingest("\n".join(lines) + "\n", name=name, profile_code=profile, now=LATER)
    assert receipt["error_count"] == 0, receipt
    return receipt


def _register_profile() -> str:
    found = ImportProfile.objects.filter(code="REG").first()
    return (found or make_profile("REG", format="register_csv@1", unit="kWh")).code


def point(code: str, kind: str, **fields) -> DeliveryPoint:
    """Return a delivery point of the campus."""
    campus = make_campus()
    return DeliveryPoint.objects.create(campus=campus, code=code, name=code, kind=kind, **fields)
