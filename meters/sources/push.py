"""A sender that brings its files to our API by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from meters.sources._base import Inbox, Surroundings, connectors
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.parameters import param


@dataclass(frozen=True)
class PushParameters:
    """Which keys may push."""

    tokens: tuple[str, ...] = param(
        (), help="First characters of the API tokens that may push here; none: any that may import."
    )


@connectors.register("push@1")
class Push:
    """A sender that uploads by the API."""

    title = "Upload by API"
    polls = False
    takes_secret = False
    Parameters = PushParameters

    @staticmethod
    @contextmanager
    def open(parameters: PushParameters, surroundings: Surroundings) -> Iterator[Inbox]:
        """Refuse: there is nowhere to look."""
        raise Refused("source.pushed", "This source brings its files by itself; wait for them.")
        yield  # makes this a generator, as a context manager has to be
