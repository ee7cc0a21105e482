"""Who got which energy on a campus in a month: own meters, shared points, losses, delivered.

For each contract METERED + SHARED + LOSS = TOTAL in every interval of its own grid, and what a pool
shares adds up to its WHOLE in every interval of the pool's grid (the coarsest of its meters). Where
sources are told apart, the SOURCE parts of a contract add up to its TOTAL as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.period import Period
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series
from poweroptix.kernel.worksheet import Worksheet
from settlement.allocation._base import Allocation
from settlement.calc.balance import Balance, campus_balance, sum_of
from settlement.calc.matching import SourceRule, match_sources
from settlement.calc.parts import Part, PoolRule, spread, where_known
from settlement.calc.pooling import (
    claims_of,
    in_force,
    pool_minutes,
    refuse_common_days,
    run_key,
)
from settlement.calc.scaling import scaled
from settlement.calc.stock import keep_stocks
from settlement.weighing.stays import Span, masked


@dataclass(frozen=True)
class Claim:
    """A point whose energy belongs to a contract on the days of a span."""

    contract: str
    point: str
    share_ratio: Decimal
    span: Span


@dataclass(frozen=True)
class CampusInputs:
    """Everything an allocation reads. `loads` are per point, net towards the load, in kWh.

    `loss_ratios` holds, per point with a contractual loss factor, the spans and their ratios;
    `matched` the sources whose energy is told apart, `carry_in` the stock of their batteries.
    """

    period: Period
    sources: Mapping[str, Series]
    sinks: Mapping[str, Series]
    loads: Mapping[str, Series]
    claims: tuple[Claim, ...]
    pools: tuple[PoolRule, ...]
    loss_ratios: Mapping[str, tuple[tuple[Span, Decimal], ...]]
    low_ratio: Decimal
    high_ratio: Decimal
    matched: tuple[SourceRule, ...] = ()
    carry_in: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class CampusOutcome:
    """Parts, worksheets by pool, the balance when the campus has sources, and findings."""

    parts: tuple[Part, ...]
    worksheets: Mapping[str, Worksheet]
    balance: Balance | None
    findings: tuple[Finding, ...]
    carry_out: Mapping[str, dict] = field(default_factory=dict)


def allocate_campus(inputs: CampusInputs) -> CampusOutcome:
    """Run the balance and every pool. Refused when the pools contradict each other."""
    _refuse_points_twice(inputs)
    metered = _metered(inputs)
    parts = [Part("METERED", "", code, series) for code, series in metered.items()]
    worksheets: dict[str, Worksheet] = {}
    own = dict(metered)
    for pool in _pools(inputs, "ENERGY"):
        shared = _share_energy(inputs, pool, metered)
        worksheets[pool.code] = shared.allocation.worksheet
        parts += shared.parts
        for code, series in shared.by_contract.items():
            own[code] = _together(own.get(code), series)
    balance = _balance(inputs)
    losses = _losses(inputs, own, balance)
    worksheets |= losses.worksheets
    parts += losses.parts
    totals = {
        code: _delivered(series, losses.by_contract.get(code))
        for code, series in sorted(own.items())
    }
    parts += [Part("TOTAL", "", code, series) for code, series in totals.items()]
    matching = match_sources(inputs.matched, inputs.sources, totals, inputs.period)
    stocks = keep_stocks(matching, inputs.sinks, inputs.carry_in, inputs.period.label)
    return CampusOutcome(
        (*parts, *matching.parts),
        {**worksheets, **matching.worksheets, **stocks.worksheets},
        balance,
        (*(balance.findings if balance else ()), *stocks.findings),
        stocks.carry_out,
    )


@dataclass(frozen=True)
class _Shared:
    allocation: Allocation
    parts: list[Part]
    by_contract: dict[str, Series]


@dataclass(frozen=True)
class _Losses:
    worksheets: dict[str, Worksheet]
    parts: list[Part]
    by_contract: dict[str, Series]


def _pools(inputs: CampusInputs, kind: str) -> list[PoolRule]:
    return sorted((pool for pool in inputs.pools if pool.kind == kind), key=lambda one: one.code)


def _refuse_points_twice(inputs: CampusInputs) -> None:
    """Refuse to count the energy of a point twice: for a contract and a pool, or for two pools."""
    owner = {claim.point: claim.contract for claim in inputs.claims}
    sharing: dict[str, list[PoolRule]] = {}
    for pool in _pools(inputs, "ENERGY"):
        for point in pool.points:
            if point in owner:
                text = (
                    f"The energy of {point} belongs to {owner[point]} and is shared by pool "
                    f"{pool.code}; it can be counted once."
                )
                raise Refused("allocation.point_twice", text, point=point)
            sharing.setdefault(point, []).append(pool)
    for point, pools in sharing.items():
        refuse_common_days(pools, inputs.period, point, "allocation.point_twice")


def _metered(inputs: CampusInputs) -> dict[str, Series]:
    """Return the energy of each contract's own points, at the coarsest length of them."""
    claimed: dict[str, list[Series]] = {}
    for claim in inputs.claims:
        series = masked(inputs.loads[claim.point], (claim.span,), inputs.period)
        if claim.share_ratio != 1:
            series = scaled(series, claim.share_ratio)
        claimed.setdefault(claim.contract, []).append(series)
    return {code: _sum(claimed[code]) for code in sorted(claimed)}


