"""The gate before settling: what is still in the way for a contract's period, and what mends it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any

from contracts.models import Contract
from meters.models import QuarantinedRecord
from meters.queries import open_findings
from meters.queries.quarantine import days_in_words, held_of_channels
from meters.services import closing_codes
from poweroptix.kernel.errors import DomainError
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.period import Period
from settlement.calc.dependence import Dependence
from settlement.calc.gate import (
    judge_held,
    judge_open,
    judge_prices,
    judge_series,
    judge_warned,
    linked,
)
from settlement.calc.inputs import Inputs
from settlement.calc.plan import period_of
from settlement.calc.version_inputs import needs_of_versions
from settlement.models import AllocationRun, SettlementRun
from settlement.queries.carry import is_continued
from settlement.queries.contract import read_contract
from settlement.queries.corrections import corrected_before
from settlement.queries.shelf import Shelf
from settlement.services.allocation import (
    changed_since,
    current_allocation,
    not_over,
)
from settlement.services.pool_gate import PoolGate

HOLDING = ("HOLD", "REJECT", "BLOCK")
WARNING = ("WARN",)


def readiness(
    contract: Contract,
    period: Period,
    *,
    now: datetime,
    shelf: Shelf | None = None,
    gates: dict[int, Gate] | None = None,
) -> list[Finding]:
    """Return everything that stands in the way of a final run; empty means ready.

    `shelf` and `gates` (by allocation) keep what several contracts of a month read alike.
    Each finding has `data["link"]`, the key of the page that mends it, and `data["params"]`.
    """
    if now < period.end_utc:
        return [linked("settlement.period_not_over", not_over(period), "meters.completeness")]
    allocation = current_allocation(contract.campus, period.label)
    if allocation is None:
        text = f"The energy of {contract.campus.code} {period.label} is not allocated yet."
        return [
            linked(
                "settlement.not_allocated",
                text,
                "settlement.allocation",
                fix="Run the allocation of the month.",
                campus=contract.campus.code,
                period=period.label,
            )
        ]
    shelf = shelf or Shelf()
    try:
        reading = read_contract(contract, period, allocation, shelf)
    except DomainError as error:
        link = "settlement.allocation" if error.code.startswith("settl") else "contracts.version"
        return [linked(error.code, error.message, link, contract=contract.code)]
    gate = gate_of(allocation, {} if gates is None else gates)
    return [
        *gate.stale(),
        *gate.of(contract, reading.inputs, shelf),
    ]


@lru_cache(maxsize=2)
def _frozen(content: bytes) -> tuple[dict[str, Any], Dependence]:
    """Return an allocation's document and what it says of each contract; a month has many batches.

    Nobody changes them.
    """
    document = json.loads(content)
    return document, Dependence(document)


def gate_of(allocation: AllocationRun, gates: dict[int, Gate]) -> Gate:
    """Return the gate of an allocation, made once."""
    if allocation.pk not in gates:
        gates[allocation.pk] = Gate(allocation)
    return gates[allocation.pk]


class Gate:
    """What is judged for all contracts of one allocation, with its shared parts read once."""

    def __init__(self, allocation: AllocationRun) -> None:
        self.allocation = allocation
        self.document, self._behind = _frozen(bytes(allocation.inputs))
        self._open: dict[int, list[str]] | None = None
        self._warned: dict[int, list[str]] | None = None

    @cached_property
    def changed(self) -> str:
        """What changed since the allocation read it, in words; empty when nothing did."""
        return changed_since(self.allocation)

    @cached_property
    def _pools(self) -> PoolGate:
        return PoolGate(self.document["campus"], period_of(self.document), self.allocation)

    @cached_property
    def _corrected(self) -> dict[int, list[SettlementRun]]:
        return corrected_before(self.allocation.campus_id, self.allocation.period)

    def of(self, contract: Contract, inputs: Inputs, shelf: Shelf) -> list[Finding]:
        """Judge one contract's inputs."""
        channels = self._behind.of(contract.code)
        delivered = inputs.series["delivered"]
        findings = judge_series("delivered", delivered, inputs.period, channels)
        needs = needs_of_versions(inputs.versions)
        findings += judge_prices(inputs.prices, inputs.period, needs)
        findings += self._judge_open(channels, inputs.period)
        findings += self._judge_warned(channels, inputs.period)
        findings += self._balance()
        findings += self._judge_held(channels, inputs.period)
        findings += self._pools.of(contract.pk, inputs.pools)
        findings += unsettled_before(contract, inputs, shelf)
        findings += corrections_before(contract, self._corrected.get(contract.pk, ()))
        findings += unapproved_opening(contract, inputs, shelf)
        return findings

    def stale(self) -> list[Finding]:
        """Judge whether newer readings were published after the allocation read them."""
        if not self.changed:
            return []
        return [
            linked(
                "settlement.allocation_stale",
                self.changed,
                "settlement.allocation",
                campus=self.document["campus"],
                period=self.allocation.period,
            )
        ]

    def _judge_open(self, channels: Collection[int], period: Period) -> list[Finding]:
        if self._open is None:
            self._open = self._open_by_channel(period, HOLDING)
        concerned = sorted(one for one in self._open if one in channels)
        messages = [text for channel in concerned for text in self._open[channel]]
        return judge_open(len(messages), messages[0] if messages else "", concerned, period)

    def _judge_warned(self, channels: Collection[int], period: Period) -> list[Finding]:
        """Return what the checks of the closing month warn of; it stops nothing."""
        if self._warned is None:
            self._warned = self._open_by_channel(period, WARNING, closing_codes())
        concerned = sorted(one for one in self._warned if one in channels)
        messages = [text for channel in concerned for text in self._warned[channel]]
        return judge_warned(messages, channels, period)

    def _judge_held(self, channels: Collection[int], period: Period) -> list[Finding]:
        """Return what waits in quarantine for these channels in the month; it stops nothing."""
        held = [
            row
            for channel in sorted(self._held)
            if channel in channels
            for row in self._held[channel]
        ]
        named = [f"{row.channel_text} {days_in_words(row, period.zone)}" for row in held]
        return judge_held(named, held[0].channel_text if held else "")

    @cached_property
    def _held(self) -> dict[int, list[QuarantinedRecord]]:
        period = period_of(self.document)
        ids = [int(key) for key in self.document["pins"]]
        return held_of_channels(ids, period.start_utc, period.end_utc)

    def _open_by_channel(
        self, period: Period, severities: Sequence[str], codes: Collection[str] = ()
    ) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        rows = open_findings(
            campus_id=self.allocation.campus_id,
            start_utc=period.start_utc,
            end_utc=period.end_utc,
            severities=severities,
        )
        for row in rows.filter(rule_code__in=codes) if codes else rows:
            if str(row.channel_id) not in self.document["pins"]:
                continue
            found.setdefault(row.channel_id, []).append(f"{row.channel.code}: {row.message}")
        return found

    def _balance(self) -> list[Finding]:
        """Return the days on which the campus does not balance, as the allocation found them."""
        params = {"campus": self.document["campus"], "period": self.allocation.period}
        return [
            linked(
                one["code"],
                one["message"],
                "settlement.allocation",
                fix=one["fix"],
                day=one["where"],
                **params,
            )
            for one in self.allocation.findings
            if one["severity"] == Severity.BLOCK
        ]


