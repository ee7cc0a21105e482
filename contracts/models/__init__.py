"""Rows of contracts: who, what was agreed, when it holds, and the prices it points to."""

from contracts.models.calendars import Holiday, HolidayCalendar, TouCalendar
from contracts.models.contracts import Contract, ContractVersion, Term
from contracts.models.events import ContractEvent
from contracts.models.evidence import ContractExample, OpeningBalance
from contracts.models.indices import IndexBlock, IndexSeries
from contracts.models.parties import Party
from contracts.models.quantities import ContractQuantity
from contracts.models.takeover import ContractDocument, CreditSupport, DiaryEntry
from contracts.models.tenancy import TenantPoint

__all__ = [
    "Contract",
    "ContractDocument",
    "ContractEvent",
    "ContractExample",
    "ContractQuantity",
    "ContractVersion",
    "CreditSupport",
    "DiaryEntry",
    "Holiday",
    "HolidayCalendar",
    "IndexBlock",
    "IndexSeries",
    "OpeningBalance",
    "Party",
    "TenantPoint",
    "Term",
    "TouCalendar",
]
