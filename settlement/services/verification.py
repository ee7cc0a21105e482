"""Compute a stored run again from nothing but what it pinned, and compare to the byte."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from poweroptix.kernel.canonical import canonical_json, digest_of, sha256
from poweroptix.kernel.errors import DomainError, NotFoundError
from poweroptix.kernel.fixed import EXACT
from poweroptix.kernel.period import Period
from settlement.calc.campus import allocate_campus
from settlement.calc.inputs import from_bytes
from settlement.calc.settle import SettledLine, settle
from settlement.models import AllocationPart, AllocationRun, Line, SettlementRun
from settlement.queries.campus import read_again
from settlement.queries.resolver import StoredResolver
from settlement.queries.runs import find_run


@dataclass
class Report:
    """What a verification compared and where it found a difference; none means proved.

    `state` is where the subject stands when that matters: a void invoice can be proved as well.
    """

    subject: str
    compared: dict[str, int] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    state: str = ""

    @property
    def ok(self) -> bool:
        """Whether everything is as it was."""
        return not self.differences

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "subject": self.subject,
            **({"state": self.state} if self.state else {}),
            "ok": self.ok,
            "compared": self.compared,
            "differences": self.differences,
        }


def verify_run(run: SettlementRun) -> Report:
    """Compute the run's lines and its energy again; compare digests, bytes and columns.

    Reads the allocation's pinned readings as well, so a changed reading, price, part or line is
    found wherever it happened. Never raises for a difference: it is in the report.
    """
    report = Report(f"Run {run}")
    content = bytes(run.inputs)
    if sha256(content) != run.inputs_sha256:
        report.differences.append("The stored inputs do not have the digest of the run.")
        return report
    if run.allocation_run is not None:
        energy = verify_allocation(run.allocation_run)
        report.compared |= energy.compared
        report.differences += energy.differences
    period = Period(run.start_utc, run.end_utc, run.contract.zone, run.period)
    try:
        outcome = settle(from_bytes(content, StoredResolver(period)))
    except DomainError as error:
        report.differences.append(f"The inputs cannot be read again: {error.message}")
        return report
    stored = list(run.lines.order_by("position"))
    report.compared["lines"] = len(stored)
    _compare_lines(report, outcome.lines, stored)
    if outcome.total_usd != run.total_usd:
        text = f"The total is {run.total_usd}, computed again it is {outcome.total_usd}."
        report.differences.append(text)
    if canonical_json(outcome.carry_out) != canonical_json(run.carry_out):
        report.differences.append("The carry for the next period differs.")
    if outcome.lines_sha256() != run.lines_sha256:
        report.differences.append("The digest of the lines differs.")
    return report


def verify_allocation(run: AllocationRun) -> Report:
    """Split the month's energy again from the pinned readings and compare every part."""
    report = Report(f"Allocation {run}")
    content = bytes(run.inputs)
    if sha256(content) != run.inputs_sha256:
        report.differences.append("The stored allocation inputs do not have their digest.")
        return report
    try:
        outcome = allocate_campus(read_again(content).inputs)
    except DomainError as error:
        report.differences.append(f"The readings cannot be read again: {error.message}")
        return report
    again = {
        (part.kind, part.pool_code, part.contract): part.series.digest() for part in outcome.parts
    }
    rows = AllocationPart.objects.filter(run=run).values_list(
        "kind", "pool_code", "contract__code", "digest"
    )
    stored = {(kind, pool, code or ""): digest for kind, pool, code, digest in rows}
    report.compared["parts"] = len(stored)
    report.differences += [
        f"Part {'/'.join(one for one in key if one)} of the allocation differs."
        for key in sorted(set(again) | set(stored))
        if again.get(key) != stored.get(key)
    ]
    if canonical_json(outcome.carry_out) != canonical_json(run.carry_out):
        report.differences.append("The stock of a battery for the next month differs.")
    return report


def _compare_lines(report: Report, again: tuple[SettledLine, ...], stored: list[Line]) -> None:
    if len(again) != len(stored):
        text = f"The run has {len(stored)} lines, computed again there are {len(again)}."
        report.differences.append(text)
    for line, row in zip(again, stored, strict=False):
        digest = digest_of(line.document())
        if digest != row.sha256 or stored_digest(row) != row.sha256:
            text = f"Line {row.position} '{row.label}' differs from its computation."
            report.differences.append(text)


def stored_digest(row: Line) -> str:
    """Return the digest of a line from its stored columns, as the computation would give it."""
    document = {
        "position": row.position,
        "line_code": row.line_code,
        "label": row.label,
        "first_date": row.first_date,
        "last_date": row.last_date,
        "quantity": _same_text(row.quantity),
        "unit": row.unit,
        "rate_text": row.rate_text,
        "exact_usd": _same_text(row.exact_usd),
        "amount_usd": row.amount_usd,
        "estimated_ratio": _same_text(row.estimated_ratio),
        "term_id": row.term_id,
        "charge_type": row.charge_type,
        "clause": row.clause,
        "corrects_period": row.corrects_period,
        "corrects_run": row.corrects_run_id,
        "worksheet": row.worksheet,
    }
    return digest_of(json.loads(canonical_json(document)))


def _same_text(number: Any) -> Any:
    return None if number is None else number.normalize(EXACT)


#: Functions that apps above add: a text in, the report of what it names out, None if not theirs.
verifiers: list[Callable[[str], Any]] = []


def verify_named(name: str) -> Any:
    """Verify what a text names: a run, or what an app above knows (an invoice number).

    NotFoundError when nobody knows it.
    """
    for verifier in verifiers:
        report = verifier(name)
        if report is not None:
            return report
    try:
        run = find_run(name)
    except NotFoundError as error:
        text = (
            f"There is no run and no invoice '{name}'; name a run by its number or as "
            "CONTRACT/2026-03/v1, an invoice by its number."
        )
        raise NotFoundError("verify.nothing", text) from error
    return verify_run(run)
