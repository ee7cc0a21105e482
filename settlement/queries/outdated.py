"""What changed under an approved month beside its readings: terms, prices, the carry."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from poweroptix.kernel.canonical import canonical_json
from poweroptix.kernel.errors import DomainError
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.period import Period
from settlement.calc.gate import linked
from settlement.calc.words import joined
from settlement.models import SettlementRun
from settlement.queries.behind import changed_prices, version_words
from settlement.queries.closing import rules_of, window_closed
from settlement.queries.contract import read_contract

OTHERS = {"calendars": "the calendars", "carry_in": "what the month before hands on"}


def changed_since_approval(run: SettlementRun, now: datetime) -> list[Finding]:
    """Return what changed under an approved run beside its readings, and what to do about it.

    Readings have corrections of their own. Nothing for a run that does not count.
    """
    if not run.is_settled or run.allocation_run is None:
        return []
    period = Period(run.start_utc, run.end_utc, run.contract.zone, run.period)
    then = json.loads(bytes(run.inputs))
    last = window_closed(rules_of([run.contract]).get(run.contract_id), period, now)
    advice = _advice(last)
    try:
        inputs = read_contract(run.contract, period, run.allocation_run).inputs
    except DomainError as fault:
        text = f"{run} could not be settled again as it stands now: {fault.message}"
        return [_finding("settlement.not_again", text, "contracts.version", advice, run)]
    today = json.loads(canonical_json(inputs.document()))
    findings = []
    if then["versions"] != today["versions"]:
        text = (
            f"The terms of {run.period} were amended after the approval: it was settled with "
            f"{version_words(then)}, in force now are {version_words(today)}."
        )
        findings.append(
            _finding("settlement.amended_since", text, "contracts.version", advice, run)
        )
    for one in changed_prices(then["prices"], today["prices"]):
        text = (
            f"Prices of {one.series} were revised after the approval, on {one.day_count} UTC days "
            f"from {one.first_day} to {one.last_day}."
        )
        findings.append(
            _finding(
                "settlement.prices_since", text, "contracts.index", advice, run, series=one.series
            )
        )
    others = [words for name, words in OTHERS.items() if then[name] != today[name]]
    if others:
        text = f"After the approval of {run}, {joined(others)} changed."
        findings.append(_finding("settlement.changed_since", text, "settlement.run", advice, run))
    return findings


def _advice(last: date | None) -> str:
    if last is None:
        return "Recalculate the month: the true-up takes it up, and the next bill the difference."
    return (
        f"The last true-up was due on {last}, so the month stays as it is billed; where both sides "
        "agree otherwise, make an ad hoc run with the reason."
    )


def _finding(
    code: str, text: str, link: str, fix: str, run: SettlementRun, **params: Any
) -> Finding:
    named: Mapping[str, Any] = {"contract": run.contract.code, "period": run.period, **params}
    return linked(code, text, link, Severity.WARN, fix=fix, **named)
