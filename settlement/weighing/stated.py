"""By numbers that an agreement states, each on the days on which it holds: MW, area, parts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.fixed import micro
from poweroptix.kernel.plain import plain_decimal
from settlement.weighing._base import Weighing
from settlement.weighing.stays import Stay


def stated(
    table: Mapping[str, str], what: str, unit: str, members: Collection[str], plural: str
) -> Weighing:
    """Weigh each member by its number in a table that names exactly the members.

    >>> stated({"ALFA": "60", "BRAVO": "7.5"}, "capacity", "MW", (), "capacities").weights
    {'ALFA': 60000000, 'BRAVO': 7500000}
    """
    weights = given_weights(table, what)
    check_names(weights, members, plural)
    said = {code: f"{text} {unit}" for code, text in table.items()}
    return Weighing(unit, weights, said, figures=weight_figures(table, what, unit))


def alike(members: Collection[str]) -> Weighing:
    """Weigh every member the same: one part each."""
    return Weighing("parts", dict.fromkeys(members, Fraction(1)), dict.fromkeys(members, "1"))


def by_days(stays: Mapping[str, Sequence[tuple[Stay, list[date]]]], unit: str = "") -> Weighing:
    """Weigh each member by number x days; a number that changes counts on its own days."""
    weights = {
        code: sum((stay.stated(code) * len(days) for stay, days in each), Fraction(0))
        for code, each in stays.items()
    }
    of = f" {unit}" if unit else ""
    said = {
        code: " + ".join(f"{stay.weight}{of} x {len(days)} days" for stay, days in each)
        for code, each in stays.items()
    }
    return Weighing(f"{unit}-days", weights, said)


def check_members(codes: list[str]) -> None:
    """Refuse an empty or repeated member list."""
    if not codes:
        raise Refused("allocation.no_members", "The pool has no members, so nobody can bear it.")
    if len(set(codes)) != len(codes):
        raise Refused("allocation.member_twice", "A member is listed twice in the pool.")


def check_names(given: Collection[str], members: Collection[str], what: str) -> None:
    """Refuse a table that names others than the members."""
    if members and sorted(given) != sorted(members):
        named, are = ", ".join(sorted(given)), ", ".join(sorted(members))
        text = f"The {what} name {named}; the pool's members are {are}."
        raise Refused("allocation.members_differ", text)


def given_weights(table: Mapping[str, str], what: str) -> dict[str, int]:
    """Return a table of exact numbers as whole weights of 10^-6; Refused below zero or all zero.

    >>> given_weights({"ALFA": "60", "BRAVO": "7.5"}, "capacity")
    {'ALFA': 60000000, 'BRAVO': 7500000}
    """
    check_members(list(table))
    weights = {}
    for code, text in table.items():
        try:
            weights[code] = micro(_number(text))
        except Refused:
            fault = f'The {what} "{text}" of {code} is no number of at most 6 decimals.'
            raise Refused("allocation.weight", fault) from None
        if weights[code] < 0:
            raise Refused("allocation.weight", f"The {what} {text} of {code} is negative.")
    if not any(weights.values()):
        raise Refused("allocation.weight", f"The {what} of every member is zero.")
    return weights


def _number(text: str) -> Decimal:
    found = plain_decimal(str(text))
    if found is None:
        raise Refused("allocation.weight", f'"{text}" is no plain number.')
    return found


def weight_figures(table: Mapping[str, str], what: str, unit: str) -> tuple[Figure, ...]:
    """Return one figure per member: what the agreement gives it."""
    return tuple(
        Figure(f"{what} of {code}", Decimal(str(table[code])), unit, Source("term", code, what))
        for code in sorted(table)
    )
