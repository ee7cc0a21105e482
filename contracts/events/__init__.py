"""Kinds of dated events of a contract: one kind per file, registered under a versioned key.

An event is something that happened and decides money: a start, an outage, an order. Pure: a kind
says which values are recorded, and whether two of it can happen at one time.
"""

from contracts.events._base import (
    MONTH_NUMBER,
    OPEN_ITEM,
    PAYMENT,
    SYSTEM_PEAK,
    Event,
    EventKind,
    check_event,
    check_together,
    event_kind,
    event_kinds,
    holding,
    in_time,
    values_of,
)

__all__ = [
    "MONTH_NUMBER",
    "OPEN_ITEM",
    "PAYMENT",
    "SYSTEM_PEAK",
    "Event",
    "EventKind",
    "check_event",
    "check_together",
    "event_kind",
    "event_kinds",
    "holding",
    "in_time",
    "values_of",
]
