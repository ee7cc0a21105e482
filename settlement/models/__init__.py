"""Models of settlement: pools, allocation, money, owners, runs, closing, desk-checks."""

from settlement.models.allocation import AllocationPart, AllocationRun, Pool, PoolMember
from settlement.models.closing import CloseCalendar, CloseContract
from settlement.models.correction import Correction
from settlement.models.desk import DeskCheck
from settlement.models.money import MoneyMember, MoneyPool, PoolItem, PoolMonth, PoolShare
from settlement.models.ownership import OwnerLine, OwnerMonth, OwnerShare, Ownership
from settlement.models.runs import Line, SettlementRun
from settlement.models.sale import PoolSale
from settlement.models.statements import CounterpartyStatement, Dispute
from settlement.models.what_if import WhatIf

__all__ = [
    "AllocationPart",
    "AllocationRun",
    "CloseCalendar",
    "CloseContract",
    "Correction",
    "CounterpartyStatement",
    "DeskCheck",
    "Dispute",
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
    "PoolSale",
    "PoolShare",
    "SettlementRun",
    "WhatIf",
]
