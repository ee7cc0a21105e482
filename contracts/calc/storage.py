"""What a battery took, gave and kept in a period.

Round-trip efficiency = (discharged + stored at the end - stored at the start) / charged, station
service left out.
"""

from dataclasses import dataclass

from contracts.calc.totals import gaps, total_mwh
from contracts.charges._base import ChargeInputs
from contracts.events import values_of
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding

CHARGE, DISCHARGE = "charge", "discharge"
STATE = "state_of_charge@1"
PLACES = 6


@dataclass(frozen=True)
class RoundTrip:
    """Figures of a round trip, empty where something is missing, and what is missing."""

    charged: Figure
    discharged: Figure
    start: Figure
    end: Figure
    findings: list[Finding]


def round_trip(inputs: ChargeInputs, charge: str, discharge: str) -> RoundTrip:
    """Return what was charged and discharged in the days in force, and stored around them.

    Refused when a state of charge is recorded for another time than those days.
    """
    findings = gaps(inputs, charge, discharge)
    start, end = _stored(inputs, findings)
    return RoundTrip(
        total_mwh(inputs, charge, "charged", places=PLACES),
        total_mwh(inputs, discharge, "discharged", places=PLACES),
        start,
        end,
        findings,
    )


def _stored(inputs: ChargeInputs, findings: list[Finding]) -> tuple[Figure, Figure]:
    """Return the energy stored at the start and at the end of the days in force."""
    first, last = inputs.window()
    events = inputs.happened(STATE)
    for event in events:
        if (event.start_utc, event.end_utc) != (first, last):
            text = (
                f"{event.name()} reaches to {event.end_utc:%Y-%m-%d %H:%M} UTC; record it from "
                f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
            )
            raise Refused("contracts.state_of_charge", text)
    if not events:
        text = f"the state of charge at both ends of {inputs.period.label} is not recorded"
        findings.append(
            Finding(
                "contracts.state_of_charge_missing",
                text,
                where=f"{inputs.term.contract} line {inputs.term.line_code}",
                fix="Enter it as an event of the contract.",
            )
        )
        source = Source("event", "", "state of charge")
        return tuple(
            Figure(name, None, "MWh", source, note=text) for name in ("start_mwh", "end_mwh")
        )
    [event] = events
    values = values_of(event)
    source = event.source("stored energy")
    return (
        Figure("start_mwh", values.start_mwh, "MWh", source),
        Figure("end_mwh", values.end_mwh, "MWh", source),
    )
