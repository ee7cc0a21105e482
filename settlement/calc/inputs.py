"""The one frozen document of a settlement: everything that pricing a period read.

The same shape is stored by a run, is a conformance case, a what-if and what a verifier gets.
Quantities and prices stand in it either in full or as references with a digest; calendars, terms
and the carry are always in full. What is not in the document cannot influence the amounts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from contracts.calc import documents, reading
from contracts.calc.price_terms import PricedTerm
from contracts.charges import Calendar, PoolView
from contracts.events import Event
from poweroptix.kernel.calendar import TouSchedule
from poweroptix.kernel.canonical import canonical_json, sha256
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import Period
from poweroptix.kernel.price_series import PriceSeries
from poweroptix.kernel.quality import Status
from poweroptix.kernel.rounding import Mode
from poweroptix.kernel.series import Series
from settlement.calc.version_inputs import (
    VersionInputs,
    read_terms,
    read_version,
    version_document,
)

FORMAT = "settlement.inputs@1"
#: A month that was amended inside: terms that stayed alike are priced once. Before, under
#: `FORMAT`, every version priced its own days, and what was settled so is computed so again.
JOINED = "settlement.inputs@2"
#: What a frozen quantity says of itself beside its values.
FROZEN = {"count", "digest", "status"}
ROOT = "inputs"  # what the paths of a document begin with
KNOWN = {
    "format", "contract", "tenant", "currency", "zone", "period", "rounding_point", "rounding",
    "versions", "series", "prices", "calendars", "carry_in", "carry_from", "allocation",
    "adjustments", "events", "pools", "histories", "held",
}  # fmt: skip


class Resolver(Protocol):
    """Finds what a document only refers to; the digest in the reference is checked afterwards."""

    def series(self, name: str, reference: Mapping[str, Any]) -> Series:
        """Return the quantity behind a reference."""

    def prices(self, code: str, reference: Mapping[str, Any]) -> PriceSeries:
        """Return the prices behind a reference."""


@dataclass(frozen=True)
class Inputs:
    """What `settle` is given.

    `series_refs` and `price_refs` say where a quantity or price came from; a name without one is
    written in full into the document. `calendars` are the JSON of schedule and holidays.
    `events` are those of the contract that its terms read and that touch the period.
    `adjustments` are differences of earlier periods that this period bills (see calc.delta);
    `pools` is what the contract may see of pools of money, by code (see calc.money.views);
    `held` are differences that are too small to be billed (see calc.materiality). `joined` prices
    a term that several versions have alike once (see calc.stretches).
    """

    contract: str
    currency: str
    zone: str
    period: Period
    versions: tuple[VersionInputs, ...]
    tenant: str = ""
    series: Mapping[str, Series] = field(default_factory=dict)
    prices: Mapping[str, PriceSeries] = field(default_factory=dict)
    calendars: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    histories: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    carry_in: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    carry_from: Mapping[str, Any] = field(default_factory=dict)
    allocation: Mapping[str, Any] = field(default_factory=dict)
    adjustments: Sequence[Mapping[str, Any]] = ()
    events: tuple[Event, ...] = ()
    pools: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    held: Sequence[Mapping[str, Any]] = ()
    rounding_point: str = "LINE"
    rounding: Mode = Mode.HALF_UP
    series_refs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    price_refs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    joined: bool = True

    def calendar_objects(self) -> dict[str, Calendar]:
        """Return schedules with their holidays; equal documents share one object."""
        return {code: _calendar(canonical_json(entry)) for code, entry in self.calendars.items()}

    def document(self) -> dict[str, Any]:
        """Return the document as plain data; `canonical_json` of it is what is stored."""
        return {
            "format": JOINED if self.joined and len(self.versions) > 1 else FORMAT,
            "contract": self.contract,
            "tenant": self.tenant,
            "currency": self.currency,
            "zone": self.zone,
            "period": {
                "start_utc": self.period.start_utc,
                "end_utc": self.period.end_utc,
                "label": self.period.label,
            },
            "rounding_point": self.rounding_point,
            "rounding": self.rounding,
            "versions": [version_document(one) for one in self.versions],
            "series": {
                name: series_document(one, self.series_refs.get(name))
                for name, one in self.series.items()
            },
            "prices": {
                code: price_document(one, self.price_refs.get(code))
                for code, one in self.prices.items()
            },
            "calendars": dict(self.calendars),
            **({"histories": dict(self.histories)} if self.histories else {}),
            "carry_in": dict(self.carry_in),
            "carry_from": dict(self.carry_from),
            "allocation": dict(self.allocation),
            "adjustments": list(self.adjustments),
            **_event_documents(self.events),
            **({"pools": dict(self.pools)} if self.pools else {}),
            **({"held": list(self.held)} if self.held else {}),
        }

    def pool_views(self) -> dict[str, PoolView]:
        """Return what the contract may see of pools of money."""
        return {code: documents.read_pool(code, entry) for code, entry in self.pools.items()}

    def frozen(self) -> tuple[bytes, str]:
        """Return the canonical bytes of the document and their SHA-256."""
        content = canonical_json(self.document())
        return content, sha256(content)

    def in_full(self) -> Inputs:
        """Return the same inputs without references, for a document that stands alone."""
        return replace(self, series_refs={}, price_refs={})


def from_document(document: Mapping[str, Any], resolver: Resolver | None = None) -> Inputs:
    """Return the inputs that a document describes.

    Refused when an entry is unknown or unreadable, with its path below `inputs`, when a reference
    cannot be followed, or when what it leads to has another digest than the document says.
    """
    reading.exact(ROOT, reading.as_object(ROOT, document, KNOWN))
    written = _format(document)
    zone = _text(document, "zone")
    period = documents.read_period(document, zone, None)
    if period is None:
        raise Refused("settlement.document", "The document names no period.")
    versions = _list(document, "versions")
    inputs = Inputs(
        contract=_text(document, "contract"),
        tenant=reading.as_text(f"{ROOT}.tenant", document.get("tenant", "")),
        currency=reading.as_text(f"{ROOT}.currency", document.get("currency", "USD")),
        zone=zone,
        period=period,
        versions=tuple(
            read_version(f"{ROOT}.versions[{at}]", one, period) for at, one in enumerate(versions)
        ),
        series=reading.each(
            f"{ROOT}.series",
            document.get("series", {}),
            lambda name, entry: read_series(name, entry, period, resolver),
        ),
        prices=reading.each(
            f"{ROOT}.prices",
            document.get("prices", {}),
            lambda code, entry: read_prices(code, entry, period, resolver),
        ),
        calendars=_object(document, "calendars"),
        histories=documents.read_histories(document),
        carry_in=_object(document, "carry_in"),
        carry_from=_object(document, "carry_from"),
        allocation=_object(document, "allocation"),
        adjustments=tuple(_list(document, "adjustments")),
        events=documents.read_events(_list(document, "events")),
        pools=_object(document, "pools"),
        held=tuple(_list(document, "held")),
        rounding_point=document.get("rounding_point", "LINE"),
        rounding=_rounding(document),
        series_refs=_references(document.get("series", {})),
        price_refs=_references(document.get("prices", {})),
        joined=written == JOINED or len(versions) < 2,
    )
    with reading.reading(f"{ROOT}.calendars"):
        inputs.calendar_objects()
    return inputs


def _format(document: Mapping[str, Any]) -> str:
    written = document.get("format", JOINED)
    if written not in (FORMAT, JOINED):
        text = f"The document has the format {written!r}; this reads {FORMAT!r} and {JOINED!r}."
        raise Refused("settlement.document", text)
    return written


def _rounding(document: Mapping[str, Any]) -> Mode:
    with reading.reading(f"{ROOT}.rounding"):
        return Mode(document.get("rounding", "HALF_UP"))


def terms_of(document: Mapping[str, Any]) -> list[PricedTerm]:
    """Return the terms of all versions of a document."""
    return [
        term
        for at, version in enumerate(document.get("versions", ()))
        for term in read_terms(f"{ROOT}.versions[{at}].terms", version["terms"])
    ]


def same_inputs(first: bytes, second: bytes) -> bool:
    """Say whether two stored documents say the same.

    Versions of reading blocks do not count: the UTC day at the edge of a local month gets a new
    one when the next month arrives. The digest of the series decides.
    """
    return first == second or _without_pins(first) == _without_pins(second)


def _without_pins(content: bytes) -> dict[str, Any]:
    document = json.loads(content)
    for entry in document.get("series", {}).values():
        entry.get("ref", {}).pop("pins", None)
    return document


def from_bytes(content: bytes, resolver: Resolver | None = None) -> Inputs:
    """Return the inputs of stored canonical bytes."""
    return from_document(json.loads(content), resolver)


def series_document(series: Series, reference: Mapping[str, Any] | None) -> dict[str, Any]:
    """Write a quantity: its grid, unit and digest, and either where it is or what it is."""
    head = {"unit": series.unit, **series.grid.to_json(), "digest": series.digest()}
    if reference is not None:
        return {**head, "ref": dict(reference)}
    return {**head, "values": series.decimals(), "status": _runs(series.status)}


def price_document(prices: PriceSeries, reference: Mapping[str, Any] | None) -> dict[str, Any]:
    """Write prices: grid, unit, vintage, finality and digest, and where or what they are."""
    head = {
        "unit": prices.unit,
        **prices.grid.to_json(),
        "vintage": prices.vintage,
        "final": prices.final,
        "digest": prices.digest(),
    }
    if reference is not None:
        return {**head, "ref": dict(reference)}
    return {**head, "values": prices.decimals()}


def read_series(
    name: str, entry: Mapping[str, Any], period: Period, resolver: Resolver | None
) -> Series:
    """Return a quantity of a document and prove its digest when it has one."""
    if "ref" in entry:
        series = _followed(resolver, name).series(name, entry["ref"])
    else:
        plain = {key: one for key, one in entry.items() if key not in FROZEN}
        series = _with_status(documents.read_series(name, plain, period), entry.get("status"))
    _check_digest(name, entry, series.digest())
    return series


def read_prices(
    code: str, entry: Mapping[str, Any], period: Period, resolver: Resolver | None
) -> PriceSeries:
    """Return prices of a document and prove their digest when they have one."""
    if "ref" in entry:
        prices = _followed(resolver, code).prices(code, entry["ref"])
    else:
        plain = {key: one for key, one in entry.items() if key not in FROZEN - {"status"}}
        prices = documents.read_prices(code, plain, period)
    _check_digest(code, entry, prices.digest())
    return prices


def _followed(resolver: Resolver | None, name: str) -> Resolver:
    if resolver is None:
        text = f"'{name}' is only a reference; this document does not stand alone."
        raise Refused("settlement.reference", text, name=name)
    return resolver


def _check_digest(name: str, entry: Mapping[str, Any], digest: str) -> None:
    wanted = entry.get("digest")
    if wanted is not None and wanted != digest:
        text = f"'{name}' has the digest {digest[:12]}, the document says {wanted[:12]}."
        raise Refused("settlement.digest", text, name=name, expected=wanted, found=digest)


def _references(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {name: entry["ref"] for name, entry in entries.items() if "ref" in entry}


def _runs(status: np.ndarray) -> list[list[int]]:
    """Return statuses run-length encoded: [[count, status], ...]."""
    edges = np.flatnonzero(np.diff(status)) + 1
    starts = [0, *edges.tolist()]
    ends = [*edges.tolist(), status.size]
    return [[end - start, int(status[start])] for start, end in zip(starts, ends, strict=True)]


def _with_status(series: Series, runs: Sequence[Sequence[int]] | None) -> Series:
    """Return the series with the statuses of a document; validated where it says nothing."""
    if runs is None:
        return series
    status = np.concatenate([np.full(count, int(Status(one)), np.uint8) for count, one in runs])
    status = np.where(series.missing, int(Status.MISSING), status)
    return Series(series.grid, series.values, status, series.unit)


def _event_documents(events: Sequence[Event]) -> dict[str, Any]:
    """Write events in order; nothing for a contract without, whose bytes stay as they were."""
    if not events:
        return {}
    return {
        "events": [
            {
                "kind": event.kind,
                "start_utc": event.start_utc,
                "end_utc": event.end_utc,
                "values": dict(event.values),
                "reference": event.reference,
            }
            for event in sorted(events, key=lambda one: one.order)
        ]
    }


def _list(document: Mapping[str, Any], name: str) -> Sequence[Any]:
    return reading.as_list(f"{ROOT}.{name}", document.get(name, ()))


def _object(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return reading.as_object(f"{ROOT}.{name}", document.get(name, {}))


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise Refused("settlement.document", f"The document names no {name}.")
    return value


@lru_cache(maxsize=512)
def _calendar(content: bytes) -> Calendar:
    entry = json.loads(content)
    holidays = frozenset(date.fromisoformat(day) for day in entry.get("holidays", ()))
    return Calendar(TouSchedule.from_json(entry["schedule"]), holidays)
