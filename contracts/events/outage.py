"""A unit or battery that could not deliver, wholly or in part."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.calc import words
from contracts.events._base import EventKind, event_kinds
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.parameters import param

CAUSES = ("SELLER", "BUYER", "GRID", "FORCE_MAJEURE")


@event_kinds.register("outage@1")
class Outage(EventKind):
    """Time in which capacity was not available: planned, forced, or a derating."""

    title = "Outage"
    is_alone = True

    @dataclass(frozen=True, kw_only=True)
    class Values:
        """What kind of outage, who caused it, and how much was lost by a derating."""

        category: str = param(
            choices=("PLANNED", "FORCED", "DERATING"),
            help="PLANNED and FORCED lose all of the capacity, DERATING a part of it.",
        )
        caused_by: str = param(choices=CAUSES, help="Whose side the cause lies on.")
        lost_ratio: Decimal | None = param(
            default=None,
            unit="ratio",
            minimum=Decimal(0),
            maximum=Decimal(1),
            help="Part that a derating lost, for example 0.25; or give kW.",
        )
        lost_kw: Decimal | None = param(
            default=None,
            unit="kW",
            minimum=Decimal(0),
            maximum=Decimal(10_000_000),
            help="Capacity that a derating lost.",
        )

        def __post_init__(self) -> None:
            """Refuse a derating without one size, and a size of what lost everything."""
            given = [one for one in (self.lost_ratio, self.lost_kw) if one is not None]
            if self.category == "DERATING" and len(given) != 1:
                text = "a derating has either lost_ratio or lost_kw"
                raise Refused("contracts.event_derating", text)
            if self.category != "DERATING" and given:
                text = (
                    f"a {self.category.lower()} outage loses everything; leave the lost part empty"
                )
                raise Refused("contracts.event_derating", text)

    def sentence(self, values: Any) -> str:
        """Return what was recorded in plain words."""
        cause = f"caused by {values.caused_by.replace('_', ' ').lower()}"
        if values.category != "DERATING":
            return f"{values.category.capitalize()} outage, {cause}"
        if values.lost_kw is not None:
            return f"Derating by {words.number(values.lost_kw)} kW, {cause}"
        return f"Derating by {words.percent(values.lost_ratio)}, {cause}"
