"""Which channels decide a contract's energy: its own, and those of what it shares.

Read from an allocation's document alone, with the rules of `calc.campus`: a loss pool shares the
residual of the whole balance, an energy pool what its points measured, by the members' use where
the key looks at use. From where energy came depends on everything that gave and took some.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from settlement.allocation._base import allocation_key
from settlement.calc.plan import LOADS

OWN, SHARED = "OWN", "SHARED"
#: Stands for the whole energy balance among the numbers of pools.
BALANCE = -1


class Scopes(Mapping[int, str]):
    """OWN or SHARED by channel; what is shared is one set for all who share the same."""

    def __init__(self, own: frozenset[int], shared: frozenset[int]) -> None:
        self._own, self._shared = own, shared

    def __contains__(self, channel: object) -> bool:
        return channel in self._own or channel in self._shared

    def __getitem__(self, channel: int) -> str:
        if channel in self._own:
            return OWN
        if channel in self._shared:
            return SHARED
        raise KeyError(channel)

    def __iter__(self) -> Iterator[int]:
        return iter(self._own | self._shared)

    def __len__(self) -> int:
        return len(self._own | self._shared)


class Dependence:
    """The channels behind each contract of one document.

    What contracts have in common is found once: a loss pool of a thousand members names a thousand
    channels to each of them.

    >>> found = Dependence({
    ...     "points": [{"code": "A", "kind": "TENANT_LOAD", "channels": [{"id": 1}]},
    ...                {"code": "B", "kind": "TENANT_LOAD", "channels": [{"id": 2}]}],
    ...     "claims": [["PPA-A", "A", "1", "2026-01-01", None]], "pools": [], "loss_ratios": {}})
    >>> dict(found.of("PPA-A")), dict(found.of("PPA-B"))
    ({1: 'OWN'}, {})
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._ids = {
            point["code"]: frozenset(channel["id"] for channel in point["channels"])
            for point in document["points"]
        }
        self._claimed: dict[str, set[str]] = {}
        for contract, point, *_ in document["claims"]:
            self._claimed.setdefault(contract, set()).add(point)
        self._pools: dict[str, list[int]] = {}
        for at, pool in enumerate(document["pools"]):
            for member in pool["members"]:
                self._pools.setdefault(member, []).append(at)
        sources = document.get("sources", ())
        self._matched = {member for source in sources for member in source["members"]}
        self._known: dict[frozenset[int], frozenset[int]] = {}

    def of(self, contract_code: str) -> Scopes:
        """Return OWN or SHARED for every channel on which the contract's energy depends."""
        own = self._claimed.get(contract_code, set())
        keys = {self._key(at, own) for at in self._pools.get(contract_code, ())} - {None}
        if contract_code in self._matched:
            keys.add(BALANCE)
        return Scopes(self._channels(own), self._shared(frozenset(keys)))

    def _key(self, at: int, own: set[str]) -> int | None:
        """Return what a pool makes its member depend on; a loss factor of one's own: on nothing."""
        if self._document["pools"][at]["kind"] != "LOSS":
            return at
        return BALANCE if own.isdisjoint(self._document["loss_ratios"]) else None

    def _shared(self, keys: frozenset[int]) -> frozenset[int]:
        if keys not in self._known:
            points = (self._balance if key == BALANCE else self._pool(key) for key in keys)
            self._known[keys] = self._channels(set().union(*points))
        return self._known[keys]

    def _pool(self, at: int) -> set[str]:
        """Return the points that decide what a member bears of an energy pool."""
        pool = self._document["pools"][at]
        points = set(pool["points"])
        if allocation_key(pool["key"]).uses_claims:
            points.update(*(self._claimed.get(member, ()) for member in pool["members"]))
        return points

    @cached_property
    def _balance(self) -> set[str]:
        """Return the points of the energy balance; buses only where nothing else is a source."""
        metered = [point for point in self._document["points"] if point["channels"]]
        has_source = any(point["kind"] not in (*LOADS, "BUS") for point in metered)
        in_pools = {code for pool in self._document["pools"] for code in pool["points"]}
        return {
            point["code"]
            for point in metered
            if not (has_source and point["kind"] == "BUS") or point["code"] in in_pools
        }

    def _channels(self, points: Iterable[str]) -> frozenset[int]:
        return frozenset().union(*(self._ids.get(point, ()) for point in points))
