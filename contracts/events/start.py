"""A start of a unit."""

from dataclasses import dataclass
from typing import Any

from contracts.events._base import EventKind, event_kinds
from poweroptix.kernel.parameters import param

STATES = ("HOT", "WARM", "COLD")


@event_kinds.register("start@1")
class Start(EventKind):
    """The instant at which a unit began to start: how warm it was, and who asked for it."""

    title = "Start"
    lasts = False

    @dataclass(frozen=True, kw_only=True)
    class Values:
        """How warm the unit was and on whose account it started."""

        state: str = param(choices=STATES, help="How warm the unit was.")
        caused_by: str = param(
            choices=("BUYER", "SELLER"),
            help="BUYER ordered it; SELLER: after a trip, a test or by its own choice.",
        )

    def sentence(self, values: Any) -> str:
        """Return what was recorded in plain words."""
        return f"{values.state.capitalize()} start, caused by {values.caused_by.lower()}"
