"""Models of settlement: pools, allocation runs and parts, settlement runs and lines."""

from settlement.models.allocation import AllocationPart, AllocationRun, Pool, PoolMember
from settlement.models.correction import Correction
from settlement.models.money import MoneyMember, MoneyPool, PoolItem, PoolMonth, PoolShare
from settlement.models.runs import Line, SettlementRun

__all__ = [
    "AllocationPart",
    "AllocationRun",
    "Correction",
    "Line",
    "MoneyMember",
    "MoneyPool",
    "Pool",
    "PoolItem",
    "PoolMember",
    "PoolMonth",
    "PoolShare",
    "SettlementRun",
]
