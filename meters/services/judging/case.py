"""What is judged, and what came of it: plain data between the rules and the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import numpy as np

from meters.calc.circumstances import Circumstances
from meters.services.judging.subjects import Accepted, Subject
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series


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


def nothing_known() -> Circumstances:
    """Return that nothing is known beside the readings."""
    return Circumstances()


def nothing_before() -> Series | None:
    """Return that no readings before the range matter."""
    return None


@dataclass
class Case:
    """Everything that is judged for one channel: grid, raw readings, what people decided.

    `known` is asked anew at each stage, for other channels are judged meanwhile. `before`: readings
    before the range, where a register was read there and again in the range. `voided`: where a
    person took the reading away.
    """

    subject: Subject
    grid: Grid
    raw: Readings
    final: Readings
    edited: np.ndarray
    due_utc: datetime
    flags: Sequence[tuple[int, int, str, dict]] = ()
    accepted: Sequence[Accepted] = ()
    barriers: Sequence[int] = ()
    known: Callable[[], Circumstances] = nothing_known
    before: Callable[[], Series | None] = nothing_before
    voided: np.ndarray | None = None


@dataclass
class Judgement:
    """A finding and what became of it."""

    finding: Finding
    state: str = "OPEN"
    method: str = ""
    worksheet: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Outcome:
    """What was decided for one channel.

    `values_of`: digests of the readings behind acceptances, by finding. `void`: acceptances whose
    readings have changed since.
    """

    readings: Readings
    judgements: list[Judgement]
    estimated: int = 0
    values_of: dict[int, str] = field(default_factory=dict)
    void: frozenset[int] = frozenset()


class Estimates(Protocol):
    """What was made of the gaps of a case; `gap`s are index ranges of its grid."""

    estimates: Sequence[Any]
    findings: Sequence[Finding]


#: Fills the wanted intervals of a case, which are missing in the readings given.
Estimating = Callable[[Case, Readings, np.ndarray], Estimates]
