"""The flows of a campus day or month: what came in, where it went, and what is left between them.

The figures are those of the balance: the same reading of the campus, the same legs, the same
residual. Both sides of a diagram add up to the same number, to the millionth of a kWh.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from meters.models import Campus
from poweroptix.kernel.errors import NotFoundError
from poweroptix.kernel.period import Period
from settlement.calc.balance import campus_balance, residual_kwh
from settlement.queries.campus import read_campus
from settlement.queries.day import Leg, legs_of

LOSSES, SURPLUS = "Losses and unaccounted", "Metered too much or unaccounted"
#: What a leg whose energy went the other way is: a net meter of a tie may import or export.
OTHER_WAY = {
    "Import": "Export",
    "Export": "Import",
    "Discharge": "Charging",
    "Charging": "Discharge",
}
UNMATCHED = "No counterpart: readings are missing"


@dataclass(frozen=True)
class Flow:
    """One flow on a side of the campus, never negative; `missing_count` of its intervals.

    A leg whose energy is negative over the period (a standing engine that draws) is on the other
    side, `is_reversed`. `part` is empty for what is worked out and not metered.
    """

    name: str
    part: str
    energy_kwh: Decimal
    missing_count: int = 0
    channels: tuple[str, ...] = ()
    letter: str = ""
    is_reversed: bool = False


@dataclass(frozen=True)
class Flows:
    """Both sides of a campus in a period; `total_kwh` is the sum of either."""

    period: Period
    sources: tuple[Flow, ...]
    sinks: tuple[Flow, ...]
    residual_kwh: Decimal
    missing_count: int
    interval_count: int

    @property
    def total_kwh(self) -> Decimal:
        """What flowed in, which is what flowed out."""
        return _together(self.sources)

    @property
    def sources_kwh(self) -> Decimal:
        """What the balance counts as sources: what auxiliaries and standing engines took is off."""
        metered = [one for one in self.sources if one.part and not one.is_reversed]
        return _together(metered) - _together(one for one in self.sinks if one.is_reversed)

    def counted(self) -> tuple[list[tuple[Flow, Decimal]], list[tuple[Flow, Decimal]]]:
        """Return both sides as the balance counts them, with the energy of each flow.

        What went against its usual direction is a negative flow of its own side; both sides add
        up to the same.
        """
        sides = []
        for own, other in ((self.sources, self.sinks), (self.sinks, self.sources)):
            rows = [(one, one.energy_kwh) for one in own if not one.is_reversed]
            sides.append(rows + [(one, -one.energy_kwh) for one in other if one.is_reversed])
        return sides[0], sides[1]


def _together(flows_of_a_side: Iterable[Flow]) -> Decimal:
    return sum((one.energy_kwh for one in flows_of_a_side), Decimal(0))


def flows(campus: Campus, period: Period) -> Flows:
    """Return the flows of a period; NotFoundError when no source of the campus is metered.

    Where readings are missing, the residual is that of the complete intervals, as in the balance;
    what the incomplete ones leave without a counterpart is a flow of its own and never a loss.
    """
    reading = read_campus(campus, period)
    if not reading.inputs.sources:
        text = f"No source of {campus.code} is metered, so there is no flow to draw."
        raise NotFoundError("balance.no_source", text)
    balance = campus_balance(
        reading.inputs.sources, reading.inputs.sinks, period,
        low_ratio=reading.inputs.low_ratio, high_ratio=reading.inputs.high_ratio,
    )  # fmt: skip
    rest = residual_kwh(balance)
    legs = legs_of(reading, period.start_utc, period.end_utc)
    came = sum((leg.energy_kwh for leg in legs if leg.is_source), Decimal(0))
    went = sum((leg.energy_kwh for leg in legs if not leg.is_source), Decimal(0))
    sides: dict[bool, list[Flow]] = {True: [], False: []}
    for leg in legs:
        is_source = leg.is_source == (leg.energy_kwh >= 0)
        sides[is_source].append(_flow(leg))
    for name, energy in ((LOSSES if rest >= 0 else SURPLUS, rest), (UNMATCHED, came - went - rest)):
        if energy or name == LOSSES:
            sides[energy < 0].append(Flow(name, "", abs(energy)))
    missing = balance.residual.missing_count
    return Flows(
        period, tuple(sides[True]), tuple(sides[False]), rest, missing, balance.residual.grid.count
    )


def _flow(leg: Leg) -> Flow:
    is_other = leg.energy_kwh < 0
    other_way = OTHER_WAY.get(leg.part, "") if is_other else ""
    return Flow(
        leg.name,
        other_way or leg.part,
        abs(leg.energy_kwh),
        leg.series.missing_count,
        leg.channels,
        leg.letter,
        is_other and not other_way,
    )
