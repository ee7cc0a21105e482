"""Hours that outages took from a time: planned, forced, derated, and who caused them.

A = (PH - planned - forced - equivalent derated) / (PH - planned), NERC GADS equivalent
availability: a derating loses its share of every hour.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from contracts.charges._base import ChargeInputs
from contracts.events import Event, values_of
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.fixed import EXACT
from poweroptix.kernel.parameters import param
from poweroptix.kernel.rounding import Mode, to_places

EVENT = "outage@1"
NAMES = ("period_h", "planned_h", "not_seller_h", "forced_h", "derated_h")
HOUR_PLACES = 6
EXCUSED = ("PLANNED", "PLANNED_AND_NOT_SELLER")


@dataclass(frozen=True, kw_only=True)
class OutageParameters:
    """The part of a clause that says which outages are excused."""

    excused: str = param(
        choices=EXCUSED,
        help="Outages whose hours leave the test: planned ones alone, or also those that the "
        "buyer, the grid or force majeure caused.",
    )
    planned_limit_h: Decimal | None = param(
        default=None,
        unit="h",
        minimum=Decimal(0),
        maximum=Decimal(8784),
        help="Planned hours that are excused at most in the tested time; empty: all.",
    )
    plant_kw: Decimal | None = param(
        default=None,
        unit="kW",
        minimum=Decimal("0.001"),
        maximum=Decimal(10_000_000),
        help="Whole capacity, for deratings that are recorded in kW.",
    )


def excused_words(excused: str) -> str:
    """Return in words which outages are excused."""
    also = "" if excused == "PLANNED" else " and those not caused by the seller"
    return f"planned outages{also}"


def outage_hours(
    inputs: ChargeInputs, start: datetime, end: datetime, terms: OutageParameters
) -> dict[str, Decimal]:
    """Return the hours of [start, end) by name, rounded to 6 places.

    Refused when a derating in kW has no capacity to be measured by.
    """
    seconds = dict.fromkeys(NAMES, Fraction(0))
    seconds["period_h"] = Fraction(int((end - start).total_seconds()))
    for event in inputs.happened(EVENT):
        inside = min(event.end_utc, end) - max(event.start_utc, start)
        length = max(int(inside.total_seconds()), 0)
        values = values_of(event)
        seconds[_name(values, terms)] += length * _lost(event, values, terms)
    return {
        name: to_places(one / 3600, HOUR_PLACES, Mode.HALF_UP).normalize(EXACT)
        for name, one in seconds.items()
    }


def _name(values, terms: OutageParameters) -> str:
    if values.category == "PLANNED":
        return "planned_h"
    if values.caused_by != "SELLER" and terms.excused == "PLANNED_AND_NOT_SELLER":
        return "not_seller_h"
    return "forced_h" if values.category == "FORCED" else "derated_h"


def _lost(event: Event, values, terms: OutageParameters) -> Fraction:
    """Return the share of the capacity that an outage lost."""
    if values.category != "DERATING":
        return Fraction(1)
    if values.lost_ratio is not None:
        return Fraction(values.lost_ratio)
    if terms.plant_kw is None:
        text = f"{event.name()} is recorded in kW; the term needs plant_kw to measure it by"
        raise Refused("contracts.plant_kw", text)
    if values.lost_kw > terms.plant_kw:
        text = f"{event.name()} lost {values.lost_kw} kW, more than the plant's {terms.plant_kw}"
        raise Refused("contracts.plant_kw", text)
    return Fraction(values.lost_kw) / Fraction(terms.plant_kw)


def availability(
    inputs: ChargeInputs,
    hours: Mapping[str, Decimal | None],
    terms: OutageParameters,
    places: int,
    stated: Mapping[str, Figure] | None = None,
) -> Figure:
    """Return the equivalent availability; 1 where nothing but excused hours is left.

    `stated` are hours that a document of the month gives instead of events; they bring their
    source.
    """
    events = inputs.happened(EVENT)
    figures = {name: _figure(inputs, name, hours[name], events) for name in NAMES}
    figures |= {name: replace(one, value=hours[name]) for name, one in (stated or {}).items()}
    limit = terms.planned_limit_h
    used = [figures[name] for name in NAMES]
    excused = "planned_h + not_seller_h"
    if limit is not None:
        used.append(Figure("planned_limit_h", limit, "h", inputs.term.source("planned hours")))
        excused = "min(planned_h, planned_limit_h) + not_seller_h"
    tested = Figure.computed("tested_h", "h", f"period_h - ({excused})", *_named(used, excused))
    if tested.value == 0:
        return Figure("availability", Decimal(1), "ratio", None, "", (tested,), "no hour is tested")
    lost = "planned_h - not_seller_h - forced_h - derated_h"
    formula = f"(period_h - {lost}) / tested_h"
    return Figure.computed(
        "availability",
        "ratio",
        formula,
        *(figures[name] for name in NAMES),
        tested,
        round_to=(places, Mode.HALF_UP),
    )


def _named(figures: Iterable[Figure], formula: str) -> list[Figure]:
    return [one for one in figures if one.name == "period_h" or one.name in formula]


def _figure(inputs: ChargeInputs, name: str, hours: Decimal | None, events: list[Event]) -> Figure:
    if name == "period_h":
        source = Source("input", inputs.period.label, "hours of the tested time")
    else:
        references = ", ".join(one.reference for one in events if one.reference)
        source = Source("event", references, f"outages recorded in {inputs.period.label}")
    return Figure(name, hours, "h", source)
