"""The flows of a campus day or month as a diagram whose widths are energies, and as a table."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views import View

from meters.models import Campus
from poweroptix.kernel.period import Period
from poweroptix.kernel.words import counted
from poweroptix.pages.asked import read_day, read_month
from poweroptix.pages.guards import StaffPage
from settlement.queries.day import OUT
from settlement.queries.flows import UNMATCHED, Flow, Flows, flows

#: The picture: its width, where the bars stand, how high all the energy is, and what a label needs.
WIDTH, LEFT, BUS, RIGHT, BAR = 1000, 240, 490, 748, 12
ENERGY_HEIGHT, LABEL_HEIGHT, TOP = 300, 40, 34
SHOWN_EACH_SIDE = 14
COLOURS = {
    "Generation": "f1",
    "Auxiliaries": "f6",
    "Import": "f5",
    "Discharge": "f4",
    "Bus": "f6",
    "Shared bus": "f6",
    "Tenant": "f1",
    "House load": "f3",
    "Charging": "f4",
    "Export": "f5",
}
DERIVED, MISSING = "f2", "fx"
#: Points with a flow each way: their flows are told apart by what they do.
BOTH_WAYS = ("Import", "Export", "Discharge", "Charging")


@dataclass(frozen=True)
class Band:
    """One flow as it is drawn: its ribbon, its bar, and where its words stand."""

    flow: Flow
    name: str
    colour: str
    path: str
    bar_x: int
    bar_y: str
    bar_height: str
    label_x: int
    label_y: str
    anchor: str
    share: Decimal | None


class FlowsPage(StaffPage, View):
    """Generation, import and discharge through the bus to tenants, house, charging and export."""

    verb = "meters.view"

    def get(self, request, code, when):
        """Show a day such as 2026-03-14 or a month such as 2026-03."""
        campus = get_object_or_404(Campus, code=code)
        is_month = len(when) == len("2026-03")
        period = (
            read_month(when, campus.zone) if is_month else Period.day(campus.zone, read_day(when))
        )
        found = flows(campus, period)
        bands, bus, height = picture(found)
        day = period.first_date
        context = {
            "campus": campus,
            "flows": found,
            "when": when,
            "month": f"{day:%Y-%m}",
            "is_month": is_month,
            "before": period.previous().label if is_month else _near(day, -1),
            "after": period.next().label if is_month else _near(day, 1),
            "bands": bands,
            "bus": bus,
            "height": height,
            "sides": [
                (
                    title,
                    [(titled(one), one, energy) for one, energy in rows],
                    sum((energy for _one, energy in rows), Decimal(0)),
                )
                for title, rows in zip(("In", "Out"), found.counted(), strict=True)
            ],
            "balance": "" if is_month else reverse("office-balance", args=[campus.code, when]),
        }
        return render(request, "settlement/flows.html", context)


def _near(day: date, by: int) -> str:
    return (day + timedelta(days=by)).isoformat()


def titled(flow: Flow) -> str:
    """Name a flow: `BAT-1 charging`, but `GEN-1` where there is only one way.

    >>> titled(Flow("BAT-1 out", "Charging", Decimal(1)))
    'BAT-1 charging'
    """
    name = flow.name.removesuffix(OUT)
    return f"{name} {flow.part.lower()}" if flow.part in BOTH_WAYS else name


def picture(found: Flows) -> tuple[list[Band], dict, int]:
    """Return the bands of both sides, the bus between them, and the height of the picture.

    A ribbon is as wide as its energy, the bus as high as all of it; percentages are those of the
    balance, of its sources.
    """
    total, base = found.total_kwh, found.sources_kwh
    scale = Decimal(ENERGY_HEIGHT) / total if total else Decimal(0)
    sides = [_gathered(side) for side in (found.sources, found.sinks)]
    heights = [sum(_slot(one, scale) for one in side) for side in sides]
    height = max(*heights, Decimal(ENERGY_HEIGHT))
    bus_top = TOP + (height - ENERGY_HEIGHT) / 2
    bands = []
    for side, used, is_source in zip(sides, heights, (True, False), strict=True):
        top, on_bus = TOP + (height - used) / 2, bus_top
        for flow in side:
            share = flow.energy_kwh / base if base else None
            bands.append(_band(flow, is_source, top, on_bus, scale, share))
            top += _slot(flow, scale)
            on_bus += flow.energy_kwh * scale
    bus = {
        "x": BUS,
        "y": _number(bus_top),
        "height": _number(total * scale),
        "label": _number(bus_top - 12),
    }
    return bands, bus, int(TOP + height) + 10


def _slot(flow: Flow, scale: Decimal) -> Decimal:
    """Return the height that a flow takes on its side: its width, or the room of its label."""
    return max(flow.energy_kwh * scale + 8, Decimal(LABEL_HEIGHT))


def _gathered(side: Sequence[Flow]) -> list[Flow]:
    """Return the flows to draw: the largest by themselves, the rest of them as one."""
    if len(side) <= SHOWN_EACH_SIDE:
        return list(side)
    ranked = sorted(side, key=lambda one: (not one.part, one.energy_kwh), reverse=True)
    small = set(map(id, ranked[SHOWN_EACH_SIDE - 1 :]))
    shown = [one for one in side if id(one) not in small]
    rest = [one for one in side if id(one) in small]
    return [
        *shown,
        replace(
            rest[0],
            name=counted(len(rest), "smaller flow"),
            part="",
            energy_kwh=sum((one.energy_kwh for one in rest), Decimal(0)),
            missing_count=sum(one.missing_count for one in rest),
            is_reversed=False,
        ),
    ]


def _band(
    flow: Flow,
    is_source: bool,
    top: Decimal,
    on_bus: Decimal,
    scale: Decimal,
    share: Decimal | None,
) -> Band:
    """Return one flow from its bar to the bus, or from the bus to its bar."""
    wide = flow.energy_kwh * scale
    bar_top = top + (_slot(flow, scale) - wide) / 2
    if is_source:
        path = _ribbon(LEFT + BAR, bar_top, BUS, on_bus, wide)
    else:
        path = _ribbon(BUS + BAR, on_bus, RIGHT, bar_top, wide)
    colour = MISSING if flow.name == UNMATCHED else COLOURS.get(flow.part, DERIVED)
    return Band(
        flow,
        titled(flow),
        colour,
        path,
        LEFT if is_source else RIGHT,
        _number(bar_top),
        _number(max(wide, Decimal(1))),
        LEFT - 10 if is_source else RIGHT + BAR + 10,
        _number(bar_top + wide / 2 - 2),
        "end" if is_source else "start",
        share,
    )


def _ribbon(x0: int, y0: Decimal, x1: int, y1: Decimal, wide: Decimal) -> str:
    """Return the outline of a band of constant height that bends from one side to the other."""
    middle = (x0 + x1) // 2
    a, b, c, d = (_number(y) for y in (y0, y1, y1 + wide, y0 + wide))
    return f"M{x0} {a}C{middle} {a} {middle} {b} {x1} {b}V{c}C{middle} {c} {middle} {d} {x0} {d}Z"


def _number(value: Decimal) -> str:
    return f"{value:.2f}"
