"""A campus with a tenant, a contract and an actor."""

from datetime import UTC, date, datetime

import pytest

from poweroptix.audit.actor import Actor

NOW = datetime(2026, 4, 2, 9, tzinfo=UTC)
ACTOR = Actor.system("test")


@pytest.fixture
def campus(db):
    from meters.models import Campus

    return Campus.objects.create(code="CAP", name="Caprock", zone="America/Chicago")


@pytest.fixture
def tenants(db):
    from poweroptix.accounts.models import Tenant

    return [
        Tenant.objects.create(code=code, name=code.title(), created_at=NOW)
        for code in ("ALFA", "BRAVO")
    ]


@pytest.fixture
def parties(tenants):
    from contracts.models import Party

    rows = [("SELLER", None), ("ALFA", tenants[0]), ("BRAVO", tenants[1])]
    return {
        code: Party.objects.create(
            code=code,
            name=code.title(),
            legal_name=f"{code.title()} LLC",
            role="TENANT" if tenant else "SELLER",
            tenant=tenant,
        )
        for code, tenant in rows
    }


@pytest.fixture
def contract(campus, parties):
    from contracts.services import create_contract

    return create_contract(
        code="PPA-ALFA",
        name="Power for Alfa",
        seller=parties["SELLER"],
        offtaker=parties["ALFA"],
        campus=campus,
        zone="America/Chicago",
        actor=ACTOR,
    )


EXAMPLE = {
    "period": "2026-03",
    "series": {"delivered": {"flat": "1000", "minutes": 15}},
}


@pytest.fixture
def draft(contract):
    from contracts.services import add_example, add_term, new_version

    version = new_version(contract, first_day=date(2026, 1, 1), note="first", actor=ACTOR, now=NOW)
    add_term(
        version,
        line_code=10,
        charge_type_key="fixed_energy@1",
        label="Energy",
        clause_number="4.2",
        clause_text="Buyer pays 50.00 $/MWh.",
        parameters={"price": "50"},
        actor=ACTOR,
    )
    add_example(version, name="March", inputs=EXAMPLE, expected={"10": "148600.00"}, actor=ACTOR)
    return version


@pytest.fixture
def active(draft):
    from contracts.services import activate_version

    return activate_version(draft, actor=ACTOR, now=NOW)
