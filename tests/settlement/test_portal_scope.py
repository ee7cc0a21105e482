"""Inside a tenant's scope only its own runs, lines and parts exist."""

import pytest
from django.db import ProgrammingError

from poweroptix.db.scope import portal_scope
from settlement.models import (
    AllocationPart,
    AllocationRun,
    CounterpartyStatement,
    DeskCheck,
    Dispute,
    Line,
    Pool,
    SettlementRun,
)
from settlement.queries.explain import explain_line
from tests.settlement.acts import settle
from tests.settlement.world import World


@pytest.fixture
def world(transactional_db):
    made = World()
    settle(made)
    settle(made, "bravo")
    return made


def test_a_tenant_sees_its_own_rows_only(world):
    alfa = world.alfa.tenant_id
    with portal_scope(alfa, [world.alfa_meter.pk]):
        for model in (SettlementRun, Line, AllocationPart):
            assert set(model.objects.values_list("tenant_id", flat=True)) == {alfa}
        assert set(AllocationPart.objects.values_list("kind", flat=True)) == {
            "METERED",
            "LOSS",
            "TOTAL",
        }


def test_a_tenant_follows_its_line_to_its_days(world):
    line = Line.objects.get(run__contract=world.alfa)
    with portal_scope(world.alfa.tenant_id, [world.alfa_meter.pk]):
        tree = explain_line(line.pk)
    assert len(tree["days"]) == 31
    assert tree["days"][0]["metered_kwh"] == 60 * 96


STAFFS = (AllocationRun, Pool, DeskCheck, CounterpartyStatement, Dispute)


def test_what_belongs_to_the_campus_or_to_the_staff_is_out_of_reach(world):
    for model in STAFFS:
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            portal_scope(world.alfa.tenant_id, []),
        ):
            list(model.objects.all())
