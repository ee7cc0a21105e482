"""What a person may do to readings: one table of actions, each a small pure function.

A function takes the readings of the edited intervals and what the action needs (a number, or
readings to copy) and returns the new ones. Sums are exact; a product is rounded like an estimate
(0.001 of the unit, half-even).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from meters.calc.scaling import scale_all
from meters.models import EditAction
from meters.services.judging.judge import Readings
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import EXACT, MISSING, from_micro, micro
from poweroptix.kernel.quality import Method, Status
from poweroptix.kernel.rounding import estimate

LARGEST = 2**63 - 1
NUMBER, DAY, CHANNEL, PUBLICATION, NOTHING = "number", "day", "channel", "publication", ""


@dataclass(frozen=True)
class Action:
    """An action: its word, what it needs beside the range, and how it changes the readings."""

    key: str
    needs: str
    change: Callable[[Readings, Decimal | Readings | None], Readings]

    @property
    def label(self) -> str:
        """Return the word on screen."""
        return EditAction(self.key).label


def set_to(old: Readings, number: Decimal) -> Readings:
    """Return every interval at `number`."""
    return _edited(np.full(len(old.values), micro(number), np.int64))


def add(old: Readings, number: Decimal) -> Readings:
    """Return every interval plus `number`, exact; Refused where a value is missing."""
    step = micro(number)
    return _edited(_fitting([value + step for value in _present(old, "ADD")]))


def scale(old: Readings, factor: Decimal) -> Readings:
    """Return every interval times `factor`, to 0.001; Refused where a value is missing."""
    products = (EXACT.multiply(from_micro(v), factor) for v in _present(old, "SCALE"))
    return _edited(_fitting([micro(estimate(product)) for product in products]))


def scale_to(old: Readings, total: Decimal) -> Readings:
    """Return all intervals times one factor so that they add up to `total`, to its last digit.

    Zeros share it in equal parts. Refused where a value is missing or below zero, and for a total
    below zero.
    """
    shares = scale_all([from_micro(v) for v in _present(old, "TOTAL")], total)
    return _edited(_fitting([micro(share) for share in shares]))


def copy_day(old: Readings, source: Readings) -> Readings:
    """Return the readings of the same wall-clock times of another day."""
    return _edited(_whole(source, "the other day"), Method.LIKE_DAY)


def copy_channel(old: Readings, source: Readings) -> Readings:
    """Return the readings of another channel of the same point at the same time."""
    return _edited(_whole(source, "the other channel"), Method.CHECK_METER)


def mark_missing(old: Readings, nothing: None) -> Readings:
    """Return intervals without a value, by a person's decision."""
    count = len(old.values)
    return Readings(
        np.full(count, MISSING, np.int64),
        np.full(count, int(Status.MISSING), np.uint8),
        np.full(count, int(Method.MANUAL), np.uint8),
    )


def restore(old: Readings, source: Readings) -> Readings:
    """Return an earlier version as a person's decision; what was missing there is missing again."""
    absent = source.values == MISSING
    restored = _edited(source.values.copy())
    restored.status[absent] = Status.MISSING
    return restored


def untouched(old: Readings, nothing: None) -> Readings:
    """Return the readings as they are: the rules make them anew when the edit ends."""
    return old.copy()


ACTIONS: dict[str, Action] = {
    action.key: action
    for action in (
        Action(EditAction.SET, NUMBER, set_to),
        Action(EditAction.ADD, NUMBER, add),
        Action(EditAction.SCALE, NUMBER, scale),
        Action(EditAction.TOTAL, NUMBER, scale_to),
        Action(EditAction.COPY_DAY, DAY, copy_day),
        Action(EditAction.COPY_CHANNEL, CHANNEL, copy_channel),
        Action(EditAction.MARK_MISSING, NOTHING, mark_missing),
        Action(EditAction.RESTORE, PUBLICATION, restore),
        Action(EditAction.REVERT, NOTHING, untouched),
    )
}


def action_of(key: str) -> Action:
    """Return the action; Refused names the known ones."""
    if key not in ACTIONS:
        known = ", ".join(ACTIONS)
        raise Refused("edit.action", f"There is no action '{key}'; known: {known}.")
    return ACTIONS[key]


def _edited(values: np.ndarray, method: Method = Method.MANUAL) -> Readings:
    """Return values as a person's decision."""
    count = len(values)
    return Readings(
        values, np.full(count, int(Status.EDITED), np.uint8), np.full(count, int(method), np.uint8)
    )


def _present(old: Readings, action: str) -> list[int]:
    """Return the values as integers; Refused where one is missing."""
    if (old.values == MISSING).any():
        raise Refused(
            "edit.missing", f"{action} needs a value in every interval; some are missing."
        )
    return old.values.tolist()


def _whole(source: Readings, name: str) -> np.ndarray:
    """Return the values to copy; Refused says how many are missing."""
    absent = int((source.values == MISSING).sum())
    if absent:
        raise Refused(
            "edit.source",
            f"{absent} of {len(source.values)} intervals have no value on {name}; choose another.",
        )
    return source.values.copy()


def _fitting(values: list[int]) -> np.ndarray:
    """Return int64 values; Refused where one does not fit."""
    if any(abs(value) > LARGEST for value in values):
        raise Refused("edit.range", "The result does not fit a reading; use a smaller number.")
    return np.array(values, np.int64)
