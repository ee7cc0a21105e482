"""An order to deliver less than was possible."""

from dataclasses import dataclass
from typing import Any

from contracts.events._base import EventKind, event_kinds
from poweroptix.kernel.parameters import param


@event_kinds.register("curtailment@1")
class Curtailment(EventKind):
    """Time in which an order kept a plant below what it could have delivered."""

    title = "Curtailment"
    is_alone = True

    @dataclass(frozen=True, kw_only=True)
    class Values:
        """Who gave the order."""

        ordered_by: str = param(choices=("BUYER", "GRID"), help="Who gave the order.")

    def sentence(self, values: Any) -> str:
        """Return what was recorded in plain words."""
        return f"Curtailment ordered by {values.ordered_by.lower()}"
