"""Definitions of virtual channels as people read them: in words, with codes, as a timeline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db.models import QuerySet

from meters.calc.compensation import METERED, OPPOSITE
from meters.calc.written import write_expression
from meters.models import Channel, ChannelKind, VirtualDefinition
from meters.queries.terms import rule_of


@dataclass(frozen=True)
class Told:
    """A definition with its rule in words and its terms."""

    row: VirtualDefinition

    @cached_property
    def terms(self) -> dict[str, Channel]:
        """Return the channel behind each name."""
        return {term.name: term.channel for term in self.row.terms.all()}

    @cached_property
    def rule(self) -> str:
        """Return the expression with channel codes in brackets, or the losses in words."""
        codes = {name: channel.code for name, channel in self.terms.items()}
        return write_expression(rule_of(self.row, self.row.channel), codes)

    @property
    def metered(self) -> str:
        """Return the metered channel of losses."""
        return self.terms[METERED].code if METERED in self.terms else ""

    @property
    def opposite(self) -> str:
        """Return the channel of the other direction, where losses have one."""
        return self.terms[OPPOSITE].code if OPPOSITE in self.terms else ""

    @property
    def is_waiting(self) -> bool:
        """Return whether its readings are still to be computed."""
        return self.row.computed_at is None

    def holds(self, instant: datetime) -> bool:
        """Return whether it is in force at an instant."""
        valid = self.row.valid
        return (
            self.row.is_live
            and valid.lower <= instant
            and (valid.upper is None or instant < valid.upper)
        )


def virtual_channels() -> QuerySet[Channel]:
    """Return all virtual channels with campus, definitions and terms at hand."""
    return (
        Channel.objects.filter(kind=ChannelKind.VIRTUAL)
        .select_related("delivery_point__campus")
        .prefetch_related("definitions__terms__channel")
    )


def timeline(channel: Channel) -> list[Told]:
    """Return all definitions of a channel, those in force before those withdrawn, newest first."""
    rows = [Told(row) for row in channel.definitions.all()]
    for one in rows:
        one.row.channel = channel
    return sorted(
        rows,
        key=lambda one: (one.row.is_live, one.row.valid.lower, one.row.recorded_at),
        reverse=True,
    )


def in_force(channel: Channel, instant: datetime) -> Told | None:
    """Return the definition that holds at an instant."""
    return next((one for one in timeline(channel) if one.holds(instant)), None)


def resting_on(channel: Channel) -> QuerySet[Channel]:
    """Return the virtual channels with a live definition that names this channel."""
    return Channel.objects.filter(
        definitions__terms__channel=channel, definitions__withdrawn_at__isnull=True
    ).distinct().order_by("code")  # fmt: skip
