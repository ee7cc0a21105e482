"""Lines that an amendment inside a month cut in one of two runs, made whole so that they compare.

A price that holds from the 16th makes two lines of one: 1 to 15 and 16 to 31. Against a run that
billed the month in one piece, each part alone would be more or less energy. Both runs billed the
same days, so the parts are added up first. A line that is cut on the same days in both runs stays
in its parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from poweroptix.kernel.fixed import WIDE, exact_sum

if TYPE_CHECKING:
    from settlement.calc.delta import Billed, BilledRow, Key

#: First and last day of a part of a line.
Days = tuple[date, date]
#: Code and label of the lines that are cut otherwise in two runs, with their first day in either.
Cut = Mapping[tuple[int, str], str]
#: As many parts are named one by one.
NAMED = 3


def cut_otherwise(before: Iterable[Key], after: Iterable[Key]) -> Cut:
    """Return the lines that both runs have, but in parts that begin on other days.

    >>> whole, parts = [(10, "Energy", "2026-03-01")], ["2026-03-01", "2026-03-16"]
    >>> cut_otherwise(whole, [(10, "Energy", day) for day in parts])
    {(10, 'Energy'): '2026-03-01'}
    """
    old, new = _first_days(before), _first_days(after)
    return {
        line: min(days | new[line])
        for line, days in old.items()
        if line in new and days != new[line]
    }


def whole_key(key: Key, cut: Cut) -> Key:
    """Return the key of the whole line where a key is that of a part that has no partner."""
    code, label, first = key
    return code, label, cut.get((code, label), first)


def whole_amounts(amounts: Mapping[Key, Decimal | None], cut: Cut) -> dict[Key, Decimal | None]:
    """Return the amounts with those of cut lines added up; None where a part has none."""
    found: dict[Key, Decimal | None] = {}
    for key, usd in amounts.items():
        whole = whole_key(key, cut)
        so_far = found.get(whole, Decimal("0.00"))
        found[whole] = None if usd is None or so_far is None else so_far + usd
    return found


def made_alike(
    before: Sequence[Billed], after: Sequence[Billed]
) -> tuple[list[Billed], list[Billed]]:
    """Return the lines of two runs, those that are cut otherwise made whole in both."""
    cut = cut_otherwise((one.key for one in before), (one.key for one in after))
    return _whole(before, cut), _whole(after, cut)


def days_words(days: Sequence[Days]) -> str:
    """Return the days of the parts of a line in words.

    >>> days_words([(date(2026, 3, 1), date(2026, 3, 15)), (date(2026, 3, 16), date(2026, 3, 31))])
    '1-15 and 16-31 March'
    """
    if len(days) > NAMED:
        return f"{len(days)} parts, {days_words([(days[0][0], days[-1][1])])}"
    if len({(day.year, day.month) for both in days for day in both}) > 1:
        spans, month = [f"{first} to {last}" for first, last in days], ""
    else:
        spans = [f"{first.day}-{last.day}" if first < last else f"{first.day}"
                 for first, last in days]  # fmt: skip
        month = f" {days[0][0]:%B}"
    *most, end = spans
    return f"{', '.join(most)} and {end}{month}" if most else f"{end}{month}"


def _first_days(keys: Iterable[Key]) -> dict[tuple[int, str], set[str]]:
    found: dict[tuple[int, str], set[str]] = {}
    for code, label, first in keys:
        found.setdefault((code, label), set()).add(first)
    return found


def _whole(lines: Sequence[Billed], cut: Cut) -> list[Billed]:
    """Return the lines with the parts of cut ones joined where the first of them stood."""
    parts: dict[Key, list[Billed]] = {}
    for line in lines:
        parts.setdefault(whole_key(line.key, cut), []).append(line)
    found: list[Billed] = []
    for key, some in parts.items():
        found += [_joined(key, some)] if key[:2] in cut else some
    return found


def _joined(key: Key, lines: Sequence[Billed]) -> Billed:
    """Return the parts of a line as one; without a quantity where their units differ."""
    parts = sorted(lines, key=lambda one: one.key[2])
    units = {one.unit for one in parts}
    quantities = [one.quantity for one in parts]
    amounts = [one.amount_usd for one in parts]
    return replace(
        parts[0],
        key=key,
        quantity=exact_sum(quantities) if len(units) == 1 and None not in quantities else None,
        unit=parts[0].unit if len(units) == 1 else "",
        amount_usd=None if None in amounts else sum(amounts, Decimal("0.00")),
        rows=_rows(parts),
        days=tuple(day for one in parts for day in one.days),
    )


def _rows(parts: Sequence[Billed]) -> tuple[BilledRow, ...]:
    named: dict[str, list[tuple[str, BilledRow]]] = {}
    for part in parts:
        for row in part.rows:
            named.setdefault(row.label, []).append((part.key[2], row))
    return tuple(_row(some) for some in named.values())


def _row(dated: Sequence[tuple[str, BilledRow]]) -> BilledRow:
    """Return rows of one label as one: at their rate, or on average where the price changed.

    A price that did not change from one part to the next is one basis, so that cutting alone is no
    other price; each other one counts with the day from which it holds.
    """
    rows = [row for _first, row in dated]
    quantity = exact_sum(WIDE.divide(row.quantity, row.divisor) for row in rows)
    usd = exact_sum(row.exact_usd for row in rows)
    bases = [dated[0]]
    bases += [now for was, now in pairwise(dated) if was[1].basis != now[1].basis]
    is_one_rate = len({row.rate for row in rows}) == 1 or quantity == 0
    return replace(
        rows[0],
        quantity=quantity,
        rate=rows[0].rate if is_one_rate else WIDE.divide(usd, quantity),
        basis=rows[0].basis if len(bases) == 1 else tuple((day, row.basis) for day, row in bases),
        exact_usd=usd,
        divisor=Decimal(1),
    )
