"""One pool of a campus: on which days it is in force, who claims what, and its split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.parameters import parse
from poweroptix.kernel.period import Period
from poweroptix.kernel.series import Series
from settlement.allocation._base import Allocation, allocation_key
from settlement.calc.parts import PoolRule
from settlement.weighing.stays import Span, masked


def pool_minutes(whole: Series, pool: PoolRule, own: Mapping[str, Series]) -> int:
    """Return the coarsest length among the shared quantity and the members' own (decision 2)."""
    lengths = [own[code].grid.minutes for code in pool.members if code in own]
    return max([whole.grid.minutes, *lengths])


def days_of(pool: PoolRule) -> tuple[Span, ...]:
    """Return the spans on which a pool has a member, each once."""
    spans = {span for ends in pool.members.values() for span in ends}
    return tuple(sorted(spans, key=lambda one: (one.first_date, str(one.end_date))))


def in_force(pool: PoolRule, whole: Series, period: Period, rivals: int) -> Series:
    """Return what the pool shares: nothing on days without a member when other pools share then.

    A pool whose agreement is written down for all members (fixed shares) is in force on their
    days; Refused when these differ, for then the shares would not add up on some day.
    """
    key = allocation_key(pool.key)
    fixed = key.wants_whole_period(parse(key.Parameters, pool.parameters))
    if fixed:
        _refuse_other_days(pool, period)
    return masked(whole, days_of(pool), period) if fixed or rivals else whole


def claims_of(
    pool: PoolRule, own: Mapping[str, Series], minutes: int, period: Period
) -> dict[str, Series]:
    """Return the use of each member on its days of membership, at the pool's interval length.

    For a key that counts days it is 1 on them. Nothing for any other that does not look at use.
    """
    key = allocation_key(pool.key)
    if key.counts_days:
        one = Series.zero(period.grid(minutes), "")
        ones = Series(one.grid, one.values + 1, one.status, one.unit)
        return {code: masked(ones, spans, period) for code, spans in pool.members.items()}
    if not key.uses_claims:
        return {}
    lost = ", ".join(sorted(set(pool.members) - set(own)))
    if lost:
        text = f"Pool {pool.code}: {lost} is a member but has no metered quantity in the period."
        raise Refused("allocation.member_without_meter", text, members=lost)
    return {
        code: masked(own[code].to_minutes(minutes), spans, period)
        for code, spans in pool.members.items()
    }


def run_key(pool: PoolRule, whole: Series, claims: Mapping[str, Series]) -> Allocation:
    """Split the whole by the pool's key; Refused when it splits to others than the members."""
    key = allocation_key(pool.key)
    allocation = key.allocate(whole, claims, parse(key.Parameters, pool.parameters), {})
    if set(allocation.parts) != set(pool.members):
        text = (
            f"Pool {pool.code} splits to {', '.join(sorted(allocation.parts))}, but its members "
            f"are {', '.join(sorted(pool.members))}."
        )
        raise Refused("allocation.members_differ", text, pool=pool.code)
    return allocation


def refuse_common_days(pools: Sequence[PoolRule], period: Period, shared: str, code: str) -> None:
    """Refuse pools that share the same on the same day, so that nothing is counted twice."""
    for at, first in enumerate(pools):
        for second in pools[at + 1 :]:
            common = [day for day in period.days() if _holds(first, day) and _holds(second, day)]
            if common:
                text = (
                    f"Pools {first.code} and {second.code} both share {shared} on {common[0]}; "
                    "keep one for each day."
                )
                raise Refused(code, text)


def _holds(pool: PoolRule, day: date) -> bool:
    return any(span.holds_on(day) for span in days_of(pool))


def _refuse_other_days(pool: PoolRule, period: Period) -> None:
    """Refuse members that are there on different days, or on none of the period."""
    days = {
        code: tuple(day for day in period.days() if any(span.holds_on(day) for span in spans))
        for code, spans in pool.members.items()
    }
    together = {day for ones in days.values() for day in ones} or set(period.days())
    for code, ones in sorted(days.items()):
        lacking = sorted(together - set(ones))
        if lacking:
            text = (
                f"Pool {pool.code} has fixed shares, but {code} is no member on {lacking[0]}; "
                "make a pool with other shares for those days."
            )
            raise Refused("allocation.member_part_period", text, member=code)
