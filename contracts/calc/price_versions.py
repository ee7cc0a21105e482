"""Which publication of a price a clause means: the newest one, or the first that was final."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.parameters import param

#: Ends the name under which a term reads a series as it was first published as final.
FIRST = "@first"


@dataclass(frozen=True, kw_only=True)
class RevisionParameters:
    """The part of an index clause that says what a revision of a final price does."""

    revisions: str = param(
        default="REOPEN",
        choices=("REOPEN", "FIRST_FINAL"),
        help="REOPEN: the newest publication counts, a revision of a settled month is corrected. "
        "FIRST_FINAL: a price counts as it was first published as final.",
    )

    def named(self, code: str) -> str:
        """Return the name under which the clause reads a series."""
        return f"{code}{FIRST}" if code and self.revisions == "FIRST_FINAL" else code

    def said_revisions(self) -> str:
        """Return the choice in words; the newest publication needs none."""
        if self.revisions == "REOPEN":
            return ""
        return "; a price counts as it was first published as final, whatever is revised later"


def series_code(name: str) -> str:
    """Return the code of the series behind a name.

    >>> series_code("HUB@first"), series_code("HUB")
    ('HUB', 'HUB')
    """
    return name.removesuffix(FIRST)


def first_final(
    versions: Iterable[tuple[Sequence[int], Collection[int]]],
) -> tuple[np.ndarray, list[int]]:
    """Return the prices of a day from its versions in order, and the positions not final yet.

    A version is its prices and the positions that are not final in it. Each price is that of the
    first version in which it is final; until there is one, the newest.

    >>> prices, open_ones = first_final(
    ...     [([10, 20], [0, 1]), ([11, 20], [1]), ([12, 21], [])])
    >>> prices.tolist(), open_ones
    ([11, 21], [])
    """
    settled: np.ndarray | None = None
    newest: np.ndarray | None = None
    for values, not_final in versions:
        newest = np.asarray(values, dtype=np.int64)
        if settled is None:
            settled = np.full(newest.size, MISSING, dtype=np.int64)
        final = newest.copy()
        final[list(not_final)] = MISSING
        settled = np.where(settled == MISSING, final, settled)
    if settled is None or newest is None:
        return np.zeros(0, dtype=np.int64), []
    open_ones = np.flatnonzero((settled == MISSING) & (newest != MISSING))
    return np.where(settled == MISSING, newest, settled), open_ones.tolist()
