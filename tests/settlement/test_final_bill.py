"""The last month of a contract that ended on a day: its days are billed, the rest is not."""

from datetime import date

import pytest

from contracts.services import terminate_contract
from poweroptix.kernel.errors import Refused
from tests.settlement.acts import approve, settle
from tests.settlement.world import ENERGY, MARCH, NOW, World

pytestmark = pytest.mark.django_db
FEE = {
    "key": "recurring_fee@1",
    "code": 40,
    "label": "Fee",
    "parameters": {"fee": "310", "per": "MONTH"},
}


def test_energy_and_fees_of_the_days_until_the_last_one():
    example = (
        {"period": "2026-03", "series": {"delivered": {"flat": "1000", "minutes": 15}}},
        {"10": "148600.00", "40": "310.00"},
    )
    world = World(terms=(ENERGY, FEE), example=example)
    last = date(2026, 3, 17)
    with pytest.raises(Refused, match="Say why the contract ends"):
        terminate_contract(world.alfa, last_day=last, reason=" ", actor=world.approver, now=NOW)
    terminate_contract(world.alfa, last_day=last, reason="Sold.", actor=world.approver, now=NOW)
    run = approve(world, settle(world))
    energy, fee = run.lines.order_by("position")
    assert (fee.last_date, str(fee.amount_usd)) == (last, "170.00")
    assert energy.last_date == last
    start, end = MARCH.day_bounds(date(2026, 3, 1))[0], MARCH.day_bounds(last)[1]
    quarters = int((end - start).total_seconds()) // 900
    metered_usd = quarters * 60 * 50 / 1000
    assert metered_usd < float(energy.amount_usd) < metered_usd * 1.02
    world.read(MARCH.next())
    later = MARCH.next().end_utc
    left = settle(world, "bravo", period=MARCH.next(), now=later)
    assert left.lines.get().amount_usd is not None
    with pytest.raises(Refused, match="PPA-ALFA has no active version on 2026-04"):
        settle(world, period=MARCH.next(), now=later)
