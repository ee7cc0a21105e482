"""What an allocation reads: points, channels, readings, tenancy, pools, loss factors.

Direction: DELIVERED is the natural direction of a point (a generator delivers its output, a
battery its discharge, the grid tie its import, a load point what the load takes); RECEIVED is the
other way (a generator's draw, charging, export). NET is natural minus other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from contracts.models import TenantPoint
from meters.models import Campus, Channel, DeliveryPoint, LossFactor
from meters.queries import Pin, Pins, final_many
from poweroptix.kernel.canonical import canonical_json, sha256
from poweroptix.kernel.period import Period
from poweroptix.kernel.series import Series
from settlement.calc.campus import CampusInputs
from settlement.calc.plan import campus_inputs, channel_ids, period_of
from settlement.models import AllocationRun, Pool, PoolMember
from settlement.models.allocation import MATCHED

KINDS = ("GENERATOR", "GENERATOR_AUX", "GRID_TIE", "STORAGE", "BUS", "TENANT_LOAD", "HOUSE")
FORMAT = "settlement.allocation@1"
FINAL = 2


@dataclass(frozen=True)
class CampusReading:
    """Inputs of an allocation, and the frozen document with its digest."""

    inputs: CampusInputs
    document: dict[str, Any]
    content: bytes

    @property
    def sha256(self) -> str:
        """The digest of the frozen document."""
        return sha256(self.content)


def read_campus(campus: Campus, period: Period) -> CampusReading:
    """Read what an allocation needs now, in a bounded number of queries.

    Refused when a point that serves a tenant has no energy meter.
    """
    document = _plain(_plan(campus, period))
    series, used = final_many(channel_ids(document), period.start_utc, period.end_utc)
    digests = {str(pk): one.digest() for pk, one in series.items()}
    content = canonical_json({**document, "digests": digests, "pins": _pin_document(used)})
    document = json.loads(content)
    return CampusReading(campus_inputs(document, series), document, content)


def read_again(content: bytes) -> CampusReading:
    """Read exactly what a stored document says; Conflict when a pinned block is gone or differs."""
    document = json.loads(content)
    return CampusReading(campus_inputs(document, pinned(document)), document, bytes(content))


def pinned(document: Mapping[str, Any]) -> dict[int, Series]:
    """Return the readings that a document pins, by channel; Conflict when a block is gone."""
    period = period_of(document)
    series, _ = final_many(
        channel_ids(document), period.start_utc, period.end_utc, pins=pins_of(document)
    )
    return series


def same_reading(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Say whether two documents read the same.

    Pins do not count: the UTC day at the edge of a local month gets a new version when the next
    month arrives, although nothing of this month changed. The digests of the series decide.
    """
    return {**first, "pins": None} == {**second, "pins": None}


def pins_of(document: Mapping[str, Any]) -> Pins:
    """Return the pins of an allocation document."""
    return tuple(
        Pin(int(channel_id), date.fromisoformat(day), FINAL, version, digest)
        for channel_id, days in document["pins"].items()
        for day, version, digest in days
    )


def _plain(document: Any) -> Any:
    return json.loads(canonical_json(document))


def _plan(campus: Campus, period: Period) -> dict[str, Any]:
    """Return the document without pins: which points, claims, pools and factors count."""
    points = _points(campus)
    claims = _claims(campus, period)
    pools, sources = _pools(campus, period)
    needed = {claim[1] for claim in claims} | {code for pool in pools for code in pool["points"]}
    return {
        "format": FORMAT,
        "campus": campus.code,
        "period": {
            "label": period.label,
            "start_utc": period.start_utc,
            "end_utc": period.end_utc,
            "zone": period.zone,
        },
        "tolerance": [
            Decimal(campus.balance_tolerance_low_ratio).normalize(),
            Decimal(campus.balance_tolerance_high_ratio).normalize(),
        ],
        "points": points,
        "claims": claims,
        "pools": pools,
        "loss_ratios": _loss_ratios(campus, needed, period),
        **sources,
    }


def _points(campus: Campus) -> list[dict[str, Any]]:
    """Return the points of the balance with their main energy channels, active ones first."""
    points = DeliveryPoint.objects.filter(campus=campus, kind__in=KINDS).order_by("code")
    by_point: dict[int, list[dict[str, Any]]] = {}
    rows = Channel.objects.filter(
        delivery_point__campus=campus, quantity="KWH", role="MAIN"
    ).order_by("-is_active", "code")
    for pk, code, direction, point in rows.values_list(
        "pk", "code", "direction", "delivery_point_id"
    ):
        by_point.setdefault(point, []).append({"id": pk, "code": code, "direction": direction})
    return [
        {"code": code, "kind": kind, "channels": by_point.get(pk, [])}
        for pk, code, kind in points.values_list("pk", "code", "kind")
    ]


