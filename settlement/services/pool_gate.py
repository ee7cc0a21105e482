"""Judges whether the pools of money of a campus month are closed, current and billed in full."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from poweroptix.kernel.finding import Finding
from poweroptix.kernel.period import Period
from settlement.calc.gate import linked
from settlement.models import AllocationRun, MoneyMember, MoneyPool, PoolMonth
from settlement.queries.money import billed_by, current_months, pools_of, stale_pools


class PoolGate:
    """What is judged of the pools of one campus month, read once for all its contracts."""

    def __init__(self, campus_code: str, period: Period, allocation: AllocationRun) -> None:
        self._code, self._period, self._allocation = campus_code, period, allocation
        self._campus_id = allocation.campus_id

    @cached_property
    def _pools(self) -> list[MoneyPool]:
        return pools_of(self._campus_id, self._period)

    @cached_property
    def _current(self) -> dict[int, PoolMonth]:
        return current_months(self._campus_id, self._period.label)

    @cached_property
    def _months(self) -> dict[str, PoolMonth]:
        return {month.pool.code: month for month in self._current.values()}

    @cached_property
    def _stale(self) -> set[str]:
        return stale_pools(self._pools, self._current, self._period, self._allocation)

    @cached_property
    def _members(self) -> dict[str, dict[int, str]]:
        """Contracts that take part in the month, by pool: id and code."""
        return {pool.code: _contracts(pool.present) for pool in self._pools}

    @cached_property
    def _billed(self) -> dict[tuple[int, str], int]:
        ids = {pk for members in self._members.values() for pk in members}
        return billed_by(sorted(ids), self._period)

    def of(self, contract_id: int, named: Mapping[str, Any]) -> list[Finding]:
        """Judge the pools in which a contract takes part or that its terms name.

        A pool's month closes only when every member is billed its share exactly once, so a
        neighbour that nobody bills keeps the contract back as well.
        """
        codes = {code for code, members in self._members.items() if contract_id in members}
        return [finding for code in sorted(codes | set(named)) for finding in self._judged(code)]

    def _judged(self, code: str) -> list[Finding]:
        month, label = self._months.get(code), self._period.label
        if month is None:
            text = f"The pool {code} is not divided for {label}."
            fix = f"Enter the amount of {label} with its source; 0.00 when there was none."
            return [self._finding("pool_open", text, code, fix)]
        if code in self._stale:
            text = (
                f"Items, members, energy or prices of the pool {code} changed after it was divided."
            )
            return [self._finding("pool_stale", text, code, "Divide the pool again.")]
        findings = [
            self._finding("pool_open", one["message"], code, one["fix"]) for one in month.findings
        ]
        return findings + self._unbilled(code)

    def _unbilled(self, code: str) -> list[Finding]:
        label, found = self._period.label, []
        for pk, contract in sorted(self._members.get(code, {}).items(), key=lambda one: one[1]):
            count = self._billed.get((pk, code), 0)
            if count == 1:
                continue
            how = "no term bills" if count == 0 else f"{count} terms bill"
            text = f"{contract} takes part in the pool {code} and {how} it in {label}."
            fix = (
                f"Add a term pool_share@1 with the pool {code} to {contract}, or end its part."
                if count == 0
                else f"Keep one of the terms of {contract}."
            )
            found.append(self._finding("pool_unbilled", text, code, fix))
        return found

    def _finding(self, name: str, text: str, code: str, fix: str) -> Finding:
        return linked(
            f"settlement.{name}",
            text,
            "settlement.pool",
            fix=fix,
            campus=self._code,
            pool=code,
            period=self._period.label,
        )


def _contracts(members: list[MoneyMember]) -> dict[int, str]:
    return {one.contract_id: one.contract.code for one in members if one.contract_id}
