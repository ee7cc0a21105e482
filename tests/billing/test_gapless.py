"""Numbers stay gapless when many issue at once and some of them fail."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from billing.models import NumberSeries
from billing.services.issue import take_number
from contracts.models import Party
from poweroptix.kernel.errors import Refused

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.no_doctor("numbers are taken without invoices"),
]
WORKERS, ROUNDS = 4, 30


class UnwillingError(Exception):
    """The transaction ends badly."""


def test_rollbacks_leave_no_gap():
    seller = Party.objects.create(
        code="SELLER", name="Seller", legal_name="Seller LLC", role="SELLER", invoice_prefix="inv"
    )
    dice = random.Random(7)
    plans = [[dice.random() < 0.3 for _ in range(ROUNDS)] for _ in range(WORKERS)]

    def work(plan: list[bool]) -> list[tuple[str, int]]:
        kept = []
        try:
            for fails in plan:
                try:
                    with transaction.atomic():
                        taken = take_number(seller)
                        if fails:
                            raise UnwillingError
                except UnwillingError:
                    continue
                kept.append(taken)
        finally:
            connection.close()
        return kept

    with ThreadPoolExecutor(WORKERS) as pool:
        issued = [taken for kept in pool.map(work, plans) for taken in kept]
    wanted = sum(not fails for plan in plans for fails in plan)
    assert sorted(serial for _, serial in issued) == list(range(1, wanted + 1))
    assert {number for number, _ in issued} == {f"INV-{n:06d}" for n in range(1, wanted + 1)}
    assert NumberSeries.objects.get().next_number == wanted + 1


def test_two_sellers_cannot_share_a_prefix():
    first, second = (
        Party.objects.create(
            code=code, name=code, legal_name=code, role="SELLER", invoice_prefix="inv"
        )
        for code in ("ONE", "TWO")
    )
    assert take_number(first) == ("INV-000001", 1)
    with pytest.raises(
        Refused, match="numbers its invoices with INV; give TWO a prefix of its own"
    ):
        take_number(second)
    assert NumberSeries.objects.get().next_number == 2
