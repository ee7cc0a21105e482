"""The proof that the sources of an allocation close, asked of the very series that are stored."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.series import Series
from settlement.calc.parts import Part


def refuse_open(parts: Sequence[Part]) -> None:
    """Refuse an allocation whose sources do not close in some interval, in kWh.

    For every source: members' parts + operator's rest = whole. For every contract that takes from
    sources: what it got of all of them = what it is delivered. An interval that is missing in one
    of them is not judged; it keeps the month from being settled by itself.
    """
    wholes = {part.pool_code: part.series for part in parts if part.kind == "WHOLE"}
    totals = {part.contract: part.series for part in parts if part.kind == "TOTAL"}
    given = [part for part in parts if part.kind == "SOURCE"]
    sources = {part.pool_code for part in given}
    by_source: dict[str, list[Series]] = {code: [] for code in sorted(sources)}
    by_contract: dict[str, list[Series]] = {}
    for part in given:
        by_source[part.pool_code].append(part.series)
        by_contract.setdefault(part.contract, []).append(part.series)
    for part in parts:
        if part.kind == "OPERATOR" and part.pool_code in sources:
            by_source[part.pool_code].append(part.series)
    for code, series in by_source.items():
        _refuse(wholes[code], series, f"What source {code} gave is not what came of it")
    for code, series in by_contract.items():
        _refuse(totals[code], series, f"The sources of {code} are not what it is delivered")


def _refuse(whole: Series, parts: Sequence[Series], what: str) -> None:
    minutes = whole.grid.minutes
    left, unknown = np.where(whole.missing, 0, whole.values), whole.missing
    for part in parts:
        one = part if part.grid.minutes == minutes else part.to_minutes(minutes)
        absent = one.values == MISSING
        if absent.any():
            unknown = unknown | absent
            left = left - np.where(absent, 0, one.values)
        else:
            left = left - one.values
    open_ones = np.flatnonzero(np.where(unknown, 0, left))
    if open_ones.size:
        start = whole.grid.start_of(int(open_ones[0]))
        text = (
            f"{what} in {open_ones.size} intervals, the first at {start:%Y-%m-%d %H:%M} UTC; "
            "the allocation is not kept."
        )
        raise Refused("allocation.open", text, first=int(open_ones[0]))
