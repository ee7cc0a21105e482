"""Energy that one side is excused from taking or delivering."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.calc import words
from contracts.events._base import EventKind, event_kinds
from poweroptix.kernel.parameters import param


@event_kinds.register("excuse@1")
class Excuse(EventKind):
    """Energy that was not taken or not delivered for a reason that the contract excuses."""

    title = "Excuse"

    @dataclass(frozen=True, kw_only=True)
    class Values:
        """Who is excused, of how much, and why."""

        excused: str = param(choices=("BUYER", "SELLER"), help="Whose duty is lessened.")
        energy_mwh: Decimal = param(unit="MWh", minimum=Decimal(0), maximum=Decimal(100_000_000))
        cause: str = param(help="What excuses it, for example force majeure.")

    def sentence(self, values: Any) -> str:
        """Return what was recorded in plain words."""
        who = values.excused.lower()
        return (
            f"{who.capitalize()} excused of {words.number(values.energy_mwh)} MWh: {values.cause}"
        )
