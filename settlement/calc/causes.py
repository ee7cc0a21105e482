"""Why the lines of two runs of a period differ: each difference split exactly into its causes.

One input after the other is taken from the newer run, always in the same order, and the period is
settled again after each step. What a step moves in the printed cents of a line is what its cause
did. The steps lead from the older run to the newer one, so the causes of a line add up to its
difference, to the cent. Because the whole bill is settled in every step it works for every charge
type, and a tax or a minimum bill gets the causes of the lines that it rests on.

Where two causes meet (other kWh at another price) the one that comes first is counted at the old
value of the other. The order is therefore part of the result: `CAUSES`, and docs/causes.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import numpy as np

from contracts.calc.price_terms import PricedTerm
from poweroptix.kernel.canonical import canonical_json
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.quality import is_one_of
from poweroptix.kernel.series import Series
from settlement.calc.cause import (
    ALLOCATION,
    AMENDMENT,
    CARRY,
    CAUSES,
    ESTIMATE,
    EVENT,
    METER,
    POOL,
    PRICE,
    RULE,
    Cause,
)
from settlement.calc.cut_lines import cut_otherwise, whole_amounts
from settlement.calc.delta import ZERO, Key, numbered
from settlement.calc.inputs import Inputs
from settlement.calc.settle import ESTIMATED, settle
from settlement.calc.version_inputs import VersionInputs

Amounts = Mapping[Key, Decimal | None]


@dataclass(frozen=True)
class CausedDelta:
    """The change of one line in printed cents, and what of it each cause did (others did nothing).

    `amount_usd` = the sum of `by_cause`, to the cent.
    """

    key: Key
    label: str
    before_usd: Decimal
    after_usd: Decimal
    by_cause: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def amount_usd(self) -> Decimal:
        """Return new - old in printed cents."""
        return self.after_usd - self.before_usd

    def causes(self) -> list[tuple[Cause, Decimal]]:
        """Return the causes that moved the line, in the order of substitution."""
        return [(one, self.by_cause[one.key]) for one in CAUSES if one.key in self.by_cause]


def causes_between(
    before: Inputs,
    after: Inputs,
    *,
    same_key: Mapping[str, Series] | None = None,
    printed: tuple[Amounts, Amounts] | None = None,
) -> list[CausedDelta]:
    """Return every line that some cause moved, in the order of the newer run, gone ones last.

    `same_key` are the quantities that the newer readings give under the allocation rules of the
    older run; without them a change of quantities is put down to readings. `printed` are the
    amounts that both runs really printed: where today's computation of a run gives others, the
    rest is a rule change. A line without an amount counts as not billed; one that is cut on other
    days in the two runs is one line. Refused when the two are not of one contract and period.
    """
    _refuse_apart(before, after)
    first, last = _amounts(before), _amounts(after)
    cut = cut_otherwise(*(printed or (first, last)))
    was, now = (whole_amounts(one, cut) for one in printed or (first, last))
    moved: dict[Key, dict[str, Decimal]] = {}
    reached = whole_amounts(first, cut)
    for cause, state in _states(before, after, same_key):
        amounts = last if state is after else _priced(state, first)
        if amounts is not None:
            amounts = whole_amounts(amounts, cut)
            _note(moved, cause, reached, amounts)
            reached = amounts
    keys = [*now, *(key for key in was if key not in now)]
    for key in keys:
        rest = _cents(now, key) - _cents(was, key) - sum(moved.get(key, {}).values(), ZERO)
        _add(moved, key, RULE, rest)
    return [
        CausedDelta(key, key[1], _cents(was, key), _cents(now, key), moved[key])
        for key in keys
        if moved.get(key)
    ]


def amounts_of(lines: Iterable) -> dict[Key, Decimal | None]:
    """Return the printed amounts of a run's own lines by key; corrections of others are left out.

    Takes settled lines as well as stored ones.
    """
    own = [line for line in lines if not line.corrects_period]
    keys = numbered((line.line_code, line.label, line.first_date.isoformat()) for line in own)
    return {key: line.amount_usd for key, line in zip(keys, own, strict=True)}


def _refuse_apart(before: Inputs, after: Inputs) -> None:
    if (before.contract, before.period) == (after.contract, after.period):
        return
    text = (
        f"{before.contract} {before.period.label} and {after.contract} {after.period.label} "
        "cannot be compared: both runs must be of one contract and one period."
    )
    raise Refused("settlement.not_comparable", text)


def _states(
    before: Inputs, after: Inputs, same_key: Mapping[str, Series] | None
) -> Iterator[tuple[Cause, Inputs]]:
    """Yield the inputs after each substitution that changes something; the newer run at the end.

    What only the older run reads stays beside what the newer one reads, so that the old terms find
    their prices and calendars.
    """
    readings = after.series if same_key is None else {**after.series, **same_key}
    steps: tuple[tuple[Cause, Callable[[Inputs], Inputs]], ...] = (
        (METER, lambda one: replace(one, series=_measured(one.series, readings))),
        (ESTIMATE, lambda one: replace(one, series={**one.series, **readings})),
        (EVENT, lambda one: replace(one, events=after.events)),
        (PRICE, lambda one: _published(one, after)),
        (AMENDMENT, lambda one: _amended(one, before, after)),
        (ALLOCATION, lambda one: replace(one, series={**one.series, **after.series})),
        (POOL, lambda one: replace(one, pools={**one.pools, **after.pools})),
        (CARRY, lambda one: replace(one, carry_in=after.carry_in)),
    )
    state = before
    for cause, step in steps:
        following = step(state)
        if not _alike(state, following):
            yield cause, following
        state = following
    yield RULE, after


def _measured(old: Mapping[str, Series], new: Mapping[str, Series]) -> dict[str, Series]:
    """Return the new quantities, except in intervals that were estimated."""
    return {**old, **{name: _keeping_estimates(old.get(name), one) for name, one in new.items()}}


def _keeping_estimates(old: Series | None, new: Series) -> Series:
    if old is None or old.grid != new.grid or old.unit != new.unit:
        return new
    kept = is_one_of(old.status, ESTIMATED)
    status = np.where(kept, old.status, new.status)
    values = np.where(kept, old.values, new.values)
    return Series(new.grid, values, status.astype(np.uint8), new.unit)


def _published(state: Inputs, after: Inputs) -> Inputs:
    """Return the state with the prices and the monthly indices that the newer run reads."""
    return replace(
        state,
        prices={**state.prices, **after.prices},
        histories={**state.histories, **after.histories},
    )


def _amended(state: Inputs, before: Inputs, after: Inputs) -> Inputs:
    """Return the state under the newer terms, each still priced by the rule it had.

    A line whose charge became another one reads its own carry: it could not read that of the old.
    """
    return replace(
        state,
        carry_in=_own_carry(state.carry_in, before, after),
        versions=tuple(_under_old_rules(one, before) for one in after.versions),
        joined=after.joined,
        calendars={**state.calendars, **after.calendars},
        rounding_point=after.rounding_point,
        rounding=after.rounding,
        currency=after.currency,
    )


def _own_carry(carry: Mapping[str, Any], before: Inputs, after: Inputs) -> Mapping[str, Any]:
    old, new = ({(one.line_code, _noun(one)) for one in _terms(run)} for run in (before, after))
    others = {str(code) for code, _charge in old ^ new}
    kept = {code: one for code, one in carry.items() if code not in others}
    return {**kept, **{code: one for code, one in after.carry_in.items() if code in others}}


def _terms(inputs: Inputs) -> Iterator[PricedTerm]:
    return (term for version in inputs.versions for term in version.terms)


def _under_old_rules(version: VersionInputs, before: Inputs) -> VersionInputs:
    """Return a version whose terms have the number of their rule (noun@1) that they had before."""
    known = {(term.line_code, _noun(term)): term.charge_type for term in _terms(before)}
    terms = tuple(
        replace(term, charge_type=known.get((term.line_code, _noun(term)), term.charge_type))
        for term in version.terms
    )
    return replace(version, terms=terms)


def _noun(term: PricedTerm) -> str:
    return term.charge_type.partition("@")[0]


def _alike(one: Inputs, other: Inputs) -> bool:
    """Say whether two states give the same lines: nothing that pricing reads differs."""
    return _plain(one) == _plain(other) and all(
        _same_values(getattr(one, name), getattr(other, name)) for name in ("series", "prices")
    )


def _plain(state: Inputs) -> bytes:
    bare = replace(state, series={}, prices={}, series_refs={}, price_refs={}, allocation={})
    return canonical_json(bare.document())


def _same_values(one: Mapping, other: Mapping) -> bool:
    return one.keys() == other.keys() and all(
        found is other[name] or found.digest() == other[name].digest()
        for name, found in one.items()
    )


def _amounts(inputs: Inputs) -> dict[Key, Decimal | None]:
    return amounts_of(settle(replace(inputs, adjustments=())).lines)


def _priced(state: Inputs, first: Amounts) -> Amounts | None:
    """Return the amounts of a state between the two runs; None when it cannot be priced.

    New terms may not be able to read what the old month handed on, or want what only the newer
    run has. Such a step is taken together with the next one, and counts as the next one's cause.
    """
    try:
        amounts = _amounts(state)
    except Refused:
        return None
    lost = any(usd is None and first.get(key, ZERO) is not None for key, usd in amounts.items())
    return None if lost else amounts


def _note(moved: dict, cause: Cause, reached: Amounts, amounts: Amounts) -> None:
    for key in dict.fromkeys([*reached, *amounts]):
        _add(moved, key, cause, _cents(amounts, key) - _cents(reached, key))


def _add(moved: dict, key: Key, cause: Cause, usd: Decimal) -> None:
    """Add cents to the account of a cause; nothing is not noted."""
    if usd == 0:
        return
    account = moved.setdefault(key, {})
    account[cause.key] = account.get(cause.key, ZERO) + usd


def _cents(amounts: Amounts, key: Key) -> Decimal:
    found = amounts.get(key)
    return ZERO if found is None else found
