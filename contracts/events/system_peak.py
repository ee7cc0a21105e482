"""An interval in which a power system had a peak, as its operator published it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.events._base import SYSTEM_PEAK, EventKind, event_kinds
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.parameters import param

FINALITY = ("PRELIMINARY", "FINAL")


@event_kinds.register(SYSTEM_PEAK)
class SystemPeak(EventKind):
    """A peak of a system, [start, end): the quarter-hour of a 4CP, the hour of a 5CP."""

    title = "System peak"
    is_alone = True

    @dataclass(frozen=True, kw_only=True)
    class Values:
        """Which system, and where and when the peak was published."""

        system: str = param(help="As the terms name it, for example ERCOT 4CP.")
        published_at: str = param(
            help="When it was published, with its offset: 2026-10-02T14:00:00-05:00."
        )
        source: str = param(help="Notice or page that says so.")
        finality: str = param(
            choices=FINALITY, help="PRELIMINARY: the operator may still name another interval."
        )

        def __post_init__(self) -> None:
            """Refuse a peak of no system, without a source or without an instant."""
            for field in ("system", "source"):
                if not getattr(self, field).strip():
                    raise Refused("contracts.system_peak", f"{field}: is required")
            try:
                published = datetime.fromisoformat(self.published_at)
            except ValueError as error:
                text = f"published_at: '{self.published_at}' is not an instant"
                raise Refused("contracts.system_peak", text) from error
            if published.tzinfo is None:
                text = f"published_at: '{self.published_at}' has no offset from UTC"
                raise Refused("contracts.system_peak", text)

    def sentence(self, values: Any) -> str:
        """Return what was recorded in plain words."""
        return (
            f"Peak of {values.system}, {values.finality.lower()}, "
            f"published {values.published_at}: {values.source}"
        )

    def about(self, values: Mapping[str, str]) -> str:
        """Return the system: peaks of others may be at the same time."""
        return values.get("system", "")
