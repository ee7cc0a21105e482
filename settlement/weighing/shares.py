"""By agreed shares, which add up to one: in a table, or on every day of stays."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding
from settlement.weighing._base import Weighing, whole
from settlement.weighing.stated import check_members, check_names
from settlement.weighing.stays import Stay


def agreed(table: Mapping[str, str], members: Collection[str]) -> Weighing:
    """Weigh each member by its share in a table that names the members; Refused unless sum 1."""
    shares = exact_shares(table)
    check_names(shares, members, "shares")
    figures = tuple(
        Figure(
            f"share of {code}",
            Decimal(shares[code].numerator) / Decimal(shares[code].denominator),
            "ratio",
            Source("term", code, f"agreed share {table[code]}"),
        )
        for code in sorted(shares)
    )
    return Weighing("ratio", shares, dict(table), figures=figures)


def exact_shares(shares: Mapping[str, str]) -> dict[str, Fraction]:
    """Return the shares as fractions; Refused unless each is positive and they add up to 1.

    Refused also when they have more digits than can be counted with.

    >>> exact_shares({"ALFA": "0.625", "BRAVO": "0.375"})["ALFA"]
    Fraction(5, 8)
    """
    check_members(list(shares))
    exact = {code: _share(code, text) for code, text in shares.items()}
    total = sum(exact.values(), Fraction(0))
    if total != 1:
        percent = format((Decimal(total.numerator) * 100 / Decimal(total.denominator)), "f")
        text = f"The shares add up to {percent} %, they must be 100 %."
        raise Refused("allocation.shares_not_one", text, total=str(total))
    whole(exact)
    return exact


def _share(code: str, text: str) -> Fraction:
    try:
        share = Fraction(str(text))
    except (ValueError, ZeroDivisionError):
        raise Refused("allocation.share", f'The share "{text}" of {code} is no number.') from None
    if share < 0:
        raise Refused("allocation.share", f"The share {text} of {code} is negative.")
    return share


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
            if stay.holds_on(day)
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
