"""Which source each kWh of a tenant came from, interval by interval.

Sources are asked in order of merit. Each gives by its key up to what a member still needs; the
last one fills what is open. What no tenant took of a source (house load, charging, export, losses
that nobody bears) stays as the operator's rest, so for every source and interval

    sum of the tenants' SOURCE parts + OPERATOR = WHOLE

and for every contract and interval the SOURCE parts of all sources together are its TOTAL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.parameters import parse
from poweroptix.kernel.period import Period
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series
from poweroptix.kernel.worksheet import Worksheet
from settlement.allocation._base import Allocation, allocation_key
from settlement.calc.balance import sum_of
from settlement.calc.parts import Part, spread, where_known
from settlement.weighing.stays import Span, masked


@dataclass(frozen=True)
class SourceRule:
    """A source of tenants' energy: its points, its place in the order, the key, its members.

    `storage` are the terms of a battery's stock; None for what is no battery.
    """

    code: str
    merit: int
    key: str
    parameters: Mapping[str, Any]
    members: Mapping[str, tuple[Span, ...]]
    points: tuple[str, ...] = ()
    storage: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Matched:
    """One source after the split, on the pool's grid: the whole, the members' parts, the rest."""

    rule: SourceRule
    whole: Series
    allocation: Allocation
    rest: Series


@dataclass(frozen=True)
class Matching:
    """The parts of all sources, their worksheets by code, and the sources as they were split."""

    parts: tuple[Part, ...] = ()
    worksheets: Mapping[str, Worksheet] = field(default_factory=dict)
    sources: tuple[Matched, ...] = ()
    findings: tuple[Finding, ...] = ()


def match_sources(
    rules: Sequence[SourceRule],
    sources: Mapping[str, Series],
    totals: Mapping[str, Series],
    period: Period,
) -> Matching:
    """Split every source among its members in order of merit.

    `sources` are the metered sources of the campus by point, `totals` what each contract is
    delivered. An interval in which one of them is missing is missing in every part. Refused when
    the rules contradict each other or leave a contract or a source out.
    """
    ordered = checked(rules, totals)
    if not ordered:
        return Matching()
    supplies = _supplies(ordered, sources)
    codes = sorted({code for rule in ordered for code in rule.members})
    own = {code: totals[code] for code in codes}
    known_grids = [*(one for one in supplies.values() if one is not None), *own.values()]
    minutes = max(one.grid.minutes for one in known_grids)
    state = _State(own, supplies, minutes)
    matched, parts = [], []
    for rule in ordered:
        one = _split(rule, state, period)
        matched.append(one)
        parts += state.take(one)
    worksheets = {one.rule.code: one.allocation.worksheet for one in matched}
    return Matching(tuple(parts), worksheets, tuple(matched))


def checked(rules: Sequence[SourceRule], totals: Mapping[str, Series]) -> list[SourceRule]:
    """Return the rules in order of merit; Refused when they cannot be followed."""
    ordered = sorted(rules, key=lambda rule: (rule.merit, rule.code))
    for rule in ordered:
        if not allocation_key(rule.key).within_need:
            text = (
                f"Source {rule.code}: the key {rule.key} can give a member more than it needs; "
                "use waterfall@1, capped_share@1 or, for the last source, fill_rest@1."
            )
            raise Refused("sources.key", text, source=rule.code)
        lost = sorted(set(rule.members) - set(totals))
        if lost:
            text = f"Source {rule.code}: {', '.join(lost)} is a member but is delivered nothing."
            raise Refused("sources.member_without_energy", text, members=lost)
    filling = [rule for rule in ordered if allocation_key(rule.key).fills]
    if ordered and [rule.code for rule in filling] != [ordered[-1].code]:
        found = ", ".join(rule.code for rule in filling) or "none"
        text = f"Exactly the last source fills what the others leave open (fill_rest@1): {found}."
        raise Refused("sources.no_filling", text)
    for rule in ordered[:-1]:
        open_ones = sorted(set(rule.members) - set(ordered[-1].members))
        if open_ones:
            text = (
                f"{', '.join(open_ones)} takes from {rule.code} but is no member of "
                f"{ordered[-1].code}, which fills what it still needs."
            )
            raise Refused("sources.not_filled", text, members=open_ones)
    return ordered


def _supplies(
    ordered: Sequence[SourceRule], sources: Mapping[str, Series]
) -> dict[str, Series | None]:
    """Return what each source gave; the last one without points takes all points not named.

    None for a last source without any: it gives what is needed.
    """
    owner: dict[str, str] = {}
    for rule in ordered:
        for point in rule.points:
            if point in owner:
                text = f"{point} belongs to the sources {owner[point]} and {rule.code}; keep one."
                raise Refused("sources.point_twice", text, point=point)
            if point not in sources:
                text = f"Source {rule.code}: {point} is no metered source of the campus."
                raise Refused("sources.point", text, point=point)
            owner[point] = rule.code
    last = ordered[-1]
    others = sorted(set(sources) - set(owner))
    if last.points and others:
        text = f"{', '.join(others)}: a source of the campus that no pool of sources names."
        raise Refused("sources.point_open", text, points=others)
    named = {rule.code: rule.points for rule in ordered} | (
        {} if last.points else {last.code: tuple(others)}
    )
    bare = [rule.code for rule in ordered[:-1] if not named[rule.code]]
    if bare:
        text = f"Source {bare[0]} names no point, so nothing is known of its energy."
        raise Refused("sources.no_points", text, source=bare[0])
    return {code: _together([sources[p] for p in points]) for code, points in named.items()}


def _together(series: list[Series]) -> Series | None:
    if not series:
        return None
    return sum_of(series, max(one.grid.minutes for one in series))


class _State:
    """What every member still needs, on the pool's grid and on the member's own."""

    def __init__(
        self, own: Mapping[str, Series], supplies: Mapping[str, Series | None], minutes: int
    ) -> None:
        self.own = own
        self.supplies = {
            code: None if one is None else one.to_minutes(minutes) for code, one in supplies.items()
        }
        coarse = {code: series.to_minutes(minutes) for code, series in own.items()}
        self.grid: Grid = next(iter(coarse.values())).grid
        given = [*coarse.values(), *(one for one in self.supplies.values() if one is not None)]
        self.unknown = np.logical_or.reduce([one.missing for one in given])
        self.needs = {code: where_known(one, self.unknown) for code, one in coarse.items()}
        self.fine = {
            code: where_known(one, np.repeat(self.unknown, minutes // one.grid.minutes))
            for code, one in own.items()
            if one.grid.minutes != minutes
        }

    def supply(self, code: str) -> Series | None:
        """Return what a source gave where everything is known."""
        found = self.supplies[code]
        return None if found is None else where_known(found, self.unknown)

    def take(self, one: Matched) -> list[Part]:
        """Take what a source gave off what is needed; return its parts on each owner's grid."""
        code = one.rule.code
        parts = [Part("WHOLE", code, "", one.whole)]
        for contract, given in sorted(one.allocation.parts.items()):
            self.needs[contract] = _less(self.needs[contract], given)
            if contract not in self.fine:
                parts.append(Part("SOURCE", code, contract, self._judged(contract, given)))
                continue
            left = self.fine[contract]
            fine = left if allocation_key(one.rule.key).fills else spread(given, left)
            self.fine[contract] = _less(left, fine)
            parts.append(Part("SOURCE", code, contract, self._judged(contract, fine)))
        parts.append(Part("OPERATOR", code, "", one.rest))
        return parts

    def _judged(self, contract: str, given: Series) -> Series:
        """Return a part with the status of the contract's own energy, as its total has it."""
        status = np.where(given.missing, int(Status.MISSING), self.own[contract].status)
        return Series(given.grid, given.values, status.astype(np.uint8), given.unit)


