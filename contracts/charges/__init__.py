"""Charge types: one clause family per file, each registered under a versioned key.

A charge type is pure: it takes the inputs of one period, the parameters of one term and what
was carried in from the period before, and returns a worksheet and what is carried out.
"""

from contracts.charges._base import (
    Calendar,
    ChargeInputs,
    ChargeType,
    Needs,
    PoolView,
    PricedLine,
    TermContext,
    TermRef,
    charge_type,
    charge_types,
)
from contracts.events import Event

__all__ = [
    "Calendar",
    "ChargeInputs",
    "ChargeType",
    "Event",
    "Needs",
    "PoolView",
    "PricedLine",
    "TermContext",
    "TermRef",
    "charge_type",
    "charge_types",
]
