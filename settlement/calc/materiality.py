"""Corrections that are too small to be billed: carried, said and kept until they are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from poweroptix.kernel.finding import Finding, Severity

ZERO = Decimal("0.00")
#: The code of the finding that says so.
BELOW = "settlement.below_materiality"
Adjustment = Mapping[str, Any]


def owed_usd(adjustment: Adjustment) -> Decimal:
    """Return what the correction of one period comes to, in printed cents."""
    return sum(
        (Decimal(one["after_usd"]) - Decimal(one["before_usd"]) for one in adjustment["deltas"]),
        ZERO,
    )


def told_apart(
    adjustments: Sequence[Adjustment], limit_usd: Decimal
) -> tuple[tuple[Adjustment, ...], tuple[dict[str, Any], ...]]:
    """Return the corrections that are billed, and those that are held back.

    They are held back together while each of them and their sum stay below the limit, so that many
    small ones of one sign are billed once they reach it. A limit of 0 bills every cent. What is
    held is not lost: the next month asks again, against what was billed last.

    >>> small = {"period": "2026-03", "deltas": [{"before_usd": "10.00", "after_usd": "10.40"}]}
    >>> told_apart([small], Decimal("1.00"))[1]
    ({'period': '2026-03', 'amount_usd': '0.40', 'limit_usd': '1.00'},)
    """
    amounts = [owed_usd(one) for one in adjustments]
    most = max((abs(usd) for usd in [*amounts, sum(amounts, ZERO)]), default=ZERO)
    if not adjustments or most >= limit_usd:
        return tuple(adjustments), ()
    return (), tuple(
        {
            "period": one["period"],
            "amount_usd": format(usd, "f"),
            "limit_usd": format(limit_usd, "f"),
        }
        for one, usd in zip(adjustments, amounts, strict=True)
    )


def held_findings(held: Sequence[Mapping[str, Any]], currency: str) -> list[Finding]:
    """Return a sentence for each correction that is carried instead of billed."""
    return [
        Finding(
            BELOW,
            f"The correction of {one['period']}, {one['amount_usd']} {currency}, is below the "
            f"limit of {one['limit_usd']} {currency}: it is carried, not billed.",
            Severity.INFO,
            where=one["period"],
            metric=Decimal(one["amount_usd"]),
            threshold=Decimal(one["limit_usd"]),
            fix="Nothing to do: it is billed once the corrections that wait reach the limit.",
        )
        for one in held
    ]
