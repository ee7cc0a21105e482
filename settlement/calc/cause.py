"""The reasons why two runs of a period can differ, in the order in which they are told apart."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cause:
    """One reason for a difference: its key in documents, its name and what it means."""

    key: str
    title: str
    meaning: str


METER = Cause(
    "METER_REVISION", "Meter revision", "Measured readings changed, or missing ones arrived."
)
ESTIMATE = Cause(
    "ESTIMATE_REPLACED", "Estimate replaced", "Intervals that were estimated got other values."
)
EVENT = Cause(
    "EVENT_REVISION",
    "Event of the contract",
    "Outages, orders, starts or tests of the contract were entered or changed.",
)
PRICE = Cause("PRICE_REVISION", "Price revision", "Published prices of an index changed.")
AMENDMENT = Cause(
    "CONTRACT_AMENDMENT",
    "Contract amendment",
    "Terms, facts, calendars or the rounding of the contract changed.",
)
ALLOCATION = Cause(
    "ALLOCATION_KEY",
    "Allocation key",
    "Shared energy and losses are split by other keys, members or points.",
)
POOL = Cause(
    "MONEY_POOL", "Pool of money", "The amount of a campus pool, its key or its weights changed."
)
CARRY = Cause(
    "EARLIER_MONTH",
    "Earlier month",
    "What an earlier month hands on (blocks, ratchets, banks) changed.",
)
RULE = Cause(
    "RULE_CHANGE", "Rule change", "The same inputs are computed by a newer rule of the system."
)


def correction_of(period: str) -> Cause:
    """Return why two runs differ in lines 70: the correction of an earlier month that they bill.

    Nothing of the month itself is substituted for it, so it stands behind the causes of own lines.

    >>> correction_of("2026-09").title
    'Correction of 2026-09'
    """
    return Cause(
        f"CORRECTION_{period}",
        f"Correction of {period}",
        f"What {period} owes more or less since it was billed; it is billed in this month.",
    )


#: All causes, in the order in which they are substituted.
CAUSES = (METER, ESTIMATE, EVENT, PRICE, AMENDMENT, ALLOCATION, POOL, CARRY, RULE)
