"""Compute a carbon account again from what it read, and compare every digit."""

import json
from dataclasses import dataclass

from esg.calc.account import AccountLine, account
from esg.models import EmissionLine, EmissionRun
from esg.models.runs import MASS_COLUMNS
from esg.queries import inputs_of
from poweroptix.kernel.canonical import canonical_json, digest_of, sha256
from poweroptix.kernel.errors import DomainError


@dataclass(frozen=True)
class CarbonReport:
    """What the recomputation found; `differences` is empty when everything agrees."""

    subject: str
    lines: int
    differences: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the account was reproduced to the milligram."""
        return not self.differences


def verify_emission_run(run: EmissionRun) -> CarbonReport:
    """Recompute a run from its pinned inputs; compare digests, masses, grams and worksheets."""
    content = bytes(run.inputs)
    if sha256(content) != run.inputs_sha256:
        return CarbonReport(str(run), 0, ("the stored inputs do not have their digest",))
    try:
        result = account(inputs_of(json.loads(content)))
    except DomainError as error:
        return CarbonReport(str(run), 0, (error.message,))
    problems = []
    if digest_of(result.document()) != run.outcome_sha256:
        problems.append("the outcome has another digest than was stored")
    stored = {(row.sink, row.code): row for row in run.lines.all()}
    computed = {(line.sink, line.code): line for line in result.lines}
    for key in sorted(set(stored) | set(computed)):
        problems += _compare(key, stored.get(key), computed.get(key))
    return CarbonReport(str(run), len(stored), tuple(problems))


def _compare(key: tuple[str, str], row: EmissionLine | None, line: AccountLine | None) -> list[str]:
    if row is None or line is None:
        return [f"{key[1]}: {'not stored' if row is None else 'not computed'}"]
    problems = [
        f"{row.code}: {gas} is {getattr(row, column)} mg, computed {line.masses_mg[gas]} mg"
        for gas, column in MASS_COLUMNS.items()
        if getattr(row, column) != line.masses_mg[gas]
    ]
    if row.co2e_g != line.co2e_g:
        problems.append(f"{row.code}: CO2e is {row.co2e_g} g, computed {line.co2e_g} g")
    if (row.energy_kwh, row.pooled_kwh) != (line.energy_kwh, line.pooled_kwh):
        problems.append(f"{row.code}: the energy differs")
    if canonical_json(row.worksheet) != canonical_json(line.worksheet.to_json()):
        problems.append(f"{row.code}: the worksheet differs")
    return problems
