"""Models of settlement: pools, allocation runs and parts, settlement runs and lines."""

from settlement.models.allocation import AllocationPart, AllocationRun, Pool, PoolMember
from settlement.models.correction import Correction
from settlement.models.runs import Line, SettlementRun

__all__ = [
    "AllocationPart",
    "AllocationRun",
    "Correction",
    "Line",
    "Pool",
    "PoolMember",
    "SettlementRun",
]
