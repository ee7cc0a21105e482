"""The node of a campus as evidence: the one flow that is missing, from all the others.

The main energy channels of a campus meet at its bus. What flows in less what flows out is what is
lost; the share that was lost in the 168 hours before the gap is taken for the gap as well. The node
tells nothing where its balance was outside of the campus' tolerances then, or where it would not
have told the channel itself within 5 %: on a large campus a small load drowns in the losses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from meters.calc.evidence import Flow, Named, Node
from meters.estimation._base import usable
from meters.models import Campus, Channel, ChannelKind, Direction, PointKind, Quantity, Role
from meters.services.judging.evidence_readings import Stored, at_length
from meters.services.judging.subjects import Subject
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.quality import Status
from poweroptix.kernel.rounding import Mode, to_places
from poweroptix.kernel.series import Series

WEEK_HOURS = 168
LEAST_INTERVALS = 96
OFF_PCT = 5
#: More flows than this are not balanced for one gap: their errors add up to more than it.
MOST_FLOWS = 60
SOURCES = (PointKind.GENERATOR, PointKind.GRID_TIE, PointKind.STORAGE)
LOADS = (PointKind.TENANT_LOAD, PointKind.HOUSE)
OWN_SUPPLY = (PointKind.GENERATOR_AUX,)


@dataclass(frozen=True)
class _Through:
    """A main energy channel of a campus, and which way it counts."""

    channel_id: int
    code: str
    kind: str
    minutes: int
    inward: bool


class Nodes:
    """The nodes of the campuses of some channels, of one interval length."""

    def __init__(self, stored: Stored, flows: dict[int, list[_Through]]) -> None:
        """Take the flows that `wanted` found, and the readings of them."""
        self._stored, self._flows = stored, flows
        campuses = Campus.objects.filter(pk__in=flows) if flows else ()
        self._limits = {
            campus.pk: (
                campus.code,
                campus.balance_tolerance_low_ratio,
                campus.balance_tolerance_high_ratio,
            )
            for campus in campuses
        }

    @staticmethod
    def wanted(subjects: Collection[Subject], minutes: int) -> dict[int, list[_Through]]:
        """Return the flows of each campus that can be balanced. One query."""
        asking = {s.campus_id for s in subjects if _takes_part(s)}
        if not asking:
            return {}
        rows = Channel.objects.filter(
            delivery_point__campus__in=asking,
            delivery_point__kind__in=(*SOURCES, *LOADS, *OWN_SUPPLY),
            quantity=Quantity.KWH, role=Role.MAIN, unit="kWh", is_active=True,
            kind=ChannelKind.METERED,
        ).order_by("code")  # fmt: skip
        found: dict[int, list[_Through]] = defaultdict(list)
        names = ("pk", "code", "delivery_point__kind", "minutes", "direction")
        for campus, *row, direction in rows.values_list("delivery_point__campus", *names):
            inward = _flows_in(row[2], direction)
            found[campus].append(_Through(row[0], row[1], row[2], row[3], inward))
        return {c: flows for c, flows in found.items() if _can_balance(flows, minutes)}

    def node(self, subject: Subject, own: Series, first: int) -> Node | None:
        """Return the node of a channel with a gap at `first`; None where it tells nothing."""
        flows = self._flows.get(subject.campus_id, [])
        mine = [each for each in flows if each.channel_id == subject.channel_id]
        if not mine:
            return None
        others = tuple(
            Flow(each.code, self._series(each, own.grid), each.inward)
            for each in flows
            if each.channel_id != subject.channel_id
        )
        code, low, high = self._limits[subject.campus_id]
        loss_pct = _loss(own, others, mine[0].inward, first, (low, high))
        if loss_pct is None:
            return None
        return Node(f"campus {code}", others, mine[0].inward, loss_pct)

    def load_shape(self, subject: Subject, own: Series) -> Named | None:
        """Return what the other loads of the campus take together; None where there is none."""
        flows = self._flows.get(subject.campus_id, [])
        others = [f for f in flows if f.kind in LOADS and f.channel_id != subject.channel_id]
        if subject.kind not in LOADS or not others:
            return None
        parts = [self._series(each, own.grid) for each in others]
        absent = np.any([~usable(part) for part in parts], axis=0)
        summed = np.sum([np.where(part.missing, 0, part.values) for part in parts], axis=0)
        values = np.where(absent, MISSING, summed)
        status = np.where(absent, Status.MISSING, Status.CALCULATED).astype(np.uint8)
        name = f"load of {', '.join(each.code for each in others)}"
        return Named(name[:200], Series(own.grid, values, status, "kWh"))

    def channels(self, subject: Subject) -> list[tuple[int, int, str]]:
        """Return id, interval length and code of the other flows at the node of a channel."""
        flows = self._flows.get(subject.campus_id, [])
        others = (f for f in flows if f.channel_id != subject.channel_id)
        return [(flow.channel_id, flow.minutes, flow.code) for flow in others]

    def _series(self, flow: _Through, grid: Grid) -> Series:
        """Return a flow on a grid; shorter intervals are summed."""
        return at_length(self._stored.series(flow.channel_id, flow.minutes, "kWh"), grid)


def _takes_part(subject: Subject) -> bool:
    return (
        subject.quantity == Quantity.KWH
        and subject.role == Role.MAIN
        and subject.unit == "kWh"
        and subject.kind in (*SOURCES, *LOADS, *OWN_SUPPLY)
    )


def _flows_in(kind: str, direction: str) -> bool:
    """Tell whether a channel counts energy into the bus; NET counts the natural way positive."""
    natural = kind in SOURCES
    return natural if direction != Direction.RECEIVED else not natural


def _can_balance(flows: Sequence[_Through], minutes: int) -> bool:
    """Tell whether flows are few, go in and out, and can be summed to an interval length."""
    return (
        len(flows) <= MOST_FLOWS
        and all(minutes % flow.minutes == 0 for flow in flows)
        and {flow.inward for flow in flows} == {True, False}
    )


def _loss(
    own: Series,
    others: Sequence[Flow],
    inward: bool,
    first: int,
    limits: tuple[Decimal, Decimal],
) -> Decimal | None:
    """Return the losses (% of what flows in) before the gap; None where the node is no witness."""
    reach = WEEK_HOURS * 60 // own.grid.minutes
    window = slice(max(0, first - reach), first)
    good = usable(own)[window]
    for flow in others:
        good &= usable(flow.series)[window]
    if int(good.sum()) < LEAST_INTERVALS:
        return None
    known = own.values[window][good]
    into = sum((f.series.values[window][good] for f in others if f.inward), np.zeros_like(known))
    out = sum((f.series.values[window][good] for f in others if not f.inward), np.zeros_like(known))
    whole_in, whole_out = int(into.sum()), int(out.sum())
    whole_in, whole_out = (
        (whole_in + int(known.sum()), whole_out)
        if inward
        else (whole_in, whole_out + int(known.sum()))
    )
    if whole_in <= 0:
        return None
    ratio = Fraction(whole_in - whole_out, whole_in)
    if not Fraction(limits[0]) <= ratio <= Fraction(limits[1]):
        return None
    loss_pct = max(Decimal(0), to_places(ratio * 100, 6, Mode.HALF_EVEN))
    kept = 1 - float(loss_pct) / 100
    told = out / kept - into if inward else into * kept - out
    off = float(np.abs(told - known).sum())
    if off * 100 > OFF_PCT * float(np.abs(known).sum()):
        return None
    return loss_pct
