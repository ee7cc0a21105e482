"""Which other channels stand beside a channel, for many channels at once.

A companion stands at the same point (its reactive energy, its check meter), at the same generating
unit (its auxiliaries, its fuel, its state of charge), or is the weather of the unit or, where no
station names a unit, of the campus. Only active channels count. A companion of another interval
length is kept here; whoever reads it converts it or leaves it out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Q

from meters.calc.circumstances import Relation
from meters.models import Channel, Direction, GeneratingUnit, PointKind, Quantity, Role, Technology

OF_ENERGY = {
    Quantity.KWH: Relation.ACTIVE,
    Quantity.KVARH: Relation.REACTIVE,
    Quantity.KVAH: Relation.APPARENT,
}
WEATHER = {Quantity.IRRADIANCE: Relation.IRRADIANCE, Quantity.WIND_SPEED: Relation.WIND_SPEED}
STATES = {Quantity.SOC: Relation.STATE_OF_CHARGE, Quantity.RUNNING: Relation.RUNNING}
#: What the weather is to a technology; others do not look at the sky.
SKY = {Technology.SOLAR: Quantity.IRRADIANCE, Technology.WIND: Quantity.WIND_SPEED}
LOAD_KINDS = (PointKind.TENANT_LOAD, PointKind.HOUSE)
#: Kinds of point at which the energy of a unit is metered.
UNIT_KINDS = (PointKind.GENERATOR, PointKind.GENERATOR_AUX, PointKind.STORAGE, PointKind.FUEL)
_FIELDS = (
    *("pk", "code", "quantity", "direction", "role", "unit", "minutes", "delivery_point_id"),
    *("delivery_point__kind", "delivery_point__campus_id", "delivery_point__generating_unit_id"),
    "delivery_point__generating_unit__technology",
)


@dataclass(frozen=True)
class Neighbour:
    """A channel as far as it matters to others: what it measures, and where."""

    channel_id: int
    code: str
    quantity: str
    direction: str
    role: str
    unit: str
    minutes: int
    point_id: int
    kind: str
    campus_id: int
    unit_id: int | None
    technology: str


@dataclass(frozen=True)
class Beside:
    """A companion of some channel, and in which relation it stands."""

    relation: Relation
    channel: Neighbour


def companions_of(channel_ids: Iterable[int]) -> dict[int, tuple[Beside, ...]]:
    """Return the companions of each channel, by relation and code; three queries at most.

    A channel without any is there with an empty tuple; unknown ids are left out.
    """
    own = _neighbours(Q(pk__in=list(channel_ids)))
    around = _Around(own)
    return {each.channel_id: tuple(around.beside(each)) for each in own}


def resting_on(channel_ids: Iterable[int]) -> dict[int, tuple[int, ...]]:
    """Return, for each channel, the channels that it is a companion of; three queries at most.

    Their judgement may change when its readings do: the main meter of an edited check meter.
    """
    wanted = set(channel_ids)
    around = _Around(_neighbours(Q(pk__in=wanted)))
    found: dict[int, list[int]] = {channel_id: [] for channel_id in wanted}
    for each in around.all_of_them():
        for companion in {beside.channel.channel_id for beside in around.beside(each)} & wanted:
            found[companion].append(each.channel_id)
    return {channel_id: tuple(sorted(ids)) for channel_id, ids in found.items()}


class _Around:
    """The channels that share a point, a unit or the sky with some channels."""

    def __init__(self, own: Sequence[Neighbour]) -> None:
        places = Q(delivery_point__in={each.point_id for each in own})
        units = {each.unit_id for each in own} - {None}
        if units:
            places |= Q(delivery_point__generating_unit__in=units)
        looking = {each.campus_id for each in own if each.technology in SKY}
        if looking:
            places |= _open_sky(looking, WEATHER)
        stations = {each.campus_id for each in own if _is_open_sky(each)}
        if stations:
            places |= Q(delivery_point__campus__in=stations, delivery_point__kind__in=UNIT_KINDS,
                        delivery_point__generating_unit__technology__in=list(SKY))  # fmt: skip
        found = _neighbours(places & Q(is_active=True))
        self._at_point: dict[int, list[Neighbour]] = defaultdict(list)
        self._of_unit: dict[int, list[Neighbour]] = defaultdict(list)
        self._open_sky: dict[int, list[Neighbour]] = defaultdict(list)
        for each in found:
            self._at_point[each.point_id].append(each)
            if each.unit_id is not None:
                self._of_unit[each.unit_id].append(each)
            elif _is_open_sky(each):
                self._open_sky[each.campus_id].append(each)
        self._found = found
        self._shared = _sharing_fuel(
            {e.unit_id for e in found if e.unit_id and e.kind == PointKind.FUEL}
        )

    def all_of_them(self) -> Sequence[Neighbour]:
        """Return every channel that was found."""
        return self._found

    def beside(self, own: Neighbour) -> list[Beside]:
        """Return the companions of one channel, in order of relation and code."""
        found = [*self._same_point(own), *self._same_unit(own), *self._sky(own)]
        return sorted(found, key=lambda each: (each.relation, each.channel.code))

    def _same_point(self, own: Neighbour) -> Iterator[Beside]:
        for other in self._at_point[own.point_id]:
            if other.channel_id == own.channel_id:
                continue
            if other.direction != own.direction:
                if _gives_back(own, other):
                    yield Beside(Relation.RETURNED, other)
                continue
            if other.role == own.role and other.quantity != own.quantity:
                if own.quantity in OF_ENERGY and other.quantity in OF_ENERGY:
                    yield Beside(OF_ENERGY[Quantity(other.quantity)], other)
            elif own.role == Role.MAIN and _counts_the_same(own, other):
                if other.role in (Role.CHECK, Role.BACKUP) and other.quantity == own.quantity:
                    yield Beside(Relation.CHECK, other)
                elif other.role == Role.SCADA:
                    yield Beside(Relation.SCADA, other)

    def _same_unit(self, own: Neighbour) -> Iterator[Beside]:
        if own.unit_id is None or own.kind not in UNIT_KINDS:
            return
        for other in self._of_unit[own.unit_id]:
            if other.channel_id == own.channel_id or other.role != Role.MAIN:
                continue
            relation = _in_unit(other)
            if relation == Relation.FUEL and own.unit_id in self._shared:
                continue
            if relation is not None:
                yield Beside(relation, other)

    def _sky(self, own: Neighbour) -> Iterator[Beside]:
        wanted = SKY.get(Technology(own.technology)) if own.technology else None
        if wanted is None or own.unit_id is None or own.kind not in UNIT_KINDS:
            return
        mine = [each for each in self._of_unit[own.unit_id] if each.quantity == wanted]
        for other in mine or self._open_sky[own.campus_id]:
            if other.quantity == wanted and other.role == Role.MAIN:
                yield Beside(WEATHER[wanted], other)


def _in_unit(other: Neighbour) -> Relation | None:
    """Return what a channel is to the other channels of its unit."""
    if other.quantity in STATES:
        return STATES[Quantity(other.quantity)]
    if other.kind == PointKind.FUEL:
        return Relation.FUEL if other.quantity == Quantity.MMBTU else None
    if other.quantity != Quantity.KWH:
        return None
    inward = other.direction == Direction.RECEIVED
    if other.kind == PointKind.STORAGE and other.direction != Direction.NET:
        return Relation.CHARGE if inward else Relation.DISCHARGE
    if other.kind == PointKind.GENERATOR:
        return Relation.AUXILIARY if inward else Relation.GROSS
    if other.kind == PointKind.GENERATOR_AUX and not inward:
        return Relation.AUXILIARY
    return None


def _gives_back(own: Neighbour, other: Neighbour) -> bool:
    """Tell whether a channel shows what a load gives when its own panels make more."""
    return (
        own.kind in LOAD_KINDS
        and (own.direction, other.direction) == (Direction.DELIVERED, Direction.RECEIVED)
        and own.quantity == other.quantity == Quantity.KWH
        and own.role == other.role == Role.MAIN
    )


def _counts_the_same(own: Neighbour, other: Neighbour) -> bool:
    """Tell whether a channel shows the same energy, or for a control system its mean power."""
    return other.quantity == own.quantity or (own.quantity, other.quantity) == (
        Quantity.KWH,
        Quantity.KW,
    )


def _is_open_sky(each: Neighbour) -> bool:
    return each.unit_id is None and each.quantity in WEATHER


def _open_sky(campuses: set[int], quantities: Iterable[str]) -> Q:
    """Return the weather of campuses that belongs to no unit."""
    return Q(delivery_point__campus__in=campuses, delivery_point__generating_unit=None,
             quantity__in=list(quantities))  # fmt: skip


def _neighbours(where: Q) -> list[Neighbour]:
    rows = Channel.objects.filter(where).order_by("code").values_list(*_FIELDS)
    return [Neighbour(*row[:-1], row[-1] or "") for row in rows]


def _sharing_fuel(metered: set[int]) -> set[int]:
    """Return those of the units with a fuel meter whose meter feeds other units as well.

    A fuel meter names one unit; units of the same campus, vendor and fuel without a meter of their
    own stand behind it too. Then no single unit has a heat rate.
    """
    if not metered:
        return set()
    units = GeneratingUnit.objects.filter(
        campus__generating_units__in=metered, retired_date=None
    ).exclude(fuel="")
    groups: dict[tuple, set[int]] = defaultdict(set)
    for pk, *key in units.distinct().values_list("pk", "campus_id", "vendor", "fuel"):
        groups[tuple(key)].add(pk)
    bare = [group for group in groups.values() if group - _with_fuel_meter(group, metered)]
    return metered & set().union(*bare) if bare else set()


def _with_fuel_meter(group: set[int], known: set[int]) -> set[int]:
    rest = group - known
    found = Channel.objects.filter(
        delivery_point__generating_unit__in=rest, delivery_point__kind=PointKind.FUEL,
        quantity=Quantity.MMBTU, is_active=True,
    )  # fmt: skip
    return (group & known) | set(
        found.values_list("delivery_point__generating_unit_id", flat=True) if rest else ()
    )
