"""Which channels decide a contract's energy: its own, and those of what it shares.

Read from an allocation's document alone, with the rules of `calc.campus`: a loss pool shares the
residual of the whole balance, an energy pool what its points measured, by the members' use where
the key looks at use. From where energy came depends on everything that gave and took some.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from settlement.allocation._base import allocation_key
from settlement.calc.plan import LOADS

OWN, SHARED = "OWN", "SHARED"


def dependence(document: Mapping[str, Any], contract_code: str) -> dict[int, str]:
    """Return OWN or SHARED for every channel on which the contract's energy depends.

    >>> document = {
    ...     "points": [{"code": "A", "kind": "TENANT_LOAD", "channels": [{"id": 1}]},
    ...                {"code": "B", "kind": "TENANT_LOAD", "channels": [{"id": 2}]}],
    ...     "claims": [["PPA-A", "A", "1", "2026-01-01", None]], "pools": [], "loss_ratios": {}}
    >>> dependence(document, "PPA-A"), dependence(document, "PPA-B")
    ({1: 'OWN'}, {})
    """
    own = claimed_points(document, [contract_code])
    shared: set[str] = set()
    for pool in document["pools"]:
        if contract_code in pool["members"]:
            shared |= _pool_points(document, pool, own)
    if any(contract_code in source["members"] for source in document.get("sources", ())):
        shared |= _balance_points(document)
    found = dict.fromkeys(_channels(document, shared), SHARED)
    return found | dict.fromkeys(_channels(document, own), OWN)


def claimed_points(document: Mapping[str, Any], contract_codes: Iterable[str]) -> set[str]:
    """Return the points whose energy belongs to one of the contracts."""
    codes = set(contract_codes)
    return {claim[1] for claim in document["claims"] if claim[0] in codes}


def _pool_points(document: Mapping[str, Any], pool: Mapping[str, Any], own: set[str]) -> set[str]:
    """Return the points that decide what one member bears of a pool."""
    if pool["kind"] == "LOSS":
        return set() if own & set(document["loss_ratios"]) else _balance_points(document)
    points = set(pool["points"])
    if allocation_key(pool["key"]).uses_claims:
        points |= claimed_points(document, pool["members"])
    return points


def _balance_points(document: Mapping[str, Any]) -> set[str]:
    """Return the points of the energy balance; buses only where nothing else is a source."""
    metered = [point for point in document["points"] if point["channels"]]
    sources = [point for point in metered if point["kind"] not in (*LOADS, "BUS")]
    kinds = "BUS" if sources else ""
    shared = {code for pool in document["pools"] for code in pool["points"]}
    return {point["code"] for point in metered if point["kind"] != kinds or point["code"] in shared}


def _channels(document: Mapping[str, Any], points: set[str]) -> list[int]:
    return [
        channel["id"]
        for point in document["points"]
        if point["code"] in points
        for channel in point["channels"]
    ]
