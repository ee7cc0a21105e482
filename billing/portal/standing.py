"""How far the bill of a month is, in words; the furthest behind of several contracts counts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from poweroptix.kernel.period import Period
from settlement.models import SettlementRun


@dataclass(frozen=True)
class Standing:
    """How far a bill is: its place in the order, the word of a badge, one sentence."""

    order: int
    word: str
    sentence: str
    is_final: bool = False


EMPTY = Standing(0, "no readings", "No readings of this month have arrived yet.")
PARTLY = Standing(
    1, "in progress", "Some readings have arrived; the bill follows when the month is complete."
)
READ = Standing(
    2, "not calculated", "The readings are here and being checked; the bill is not calculated yet."
)
PRELIMINARY = Standing(
    3, "preliminary", "Preliminary: calculated from the readings so far; the bill can still change."
)
CALCULATED = Standing(
    4, "calculated", "Calculated, not approved yet; the bill of this month can still change."
)
REVIEW = Standing(
    5, "in review", "In review: a second person checks the bill; it can still change."
)
CORRECTING = Standing(
    6,
    "approved, being corrected",
    "Approved; something changed afterwards, and a correction is being checked. Until it is "
    "approved, what is approved counts.",
)
APPROVED = Standing(7, "approved", "Approved: the invoice has not been issued yet.")
CORRECTED = Standing(
    8,
    "issued, corrected",
    "Invoiced; readings changed afterwards, and the difference is billed as a correction on a "
    "later invoice.",
    True,
)
ISSUED = Standing(9, "final", "Invoiced.", True)


def of_run(run: SettlementRun, *, changed: bool = False) -> Standing:
    """Return how far a bill is that is calculated and not invoiced.

    `changed`: what an approved run rests on changed since, or another run waits for approval.
    """
    if run.state in SettlementRun.SETTLED:
        return CORRECTING if changed else APPROVED
    if run.kind == SettlementRun.Kind.PRELIMINARY:
        return PRELIMINARY
    return REVIEW if run.state == SettlementRun.State.REVIEW else CALCULATED


def of_invoice(run_id: int, runs: Sequence[SettlementRun]) -> Standing:
    """Return how an issued bill stands; `runs` are those of its contract and month, in order."""
    billed = next((run for run in runs if run.pk == run_id), None)
    if billed is None:
        return ISSUED
    changed = billed.is_corrected or billed.is_revised or runs[-1].version > billed.version
    return CORRECTED if changed else ISSUED


def of_readings(period: Period, newest: datetime | None) -> Standing:
    """Return how far a month without any run is; `newest` ends the newest reading."""
    if newest is None or newest <= period.start_utc:
        return EMPTY
    return PARTLY if newest < period.end_utc else READ


def least(standings: Iterable[Standing]) -> Standing | None:
    """Return the one that is furthest behind; None of none."""
    return min(standings, key=lambda one: one.order, default=None)
