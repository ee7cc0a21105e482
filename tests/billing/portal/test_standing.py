"""What the portal says about a bill, in every state that a month passes through."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from billing.access import EnergyParts
from billing.portal import standing
from poweroptix.kernel.period import Period
from settlement.models import SettlementRun
from settlement.services import run_settlement
from tests.factories.campus import HEAD, MARCH, NOW, deliver

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=3)


def home(client, world) -> str:
    client.force_login(world.people["alfa"])
    answer = client.get("/portal/")
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize(
    ("newest", "said"),
    [
        (None, standing.EMPTY),
        (datetime(2026, 3, 1, 6, tzinfo=UTC), standing.EMPTY),
        (datetime(2026, 3, 20, tzinfo=UTC), standing.PARTLY),
        (datetime(2026, 4, 1, 5, tzinfo=UTC), standing.READ),
    ],
)
def test_a_month_without_a_run_is_as_far_as_its_readings(newest, said):
    assert standing.of_readings(Period.month("America/Chicago", "2026-03"), newest) is said


@pytest.mark.parametrize(
    ("state", "kind", "said"),
    [
        ("CALCULATED", "PRELIMINARY", standing.PRELIMINARY),
        ("REVIEW", "PRELIMINARY", standing.PRELIMINARY),
        ("CALCULATED", "FINAL", standing.CALCULATED),
        ("REVIEW", "FINAL", standing.REVIEW),
        ("APPROVED", "FINAL", standing.APPROVED),
        ("LOCKED", "TRUE_UP", standing.APPROVED),
    ],
)
def test_a_run_says_how_far_the_bill_is(state, kind, said):
    assert standing.of_run(SettlementRun(state=state, kind=kind)) is said


def test_an_approved_run_that_is_revised_says_so_and_an_open_one_does_not():
    assert standing.of_run(SettlementRun(state="APPROVED"), changed=True) is standing.CORRECTING
    assert standing.of_run(SettlementRun(state="REVIEW"), changed=True) is standing.REVIEW


def test_the_contract_that_is_furthest_behind_counts():
    assert standing.least([standing.ISSUED, standing.REVIEW]) is standing.REVIEW
    assert standing.least([]) is None


def late_reading():
    row = "HALL-A,DEL_KWH,2026-03-12T12:15:00Z,900,2500.000,kWh,A"
    deliver("late.csv", "\n".join([HEAD, row, ""]).encode(), now=LATER)


def test_readings_that_changed_after_the_invoice_are_said(client, world):
    from tests.factories.campus import _judge

    assert standing.CORRECTED.sentence not in home(client, world)
    late_reading()
    _judge()
    assert standing.CORRECTED.sentence in home(client, world)
    number = world.invoices["PPA-ALFA"].number
    assert standing.CORRECTED.sentence in client.get(f"/portal/invoices/{number}/").content.decode()
    run_settlement(world.runs["PPA-ALFA"].contract, MARCH, now=LATER, actor=world.actor("analyst"))
    assert standing.CORRECTED.sentence in home(client, world)


def test_a_reading_of_somebody_else_flags_nothing_here(client, world):
    from tests.factories.campus import _judge

    late_reading()
    _judge()
    client.force_login(world.people["bravo"])
    assert standing.CORRECTED.sentence not in client.get("/portal/").content.decode()


def test_metered_losses_and_shares_add_up_to_what_is_billed(client, world):
    for address in ("/portal/", "/portal/usage/?month=2026-03"):
        client.force_login(world.people["alfa"])
        answer = client.get(address)
        month = answer.context["month"]
        parts = month.parts
        assert parts.metered + parts.losses + parts.shared == month.energy_kwh
        assert month.energy_kwh == world.invoices["PPA-ALFA"].energy_kwh
        page = answer.content.decode()
        for kwh in (parts.metered, parts.losses, parts.total):
            assert f"{kwh.normalize():,f} kWh" in page


def test_parts_of_two_contracts_are_added():
    one = EnergyParts(Decimal(1), Decimal(2), Decimal(3))
    assert (one + one).total == 12
