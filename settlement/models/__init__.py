"""Models of settlement: pools, allocation, pools of money, owners, runs and lines, closing."""

from settlement.models.allocation import AllocationPart, AllocationRun, Pool, PoolMember
from settlement.models.closing import CloseCalendar, CloseContract
from settlement.models.correction import Correction
from settlement.models.money import MoneyMember, MoneyPool, PoolItem, PoolMonth, PoolShare
from settlement.models.ownership import OwnerLine, OwnerMonth, OwnerShare, Ownership
from settlement.models.runs import Line, SettlementRun

__all__ = [
    "AllocationPart",
    "AllocationRun",
    "CloseCalendar",
    "CloseContract",
    "Correction",
    "Line",
    "MoneyMember",
    "MoneyPool",
    "OwnerLine",
    "OwnerMonth",
    "OwnerShare",
    "Ownership",
    "Pool",
    "PoolItem",
    "PoolMember",
    "PoolMonth",
    "PoolShare",
    "SettlementRun",
]
