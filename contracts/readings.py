"""Readings behind the further quantities of contracts, pinned; and how to read them again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from contracts.calc.bound import Binding, bound_series
from contracts.models import ContractQuantity
from meters.queries import Pin, Pins, final_many
from poweroptix.kernel.period import Period
from poweroptix.kernel.series import Series

FINAL = 2


@dataclass(frozen=True)
class BoundReadings:
    """Bindings of a batch of contracts in one period, and the readings of all their channels."""

    contract_ids: frozenset[int]
    rows: Mapping[int, Sequence[ContractQuantity]]
    readings: Mapping[int, Series]
    pins: Mapping[int, Sequence[Pin]]
    period: Period

    def of(self, contract_id: int, names: Sequence[str]) -> dict[str, tuple[Series, dict]]:
        """Return the named quantities of a contract with their references."""
        found = {}
        for name in names:
            rows = [one for one in self.rows.get(contract_id, ()) if one.name == name]
            if rows:
                bindings = [
                    Binding(one.channel_id, one.sign, one.valid.lower or date.min, one.valid.upper)
                    for one in rows
                ]
                series = bound_series(name, bindings, self.readings, self.period)
                found[name] = (series, self._reference(rows, bindings))
        return found

    def _reference(
        self, rows: Sequence[ContractQuantity], bindings: Sequence[Binding]
    ) -> dict[str, Any]:
        """Return what stands in the frozen document: which channels, and which versions of them."""
        channels = [
            {
                "id": row.channel_id,
                "code": row.channel.code,
                "point": row.channel.delivery_point.code,
                "sign": one.sign,
                "first_day": one.first.isoformat(),
                "end_day": None if one.end is None else one.end.isoformat(),
            }
            for row, one in zip(rows, bindings, strict=True)
        ]
        pins = {
            str(one.channel_id): [
                [pin.day.isoformat(), pin.version, pin.digest]
                for pin in self.pins.get(one.channel_id, ())
            ]
            for one in bindings
        }
        return {"kind": "channels", "channels": channels, "pins": pins}


def read_bound(contract_ids: Sequence[int], period: Period) -> BoundReadings:
    """Read all channels that count for some contracts on days of a period."""
    days = (period.first_date, period.last_date + timedelta(days=1))
    rows: dict[int, list[ContractQuantity]] = {}
    found = ContractQuantity.objects.filter(contract__in=contract_ids, valid__overlap=days)
    for row in found.select_related("channel__delivery_point").order_by(
        "name", "channel__code", "valid"
    ):
        rows.setdefault(row.contract_id, []).append(row)
    ids = sorted({one.channel_id for each in rows.values() for one in each})
    readings, used = final_many(ids, period.start_utc, period.end_utc) if ids else ({}, ())
    pins: dict[int, list[Pin]] = {}
    for pin in used:
        pins.setdefault(pin.channel_id, []).append(pin)
    return BoundReadings(frozenset(contract_ids), rows, readings, pins, period)


def read_bound_again(reference: Mapping[str, Any], period: Period) -> Series:
    """Return the quantity behind a reference from the versions that were read.

    Conflict when a pinned block is gone or differs.
    """
    bindings = [
        Binding(
            one["id"],
            one["sign"],
            date.fromisoformat(one["first_day"]),
            None if one["end_day"] is None else date.fromisoformat(one["end_day"]),
        )
        for one in reference["channels"]
    ]
    ids = sorted({one.channel_id for one in bindings})
    readings, _ = final_many(ids, period.start_utc, period.end_utc, pins=pins_of_bound(reference))
    return bound_series("the quantity", bindings, readings, period)


def pins_of_bound(reference: Mapping[str, Any]) -> Pins:
    """Return the pins of a reference."""
    return tuple(
        Pin(int(channel_id), date.fromisoformat(day), FINAL, version, digest)
        for channel_id, days in reference["pins"].items()
        for day, version, digest in days
    )


def bound_references(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the references of a run's document that lead to channels."""
    references = (one.get("ref", {}) for one in document.get("series", {}).values())
    return [one for one in references if one.get("kind") == "channels"]
