"""The lines that counted at some moment, computed again from what their run pinned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.models import Contract
from poweroptix.kernel.canonical import canonical_json
from poweroptix.kernel.errors import Conflict, NotFoundError
from settlement.calc.settle import Outcome, settle
from settlement.models import SettlementRun
from settlement.queries.causes import stored_inputs


@dataclass(frozen=True)
class Replay:
    """A run that counted at `as_of`, and its lines as they are computed now from its inputs."""

    run: SettlementRun
    as_of: datetime
    outcome: Outcome

    def lines(self) -> bytes:
        """Return the lines as canonical JSON; byte for byte what the run had then."""
        return canonical_json([line.document() for line in self.outcome.lines])

    def document(self) -> dict[str, Any]:
        """Return run, moment and lines as plain data for `canonical_json`."""
        return {
            "contract": self.run.contract.code,
            "period": self.run.period,
            "as_of": self.as_of,
            "run": self.run.pk,
            "version": self.run.version,
            "approved_at": self.run.approved_at,
            "inputs_sha256": self.run.inputs_sha256,
            "lines_sha256": self.run.lines_sha256,
            "total": self.outcome.total_usd,
            "lines": [line.document() for line in self.outcome.lines],
        }


def replay(contract: Contract, label: str, as_of: datetime) -> Replay:
    """Return the lines of a contract's month that counted at an instant, computed again.

    What counted is the run that was approved last by then; what was published, agreed or decided
    since has no say, because a run reads only what it pinned. NotFoundError when nothing was
    approved by then; Conflict when the computation does not give the lines that were approved.
    """
    approved = SettlementRun.objects.filter(
        contract=contract, period=label, approved_at__isnull=False
    ).select_related("contract")
    run = approved.filter(approved_at__lte=as_of).order_by("approved_at", "version").last()
    if run is None:
        raise NotFoundError("settlement.not_then", _not_then(contract, label, as_of, approved))
    outcome = settle(stored_inputs(run))
    if outcome.lines_sha256() != run.lines_sha256:
        text = f"{run} gives other lines than were approved; `verify {run.pk}` says where."
        raise Conflict("settlement.replay_differs", text)
    return Replay(run, as_of, outcome)


def _not_then(contract: Contract, label: str, as_of: datetime, approved) -> str:
    first = approved.order_by("approved_at").first()
    at = f"{as_of:%Y-%m-%d %H:%M} UTC"
    if first is None:
        return f"No run of {contract.code} {label} was ever approved, so none counted at {at}."
    return (
        f"No run of {contract.code} {label} counted at {at}: the first was approved at "
        f"{first.approved_at:%Y-%m-%d %H:%M} UTC."
    )