def _claims(campus: Campus, period: Period) -> list[list[Any]]:
    """Return [contract, point, share, first day, end day] of the period, in order."""
    rows = TenantPoint.objects.filter(contract__campus=campus, valid__overlap=_dates(period))
    found = [
        [contract, point, share.normalize(), valid.lower or date.min, valid.upper]
        for contract, point, share, valid in rows.values_list(
            "contract__code", "delivery_point__code", "share_ratio", "valid"
        )
    ]
    return sorted(found, key=lambda claim: (claim[0], claim[1], claim[3]))


def _dates(period: Period) -> tuple[date, date]:
    return period.first_date, period.last_date + timedelta(days=1)


def _pools(campus: Campus, period: Period) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the energy and loss pools with their members of the period, and the sources.

    The sources stand by themselves, with what their batteries held; nothing without any.
    """
    rows = Pool.objects.filter(campus=campus, kind__in=("LOSS", "ENERGY", *MATCHED))
    pools, sources, carry = [], [], {}
    for pool in rows.order_by("code").prefetch_related("points", "members__contract"):
        entry = _pool(pool, period)
        if pool.kind not in MATCHED:
            pools.append({"kind": pool.kind, **entry})
        elif entry["members"]:
            is_battery = pool.kind == "STORAGE"
            more = {"storage": pool.storage} if is_battery else {}
            sources.append({"merit": pool.merit, **entry, **more})
            carry |= _stock(campus, period, pool) if is_battery else {}
    return pools, {"sources": sources, "carry_in": carry} if sources else {}


def _pool(pool: Pool, period: Period) -> dict[str, Any]:
    first, end = _dates(period)
    members: dict[str, list[list[Any]]] = {}
    for member in sorted(pool.members.all(), key=lambda one: one.first_date):
        left = _left(member, end)
        if member.first_date < end and (left is None or left > first):
            spans = members.setdefault(member.contract.code, [])
            spans.append([member.first_date, left])
    return {
        "code": pool.code,
        "key": pool.key,
        "parameters": pool.parameters,
        "points": sorted(point.code for point in pool.points.all()),
        "members": members,
    }


def _stock(campus: Campus, period: Period, pool: Pool) -> dict[str, Any]:
    """Return what a battery held at the end of the month before, if that is known.

    Nothing in its first month: the pool's own opening counts then.
    """
    if period.label <= pool.storage.get("opening_period", ""):
        return {}
    held = AllocationRun.objects.filter(
        campus=campus, period=period.previous().label, state__in=("CALCULATED", "APPROVED")
    ).values_list("carry_out", flat=True).first()  # fmt: skip
    return {pool.code: held[pool.code]} if held and pool.code in held else {}


def _left(member: PoolMember, period_end: date) -> date | None:
    """Return the first day no longer a member: its own, or that after the contract's last one.

    A contract that ends after the period leaves the period's document as it was.
    """
    last_day = member.contract.last_day
    if last_day is None or last_day + timedelta(days=1) >= period_end:
        return member.end_date
    ended = last_day + timedelta(days=1)
    return ended if member.end_date is None else min(member.end_date, ended)


def _loss_ratios(campus: Campus, needed: set[str], period: Period) -> dict[str, list[list[Any]]]:
    """Return [first day, end day, ratio] per point with a contractual loss factor in the period."""
    rows = LossFactor.objects.filter(
        delivery_point__campus=campus,
        delivery_point__code__in=needed,
        effective_from__lte=period.last_date,
    ).order_by("delivery_point__code", "effective_from")
    starts: dict[str, list[list[Any]]] = {}
    for code, first, ratio in rows.values_list(
        "delivery_point__code", "effective_from", "loss_ratio"
    ):
        earlier = starts.setdefault(code, [])
        if earlier:
            earlier[-1][1] = first
        earlier.append([first, None, ratio.normalize()])
    return {
        code: [one for one in spans if one[1] is None or one[1] > period.first_date]
        for code, spans in starts.items()
    }


def _pin_document(used: Pins) -> dict[str, list[list[Any]]]:
    """Return pins by channel: [day, version, digest]."""
    pins: dict[str, list[list[Any]]] = {}
    for pin in used:
        pins.setdefault(str(pin.channel_id), []).append([pin.day, pin.version, pin.digest])
    return pins