def unsettled_before(contract: Contract, inputs: Inputs, shelf: Shelf) -> list[Finding]:
    """Judge the carry: the month before must be settled once anything of the contract is."""
    if inputs.carry_from["kind"] != "none" or not is_continued(contract, inputs.period, shelf):
        return []
    before = inputs.period.previous().label
    text = f"{before} of {contract.code} is not approved; peaks and banks are carried from it."
    return [
        linked(
            "settlement.previous_not_settled",
            text,
            "settlement.run",
            fix=f"Approve {before} first.",
            contract=contract.code,
            period=before,
        )
    ]


def corrections_before(contract: Contract, runs: Sequence[SettlementRun]) -> list[Finding]:
    """Warn of approved months before this one that are to be corrected; it stops nothing."""
    return [
        linked(
            "settlement.correction_before",
            f"{run.period} of {contract.code} is approved as v{run.version} and waits for a "
            "correction: what this month takes from it (peaks, banks, differences to bill) can "
            "change.",
            "settlement.run",
            Severity.WARN,
            fix=f"Approve the correction of {run.period} first.",
            contract=contract.code,
            period=run.period,
        )
        for run in runs
    ]


def unapproved_opening(contract: Contract, inputs: Inputs, shelf: Shelf) -> list[Finding]:
    """Judge the opening balance that the month begins with: a second person must have seen it."""
    if inputs.carry_from["kind"] != "opening":
        return []
    waiting = [
        one
        for one in shelf.openings[contract.pk]
        if one.pk == inputs.carry_from["id"] and not one.approved_by
    ]
    return [
        linked(
            "settlement.opening_unapproved",
            f"The opening balance of {contract.code} from {one.period} waits for a second person.",
            "contracts.version",
            fix="Somebody else than who entered it approves it on the take-over page.",
            contract=contract.code,
        )
        for one in waiting
    ]


def to_json(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Return findings as they are stored with a run."""
    return json.loads(json.dumps([finding.to_json() for finding in findings]))
