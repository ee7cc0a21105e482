"""Stored runs are computed again from their pins, and nothing stored can be changed."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from settlement.models import Line
from settlement.services import verify_run
from tests.settlement.acts import force, publish_hub, settle, with_index
from tests.settlement.world import NOW, World, readings

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


def test_verification_computes_everything_again():
    world = with_index()
    publish_hub([Decimal(30)] * 743)
    run = settle(world)
    readings(world.alfa_meter, 70, now=NOW)
    publish_hub([Decimal(99)], now=NOW)
    report = verify_run(run)
    assert report.ok, report.differences
    assert report.compared == {"parts": 7, "lines": 2}


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("UPDATE settlement_line SET label = 'x'", "Line 1 'x' differs from its computation"),
        ("UPDATE settlement_line SET worksheet = '{}'", "Line 1 'Energy' differs from its"),
        ("UPDATE settlement_settlementrun SET carry_out = '{\"9\":{}}'", "The carry for the next"),
        ("UPDATE settlement_settlementrun SET inputs = '{}'", "do not have the digest of the run"),
        ("UPDATE settlement_settlementrun SET total_usd = 1", "The total is 1.00, computed again"),
        ("UPDATE settlement_allocationpart SET values[5] = 1 WHERE kind = 'TOTAL'", "digest"),
        ("UPDATE meters_readingblock SET values[5] = 1", "is not what was pinned"),
        ("UPDATE settlement_allocationpart SET digest = repeat('a', 64)", "Part LOSS/losses/PPA"),
    ],
)
@pytest.mark.no_doctor(reason="the test forges rows on purpose")
def test_verification_finds_a_forged_row(world, sql, message):
    run = settle(world)
    force(sql)
    run.refresh_from_db()
    report = verify_run(run)
    assert not report.ok
    assert any(message in one for one in report.differences), report.differences


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("UPDATE settlement_line SET amount_usd = 1", "UPDATE refused: rows of settlement_line"),
        ("DELETE FROM settlement_line", "DELETE refused"),
        ("UPDATE settlement_settlementrun SET total_usd = 1", "total_usd"),
        ("UPDATE settlement_settlementrun SET state = 'INVOICED'", "CALCULATED.*INVOICED"),
        ("DELETE FROM settlement_settlementrun", "DELETE refused"),
    ],
)
def test_a_calculated_run_never_changes(world, sql, message):
    settle(world)
    with (
        pytest.raises(IntegrityError, match=message),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)


def test_nothing_is_added_to_a_calculated_run(world):
    run = settle(world)
    line = run.lines.get()
    line.pk, line.position = None, 2
    with (
        pytest.raises(IntegrityError, match=r"run \d+ is CALCULATED, nothing can be added to it"),
        transaction.atomic(),
    ):
        Line.objects.bulk_create([line])


def test_the_database_refuses_a_total_that_is_not_the_sum(world, monkeypatch):
    from settlement.calc.settle import Outcome

    monkeypatch.setattr(Outcome, "total_usd", property(lambda _: Decimal("1.00")))
    with pytest.raises(IntegrityError, match=r"total 1.00 is not the sum of its lines 9005.15"):
        settle(world)
