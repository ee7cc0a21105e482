"""What the demonstration agreed for September 2026: applied, written out again, shared, priced."""

from datetime import date
from decimal import Decimal

import pytest

from contracts.models import ContractVersion, IndexBlock
from meters.models import Campus
from poweroptix.audit.actor import Actor
from poweroptix.demo import venture
from poweroptix.demo.build import BEFORE_VENTURE, PORTFOLIO, _moment
from poweroptix.demo.flows import ZONE
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.period import Period
from poweroptix.portfolio.changes import SAME
from poweroptix.portfolio.document import parse_document, read_document
from poweroptix.portfolio.export import as_yaml
from poweroptix.portfolio.services import apply_document
from poweroptix.portfolio.whole import portfolio_document
from settlement.models import PoolMonth

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("test")
SEPTEMBER = Period.month(ZONE, venture.FIRST)
NOW = _moment(venture.FIRST, 2)


@pytest.fixture
def agreed():
    """The portfolio of the demonstration with its second versions."""
    apply_document(read_document(PORTFOLIO), actor=SYSTEM, now=_moment("2025-10", -20))
    venture.agree(_moment(BEFORE_VENTURE, -4))


def test_the_agreements_stand_are_shared_and_can_be_written_out(agreed):
    assert ContractVersion.objects.filter(number=2, state="ACTIVE").count() == 3
    venture.enter_insurance(SEPTEMBER, SYSTEM, NOW)
    venture.record_outages(SYSTEM, NOW)
    venture.publish_gas(SEPTEMBER, SYSTEM, NOW)
    month = PoolMonth.objects.get(pool__code="insurance", state="CALCULATED")
    shares = month.shares.order_by("contract__code").values_list("amount_usd", flat=True)
    assert list(shares) == [Decimal("23833.33"), Decimal("14666.67"), Decimal("8250.00")]
    document = parse_document(as_yaml(portfolio_document()).encode())
    assert len(document["contract_events"]) == len(venture.OUTAGES)
    again = apply_document(document, actor=SYSTEM, now=NOW)
    assert [one.sentence() for one in again if one.action != SAME] == []
    blocks = IndexBlock.objects.filter(series__code=venture.GAS)
    days = {one.day for one in blocks if one.values[0] != MISSING}
    assert min(days) == date(2026, 8, 25)
    assert not {day for day in days if day.weekday() in (6, 0)}
    assert Campus.objects.get().ownerships.get().shares.count() == 2


def test_gas_is_dear_and_cheap_enough_for_cap_and_floor():
    power = {
        day: Decimal(venture._gas_cents(day)) / 100 * Decimal("8.2") + Decimal("3.10")
        for day in SEPTEMBER.days()
    }
    assert [day.day for day, usd in power.items() if usd > 42] == [16, 17]
    assert [day.day for day, usd in power.items() if usd < 18] == [25]
