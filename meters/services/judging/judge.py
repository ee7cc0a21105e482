"""One channel under judgement: multiplier, rules, estimates, edits; arrays in, arrays out.

Nothing here reads or writes the database. Order as vee.md section 2: structure, values, estimates,
then the value rules once more over what was estimated. What a person accepted or edited stands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

import numpy as np

from meters.calc.multipliers import apply_multiplier
from meters.services.judging.rulebook import Rulebook
from meters.services.judging.subjects import Subject
from meters.validation import ValidationContext
from meters.validation._base import runs
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.quality import Method, Status
from poweroptix.kernel.series import Series

NOT_INSTALLED = "F09"
FORWARD = "FORWARD_ESTIMATE"
SOURCE_SUSPECT = "SOURCE_SUSPECT"
POST_ESTIMATE = "POST_EST_FAIL"
OWN_CODES = (NOT_INSTALLED, FORWARD, SOURCE_SUSPECT, POST_ESTIMATE)


@dataclass
class Readings:
    """Values (10^-6), statuses and methods on one grid."""

    values: np.ndarray
    status: np.ndarray
    method: np.ndarray

    @classmethod
    def absent(cls, count: int) -> Readings:
        """Return readings of which none is there."""
        return cls(
            np.full(count, MISSING, np.int64),
            np.full(count, int(Status.MISSING), np.uint8),
            np.zeros(count, np.uint8),
        )

    def copy(self) -> Readings:
        """Return readings that may be changed without changing these."""
        return Readings(self.values.copy(), self.status.copy(), self.method.copy())


@dataclass(frozen=True)
class Accepted:
    """A rule whose finding on a range a person has accepted."""

    rule_code: str
    start_utc: datetime
    end_utc: datetime


@dataclass
class Case:
    """Everything that is judged for one channel: grid, raw readings, what people decided."""

    subject: Subject
    grid: Grid
    raw: Readings
    final: Readings
    edited: np.ndarray
    due_utc: datetime
    flags: Sequence[tuple[int, int, str, dict]] = ()
    accepted: Sequence[Accepted] = ()
    barriers: Sequence[int] = ()


@dataclass
class Judgement:
    """A finding and what became of it."""

    finding: Finding
    state: str = "OPEN"
    method: str = ""
    worksheet: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Outcome:
    """What was decided for one channel."""

    readings: Readings
    judgements: list[Judgement]
    estimated: int = 0


class Estimates(Protocol):
    """What was made of the gaps of a case; `gap`s are index ranges of its grid."""

    estimates: Sequence[Any]
    findings: Sequence[Finding]


#: Fills the wanted intervals of a case, which are missing in the readings given.
Estimating = Callable[[Case, Readings, np.ndarray], Estimates]


def judge(case: Case, book: Rulebook, estimating: Estimating) -> Outcome:
    """Return final readings and findings; `estimating` is called once, or not at all."""
    return Judging(case, book).finish(estimating)


class Judging:
    """The judgement of one case: rules at once, estimates when all that is beside it was judged.

    `now`: the readings as far as they are judged, what failed taken out. `wanted`: what is to be
    estimated.
    """

    def __init__(self, case: Case, book: Rulebook) -> None:
        self.case, self.book = case, book
        self.grid, self.subject = case.grid, case.subject
        self.found: list[Judgement] = []
        count = self.grid.count
        self.installed = np.zeros(count, bool)
        self.failed = np.zeros(count, bool)
        self.held = np.zeros(count, bool)
        self.verified = np.zeros(count, bool)
        self.now = self._by_rules()
        self.wanted = self.failed & ~case.edited
        self.wanted &= self.installed | (self.now.values != MISSING)
        self._kept = self.now.copy() if self.wanted.any() else self.now
        self._blank()

    def _by_rules(self) -> Readings:
        """Return the readings of this case with all findings filed."""
        case = self.case
        now = self._multiplied()
        for target, source in (
            (now.values, case.final.values),
            (now.status, case.final.status),
            (now.method, case.final.method),
        ):
            target[case.edited] = source[case.edited]
        self._source_statuses(now)
        self._apply_rules(now)
        self._set_statuses(now)
        return now

    def finish(self, estimating: Estimating | None = None) -> Outcome:
        """Estimate what is wanted and return what was decided."""
        estimated = self._estimate(estimating) if estimating and self.wanted.any() else 0
        self._set_statuses(self.now)
        return Outcome(self.now, self.found, estimated)

    def _set_statuses(self, now: Readings) -> None:
        """Mark what is held, and what a person has accepted, of the readings that stay."""
        free = ~self.case.edited & ~self.failed & (now.values != MISSING)
        now.status[free & self.held] = Status.SUSPECT
        now.status[free & ~self.held & self.verified] = Status.VERIFIED

    # -- before the rules -----------------------------------------------------------------------

    def _multiplied(self) -> Readings:
        """Return the raw readings in primary units, actual ones as validated."""
        now = self.case.raw.copy()
        starts = []
        for meter in self.subject.installed:
            window = self._window(meter.start_utc, meter.end_utc)
            if window.stop <= window.start:
                continue
            self.installed[window] = True
            starts.append(window.start)
            if meter.ratio != 1:
                now.values[window] = apply_multiplier(now.values[window], meter.ratio)
        self.case.barriers = tuple(start for start in starts if start > 0)
        now.status[now.status == Status.RAW] = Status.VALIDATED
        outside = ~self.installed & (now.values != MISSING) & ~self.case.edited
        for first, end in runs(outside):
            self._own(
                NOT_INSTALLED,
                first,
                end,
                "Readings arrived while no meter was installed.",
                "Enter the installation, or dismiss the readings.",
            )
        return now

    def _source_statuses(self, now: Readings) -> None:
        """Hold what the source itself doubts or only forecasts."""
        forward = np.zeros(self.grid.count, bool)
        for first, end, code, _ in self.case.flags:
            if code == "FORWARD":
                forward[first:end] = True
        forward &= (now.status == Status.ESTIMATED) & ~self.case.edited
        for first, end in runs(forward):
            self._own(
                FORWARD,
                first,
                end,
                "The source sent forward estimates, not readings.",
                "Wait for the readings, or enter values.",
            )
        doubted = (now.status == Status.SUSPECT) & ~self.case.edited
        for first, end in runs(doubted):
            self._own(
                SOURCE_SUSPECT,
                first,
                end,
                "The source marks these readings as suspect.",
                "Ask the source, or accept them.",
            )

    def _own(self, code: str, first: int, end: int, message: str, fix: str) -> None:
        """Hold a range for a reason that is no plug-in's."""
        finding = Finding(
            code, message, Severity.HOLD, self.subject.code,
            start_utc=self.grid.start_of(first), end_utc=self.grid.start_of(end), fix=fix,
        )  # fmt: skip
        self._file(finding)

    # -- rules ----------------------------------------------------------------------------------

    def _apply_rules(self, now: Readings) -> None:
        """Let every rule judge; later rules know what failed before."""
        series = Series(self.grid, now.values, now.status, self.subject.unit)
        for _, rule, parameters in self.book.rules:
            for finding in rule.check(series, self._context(parameters)):
                self._file(finding)

    def _context(self, parameters: Any) -> ValidationContext:
        """Return what a rule may know."""
        subject = self.subject
        return ValidationContext(
            zone=subject.zone,
            direction=subject.direction,
            capacity_kw=subject.capacity_kw,
            high_limit_kw=subject.high_limit_kw,
            expected=self._expected(),
            flags=self.case.flags,
            failed=self.failed,
            parameters=parameters,
            facts={
                "quantity": subject.quantity,
                "kind": subject.kind,
                "technology": subject.technology,
            },
        )

    def _expected(self) -> Grid:
        """Return the part of the grid that should be there: installed and due by now."""
        indices = np.flatnonzero(self.installed)
        first, end = (int(indices[0]), int(indices[-1]) + 1) if len(indices) else (0, 0)
        due = (self.case.due_utc - self.grid.start_utc) // timedelta(minutes=self.grid.minutes)
        end = max(first, min(end, due))
        return Grid(self.grid.start_of(first), self.grid.minutes, end - first)

    def _file(self, finding: Finding) -> None:
        """Keep a finding, unless a person accepted it, and mark its intervals."""
        window = self._window(finding.start_utc, finding.end_utc)
        if finding.code == "V01" and not self.installed[window].any():
            return
        if self._is_accepted(finding):
            self.verified[window] = True
            return
        if finding.severity in (Severity.ESTIMATE, Severity.REJECT):
            self.failed[window] = True
        elif finding.severity in (Severity.HOLD, Severity.BLOCK):
            self.held[window] = True
        self.found.append(Judgement(finding))

    def _is_accepted(self, finding: Finding) -> bool:
        return any(
            a.rule_code == finding.code
            and a.start_utc <= finding.start_utc
            and finding.end_utc <= a.end_utc
            for a in self.case.accepted
        )

    # -- estimates ------------------------------------------------------------------------------

    def _blank(self) -> None:
        """Take out what is to be estimated."""
        self.now.values[self.wanted] = MISSING
        self.now.status[self.wanted] = Status.MISSING
        self.now.method[self.wanted] = Method.NONE

    def _estimate(self, estimating: Estimating) -> int:
        """Fill the gaps; what no method can fill stays missing, a failed value stays suspect."""
        now, wanted, kept = self.now, self.wanted, self._kept
        filled = np.zeros(self.grid.count, bool)
        made = estimating(self.case, now, wanted)
        for estimate in made.estimates:
            window = estimate.gap
            now.values[window] = estimate.values
            now.status[window] = int(estimate.status)
            now.method[window] = int(estimate.method)
            filled[window] = True
            self._explain(window.start, window.stop, estimate)
        for finding in made.findings:
            self._file(finding)
        unfilled = wanted & ~filled & (kept.values != MISSING)
        now.values[unfilled] = kept.values[unfilled]
        now.status[unfilled] = Status.SUSPECT
        now.method[unfilled] = kept.method[unfilled]
        if filled.any():
            self._judge_again(now, filled)
        return int(filled.sum())

    def _explain(self, first: int, end: int, estimate: Any) -> None:
        """Attach the worksheet of an estimate to the findings that it answers."""
        start, stop = self.grid.start_of(first), self.grid.start_of(end)
        sheet = dict(estimate.worksheet) | {
            "start_utc": start.isoformat(),
            "end_utc": stop.isoformat(),
            "used": list(estimate.used),
            "warnings": list(estimate.warnings),
        }
        for judgement in self.found:
            finding = judgement.finding
            if finding.severity not in (Severity.ESTIMATE, Severity.REJECT):
                continue
            if finding.start_utc < stop and finding.end_utc > start:
                judgement.state = "ESTIMATED"
                judgement.method = Method(estimate.method).name
                judgement.worksheet.append(sheet)

    def _judge_again(self, now: Readings, filled: np.ndarray) -> None:
        """Let the value rules look at the estimated intervals; a failure holds, never loops."""
        series = Series(self.grid, now.values, now.status, self.subject.unit)
        for _, rule, parameters in self.book.rules:
            if not rule.after_estimates:
                continue
            context = replace(self._context(parameters), failed=np.zeros(self.grid.count, bool))
            for finding in rule.check(series, context):
                window = self._window(finding.start_utc, finding.end_utc)
                touched = np.zeros(self.grid.count, bool)
                touched[window] = filled[window]
                if not touched.any():
                    continue
                again = replace(
                    finding,
                    code=POST_ESTIMATE,
                    severity=Severity.HOLD,
                    message=f"The estimate fails {finding.code}: {finding.message}",
                )
                if self._is_accepted(again):
                    continue
                now.status[touched] = Status.SUSPECT
                self.found.append(Judgement(again))

    def _window(self, start: datetime, end: datetime | None) -> slice:
        """Return the indices of [start, end) cut to the grid."""
        step = timedelta(minutes=self.grid.minutes)
        first = max(0, -((self.grid.start_utc - start) // step))
        if end is None:
            return slice(min(first, self.grid.count), self.grid.count)
        last = min(self.grid.count, -((self.grid.start_utc - end) // step))
        return slice(min(first, self.grid.count), max(first, last))
