"""A meter's clock was compared with a reference."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.core.exceptions import ValidationError

from meters.models import ClockCheck, Meter
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.kernel.errors import Refused


def record_clock_check(
    meter: Meter,
    *,
    at_utc: datetime,
    drift_s: Decimal,
    reference: str,
    actor: Actor,
    now: datetime,
) -> ClockCheck:
    """Put a comparison of clocks on record; the rule V08 judges by it from the next run on.

    `drift_s` is meter less reference. Raises Refused for a comparison in the future, one that is
    there already, and a drift beyond 1,000,000 s.
    """
    require(actor, "meters.validate")
    if at_utc > now:
        raise Refused(
            "clock.future",
            f"at_utc {at_utc:%Y-%m-%dT%H:%MZ} lies in the future; send when the clocks were "
            "compared, by the reference.",
        )
    row = ClockCheck(
        meter=meter,
        at_utc=at_utc,
        drift_s=drift_s,
        reference=reference.strip(),
        recorded_by=str(actor)[:150],
        recorded_at=now,
    )
    try:
        row.full_clean()
    except ValidationError as fault:
        raise Refused("clock.value", " ".join(fault.messages)) from fault
    row.save()
    return row