def _sum(series: list[Series]) -> Series:
    return sum_of(series, max(one.grid.minutes for one in series))


def _together(first: Series | None, second: Series) -> Series:
    return second if first is None else _sum([first, second])


def _share_energy(inputs: CampusInputs, pool: PoolRule, metered: Mapping[str, Series]) -> _Shared:
    """Split what the shared points measured among the members."""
    if not pool.points:
        raise Refused("allocation.no_points", f"Pool {pool.code} shares energy but names no point.")
    whole = _sum([_with_loss_factor(inputs, point) for point in pool.points])
    whole = whole.to_minutes(pool_minutes(whole, pool, metered))
    whole = in_force(pool, whole, inputs.period, _rivals(inputs, pool))
    claims = claims_of(pool, metered, whole.grid.minutes, inputs.period)
    allocation = run_key(pool, whole, claims)
    by_contract = {
        code: spread(part, metered[code]) if code in metered else part
        for code, part in allocation.parts.items()
    }
    parts = [Part("WHOLE", pool.code, "", _where_shared(whole, allocation.parts))]
    parts += [Part("SHARED", pool.code, code, series) for code, series in by_contract.items()]
    if allocation.rest is not None:
        parts.append(Part("OPERATOR", pool.code, "", allocation.rest))
    return _Shared(allocation, parts, by_contract)


def _rivals(inputs: CampusInputs, pool: PoolRule) -> int:
    """Count the other energy pools that share a point of this one, on other days."""
    others = (one for one in _pools(inputs, "ENERGY") if one.code != pool.code)
    return sum(bool(set(one.points) & set(pool.points)) for one in others)


def _where_shared(whole: Series, parts: Mapping[str, Series]) -> Series:
    """Return the whole, missing where its parts are: a member's unknown use leaves all unknown."""
    return where_known(whole, np.logical_or.reduce([part.missing for part in parts.values()]))


def _with_loss_factor(inputs: CampusInputs, point: str) -> Series:
    """Return the point's energy brought to the point of delivery by its own loss factor."""
    series = inputs.loads[point]
    extra = _factor_loss(inputs, point, series)
    return series if extra is None else series.add(extra)


def _factor_loss(inputs: CampusInputs, point: str, series: Series) -> Series | None:
    """Return the contractual loss of a point: energy x (factor - 1) on the days of each factor."""
    total: Series | None = None
    for span, ratio in inputs.loss_ratios.get(point, ()):
        part = scaled(masked(series, (span,), inputs.period), ratio - 1)
        total = part if total is None else total.add(part)
    return total


