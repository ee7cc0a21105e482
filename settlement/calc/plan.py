"""An allocation's document and the readings it names, put together into its inputs.

The document (plain JSON) says which points, channels, claims, pools and loss factors count;
`campus_inputs` joins it with the series of the channels. A run and its verification take the same
way, so that nothing but the document decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.period import Period
from poweroptix.kernel.series import Series
from settlement.calc.campus import CampusInputs, Claim, PoolRule
from settlement.calc.matching import SourceRule
from settlement.weighing.stays import Span

LOADS = ("TENANT_LOAD", "HOUSE")


@dataclass(frozen=True)
class _Flow:
    """A point's energy in its natural direction and against it; None where nothing is metered."""

    kind: str
    natural: Series | None
    against: Series | None
    is_net: bool


def period_of(document: Mapping[str, Any]) -> Period:
    """Return the period of an allocation document."""
    entry = document["period"]
    start, end = (datetime.fromisoformat(entry[name]) for name in ("start_utc", "end_utc"))
    return Period(start, end, entry["zone"], entry["label"])


def channel_ids(document: Mapping[str, Any]) -> list[int]:
    """Return the channels that an allocation reads."""
    return [channel["id"] for point in document["points"] for channel in point["channels"]]


def campus_inputs(document: Mapping[str, Any], series: Mapping[int, Series]) -> CampusInputs:
    """Return the inputs of an allocation from its document and the series by channel id.

    Refused when a point that serves a tenant has no energy meter.
    """
    flows = {point["code"]: _flow(point, series) for point in document["points"]}
    pools = tuple(_pool(entry) for entry in document["pools"])
    claims = tuple(
        Claim(contract, point, Decimal(share), _span((first, end)))
        for contract, point, share, first, end in document["claims"]
    )
    shared = {code for pool in pools for code in pool.points}
    needed = {claim.point for claim in claims} | shared
    _refuse_unmetered(needed, flows)
    sources, sinks = _sides(flows, shared)
    low, high = document["tolerance"]
    return CampusInputs(
        period=period_of(document),
        sources=sources,
        sinks=sinks,
        loads={code: _net(flows[code]) for code in sorted(needed)},
        claims=claims,
        pools=pools,
        loss_ratios={
            code: tuple((_span((first, end)), Decimal(ratio)) for first, end, ratio in spans)
            for code, spans in document["loss_ratios"].items()
        },
        low_ratio=Decimal(low),
        high_ratio=Decimal(high),
        matched=tuple(_source(entry) for entry in document.get("sources", ())),
        carry_in=document.get("carry_in", {}),
    )


def contract_channels(document: Mapping[str, Any], contract_code: str) -> list[int]:
    """Return the channels whose readings made up a contract's own energy."""
    own = {claim[1] for claim in document["claims"] if claim[0] == contract_code}
    for pool in document["pools"]:
        if contract_code in pool["members"]:
            own |= set(pool["points"])
    return sorted(
        channel["id"]
        for point in document["points"]
        if point["code"] in own
        for channel in point["channels"]
    )


