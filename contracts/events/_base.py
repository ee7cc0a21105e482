"""What an event is, what its kind says about it, and the register of all kinds."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Source
from poweroptix.kernel.parameters import parse
from poweroptix.kernel.registry import Registry

#: Key of the kind that states a number of a month.
MONTH_NUMBER = "month_number@1"
#: Key of the kind that says when a power system had a peak.
SYSTEM_PEAK = "system_peak@1"
#: Keys of the kinds that say what fell due and what was paid.
OPEN_ITEM, PAYMENT = "open_item@1", "payment@1"


@dataclass(frozen=True)
class Event:
    """Something that happened under a contract and decides money.

    [start, end) in UTC; an instant where both are equal. `values` are the fields of its kind as
    text. `reference` names the row it came from.
    """

    kind: str
    start_utc: datetime
    end_utc: datetime
    values: Mapping[str, str] = field(default_factory=dict)
    reference: str = ""

    @property
    def order(self) -> tuple[datetime, datetime, str, str]:
        """The place of the event among others: by time, then by kind and row."""
        return (self.start_utc, self.end_utc, self.kind, self.reference)

    def touches(self, start_utc: datetime, end_utc: datetime) -> bool:
        """Say whether it lies in [start, end), or reaches into it.

        >>> from datetime import UTC
        >>> at = [datetime(2026, 3, day, tzinfo=UTC) for day in range(1, 5)]
        >>> Event("outage@1", at[0], at[1]).touches(at[1], at[2])
        False
        >>> Event("start@1", at[1], at[1]).touches(at[1], at[2])
        True
        """
        if self.start_utc == self.end_utc:
            return start_utc <= self.start_utc < end_utc
        return self.start_utc < end_utc and start_utc < self.end_utc

    def name(self, zone: str = "UTC") -> str:
        """Return the event in words: what, and when it began, by the clock of a zone."""
        return f"{event_kind(self.kind).title.lower()} of {_clock(self.start_utc, zone)}"

    def source(self, what: str) -> Source:
        """Evidence of a figure that was recorded with the event."""
        return Source("event", self.reference, f"{what}, {self.name()}", {"kind": self.kind})


class EventKind(ABC):
    """One kind of event. Subclasses are registered; they hold no state.

    `lasts` is False for what happens at an instant; `is_alone` is True where two of the kind
    cannot be at one time; `holds_on` is True for what counts until the next one of its kind;
    `by_days` is True for what is stated of a local month or of whole days of one.
    """

    title: ClassVar[str]
    Values: ClassVar[type]
    lasts: ClassVar[bool] = True
    is_alone: ClassVar[bool] = False
    holds_on: ClassVar[bool] = False
    by_days: ClassVar[bool] = False

    def parse(self, values: Mapping[str, Any]) -> Any:
        """Return the typed values of an event; Refused with a finding per field."""
        return parse(self.Values, values)

    @abstractmethod
    def sentence(self, values: Any) -> str:
        """Return what was recorded in plain words."""

    def about(self, values: Mapping[str, str]) -> str:
        """Return what an event with these values is about; nothing where all are about the same.

        Of a kind that is alone only those exclude each other that are about the same.
        """
        return ""


event_kinds: Registry[EventKind] = Registry("kind of event", "contracts.events")


def event_kind(key: str) -> EventKind:
    """Return the kind of a key such as "outage@1". NotFoundError names the known ones."""
    return event_kinds.get(key)()


def values_of(event: Event) -> Any:
    """Return the typed values of an event. Refused with the event's name when they are wrong."""
    try:
        return event_kind(event.kind).parse(event.values)
    except Refused as error:
        text = f"{event.name()}: {error.message}"
        raise Refused("contracts.event", text, findings=error.findings) from error


def holding() -> tuple[str, ...]:
    """Return the kinds that count until the next one of their kind."""
    return tuple(key for key, kind in event_kinds.items() if kind.holds_on)


def in_time(events: Iterable[Event], start_utc: datetime, end_utc: datetime) -> list[Event]:
    """Return the events that decide about [start, end), in order.

    They are those that touch it, and the last one before of a kind that holds on.
    """
    found: list[Event] = []
    before: dict[str, Event] = {}
    hold = holding()
    for event in sorted(events, key=lambda one: one.order):
        if event.touches(start_utc, end_utc):
            found.append(event)
        elif event.kind in hold and event.start_utc < start_utc:
            before[event.kind] = event
    return sorted([*before.values(), *found], key=lambda one: one.order)


def _clock(instant: datetime, zone: str) -> str:
    return f"{instant.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M %Z}"


def check_event(event: Event, zone: str = "UTC") -> None:
    """Refuse values that are not those of the kind, and an end that does not fit it.

    The refusal tells times by the clock of `zone`, in which they were entered.
    """
    kind = event_kind(event.kind)
    values_of(event)
    if kind.lasts and event.end_utc <= event.start_utc:
        text = f"{event.name(zone)} ends at {_clock(event.end_utc, zone)}; give a later end"
        raise Refused("contracts.event_end", text)
    if not kind.lasts and event.end_utc != event.start_utc:
        text = f"{event.name(zone)} happens at one instant; leave the end empty"
        raise Refused("contracts.event_end", text)


def check_together(events: Iterable[Event], zone: str = "UTC") -> None:
    """Refuse two events of a kind at one time where only one can be; times by the clock of `zone`.

    >>> from datetime import UTC
    >>> at = [datetime(2026, 3, day, tzinfo=UTC) for day in range(1, 5)]
    >>> check_together([Event("outage@1", at[0], at[2]), Event("outage@1", at[1], at[3])])
    Traceback (most recent call last):
        ...
    poweroptix.kernel.errors.Refused: outage of 2026-03-02 00:00 UTC overlaps the outage of \
2026-03-01 00:00 UTC, which ends at 2026-03-03 00:00 UTC; correct one of them
    """
    apart: dict[tuple[str, str], list[Event]] = {}
    for event in sorted(events, key=lambda one: one.order):
        kind = event_kind(event.kind)
        if kind.is_alone:
            apart.setdefault((event.kind, kind.about(event.values)), []).append(event)
    for _, alike in sorted(apart.items()):
        for before, after in pairwise(alike):
            if after.start_utc < before.end_utc:
                text = (
                    f"{after.name(zone)} overlaps the {before.name(zone)}, which ends at "
                    f"{_clock(before.end_utc, zone)}; correct one of them"
                )
                raise Refused("contracts.event_overlap", text)
