"""What the contracts of the demonstration bring along: dates, security, papers, a draft."""

from datetime import date, datetime
from decimal import Decimal

from contracts.models import Contract, OpeningBalance
from contracts.services import (
    add_credit_support,
    add_diary_entry,
    approve_opening_balance,
    attach_document,
)
from poweroptix.audit.actor import Actor

AGREEMENT = (
    b"Summary of the power purchase agreement PPA-ALFA.\n\n"
    b"4.1 Energy by time of use. 4.3 Demand with a ratchet. 4.4 Capacity. 6.2 Switchyard fee.\n"
    b"The signed agreement is with the seller's counsel.\n"
)


def take_over(analyst: Actor, approver: Actor, at: datetime) -> None:
    """Approve what was brought along, and write down dates, security and papers of PPA-ALFA."""
    for balance in OpeningBalance.objects.all():
        approve_opening_balance(balance, actor=approver, now=at)
    contract, by = Contract.objects.get(code="PPA-ALFA"), {"actor": analyst, "now": at}
    add_diary_entry(
        contract,
        kind="RENEWAL",
        title="Say whether the agreement is renewed",
        due_date=date(2026, 12, 15),
        lead_days=90,
        **by,
    )
    add_diary_entry(
        contract,
        kind="TEST",
        title="Yearly guarantee test of the switchyard",
        due_date=date(2027, 4, 1),
        lead_days=30,
        **by,
    )
    add_credit_support(
        contract,
        kind="LETTER",
        issuer="First Bank of Lubbock",
        reference="LC-2291",
        amount_usd=Decimal(2_500_000),
        first_date=date(2025, 10, 1),
        expiry_date=date(2027, 9, 30),
        **by,
    )
    add_credit_support(
        contract,
        kind="DEPOSIT",
        issuer="ALFA Compute LLC",
        amount_usd=Decimal(250_000),
        first_date=date(2025, 10, 1),
        **by,
    )
    attach_document(contract, kind="AGREEMENT", name="ppa-alfa-terms.txt", content=AGREEMENT, **by)
