"""The multiplier beside the raw totals of a receipt: what the installed meters make of them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from meters.models import Channel, Installation
from poweroptix.kernel.fixed import EXACT


def with_multipliers(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of a receipt with zone, meters and, where one multiplier holds, `primary`.

    `meters` are the installations that the range touches; `primary` is the raw total times their
    multiplier, None when no meter was installed or the multiplier changes inside the range. Two
    queries.
    """
    made = [dict(row) for row in rows]
    zones = zones_of(made)
    installed: dict[str, list[Installation]] = {}
    found = Installation.objects.filter(channel__code__in={row["code"] for row in made})
    for one in found.select_related("channel", "meter").order_by("valid"):
        installed.setdefault(one.channel.code, []).append(one)
    for row in made:
        first, end = (datetime.fromisoformat(row[name]) for name in ("first_utc", "end_utc"))
        row["first_at"], row["end_at"] = first, end
        row["zone"] = zones.get(row["code"], "UTC")
        row["meters"] = [
            one
            for one in installed.get(row["code"], [])
            if one.valid.lower < end and (one.valid.upper is None or one.valid.upper > first)
        ]
        ratios = {one.applied_ratio for one in row["meters"]}
        row["multiplier"] = ratios.pop() if len(ratios) == 1 else None
        row["primary"] = product(row["total"], row["multiplier"])
    return made


def zones_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the zone of the campus by the code of a channel, for the rows of a receipt."""
    found = Channel.objects.filter(code__in={row["code"] for row in rows})
    return dict(found.values_list("code", "delivery_point__campus__zone"))


def product(total: str, multiplier: Decimal | None) -> Decimal | None:
    """Return a raw quantity in primary units; None where no single multiplier holds."""
    return None if multiplier is None else EXACT.multiply(Decimal(total), multiplier)
