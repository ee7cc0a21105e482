"""Stores: what flows in and out of one, as its rules look at it.

Judged is the discharge channel (direction DELIVERED) beside the charge of the same store, or a NET
channel alone, on which discharge is positive.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from meters.calc.circumstances import Relation
from meters.validation._base import ValidationContext
from meters.validation._compare import cleared, trusted, usable
from meters.validation._plant import first, kind
from poweroptix.kernel.series import Series

STORE = "the discharge of a store in kWh"
CHARGE = "its charge on the same intervals"


class Flows(NamedTuple):
    """Charge and discharge in 10^-6 kWh, zero where `known` is not."""

    charge: np.ndarray
    discharge: np.ndarray
    known: np.ndarray


def is_store(series: Series, context: ValidationContext) -> bool:
    """Return whether the channel shows the discharge of a store."""
    outward = context.direction in ("DELIVERED", "NET")
    return kind(context) == "STORAGE" and series.unit == "kWh" and outward


def flows(series: Series, context: ValidationContext) -> Flows | None:
    """Return what went into and came out of the store; None without its charge."""
    if context.direction == "NET":
        known = usable(series, context)
        net = cleared(series.values, known)
        return Flows(np.maximum(-net, 0), np.maximum(net, 0), known)
    charge = first(series, context, Relation.CHARGE)
    if charge is None:
        return None
    known = usable(series, context) & trusted(charge.series)
    return Flows(cleared(charge.series.values, known), cleared(series.values, known), known)


def charge_wanted(series: Series, context: ValidationContext) -> tuple[object, str]:
    """Return the charge, or None where it is missing, and how that is called."""
    net = context.direction == "NET"
    return (series if net else first(series, context, Relation.CHARGE), CHARGE)
