"""Virtual channels: expressions over channels and over each other, from a moment on.

A channel that rests on itself, straight or through others, is refused with the circle by name. Each
version of an expression holds from its instant to the next; before the first there is nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

import numpy as np

from meters.calc.compensation import METERED, OPPOSITE, Compensation
from meters.calc.expressions import Fault, compute
from meters.calc.losses import Side
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.formula import names_in
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.series import Series

Span = tuple[datetime, datetime | None]


@dataclass(frozen=True)
class Version:
    """An expression, or the compensation of losses, from an instant on.

    `names`: name in the formula -> channel; a name that is the channel's code may be left out.
    `until_utc`: the instant at which it ends before another begins; None: it does not. `split`:
    terms with longer intervals may be cut into equal parts. `key`: what whoever stores it calls it.
    """

    from_utc: datetime
    formula: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    until_utc: datetime | None = None
    split: bool = False
    losses: Compensation | None = None
    side: Side = Side.DELIVERED
    key: int = 0

    def channels(self) -> dict[str, str]:
        """Return the channel behind every name of the formula, or of the losses."""
        if self.losses is not None:
            return dict(self.names)
        return {name: self.names.get(name, name) for name in names_in(self.formula)}

    def holds(self, instant: datetime) -> bool:
        """Return whether this version has begun and not ended."""
        return self.from_utc <= instant and (self.until_utc is None or instant < self.until_utc)


@dataclass(frozen=True)
class Virtual:
    """A virtual channel: code, unit, interval length, versions.

    `split`: terms with longer intervals may be cut into equal parts.
    """

    code: str
    unit: str
    minutes: int
    versions: tuple[Version, ...]
    split: bool = False

    def at(self, instant: datetime) -> Version | None:
        """Return the version in force at an instant; None where there is none."""
        begun = [version for version in self.versions if version.holds(instant)]
        return max(begun, key=lambda version: version.from_utc, default=None)


def in_order(virtuals: Sequence[Virtual], instant: datetime) -> list[Virtual]:
    """Return the channels so that each comes after those it rests on at an instant.

    Raises Refused `virtual.circle` with the circle by name, `virtual.twice` for a code given twice.
    """
    by_code = {virtual.code: virtual for virtual in virtuals}
    if len(by_code) < len(virtuals):
        codes = [virtual.code for virtual in virtuals]
        twice = sorted({code for code in codes if codes.count(code) > 1})
        text = f"{', '.join(twice)} is defined more than once; keep one."
        raise Refused("virtual.twice", text)
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for virtual in virtuals:
        version = virtual.at(instant)
        used = version.channels().values() if version else ()
        sorter.add(virtual.code, *(code for code in used if code in by_code))
    try:
        return [by_code[code] for code in sorter.static_order()]
    except CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        text = f"These virtual channels rest on each other: {circle}. Take one out of the circle."
        raise Refused("virtual.circle", text, circle=circle) from error


@dataclass
class Given:
    """What virtual channels are computed from, and what could not be.

    `channels`: the metered ones by code. `in_meter`: by code, when the meter of a channel itself
    compensates losses. `faults`: filled with the intervals that have no value although their terms
    have; without it such an interval is refused.
    """

    channels: Mapping[str, Series]
    in_meter: Mapping[str, Sequence[Span]] = field(default_factory=dict)
    faults: dict[str, list[Fault]] | None = None


def moments_of(virtuals: Sequence[Virtual], start: datetime, end: datetime) -> list[datetime]:
    """Return `start`, the instants in between at which a version begins or ends, and `end`."""
    moments = {
        moment
        for virtual in virtuals
        for version in virtual.versions
        for moment in (version.from_utc, version.until_utc)
        if moment is not None and start < moment < end
    }
    return [start, *sorted(moments), end]


def evaluate(
    virtuals: Sequence[Virtual],
    channels: Mapping[str, Series] | Given,
    start: datetime,
    end: datetime,
) -> dict[str, Series]:
    """Return every virtual channel from `start` to `end`.

    `channels` cover that range. A term that a version in force does not find raises Refused
    `virtual.unknown`; circles and expressions as `in_order`, `compute`.
    """
    given = channels if isinstance(channels, Given) else Given(channels)
    pieces: dict[str, list[Series]] = {virtual.code: [] for virtual in virtuals}
    for first, last in pairwise(moments_of(virtuals, start, end)):
        known: dict[str, Series] = {}
        for virtual in in_order(virtuals, first):
            piece = _piece(virtual, given, known, first, last)
            known[virtual.code] = piece
            pieces[virtual.code].append(piece)
    return {code: _joined(parts) for code, parts in pieces.items()}


def _piece(
    virtual: Virtual,
    given: Given,
    known: Mapping[str, Series],
    first: datetime,
    last: datetime,
) -> Series:
    """Return one channel over a range in which one version holds."""
    version = virtual.at(first)
    if version is None:
        return Series.absent(Grid.spanning(first, last, virtual.minutes), virtual.unit)
    terms = {}
    for name, code in version.channels().items():
        if code in known:
            terms[name] = known[code]
        elif code in given.channels:
            terms[name] = given.channels[code].slice(first, last)
        else:
            text = f"{virtual.code} rests on {code}, which is not there; correct its expression."
            raise Refused("virtual.unknown", text, channel=code)
    if version.losses is not None:
        return _compensated(virtual, version, terms, given)
    return compute(
        version.formula,
        terms,
        minutes=virtual.minutes,
        unit=virtual.unit,
        split=virtual.split or version.split,
        faults=None if given.faults is None else given.faults.setdefault(virtual.code, []),
    )


def _compensated(
    virtual: Virtual, version: Version, terms: Mapping[str, Series], given: Given
) -> Series:
    """Return the metered term with its losses, at its own length, then summed to the channel's."""
    metered, opposite = terms[METERED], terms.get(OPPOSITE)
    in_meter = np.zeros(metered.grid.count, dtype=bool)
    starts = metered.grid.epoch_minutes()
    for begin, end in given.in_meter.get(version.names[METERED], ()):
        until = starts[-1] + 1 if end is None else end.timestamp() / 60
        in_meter |= (starts >= begin.timestamp() / 60) & (starts < until)
    found = version.losses.apply(metered, opposite, version.side, in_meter)
    return found.to_minutes(virtual.minutes)


def _joined(parts: Sequence[Series]) -> Series:
    """Return parts that follow each other as one series."""
    first = parts[0]
    grid = Grid(first.grid.start_utc, first.grid.minutes, sum(part.grid.count for part in parts))
    values = np.concatenate([part.values for part in parts])
    return Series(grid, values, np.concatenate([part.status for part in parts]), first.unit)
