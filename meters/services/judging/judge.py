"""One channel under judgement: multiplier, rules, estimates, edits; arrays in, arrays out.

Nothing here reads or writes the database. Order as vee.md section 2: structure, device, values;
then, when all channels beside it have come so far, cross checks; then estimates, and when they are
made everywhere, once more the rules that look at estimates. What a person accepted or edited
stands.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np

from meters.calc.circumstances import Circumstances
from meters.calc.multipliers import apply_multiplier
from meters.models.choices import Role
from meters.services.judging.case import Case, Estimates, Estimating, Judgement, Outcome, Readings
from meters.services.judging.rulebook import Rulebook
from meters.validation import Stage, ValidationContext
from meters.validation._base import runs
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.quality import Method, Status
from poweroptix.kernel.series import Series

__all__ = ["Case", "Estimates", "Estimating", "Judgement", "Judging", "Outcome",
           "Readings"]  # fmt: skip

NOT_INSTALLED = "F09"
FORWARD = "FORWARD_ESTIMATE"
SOURCE_SUSPECT = "SOURCE_SUSPECT"
POST_ESTIMATE = "POST_EST_FAIL"
UNMULTIPLIED = "MULTIPLIER"
OWN_CODES = (NOT_INSTALLED, FORWARD, SOURCE_SUSPECT, POST_ESTIMATE, UNMULTIPLIED)


class Judging:
    """The judgement of one case, stage by stage.

    `now`: the readings as far as they are judged, what failed taken out. `wanted`: what is to be
    estimated.
    """

    def __init__(self, case: Case, book: Rulebook) -> None:
        """Take the readings as they arrived; nothing is judged yet."""
        self.case, self.book = case, book
        self.grid, self.subject = case.grid, case.subject
        self.found: list[Judgement] = []
        count = self.grid.count
        self.installed = np.zeros(count, bool)
        self.failed = np.zeros(count, bool)
        self.held = np.zeros(count, bool)
        self.verified = np.zeros(count, bool)
        self.wanted = np.zeros(count, bool)
        self.filled = np.zeros(count, bool)
        self._unmultiplied: list[tuple[slice, str]] = []
        self.now = self._arrived()
        self._values_of, self._void = self._remembered()
        self._kept = self.now

    def _arrived(self) -> Readings:
        """Return the readings in primary units, edits in their places."""
        case = self.case
        now = self._multiplied()
        for target, source in (
            (now.values, case.final.values),
            (now.status, case.final.status),
            (now.method, case.final.method),
        ):
            target[case.edited] = source[case.edited]
        if case.voided is not None:
            now.values[case.voided] = MISSING
            now.status[case.voided] = Status.MISSING
            now.method[case.voided] = Method.MANUAL
        return now

    def _remembered(self) -> tuple[dict[int, str], frozenset[int]]:
        """Return digests of the readings behind acceptances, and the acceptances they void.

        An acceptance that reaches beyond the range is left as it is.
        """
        digests, void = {}, set()
        for each in self.case.accepted:
            if each.start_utc < self.grid.start_utc or each.end_utc > self.grid.end_utc:
                continue
            values = self.now.values[self._window(each.start_utc, each.end_utc)]
            digests[each.key] = hashlib.sha256(values.astype("<i8").tobytes()).hexdigest()
            if each.values and each.values != digests[each.key]:
                void.add(each.key)
        return digests, frozenset(void)

    def by_itself(self) -> None:
        """Let the rules judge that look at this channel first of all."""
        self._not_multiplied()
        self._not_installed(self.now)
        self._source_statuses(self.now)
        self._apply_rules([r for r in self.book.rules if r[1].stage < Stage.CROSS])
        self._settle()

    def beside_others(self) -> None:
        """Let the cross checks judge, when the channels beside this one have come so far."""
        self._apply_rules([r for r in self.book.rules if r[1].stage == Stage.CROSS])
        self._settle()

    def at_close(self) -> Outcome:
        """Let the rules of a closing period judge; readings stay as they are."""
        self._apply_rules(self.book.closing)
        return Outcome(self.now, self.found, 0, self._values_of, self._void)

    def lacking(self) -> dict[str, str]:
        """Return by key what each rule lacks in order to judge; empty words where it can."""
        now, known = self.now, self.case.known()
        series = Series(self.grid, now.values, now.status, self.subject.unit)
        return {
            key: rule.lacks(series, self._context(parameters, known))
            for key, rule, parameters in (*self.book.rules, *self.book.closing)
        }

    def finish(self) -> Outcome:
        """Return what was decided."""
        self._set_statuses(self.now)
        return Outcome(self.now, self.found, int(self.filled.sum()), self._values_of, self._void)

    def _settle(self) -> None:
        """Mark what is held, take out what failed and is to be estimated."""
        self._set_statuses(self.now)
        there = self.now.values != MISSING
        wanted = self.failed & ~self.case.edited & (self.installed | there | self.wanted)
        fresh = wanted & ~self.wanted
        if not fresh.any():
            return
        if self._kept is self.now:
            self._kept = self.now.copy()
        self.wanted = wanted
        self.now.values[fresh] = MISSING
        self.now.status[fresh] = Status.MISSING
        self.now.method[fresh] = Method.NONE

    def _set_statuses(self, now: Readings) -> None:
        """Mark what is held, and what a person has accepted, of the readings that stay."""
        free = ~self.case.edited & ~self.failed & (now.values != MISSING)
        now.status[free & self.held] = Status.SUSPECT
        now.status[free & ~self.held & self.verified] = Status.VERIFIED

    # -- before the rules -----------------------------------------------------------------------

    def _multiplied(self) -> Readings:
        """Return the raw readings in primary units, actual ones as validated.

        What cannot be multiplied exactly is left out: one ratio must not stop all channels.
        """
        now = self.case.raw.copy()
        self.installed[:] = self.subject.role == Role.SCHEDULE  # a plan comes from no device
        starts = []
        for meter in self.subject.installed:
            window = self._window(meter.start_utc, meter.end_utc)
            if window.stop <= window.start:
                continue
            self.installed[window] = True
            starts.append(window.start)
            if meter.ratio != 1:
                try:
                    now.values[window] = apply_multiplier(now.values[window], meter.ratio)
                except Refused as refused:
                    self._unmultiplied.append((window, refused.message))
                    now.values[window], now.status[window] = MISSING, Status.MISSING
        self.case.barriers = tuple(start for start in starts if start > 0)
        now.status[now.status == Status.RAW] = Status.VALIDATED
        return now

    def _not_multiplied(self) -> None:
        """Hold what the ratio of the installation cannot be applied to."""
        for window, words in self._unmultiplied:
            self._own(
                UNMULTIPLIED,
                window.start,
                window.stop,
                f"{words} The readings are left out.",
                "Correct the ratios of the installation, or let the source send primary values.",
            )

    def _not_installed(self, now: Readings) -> None:
        """Hold what arrived while no meter was there."""
        outside = ~self.installed & (now.values != MISSING) & ~self.case.edited
        for first, end in runs(outside):
            self._own(
                NOT_INSTALLED,
                first,
                end,
                "Readings arrived while no meter was installed.",
                "Enter the installation, or dismiss the readings.",
            )

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

    def _apply_rules(self, some: Iterable[tuple[str, Any, Any]]) -> None:
        """Let some rules judge; later ones know what failed before."""
        now, known = self.now, self.case.known()
        series = Series(self.grid, now.values, now.status, self.subject.unit)
        for _, rule, parameters in some:
            for finding in self._check(rule, series, self._context(parameters, known)):
                self._file(finding)

    def _check(self, rule: Any, series: Series, context: ValidationContext) -> list[Finding]:
        """Return what a rule finds; one that looks back sees the readings before the range too."""
        before = self.case.before() if rule.looks_back else None
        if before is None:
            return rule.check(series, context)
        grid = Grid(before.grid.start_utc, self.grid.minutes, before.grid.count + self.grid.count)
        longer = Series(
            grid,
            np.concatenate((before.values, series.values)),
            np.concatenate((before.status, series.status)),
            series.unit,
        )
        failed = np.concatenate((np.zeros(before.grid.count, bool), context.failed))
        found = rule.check(longer, replace(context, expected=grid, flags=(), failed=failed))
        return [each for each in found if each.end_utc > self.grid.start_utc]

    def _context(self, parameters: Any, known: Circumstances) -> ValidationContext:
        """Return what a rule may know."""
        subject = self.subject
        return ValidationContext(
            zone=subject.zone,
            direction=subject.direction,
            capacity_kw=subject.capacity_kw,
            high_limit_kw=subject.high_limit_kw,
            expected=self._expected,
            flags=self.case.flags,
            failed=self.failed,
            parameters=parameters,
            circumstances=known,
            facts={
                "quantity": subject.quantity,
                "kind": subject.kind,
                "technology": subject.technology,
                "ratios": tuple(sorted({meter.ratio for meter in subject.installed})),
            },
        )

    @cached_property
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
            each.rule_code == finding.code
            and each.start_utc <= finding.start_utc
            and finding.end_utc <= each.end_utc
            and each.key not in self._void
            for each in self.case.accepted
        )

    # -- estimates ------------------------------------------------------------------------------

    def estimate(self, estimating: Estimating) -> None:
        """Fill the gaps; what no method can fill stays missing, a failed value stays suspect."""
        now, wanted, kept = self.now, self.wanted, self._kept
        made = estimating(self.case, now, wanted)
        for estimate in made.estimates:
            window = estimate.gap
            now.values[window] = estimate.values
            now.status[window] = int(estimate.status)
            now.method[window] = int(estimate.method)
            self.filled[window] = True
            self._explain(window.start, window.stop, estimate)
        for finding in made.findings:
            self._file(finding)
        unfilled = wanted & ~self.filled
        now.method[unfilled] = kept.method[unfilled]
        unfilled &= kept.values != MISSING
        now.values[unfilled] = kept.values[unfilled]
        now.status[unfilled] = Status.SUSPECT

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

    def once_more(self) -> None:
        """Let rules look at the estimated intervals; a failure holds, never loops."""
        if not self.filled.any():
            return
        now, known = self.now, self.case.known()
        series = Series(self.grid, now.values, now.status, self.subject.unit)
        for _, rule, parameters in self.book.rules:
            if rule.after_estimates:
                context = self._context(parameters, known)
                context = replace(context, failed=np.zeros(self.grid.count, bool))
                for finding in self._check(rule, series, context):
                    self._doubt(finding)

    def _doubt(self, finding: Finding) -> None:
        """Hold the estimated intervals on which a rule still finds something."""
        if finding.severity not in (Severity.ESTIMATE, Severity.REJECT, Severity.HOLD,
                                    Severity.BLOCK):  # fmt: skip
            return
        window = self._window(finding.start_utc, finding.end_utc)
        touched = np.zeros(self.grid.count, bool)
        touched[window] = self.filled[window]
        again = replace(
            finding,
            code=POST_ESTIMATE,
            severity=Severity.HOLD,
            message=f"The estimate fails {finding.code}: {finding.message}",
            data={**finding.data, "rule": finding.code},
        )
        if not touched.any() or self._is_accepted(again):
            return
        self.now.status[touched] = Status.SUSPECT
        if not self._told_already(finding):
            self.found.append(Judgement(again))

    def _told_already(self, finding: Finding) -> bool:
        """Tell whether the same was found while the estimates were scaled."""
        key = (finding.code, finding.start_utc, finding.end_utc)
        return any((f.code, f.start_utc, f.end_utc) == key for f in (j.finding for j in self.found))

    def _window(self, start: datetime, end: datetime | None) -> slice:
        """Return the indices of [start, end) cut to the grid."""
        step = timedelta(minutes=self.grid.minutes)
        first = max(0, -((self.grid.start_utc - start) // step))
        if end is None:
            return slice(min(first, self.grid.count), self.grid.count)
        last = min(self.grid.count, -((self.grid.start_utc - end) // step))
        return slice(min(first, self.grid.count), max(first, last))
