"""How sure a reading is, and how it was made when it was not metered."""

from __future__ import annotations

from collections.abc import Collection
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from poweroptix.kernel.errors import Refused


class Status(IntEnum):
    """Status of one interval; the larger, the worse."""

    VALIDATED = 10
    VERIFIED = 20
    CALCULATED = 40
    SUBSTITUTED_FINAL = 45
    EDITED = 50
    ESTIMATED = 60
    SUSPECT = 70
    RAW = 75
    REJECTED = 80
    MISSING = 100


class Method(IntEnum):
    """How a value came to be; NONE is plain metering, SOURCE was estimated by the sender.

    CALCULATED follows from other channels.
    """

    NONE = 0
    REREAD = 1
    CHECK_METER = 2
    NODE_CALC = 3
    SCADA = 4
    INTERPOLATE = 5
    LIKE_DAY = 6
    AVG_LIKE_DAY = 7
    PREV_YEAR = 8
    PROFILE = 9
    PLANT_MODEL = 10
    ZERO = 11
    ADL = 12
    MANUAL = 13
    CALCULATED = 14
    SOURCE = 20


#: Statuses an invoice may rest on (estimates only if the contract allows them).
BILLABLE = frozenset(
    {
        Status.VALIDATED,
        Status.VERIFIED,
        Status.CALCULATED,
        Status.SUBSTITUTED_FINAL,
        Status.EDITED,
        Status.ESTIMATED,
    }
)

_LETTERS = {
    Status.VALIDATED: "A",
    Status.VERIFIED: "A",
    Status.CALCULATED: "A",
    Status.SUBSTITUTED_FINAL: "S",
    Status.EDITED: "M",
    Status.ESTIMATED: "E",
    Status.SUSPECT: "?",
    Status.RAW: "?",
    Status.REJECTED: "X",
    Status.MISSING: "X",
}


def is_one_of(status: NDArray[np.uint8], chosen: Collection[Status]) -> NDArray[np.bool_]:
    """Return which intervals have one of the statuses; a look-up, for arrays are long and many.

    >>> is_one_of(np.array([10, 60, 100], np.uint8), {Status.ESTIMATED})
    array([False,  True, False])
    """
    table = np.zeros(256, bool)
    table[list(chosen)] = True
    return table[status]


def worst(status: NDArray[np.uint8]) -> Status:
    """Return the worst status of an array; an aggregate is as sure as its worst part.

    >>> worst(np.array([10, 60, 10], dtype=np.uint8))
    <Status.ESTIMATED: 60>
    """
    array = np.asarray(status)
    if not array.size:
        raise Refused("quality.empty", "There is no interval, so there is no worst status.")
    return Status(int(array.max()))


def letter(status: int) -> str:
    """Return the letter for print: A actual, S substituted, E estimated, M edited, ? X.

    >>> [letter(status) for status in (10, 45, 60, 50, 75, 100)]
    ['A', 'S', 'E', 'M', '?', 'X']
    """
    return _LETTERS[Status(int(status))]
