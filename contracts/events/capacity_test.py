"""A test of what a plant or battery can do."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.calc import words
from contracts.events._base import EventKind, event_kinds
from poweroptix.kernel.parameters import param


@event_kinds.register("capacity_test@1")
class CapacityTest(EventKind):
    """The instant from which a tested capacity counts, for the local day it lies on."""

    title = "Capacity test"
    lasts = False
    holds_on = True

    @dataclass(frozen=True, kw_only=True)
    class Values:
        """The tested capacity."""

        capacity_kw: Decimal = param(unit="kW", minimum=Decimal(0), maximum=Decimal(10_000_000))

    def sentence(self, values: Any) -> str:
        """Return what was recorded in plain words."""
        return f"Tested capacity {words.number(values.capacity_kw)} kW"