def _balance(inputs: CampusInputs) -> Balance | None:
    if not inputs.sources:
        return None
    return campus_balance(
        inputs.sources,
        inputs.sinks,
        inputs.period,
        low_ratio=inputs.low_ratio,
        high_ratio=inputs.high_ratio,
    )


def _losses(inputs: CampusInputs, own: Mapping[str, Series], balance: Balance | None) -> _Losses:
    """Share the residual; contracts with an own loss factor are billed by it (decision 4)."""
    by_factor = _factor_losses(inputs, own)
    pools = _pools(inputs, "LOSS")
    refuse_common_days(pools, inputs.period, "the losses", "allocation.two_loss_pools")
    if pools and balance is None:
        text = f"Pool {pools[0].code} shares losses, but the campus has no metered source."
        raise Refused("allocation.no_sources", text)
    sheets: dict[str, Worksheet] = {}
    parts: list[Part] = []
    billed: dict[str, Series] = {}
    for pool in pools:
        residual = in_force(pool, balance.residual, inputs.period, len(pools) - 1)
        factors = {
            code: in_force(pool, series, inputs.period, len(pools) - 1)
            for code, series in by_factor.items()
        }
        one = _share_losses(inputs, pool, own, residual, factors)
        sheets |= one.worksheets
        parts += one.parts
        for code, series in one.by_contract.items():
            billed[code] = _together(billed.get(code), series)
    for code, series in by_factor.items():
        outside = series.subtract(billed[code]) if code in billed else series
        if code not in billed or outside.values[~outside.missing].any():
            parts.append(Part("LOSS", "", code, outside))
            billed[code] = series
    return _Losses(sheets, parts, billed)


def _factor_losses(inputs: CampusInputs, own: Mapping[str, Series]) -> dict[str, Series]:
    losses: dict[str, list[Series]] = {}
    for claim in inputs.claims:
        series = masked(inputs.loads[claim.point], (claim.span,), inputs.period)
        if claim.share_ratio != 1:
            series = scaled(series, claim.share_ratio)
        extra = _factor_loss(inputs, claim.point, series)
        if extra is not None:
            losses.setdefault(claim.contract, []).append(extra)
    return {code: sum_of(series, own[code].grid.minutes) for code, series in losses.items()}


def _share_losses(
    inputs: CampusInputs,
    pool: PoolRule,
    own: Mapping[str, Series],
    residual: Series,
    by_factor: Mapping[str, Series],
) -> _Losses:
    minutes = pool_minutes(residual, pool, own)
    whole = residual.to_minutes(minutes)
    allocation = run_key(pool, whole, claims_of(pool, own, minutes, inputs.period))
    parts = [Part("WHOLE", pool.code, "", whole)]
    billed: dict[str, Series] = {}
    kept = allocation.rest
    for code, share in allocation.parts.items():
        if code in by_factor:
            billed[code] = by_factor[code]
            rest = share.subtract(by_factor[code].to_minutes(minutes))
            kept = rest if kept is None else kept.add(rest)
        else:
            billed[code] = spread(share, own[code])
    parts += [Part("LOSS", pool.code, code, series) for code, series in billed.items()]
    if kept is not None:
        parts.append(Part("OPERATOR", pool.code, "", kept))
    return _Losses({pool.code: allocation.worksheet}, parts, billed)


def _delivered(own: Series, loss: Series | None) -> Series:
    """Return own + loss. The status is that of the own readings.

    A statement prints how much of the tenant's own energy was estimated; an estimated generator
    interval changes the loss part's status, not that share.
    """
    if loss is None:
        return own
    missing = (own.values == MISSING) | (loss.values == MISSING)
    values = np.where(
        missing, MISSING, np.where(missing, 0, own.values) + np.where(missing, 0, loss.values)
    )
    status = np.where(missing, int(Status.MISSING), own.status).astype(np.uint8)
    return Series(own.grid, values, status, own.unit)