def _split(rule: SourceRule, state: _State, period: Period) -> Matched:
    """Let a source's key split what it gave by what its members still need on their days."""
    key = allocation_key(rule.key)
    claims = {
        code: masked(state.needs[code], spans, period) for code, spans in rule.members.items()
    }
    if key.fills:
        _refuse_open_days(rule, state, claims)
    whole = state.supply(rule.code)
    if whole is None:
        whole = sum_of(list(claims.values()), state.grid.minutes)
    allocation = key.allocate(whole, claims, parse(key.Parameters, rule.parameters), {})
    known = np.where(whole.missing, 0, whole.values)
    given = sum(np.where(one.missing, 0, one.values) for one in allocation.parts.values())
    rest = Series(
        whole.grid, np.where(whole.missing, MISSING, known - given), whole.status, whole.unit
    )
    return Matched(rule, whole, allocation, rest)


def _refuse_open_days(rule: SourceRule, state: _State, claims: Mapping[str, Series]) -> None:
    """Refuse when a contract needs energy on a day on which nothing fills its need."""
    for code, claim in claims.items():
        need = state.needs[code]
        lacking = np.flatnonzero(need.values != claim.values)
        if lacking.size:
            start = need.grid.start_of(int(lacking[0]))
            text = (
                f"{code} is delivered energy at {start:%Y-%m-%d %H:%M} UTC but is then no member "
                f"of {rule.code}, which fills what it needs."
            )
            raise Refused("sources.not_filled", text, members=[code])


def _less(need: Series, given: Series) -> Series:
    """Return what is still needed; both are missing in the same intervals."""
    values = np.where(need.missing, MISSING, need.values - np.where(given.missing, 0, given.values))
    return Series(need.grid, values, need.status, need.unit)
