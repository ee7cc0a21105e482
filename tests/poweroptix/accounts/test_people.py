"""People, roles and tokens: what they may do and what is refused."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from poweroptix.accounts import services
from poweroptix.accounts.models import ApiToken, User
from poweroptix.accounts.permissions import SCOPES, VERBS, may, require
from poweroptix.audit.actor import Actor
from poweroptix.audit.models import AuditEvent
from poweroptix.kernel.errors import Forbidden, Refused

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SYSTEM = Actor.system("test")
PASSWORD = "a long enough passphrase 7"
pytestmark = pytest.mark.django_db


def person(role, tenant=None, name=None):
    return services.create_user(
        name or f"p-{role}", PASSWORD, role=role, actor=SYSTEM, tenant=tenant, check_password=False
    )


@pytest.fixture
def tenant():
    return services.create_tenant("alfa", "Alfa Compute", actor=SYSTEM, now=NOW)


def test_staff_and_tenant_roles_do_not_mix(tenant):
    with pytest.raises(Refused, match="choose one of: owner, finance"):
        person("approver", tenant=tenant)
    with pytest.raises(Refused, match="choose one of: viewer, operator"):
        person("owner")
    with pytest.raises(IntegrityError, match="user_role_fits_tenant"), transaction.atomic():
        User.objects.create(username="x", role="approver", tenant=tenant)
    with pytest.raises(IntegrityError, match="user_role_fits_tenant"), transaction.atomic():
        User.objects.create(username="x", role="owner", tenant=tenant, is_superuser=True)


def test_creating_a_person_is_recorded_and_hashes_the_password(tenant):
    user = person("finance", tenant=tenant)
    event = AuditEvent.objects.get(action="user.create")
    assert event.after == {"username": "p-finance", "role": "finance", "tenant": "alfa"}
    assert event.tenant_id == tenant.pk
    assert user.check_password(PASSWORD)
    assert PASSWORD not in user.password
    assert not user.is_staff


def test_a_name_is_taken_once():
    person("viewer", name="ada")
    with pytest.raises(Refused, match="already exists"):
        person("viewer", name="ada")


@pytest.mark.parametrize(
    ("role", "verb", "allowed"),
    [
        ("approver", "settlement.approve", True),
        ("analyst", "settlement.approve", False),
        ("administrator", "settlement.approve", False),
        ("analyst", "settlement.run", True),
        ("billing", "billing.issue", True),
        ("approver", "billing.issue", False),
        ("auditor", "audit.view", True),
        ("viewer", "audit.view", False),
        ("viewer", "settlement.view", True),
        ("operator", "meters.edit", True),
        ("auditor", "meters.edit", False),
    ],
)
def test_what_a_role_may_do(role, verb, allowed):
    assert may(person(role), verb) is allowed


def test_refusal_names_the_roles_that_may():
    analyst = person("analyst")
    with pytest.raises(
        Forbidden, match=r"p-analyst may not approve in settlement; it takes the role approver"
    ):
        require(analyst, "settlement.approve")
    with pytest.raises(Forbidden):
        require(Actor.of_user(analyst), "settlement.approve")


def test_an_unknown_verb_is_a_mistake_and_not_a_no():
    with pytest.raises(LookupError, match=r"no verb 'settlement.aprove'"):
        may(person("approver"), "settlement.aprove")


def test_an_actor_has_the_role_of_now_not_of_when_it_was_made():
    user = person("approver")
    actor = Actor.of_user(user)
    services.change_role(user, "viewer", actor=SYSTEM, reason="moved on")
    assert not may(actor, "settlement.approve")
    services.deactivate_user(user, actor=SYSTEM, reason="left")
    assert not may(actor, "settlement.view")


def test_a_tenants_person_may_nothing_in_the_back_office(tenant):
    owner = person("owner", tenant=tenant)
    staff_verbs = [verb for verb in VERBS if not verb.startswith("portal.")]
    assert [verb for verb in staff_verbs if may(owner, verb)] == []
    assert may(owner, "portal.tokens")


def test_every_scope_opens_known_verbs():
    assert {verb for verbs in SCOPES.values() for verb in verbs} <= set(VERBS)


def test_token_is_shown_once_and_stored_hashed():
    admin = person("administrator")
    token, key = services.create_token(
        "scada", scopes=["readings:write"], created_by=admin, now=NOW
    )
    assert key.startswith("pox_live_")
    assert key.startswith(token.prefix)
    assert key not in str(ApiToken.objects.values().get(pk=token.pk))
    assert key not in str(list(AuditEvent.objects.values()))
    found = services.authenticate_token(key, now=NOW)
    assert found == token
    assert may(found, "meters.import")
    assert not may(found, "meters.edit")


@pytest.mark.parametrize("life_days", [0, 366])
def test_a_token_lives_a_year_at_most(life_days):
    admin = person("administrator")
    with pytest.raises(Refused, match="within 365 days"):
        services.create_token(
            "long",
            scopes=["readings:read"],
            created_by=admin,
            now=NOW,
            expires_at=NOW + timedelta(days=life_days),
        )


def test_the_database_refuses_an_everlasting_token():
    admin = person("administrator")
    token, _ = services.create_token("t", scopes=["jobs:read"], created_by=admin, now=NOW)
    with pytest.raises(IntegrityError, match="token_lives_a_year"), transaction.atomic():
        ApiToken.objects.filter(pk=token.pk).update(expires_at=NOW + timedelta(days=366))


def test_expired_revoked_unknown_and_orphaned_keys_are_refused_alike():
    admin = person("administrator")
    token, key = services.create_token("t", scopes=["jobs:read"], created_by=admin, now=NOW)
    sentence = "This token is unknown, expired or revoked"
    with pytest.raises(Forbidden, match=sentence):
        services.authenticate_token(key + "x", now=NOW)
    with pytest.raises(Forbidden, match=sentence):
        services.authenticate_token(key, now=NOW + timedelta(days=90))
    services.deactivate_user(admin, actor=SYSTEM, reason="left")
    with pytest.raises(Forbidden, match=sentence):
        services.authenticate_token(key, now=NOW)
    User.objects.filter(pk=admin.pk).update(is_active=True)
    services.revoke_token(token, actor=SYSTEM, now=NOW, reason="lost")
    with pytest.raises(Forbidden, match=sentence):
        services.authenticate_token(key, now=NOW)


def test_use_is_noted_once_a_minute():
    admin = person("administrator")
    _, key = services.create_token("t", scopes=["jobs:read"], created_by=admin, now=NOW)
    services.authenticate_token(key, now=NOW)
    services.authenticate_token(key, now=NOW + timedelta(seconds=30))
    assert ApiToken.objects.get().last_used_at == NOW
    services.authenticate_token(key, now=NOW + timedelta(seconds=61))
    assert ApiToken.objects.get().last_used_at == NOW + timedelta(seconds=61)


def test_only_the_owner_of_a_tenant_makes_tokens_and_only_for_it(tenant):
    with pytest.raises(
        Forbidden, match=r"p-energy may not use tokens in portal; it takes the role owner"
    ):
        services.create_token(
            "x", scopes=["statements:read"], created_by=person("energy", tenant), now=NOW
        )
    token, _ = services.create_token(
        "x", scopes=["statements:read"], created_by=person("owner", tenant), now=NOW
    )
    assert token.tenant == tenant


def test_a_stranger_cannot_revoke_a_token(tenant):
    token, _ = services.create_token(
        "x", scopes=["statements:read"], created_by=person("owner", tenant), now=NOW
    )
    other = services.create_tenant("bravo", "Bravo", actor=SYSTEM, now=NOW)
    stranger = Actor.of_user(person("owner", other, name="stranger"))
    with pytest.raises(Forbidden, match=r"may not manage in accounts"):
        services.revoke_token(token, actor=stranger, now=NOW)


def test_unknown_scopes_are_named():
    with pytest.raises(Refused, match="Unknown scopes: everything"):
        services.create_token(
            "x", scopes=["everything"], created_by=person("administrator"), now=NOW
        )
