"""What must be true of a definition before it is stored; every fault names its field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from meters.calc.compensation import METERED, METHODS, OPPOSITE, Compensation, side_of
from meters.calc.dimensions import check_unit
from meters.calc.resolution import SUMMED
from meters.calc.virtual import Version, Virtual, in_order, moments_of
from meters.calc.written import read_expression
from meters.models import Channel, DefinitionMethod, LossFactor, Role, VirtualDefinition
from meters.queries.counted import counted_twice
from meters.queries.virtual import version_of
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.parameters import parse, to_json

CODE = "virtual.definition"


@dataclass(frozen=True)
class Order:
    """A definition as it is asked for: an expression, or losses with their metered channel."""

    channel: Channel
    from_utc: datetime
    method: str = DefinitionMethod.FORMULA
    expression: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    metered: str = ""
    opposite: str = ""
    cut_longer: bool = False
    comment: str = ""


@dataclass(frozen=True)
class Checked:
    """An order that holds: its formula or parameters, and the channel behind each name."""

    order: Order
    formula: str
    parameters: dict[str, Any]
    terms: dict[str, Channel]
    until_utc: datetime | None


def check(order: Order) -> Checked:
    """Return what an order says, or raise Refused with one finding per fault and its field."""
    checks = _Checks(order)
    checks.run()
    if checks.faults:
        message = " ".join(fault.message for fault in checks.faults)
        raise Refused(CODE, message, findings=checks.faults)
    return Checked(order, checks.formula, checks.parameters, checks.terms, checks.until)


class _Checks:
    """The faults of one order, in the order of its fields."""

    def __init__(self, order: Order) -> None:
        self.order, self.channel = order, order.channel
        self.faults: list[Finding] = []
        self.formula, self.parameters, self.terms = "", {}, {}
        self.losses: Compensation | None = None
        self.until = next_begin(order.channel, order.from_utc)

    def fault(self, where: str, message: str) -> None:
        """Note a fault of a field."""
        self.faults.append(Finding(CODE, message, where=where))

    def run(self) -> None:
        """Check everything that the checks before allow to be checked."""
        if not self.channel.is_virtual:
            self.fault("channel", f"{self.channel.code} is metered; only a virtual channel is "
                       "defined by others.")  # fmt: skip
            return
        if self.order.method == DefinitionMethod.FORMULA:
            self._expression()
        elif self.order.method in METHODS:
            self._losses()
        else:
            known = ", ".join(DefinitionMethod.values)
            self.fault("method", f"There is no method '{self.order.method}'; known: {known}.")
        if self.faults or not self.terms:
            return
        self._start()
        self._lengths()
        if not self.faults:
            self._circle()
            self._counted()

    def _expression(self) -> None:
        where = "expression"
        try:
            self.formula, codes = read_expression(self.order.expression)
        except Refused as refused:
            self.fault(where, refused.message)
            return
        if not self._found(where, codes):
            return
        units = {name: channel.unit for name, channel in self.terms.items()}
        try:
            check_unit(self.formula, units, self.channel.unit)
        except Refused as refused:
            self.fault(where, refused.message)

    def _losses(self) -> None:
        order = self.order
        if not order.metered:
            self.fault("metered", "Name the metered channel whose losses are compensated.")
            return
        try:
            self.losses = parse(METHODS[order.method], order.parameters)
            self.parameters = to_json(self.losses)
        except Refused as refused:
            for one in refused.findings or ():
                self.fault(one.where, f"{one.where}: {one.message}")
        try:
            side_of(self.channel.direction)
        except Refused as refused:
            self.fault("channel", refused.message)
        if not self._found("metered", {METERED: order.metered}):
            return
        if order.opposite:
            self._found("opposite", {OPPOSITE: order.opposite})
        self._like_the_channel()

    def _like_the_channel(self) -> None:
        """Losses are of energy, in the direction of the channel; the opposite in the other."""
        metered, opposite = self.terms[METERED], self.terms.get(OPPOSITE)
        if self.channel.unit != "kWh" or metered.unit != "kWh":
            self.fault("metered", f"Losses are taken on kWh; {metered.code} is in {metered.unit}, "
                       f"{self.channel.code} in {self.channel.unit}.")  # fmt: skip
        if metered.direction != self.channel.direction:
            self.fault(
                "metered",
                f"{metered.code} measures {metered.get_direction_display().lower()} energy, "
                f"{self.channel.code} is {self.channel.get_direction_display().lower()}: losses "
                "are added to one and taken from the other, so both must be the same.",
            )
        if opposite is not None and (
            opposite.unit != "kWh"
            or opposite.minutes != metered.minutes
            or {opposite.direction, metered.direction} != {"DELIVERED", "RECEIVED"}
        ):
            self.fault("opposite", f"{opposite.code} must measure the other direction of "
                       f"{metered.code}, in kWh, {metered.minutes}-minute intervals.")  # fmt: skip
        if opposite is not None and not METHODS[self.order.method].takes_opposite:
            self.fault("opposite", "A loss factor works on each direction by itself; leave this "
                       "empty.")  # fmt: skip
        factor = LossFactor.objects.filter(delivery_point=self.channel.delivery_point_id).first()
        if factor is not None and self.channel.role == Role.MAIN:
            self.fault("method", f"The point {self.channel.delivery_point.code} has a contractual "
                       f"loss factor ({factor.loss_ratio.normalize():f}): settlement would add "
                       "losses a second time. Remove one of the two.")  # fmt: skip

    def _found(self, where: str, codes: Mapping[str, str]) -> bool:
        """Look up the channels behind names; tell those that are not there, and the channel."""
        rows = Channel.objects.select_related("delivery_point").in_bulk(
            set(codes.values()), field_name="code"
        )
        for name, code in codes.items():
            if code not in rows:
                self.fault(where, f"There is no channel '{code}'; write the code of a channel, in "
                           "square brackets where an expression names it.")  # fmt: skip
            elif code == self.channel.code:
                self.fault(where, f"{code} cannot rest on itself.")
            else:
                self.terms[name] = rows[code]
        return all(name in self.terms for name in codes)

    def _start(self) -> None:
        start = self.order.from_utc
        longest = max([self.channel.minutes, *(one.minutes for one in self.terms.values())])
        if start.second or start.microsecond or (start.hour * 60 + start.minute) % longest:
            self.fault("from_utc", f"{start:%Y-%m-%d %H:%M:%S} UTC is not the start of a "
                       f"{longest}-minute interval; a definition begins with one.")  # fmt: skip

    def _lengths(self) -> None:
        """Shorter intervals add up; longer ones are cut only where that is allowed."""
        own, where = self.channel.minutes, "expression" if self.formula else "metered"
        for term in dict.fromkeys(self.terms.values()):
            if term.minutes == own:
                continue
            if term.unit not in SUMMED:
                self.fault(where, f"{term.code} has {term.minutes}-minute intervals, the channel "
                           f"{own}: {term.unit} do not add up; both must be as long.")  # fmt: skip
            elif max(term.minutes, own) % min(term.minutes, own):
                self.fault(where, f"{term.code} has {term.minutes}-minute intervals, which neither "
                           f"add up to {own} minutes nor can be cut to them.")  # fmt: skip
            elif term.minutes > own and not self.order.cut_longer:
                self.fault("cut_longer", f"{term.code} has {term.minutes}-minute intervals, the "
                           f"channel {own}. Make the channel {term.minutes} minutes long, or, "
                           "where the contract says so, let longer intervals be cut into equal "
                           "parts.")  # fmt: skip
            elif term.minutes > own and not self.formula:
                self.fault(where, f"{term.code} has longer intervals than the channel; losses are "
                           "computed at the length of the meter.")  # fmt: skip

    def _circle(self) -> None:
        """Refuse a definition through which the channel would come to rest on itself."""
        names = {name: one.code for name, one in self.terms.items()}
        wanted = Version(self.order.from_utc, self.formula, names, self.until, losses=self.losses)
        virtuals = [
            Virtual(self.channel.code, self.channel.unit, self.channel.minutes, (wanted,)),
            *_beneath(self.channel, self.terms.values(), self.order.from_utc, self.until),
        ]
        last = self.until or datetime.max.replace(tzinfo=self.order.from_utc.tzinfo)
        try:
            for moment in moments_of(virtuals, self.order.from_utc, last)[:-1]:
                in_order(virtuals, moment)
        except Refused as refused:
            self.fault("expression" if self.formula else "metered", refused.message)

    def _counted(self) -> None:
        text = counted_twice(self.channel, self.terms.values(), self.order.from_utc, self.until)
        if text:
            self.fault("expression" if self.formula else "metered", text)


def next_begin(channel: Channel, start: datetime) -> datetime | None:
    """Return when the next live definition of a channel begins after an instant."""
    rows = VirtualDefinition.objects.filter(
        channel=channel, withdrawn_at__isnull=True, valid__startswith__gt=start
    ).order_by("valid")
    first = rows.first()
    return first.valid.lower if first else None


def _beneath(channel, terms, start: datetime, until: datetime | None) -> list[Virtual]:
    """Return the virtual channels that the terms rest on in a range, at any depth."""
    found: dict[int, Virtual] = {}
    layer = {term.pk: term for term in terms if term.is_virtual and term.pk != channel.pk}
    while layer:
        rows = (
            VirtualDefinition.objects.filter(
                channel__in=layer, withdrawn_at__isnull=True, valid__overlap=(start, until)
            )
            .select_related("channel")
            .prefetch_related("terms__channel")
        )
        following: dict[int, Channel] = {}
        versions: dict[int, list[Version]] = {pk: [] for pk in layer}
        for row in rows:
            versions[row.channel_id].append(version_of(row, row.channel))
            for term in row.terms.all():
                if term.channel.is_virtual and term.channel_id != channel.pk:
                    following[term.channel_id] = term.channel
        for pk, one in layer.items():
            found[pk] = Virtual(one.code, one.unit, one.minutes, tuple(versions[pk]))
        layer = {pk: one for pk, one in following.items() if pk not in found}
    return list(found.values())
