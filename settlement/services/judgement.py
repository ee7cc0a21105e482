"""What keeps a run from being approved: one list of questions, for the act and for its page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from contracts.models import ContractEvent, ContractVersion
from contracts.readings import bound_references
from meters.models import Edit
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.kernel.errors import Conflict, DomainError, Forbidden, Refused
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.period import Period
from settlement.calc.gate import blocking
from settlement.calc.inputs import same_inputs
from settlement.calc.plan import contract_channels
from settlement.calc.words import RECALCULATE, capital, joined, stale
from settlement.models import SettlementRun
from settlement.queries.contract import read_contract
from settlement.queries.money import entered_by
from settlement.queries.month import companions, replaced_together
from settlement.queries.sales import channels_sold
from settlement.queries.shelf import Shelf
from settlement.services.readiness import Gate, gate_of, readiness

GATED = ("FINAL", "TRUE_UP", "AD_HOC")
TERMS = "the terms of the contract"
#: What each entry of the frozen document is called when it changed.
NAMES = {
    "versions": TERMS,
    "format": TERMS,  # another one as soon as a second version holds
    "prices": "prices",
    "calendars": "calendars",
    "carry_in": "the carry",
    "carry_from": "the month before",
    "adjustments": "corrections of earlier months to be billed",
    "held": "corrections too small to be billed",
    "allocation": "the allocation",
    "events": "events of the contract",
    "pools": "pools of money",
    "series": "readings of the contract",
}


def held(run: SettlementRun) -> SettlementRun:
    """Return the run as it is now, locked to the end of the transaction."""
    return SettlementRun.objects.select_for_update(of=("self",)).select_related(
        "contract", "allocation_run__campus"
    ).get(pk=run.pk)  # fmt: skip


class Judge:
    """One person's questions to the runs of a month; what they share is read once."""

    def __init__(self, actor: Actor, now: datetime) -> None:
        self.actor, self.now = actor, now
        self._gates: dict[int, Gate] = {}
        self._current = Shelf()  # of the allocation that counts now
        self._shelves: dict[int, Shelf] = {}  # of those that runs rest on
        self._found: dict[int, list[Finding]] = {}

    def findings(self, run: SettlementRun) -> list[Finding]:
        """Return what the gate says of a run's contract and period."""
        if run.pk not in self._found:
            self._found[run.pk] = readiness(
                run.contract, _period(run), now=self.now, shelf=self._current, gates=self._gates
            )
        return self._found[run.pk]

    def check(self, run: SettlementRun, *, named: bool = False) -> None:
        """Ask everything that one run has to answer before it is approved; raise what is wrong.

        With `named` the refusal begins with the run's name, for a set of which it is a part.
        """
        try:
            if not run.is_open:
                raise Conflict("settlement.state", state_text(run, "approved"))
            gate = gate_of(run.allocation_run, self._gates)
            _refuse_own(run, self.actor, gate.document)
            _refuse_incomplete(run)
            if gate.changed:
                raise Conflict("settlement.stale", gate.changed)
            shelf = self._shelves.setdefault(run.allocation_run_id, Shelf())
            _refuse_other_inputs(run, shelf)
            if run.kind in GATED:
                _refuse_findings(self.findings(run))
        except DomainError as fault:
            if not named:
                raise
            text = f"{run.contract.code} v{run.version}: {fault.message}"
            raise type(fault)(fault.code, text, findings=fault.findings, **fault.data) from fault

    def check_all(self, runs: Sequence[SettlementRun]) -> None:
        """Ask every run of a set."""
        for run in runs:
            self.check(run, named=True)

    def why_not(self, run: SettlementRun) -> str:
        """Return in words why this person cannot approve the run now; empty when it can be done.

        It asks what `approve_together` asks, so a page can say it before the button is pressed.
        """
        try:
            require(self.actor, "settlement.approve")
            self.check(run)
            self.check_all(refuse_apart(run))
        except DomainError as fault:
            return fault.message
        return ""


def refuse_apart(run: SettlementRun, *, alone: bool = False) -> list[SettlementRun]:
    """Return the runs that have to be approved with this one; Refused when one is not there.

    With `alone` it is refused as well when there are any.
    """
    found = companions(run)
    lacking = [one for one in found if one.is_apart and one.successor is None]
    together = replaced_together(found)
    if not lacking and not (alone and together):
        return together
    meant = [one for one in lacking or found if one.is_apart]
    shown = [one.name for one in meant]
    if all(one.by_shares for one in meant):
        why = f"other shares of pools of money of {run.period} than those that count now."
    else:
        why = (
            f"the energy of an older allocation of {run.period}, and the newer one gives other kWh."
        )
    text = (
        f"{joined(shown)} {'is' if len(shown) == 1 else 'are'} approved with {why} "
        f"{RECALCULATE if lacking else 'Approve these runs together.'}"
    )
    raise Refused("settlement.month_apart", text, runs=shown)


