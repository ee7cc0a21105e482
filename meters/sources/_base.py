"""What every connector shares: items, inboxes, faults, the registry.

A connector is a class with a ``Parameters`` dataclass and ``open(parameters, surroundings)``, which
yields an inbox. It knows neither Django nor the database: it looks, fetches and puts away; what
became of a file is remembered by whoever asks. Nothing at the other end is changed before
``received`` is called.

Four faults are told apart: `UnreachableError` may pass by itself and is tried again soon,
`Refused` needs a person, `NotReadyError` is about one item that another look may take, and
`NotKeptError` is ours: there is no room here for what came.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.registry import Registry

CHUNK_BYTES = 1 << 16
MEGABYTE = 10**6
#: Clocks that differ by no more than this are taken as equal.
CLOCK_TOLERANCE_SECONDS = 120


class UnreachableError(Exception):
    """The other end did not answer as it should; it may pass by itself."""


class NotReadyError(Exception):
    """One item cannot be taken yet; the sentence says why."""


class NotKeptError(Exception):
    """What came could not be written here; a fault of this machine, not of the source."""


@dataclass(frozen=True)
class Item:
    """A file that may be taken.

    `identity` tells this version of the file from a later one; empty when only the content can.
    `place` is how the connector finds it again. `modified_at` is by the clock of the other end.
    """

    name: str
    identity: str = ""
    place: str = ""
    size: int | None = None
    modified_at: datetime | None = None


@dataclass(frozen=True)
class Passed:
    """Something that was seen and left where it is, and why."""

    name: str
    why: str


@dataclass(frozen=True)
class Surroundings:
    """What a connector may know: the moment, its secret, what it remembered, the inbox folders."""

    now: datetime
    secret: str = field(default="", repr=False)
    memory: Mapping[str, Any] = field(default_factory=dict)
    inboxes: tuple[Path, ...] = ()


class Inbox(ABC):
    """An open connection to a source; `memory` is kept between looks and is plain JSON.

    `ahead_seconds` is how far the newest time stamp of the other end lies ahead of our clock;
    `puts_away` tells that a received item is moved or removed over there.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self.now = surroundings.now
        self.memory: dict[str, Any] = dict(surroundings.memory)
        self.ahead_seconds = 0
        self.puts_away = False

    @abstractmethod
    def look(self) -> tuple[list[Item], list[Passed]]:
        """Return what can be taken, the oldest first, and what was left with the reason."""

    @abstractmethod
    def fetch(self, item: Item, into: BinaryIO) -> bool:
        """Write the bytes of an item; False when the other end says that nothing changed.

        Raises UnreachableError, Refused, NotReadyError or NotKeptError; what was written then
        counts for nothing.
        """

    @abstractmethod
    def received(self, item: Item) -> None:
        """Put an item away: it is safe in our storage now. Called again after a crash."""

    def compare_clock(self, stamp: datetime) -> None:
        """Note a time stamp of the other end that lies ahead of our clock."""
        ahead = int((stamp - self.now).total_seconds())
        if ahead > CLOCK_TOLERANCE_SECONDS:
            self.ahead_seconds = max(self.ahead_seconds, ahead)


class Connector(Protocol):
    """A kind of source: one class, registered under a versioned key.

    `polls`: whether we look there by a schedule. `takes_secret`: whether a secret is of use.
    """

    title: str
    polls: bool
    takes_secret: bool
    Parameters: type

    @staticmethod
    def open(parameters: Any, surroundings: Surroundings) -> AbstractContextManager[Inbox]:
        """Connect; raises UnreachableError or Refused."""


connectors: Registry[Connector] = Registry("connector", "meters.sources")


def copy(read: Callable[[int], bytes], into: BinaryIO, name: str, limit_mb: int) -> int:
    """Copy to the end and return how many bytes; Refused as soon as they exceed the limit."""
    copied = 0
    while part := read(CHUNK_BYTES):
        copied += len(part)
        if copied > limit_mb * MEGABYTE:
            raise too_large(name, limit_mb)
        try:
            into.write(part)
        except OSError as fault:
            raise NotKeptError(fault.strerror or str(fault)) from fault
    return copied


def too_large(name: str, limit_mb: int) -> Refused:
    """Return the refusal of a file above its limit."""
    text = f"{name} is larger than {limit_mb} MB; raise limit_mb of the source if that is right."
    return Refused("source.too_large", text)
