"""What a battery held at the start and at the end of a time."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.calc import words
from contracts.events._base import EventKind, event_kinds
from poweroptix.kernel.parameters import param


@event_kinds.register("state_of_charge@1")
class StateOfCharge(EventKind):
    """Energy that a battery held when a settlement period began and when it ended."""

    title = "State of charge"
    is_alone = True

    @dataclass(frozen=True, kw_only=True)
    class Values:
        """Stored energy at the start and at the end."""

        start_mwh: Decimal = param(unit="MWh", minimum=Decimal(0), maximum=Decimal(10_000_000))
        end_mwh: Decimal = param(unit="MWh", minimum=Decimal(0), maximum=Decimal(10_000_000))

    def sentence(self, values: Any) -> str:
        """Return what was recorded in plain words."""
        start, end = words.number(values.start_mwh), words.number(values.end_mwh)
        return f"Stored energy {start} MWh, later {end} MWh"