def state_text(run: SettlementRun, verb: str) -> str:
    """Return why the state of a run forbids a verb."""
    if run.is_settled and run.approved_by:
        who = run.approved_by.partition(":")[2]
        return f"{who} approved this run at {run.approved_at:%Y-%m-%d %H:%M} UTC."
    return f"The run is {run.get_state_display().lower()}; it cannot be {verb}."


def _period(run: SettlementRun) -> Period:
    return Period(run.start_utc, run.end_utc, run.contract.zone, run.period)


def _refuse_own(run: SettlementRun, actor: Actor, document: Mapping[str, Any]) -> None:
    """Four eyes: neither who calculated the run nor who last changed what it rests on."""
    if actor.kind not in ("user", "token"):
        raise Forbidden("settlement.not_a_person", "A run is approved by a person.")
    me = str(actor)
    if run.created_by == me:
        text = (
            "You calculated this run, so you cannot approve it: somebody else approves it, or "
            "recalculates the month first."
        )
        raise Forbidden("settlement.own_run", text)
    inputs = json.loads(bytes(run.inputs))
    bound, pools = bound_references(inputs), list(inputs.get("pools", ()))
    channels = contract_channels(document, run.contract.code)
    channels += [channel["id"] for one in bound for channel in one["channels"]]
    channels += channels_sold(run.contract.campus_id, run.period, pools) if pools else []
    edits = Edit.objects.filter(
        channel__in=channels, actor=me, start_utc__lt=run.end_utc, end_utc__gt=run.start_utc
    )
    if edits.exists():
        text = "You edited readings of this period, so you cannot approve the run."
        raise Forbidden("settlement.own_edit", text)
    events = ContractEvent.objects.filter(
        contract=run.contract_id,
        recorded_by=me,
        start_utc__lt=run.end_utc,
        end_utc__gte=run.start_utc,
    )
    if events.exists():
        text = "You entered events of this period, so you cannot approve the run."
        raise Forbidden("settlement.own_event", text)
    if pools and entered_by(run.contract.campus_id, run.period, pools, me):
        text = "You entered an amount of a pool that this run bills, so you cannot approve it."
        raise Forbidden("settlement.own_amount", text)
    end = run.end_utc.date()
    versions = ContractVersion.objects.filter(
        contract=run.contract_id, created_by=me, valid__overlap=(run.start_utc.date(), end)
    )
    if versions.exists():
        text = "You wrote the contract version that this run prices, so you cannot approve it."
        raise Forbidden("settlement.own_terms", text)


def _refuse_incomplete(run: SettlementRun) -> None:
    if run.total_usd is not None:
        return
    lines = list(run.lines.filter(amount_usd__isnull=True).values_list("line_code", "label"))
    named = "; ".join(f"{code} {label}" for code, label in lines)
    text = f"The run has lines without an amount ({named}); an empty amount is never zero."
    raise Refused("settlement.no_amount", text)


def _refuse_other_inputs(run: SettlementRun, shelf: Shelf) -> None:
    """Stop when something else that the run read has changed: prices, terms, calendars, carry."""
    reading = read_contract(run.contract, _period(run), run.allocation_run, shelf)
    content, sha256 = reading.inputs.frozen()
    if sha256 != run.inputs_sha256 and not same_inputs(bytes(run.inputs), content):
        raise Conflict("settlement.stale", stale(_changed(bytes(run.inputs), content)))


def _changed(then: bytes, now: bytes) -> str:
    """Return which entries of the frozen document are others now."""
    before, after = json.loads(then), json.loads(now)
    entries = [one for one in {**before, **after} if before.get(one) != after.get(one)]
    names = list(dict.fromkeys(NAMES[one] for one in entries if one in NAMES))
    if len(names) == 0 or any(one not in NAMES for one in entries):
        names.append("something else that the run reads" if names else "what the run reads")
    return capital(joined(names))


def _refuse_findings(findings: list[Finding]) -> None:
    stopping = blocking(findings)
    if stopping:
        more = f" ({len(stopping) - 1} more)" if len(stopping) > 1 else ""
        raise Refused(
            "settlement.not_ready", f"Not ready: {stopping[0].message}{more}", findings=stopping
        )
