"""Cycles of a battery."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.calc import words
from contracts.events._base import EventKind, event_kinds
from poweroptix.kernel.parameters import param


@event_kinds.register("cycle@1")
class Cycle(EventKind):
    """Full-equivalent cycles that a battery made, by the count of its own control system."""

    title = "Cycle"

    @dataclass(frozen=True, kw_only=True)
    class Values:
        """How many."""

        cycles: Decimal = param(
            unit="count",
            minimum=Decimal(0),
            maximum=Decimal(10_000),
            help="Full-equivalent cycles; a part of one counts as a part.",
        )

    def sentence(self, values: Any) -> str:
        """Return what was recorded in plain words."""
        return f"{words.number(values.cycles)} full-equivalent cycles"