def own_readings(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return by contract its own channels and the reading versions that were read of them.

    They are stored with the contract's own part, so that a tenant can follow its energy to the
    file without seeing anything of the rest of the campus.
    """
    owners: dict[str, set[str]] = {}
    for contract, point, *_ in document["claims"]:
        owners.setdefault(point, set()).add(contract)
    found: dict[str, dict[str, Any]] = {}
    for point in document["points"]:
        for contract in owners.get(point["code"], ()):
            own = found.setdefault(contract, {"channels": [], "pins": {}})
            for channel in point["channels"]:
                key = str(channel["id"])
                entry = {"id": channel["id"], "code": channel["code"], "point": point["code"]}
                own["channels"].append(entry)
                own["pins"][key] = document["pins"].get(key, [])
    return found


def _span(ends: tuple[str, str | None]) -> Span:
    first, end = ends
    return Span(date.fromisoformat(first), None if end is None else date.fromisoformat(end))


def _pool(entry: Mapping[str, Any]) -> PoolRule:
    return PoolRule(
        entry["code"],
        entry["kind"],
        entry["key"],
        entry["parameters"],
        {code: tuple(_span(span) for span in spans) for code, spans in entry["members"].items()},
        tuple(entry["points"]),
    )


def _source(entry: Mapping[str, Any]) -> SourceRule:
    return SourceRule(
        entry["code"],
        entry["merit"],
        entry["key"],
        entry["parameters"],
        {code: tuple(_span(span) for span in spans) for code, spans in entry["members"].items()},
        tuple(entry["points"]),
        entry.get("storage"),
    )


def _flow(point: Mapping[str, Any], series: Mapping[int, Series]) -> _Flow:
    by_direction: dict[str, list[Series]] = {}
    for channel in point["channels"]:
        by_direction.setdefault(channel["direction"], []).append(series[channel["id"]])
    joined = {direction: _joined(parts) for direction, parts in by_direction.items()}
    is_net = "NET" in joined
    natural = joined["NET"] if is_net else joined.get("DELIVERED")
    return _Flow(point["kind"], natural, joined.get("RECEIVED"), is_net)


def _joined(parts: list[Series]) -> Series:
    """Return one series of a channel and those that it succeeded, each filling the other's gaps."""
    minutes = max(part.grid.minutes for part in parts)
    total = parts[0].to_minutes(minutes)
    for part in parts[1:]:
        other, gap = part.to_minutes(minutes), total.missing
        values = np.where(gap, other.values, total.values)
        total = Series(total.grid, values, np.where(gap, other.status, total.status), total.unit)
    return total


def _refuse_unmetered(needed: Iterable[str], flows: Mapping[str, _Flow]) -> None:
    bare = sorted(code for code in needed if code not in flows or flows[code].natural is None)
    if bare:
        text = f"{', '.join(bare)}: a tenant is served here, but there is no energy meter."
        raise Refused("allocation.point_without_meter", text, points=bare)


def _net(flow: _Flow) -> Series:
    """Return natural minus against, at the coarser length of the two."""
    if flow.against is None:
        return flow.natural
    minutes = max(flow.natural.grid.minutes, flow.against.grid.minutes)
    return flow.natural.to_minutes(minutes).subtract(flow.against.to_minutes(minutes))


def _sides(
    flows: Mapping[str, _Flow], shared: set[str]
) -> tuple[dict[str, Series], dict[str, Series]]:
    """Return sources and sinks of the balance; neither when no source is metered.

    A bus meter is the source only where no generator, battery or grid tie behind it is metered;
    then a bus whose energy a pool shares is a sink as well.
    """
    sources: dict[str, Series] = {}
    sinks: dict[str, Series] = {}
    buses: dict[str, Series] = {}
    for code, flow in flows.items():
        if flow.natural is None:
            continue
        if flow.kind in LOADS:
            sinks[code] = _net(flow)
        elif flow.kind == "BUS":
            buses[code] = _net(flow)
        else:
            _add_source(code, flow, sources, sinks)
    if not sources:
        sources = buses
        sinks |= {f"{code} shared": buses[code] for code in sorted(shared & set(buses))}
    return sources, sinks if sources else {}


def _add_source(
    code: str, flow: _Flow, sources: dict[str, Series], sinks: dict[str, Series]
) -> None:
    """Add a generator (net), its auxiliaries (against), or a two-way point (in and out)."""
    if flow.kind == "GENERATOR":
        sources[code] = _net(flow)
    elif flow.kind == "GENERATOR_AUX":
        sources[code] = _net(flow).negated()
    elif flow.is_net:
        sources[code], sinks[f"{code} out"] = _one_way(flow.natural, 1), _one_way(flow.natural, -1)
    else:
        sources[code] = flow.natural
        if flow.against is not None:
            sinks[f"{code} out"] = flow.against


def _one_way(net: Series, sign: int) -> Series:
    """Return what flows in the direction of `sign`; the other direction is zero."""
    flow = np.maximum(np.where(net.missing, 0, net.values) * sign, 0)
    return Series(net.grid, np.where(net.missing, MISSING, flow), net.status, net.unit)
