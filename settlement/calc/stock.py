"""The stock of a campus battery through a month: who charged it, what left it, at what cost.

A battery is charged by what tenants left of the sources, in order of merit (surplus first); what
its discharge costs is split by the energy that each tenant got of it in the same interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import numpy as np

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import from_micro, from_price
from poweroptix.kernel.parameters import parse
from poweroptix.kernel.rounding import money
from poweroptix.kernel.series import Series
from poweroptix.kernel.splits import split, split_grid
from poweroptix.kernel.worksheet import Worksheet
from settlement.calc.balance import sum_of
from settlement.calc.matching import Matched, Matching
from settlement.calc.store import Store, StoreTerms

#: The operator's share of a discharge: what served no tenant. Sorts after every contract.
OPERATOR = "~operator"


@dataclass(frozen=True)
class Stocks:
    """The worksheets of the batteries with their stock, the stocks for the next month, findings."""

    worksheets: Mapping[str, Worksheet] = field(default_factory=dict)
    carry_out: Mapping[str, dict] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class _Month:
    """What a month did to one battery: discharged energy by origin, cost by interval, the rest."""

    store: Store
    origin: Mapping[str, int]
    cost: np.ndarray
    beyond_micro_kwh: int


def keep_stocks(
    matching: Matching,
    sinks: Mapping[str, Series],
    carry_in: Mapping[str, Mapping[str, Any]],
    label: str,
) -> Stocks:
    """Carry every battery among the sources through the month of a label such as 2026-03.

    A stock is unknown, and blocks the month, when a reading that decides it is missing. Refused
    when the stock at the start is not known, so that none is started twice.
    """
    batteries = [one for one in matching.sources if one.rule.storage is not None]
    surplus = {
        one.rule.code: np.where(one.rest.missing, 0, np.maximum(one.rest.values, 0))
        for one in matching.sources
        if one.rule.storage is None
    }
    last = matching.sources[-1].rule.code if matching.sources else ""
    worksheets, carry_out, findings = {}, {}, []
    for one in batteries:
        code, sheet = one.rule.code, one.allocation.worksheet
        charged = _charged(one, sinks)
        if charged.missing_count or one.whole.missing_count:
            findings.append(_unknown(code, max(charged.missing_count, one.whole.missing_count)))
            continue
        terms = parse(StoreTerms, one.rule.storage)
        opening = _opening(code, terms, carry_in, label)
        by_source = _charging(charged.values, surplus, last)
        month = _run(Store(terms, opening), one.whole.values, by_source)
        worksheets[code] = replace(
            sheet, figures=(*sheet.figures, *_figures(one, month, opening, by_source))
        )
        carry_out[code] = {"layers": month.store.state()}
        if month.beyond_micro_kwh:
            findings.append(_beyond(code, month.beyond_micro_kwh))
    return Stocks(worksheets, carry_out, tuple(findings))


def _opening(
    code: str, terms: StoreTerms, carry_in: Mapping[str, Mapping[str, Any]], label: str
) -> Sequence[Mapping[str, str]]:
    """Return the stock at the start: the agreed opening in the first month, then what was left."""
    if label == terms.opening_period:
        return terms.opening
    if label > terms.opening_period and code in carry_in:
        return carry_in[code]["layers"]
    text = (
        f"The stock of {code} at the start of {label} is not known: it is counted from "
        f"{terms.opening_period} on, month after month."
    )
    raise Refused("storage.no_stock", text, source=code, period=label)


def _charged(one: Matched, sinks: Mapping[str, Series]) -> Series:
    """Return what charged a battery, on the grid of the split; zero where nothing is metered."""
    minutes = one.whole.grid.minutes
    names = [f"{point} out" for point in one.rule.points if f"{point} out" in sinks]
    if not names:
        return Series.zero(one.whole.grid, one.whole.unit)
    return sum_of([sinks[name] for name in names], minutes)


def _charging(
    charged: np.ndarray, surplus: dict[str, np.ndarray], last: str
) -> dict[str, np.ndarray]:
    """Return the charge by source: surplus in order of merit, what is open from the last source.

    Takes it off the surplus, so that a second battery is charged by what is left.
    """
    left, found = charged.copy(), {}
    for code, over in surplus.items():
        found[code] = np.minimum(left, over)
        left = left - found[code]
        surplus[code] = over - found[code]
    found[last] = found.get(last, 0) + left
    return {code: values for code, values in found.items() if values.any()}


def _run(store: Store, discharge: np.ndarray, charge: Mapping[str, np.ndarray]) -> _Month:
    """Discharge and charge interval by interval; what leaves is what was there before."""
    origin: dict[str, int] = {}
    cost = np.zeros(discharge.size, dtype=np.int64)
    beyond = 0
    active = np.logical_or.reduce([discharge > 0, *(values > 0 for values in charge.values())])
    for at in np.flatnonzero(active).tolist():
        if discharge[at] > 0:
            drawn = store.discharge(int(discharge[at]))
            cost[at], beyond = drawn.cost, beyond + drawn.beyond_micro_kwh
            for layer in drawn.layers:
                origin[layer.source] = origin.get(layer.source, 0) + layer.micro_kwh
        for code, values in charge.items():
            if values[at]:
                store.charge(code, int(values[at]))
    return _Month(store, origin, cost, beyond)


def costs_by_member(one: Matched, cost: np.ndarray) -> dict[str, int]:
    """Return the cost of the discharge by member, in 10^-8, by the energy of each interval."""
    codes = [*sorted(one.allocation.parts), OPERATOR]
    rows = [one.allocation.parts[code].values for code in codes[:-1]]
    weights = np.maximum(np.stack([*rows, one.rest.values]), 0)
    costs = split_grid(cost, weights, codes).sum(axis=1)
    return dict(zip(codes, costs.tolist(), strict=True))


def in_cents(costs: Mapping[str, int]) -> dict[str, Decimal]:
    """Return the costs in whole cents that add up to the cents of their sum.

    >>> in_cents({"A": 1_666_666_666, "B": 833_333_334})
    {'A': Decimal('16.67'), 'B': Decimal('8.33')}
    """
    total = int(money(from_price(sum(costs.values()))) * 100)
    codes = list(costs)
    if not any(costs.values()):
        return dict.fromkeys(codes, Decimal("0.00"))
    cents = split(total, list(costs.values()), codes)
    return {code: money(Decimal(one) / 100) for code, one in zip(codes, cents, strict=True)}


def _figures(
    one: Matched, month: _Month, opening: Sequence[Mapping], charge: Mapping[str, np.ndarray]
) -> tuple[Figure, ...]:
    code, terms = one.rule.code, month.store.terms
    carried = Source("carry", code, "stock at the start of the month", {"layers": list(opening)})
    given = Source("allocation", code, f"stock of {code}, cost {terms.cost.lower()}")
    before = Store(terms, opening)
    rate = Source("term", code, "price of charging")
    figures = [
        Figure("efficiency", terms.efficiency_ratio, "ratio", Source("term", code, "efficiency")),
        Figure("stock before", from_micro(before.stock_micro_kwh), "kWh", carried),
        Figure("cost of the stock before", from_price(before.cost), "USD", carried),
    ]
    for source, values in charge.items():
        figures += [
            Figure(f"charged by {source}", from_micro(int(values.sum())), "kWh", given),
            Figure(f"price of {source}", Decimal(terms.usd_per_kwh[source]), "USD/kWh", rate),
        ]
    figures += [
        Figure(f"discharged, charged by {source}", from_micro(energy), "kWh", given)
        for source, energy in sorted(month.origin.items())
    ]
    for member, amount in in_cents(costs_by_member(one, month.cost)).items():
        name = "the operator" if member == OPERATOR else member
        figures.append(Figure(f"cost of {name}", amount, "USD", given))
    after = month.store
    return (
        *figures,
        Figure("stock after", from_micro(after.stock_micro_kwh), "kWh", given),
        Figure("cost of the stock after", from_price(after.cost), "USD", given),
    )


def _unknown(code: str, count: int) -> Finding:
    text = f"{code}: {count} intervals have no reading, so the stock of the battery is unknown."
    fix = "Bring in the readings or estimate them."
    return Finding("storage.unknown", text, Severity.BLOCK, metric=Decimal(count), fix=fix)


def _beyond(code: str, micro_kwh: int) -> Finding:
    energy = from_micro(micro_kwh)
    text = (
        f"{code} gave {energy:f} kWh more than was recorded as charged; they have no cost and no "
        "origin."
    )
    fix = "Compare the efficiency of the pool with the meters, or correct the opening stock."
    return Finding("storage.beyond_stock", text, Severity.WARN, metric=energy, fix=fix)
