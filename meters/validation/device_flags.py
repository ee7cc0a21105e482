"""V09 Device status flags: what the device itself says is wrong with its readings.

The names are those of the statuses that recorders keep per interval, as NEM12 reason codes 79 to 99
publish them; `meters.formats._quality` turns those codes into these names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from meters.validation._base import BaseRule, Stage, ValidationContext, rules, runs
from meters.validation._days import local_days
from meters.validation._ranges import finding, marked, metered
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.parameters import param
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series


class Action(IntEnum):
    """What a flag does to a reading; the larger, the more."""

    IGNORE = 0
    WARN = 1
    HOLD = 2
    HOLD_DAY = 3
    ESTIMATE = 4


#: Flag -> what it does, and what it says in words.
ACTIONS: dict[str, tuple[Action, str]] = {
    "POWER_FAIL": (Action.IGNORE, "power failure"),  # an outage: the value is true
    "SHORT": (Action.HOLD, "short interval"),
    "LONG": (Action.HOLD, "long interval"),
    "CLOCK": (Action.HOLD_DAY, "clock set or in error"),
    "CLOCK_SET_FWD": (Action.HOLD_DAY, "clock set forward"),
    "CLOCK_SET_BACK": (Action.HOLD_DAY, "clock set back"),
    "TIME_RESET": (Action.HOLD_DAY, "time reset"),
    "OVERFLOW": (Action.ESTIMATE, "pulse overflow"),
    "TEST_MODE": (Action.ESTIMATE, "test mode"),
    "DEVICE_ERROR": (Action.ESTIMATE, "memory or parity error"),
    "CRC": (Action.ESTIMATE, "CRC error"),
    "RAM": (Action.ESTIMATE, "RAM checksum error"),
    "ROM": (Action.ESTIMATE, "ROM checksum error"),
    "PARITY": (Action.ESTIMATE, "parity error"),
    "RESET": (Action.WARN, "reset or watchdog"),
    "WATCHDOG": (Action.WARN, "watchdog"),
    "DATA_MISSING": (Action.ESTIMATE, "data missing"),
    "CONFIG_CHANGED": (Action.HOLD, "configuration changed"),
    "SOURCE_ADDED": (Action.IGNORE, "interval added by the source"),
    "SOURCE_REPLACED": (Action.IGNORE, "interval replaced by the source"),
    "SOURCE_ESTIMATED": (Action.IGNORE, "interval estimated by the source"),
    "OUT_OF_LIMITS": (Action.HOLD, "data out of limits"),
    "LOAD_CONTROL": (Action.IGNORE, "load control"),
}
_SEVERITY = {
    Action.WARN: Severity.WARN,
    Action.HOLD: Severity.HOLD,
    Action.HOLD_DAY: Severity.HOLD,
    Action.ESTIMATE: Severity.ESTIMATE,
}
_FIX = {
    Action.WARN: "Read the event log of the device.",
    Action.HOLD: "Compare with the register or the check meter, then accept or edit; where a clock "
    "was set, a short interval belongs to its neighbour.",
    Action.HOLD_DAY: "Compare the day with the register, then accept the day or edit it.",
    Action.ESTIMATE: "Let it be estimated; have the device looked at if it happens again.",
}


@dataclass(frozen=True)
class DeviceFlagsParameters:
    """What flags do where a campus differs from the table."""

    actions: dict[str, str] = param(
        default={},
        help="Flag -> IGNORE, WARN, HOLD, HOLD_DAY or ESTIMATE, in place of the usual action.",
    )

    def __post_init__(self) -> None:
        for flag, action in self.actions.items():
            if flag not in ACTIONS:
                text = f"actions: there is no flag '{flag}'; known: {', '.join(ACTIONS)}."
                raise Refused("device_flags.flag", text)
            if action not in Action.__members__:
                known = ", ".join(Action.__members__)
                text = f"actions: {flag} cannot be '{action}'; choose one of {known}."
                raise Refused("device_flags.action", text)

    def action(self, flag: str) -> Action:
        """Return what a flag does; a flag that is not in the table does nothing."""
        given = self.actions.get(flag)
        return Action[given] if given else ACTIONS.get(flag, (Action.IGNORE, ""))[0]


@rules.register("device_flags@1")
class DeviceFlags(BaseRule):
    """No interval carries a device flag that takes the trust from its reading.

    A flag on a value that the source substituted or a person edited is the reason for it and is
    left alone. A reset or watchdog warns, and a zero beside it is estimated. A clock event holds
    the whole local day. POWER_FAIL keeps the value: it only bars it from serving estimates.
    """

    code = "V09"
    title = "Device status flags"
    stage = Stage.DEVICE
    Parameters = DeviceFlagsParameters

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding per stretch under the same flags, as severe as the worst of them."""
        parameters = context.parameters or DeviceFlagsParameters()
        if not context.flags:
            return []
        acting = list(_acting(series, context, parameters))
        return [_finding(series, *stretch) for stretch in marked(acting, metered(series))]


def _acting(
    series: Series, context: ValidationContext, parameters: DeviceFlagsParameters
) -> Iterator[tuple[int, int, tuple[str, Action]]]:
    """Yield the flags that do something, with what they do and where."""
    for first, end, flag, _ in context.flags:
        action = parameters.action(flag)
        a, b = max(0, first), min(end, series.grid.count)
        if action == Action.IGNORE or a >= b:
            continue
        if flag == "OUT_OF_LIMITS":  # a reading that is suspect already has its finding
            doubted = series.status[a:b] != Status.SUSPECT
            yield from ((a + i, a + j, (flag, action)) for i, j in runs(doubted))
            continue
        if action == Action.HOLD_DAY:
            a, b = _whole_days(series, context.zone, a, b)
        yield a, b, (flag, action)
        if flag in ("RESET", "WATCHDOG") and action == Action.WARN:
            zero = series.values[a:b] == 0
            yield from ((a + i, a + j, (flag, Action.ESTIMATE)) for i, j in runs(zero))


def _whole_days(series: Series, zone: str, first: int, end: int) -> tuple[int, int]:
    """Return the range of the local days that intervals touch."""
    days = local_days(series.grid, zone)
    touched = np.searchsorted(days.starts, [first, end - 1], side="right") - 1
    return days.span(int(touched[0]), int(touched[1]) + 1)


def _finding(
    series: Series, first: int, end: int, marks: tuple[tuple[str, Action], ...]
) -> Finding:
    worst = max(action for _, action in marks)
    flags = sorted({flag for flag, _ in marks})
    words = ", ".join(f"{ACTIONS[flag][1]} ({flag})" for flag in flags)
    day = " The whole day is held." if worst == Action.HOLD_DAY else ""
    return finding(
        "V09",
        _SEVERITY[worst],
        series.grid,
        (first, end),
        f"The device reports: {words}.{day}",
        _FIX[worst],
        data={"flags": flags},
    )
