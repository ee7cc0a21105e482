"""By agreed shares that add up to one on every day, time-weighted over the month."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import Any

from poweroptix.kernel.finding import Finding
from settlement.sharing._base import (
    Claims,
    MoneyKey,
    NoParameters,
    Stay,
    Weighing,
    money_keys,
)


@money_keys.register("fixed_parts@1")
class FixedParts(MoneyKey):
    """Share x days; shares that change inside the month count their own days."""

    title = "By agreed shares"
    states = "the share, such as 0.55 or 1/3; on every day the shares add up to 1"
    Parameters = NoParameters

    def weigh(self, claims: Claims, parameters: Any) -> Weighing:
        """Weigh by share x days. A day whose shares are not one leaves the weights unknown."""
        present = claims.present()
        findings = shares_not_one(claims.stays, claims.period.days())
        weights: dict[str, Fraction | None] = {}
        said = {}
        for code, stays in present.items():
            total = sum((stay.stated(code) * len(days) for stay, days in stays), Fraction(0))
            weights[code] = None if findings else total
            said[code] = " + ".join(f"{stay.weight} x {len(days)} days" for stay, days in stays)
        return Weighing("share-days", weights, said, tuple(findings))


def shares_not_one(stays: Mapping[str, tuple[Stay, ...]], days: list[date]) -> list[Finding]:
    """Return a finding per run of days on which the shares do not add up to one.

    >>> from datetime import date
    >>> half = {"DEVCO": (Stay(date(2026, 1, 1), None, "0.5"),)}
    >>> shares_not_one(half, [date(2026, 6, 1), date(2026, 6, 2)])[0].message
    'From 2026-06-01 to 2026-06-02 the shares add up to 1/2 (DEVCO 0.5), they must add up to 1.'
    """
    runs: list[tuple[date, date, Fraction, str]] = []
    for day in days:
        held = [
            (code, stay)
            for code, each in sorted(stays.items())
            for stay in each
            if stay.first_date <= day and (stay.end_date is None or day < stay.end_date)
        ]
        total = sum((stay.stated(code) for code, stay in held), Fraction(0))
        names = ", ".join(f"{code} {stay.weight}" for code, stay in held) or "nobody"
        if runs and runs[-1][2:] == (total, names):
            runs[-1] = (runs[-1][0], day, total, names)
        else:
            runs.append((day, day, total, names))
    return [_finding(*run) for run in runs if run[2] != 1]


def shares_over_time(stays: Mapping[str, tuple[Stay, ...]]) -> list[Finding]:
    """Return a finding per day on which shares change and then do not add up to one.

    A day from which nobody holds a share is an end, not a fault.
    """
    edges = {stay.first_date for each in stays.values() for stay in each}
    edges |= {stay.end_date for each in stays.values() for stay in each if stay.end_date}
    return [
        finding
        for day in sorted(edges)
        for finding in shares_not_one(stays, [day])
        if "(nobody)" not in finding.message
    ]


def _finding(first: date, last: date, total: Fraction, names: str) -> Finding:
    when = f"On {first}" if first == last else f"From {first} to {last}"
    text = f"{when} the shares add up to {total} ({names}), they must add up to 1."
    rest = 1 - total
    fix = (
        f"Give {rest} to a member on these days, or start the next member on {first}."
        if rest > 0
        else f"Take {-rest} away on these days: end a share on {first} before the next begins."
    )
    return Finding("sharing.not_one", text, where=first.isoformat(), fix=fix)
