"""`manage.py token`: a key is shown once, opens the API, and ends at once."""

import json

import pytest
from django.core.management import call_command

from poweroptix.accounts.models import ApiToken
from poweroptix.accounts.services import create_tenant, create_user
from poweroptix.audit.actor import Actor
from poweroptix.clock import now

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("test")


@pytest.fixture(autouse=True)
def _people():
    create_user("root", None, role="administrator", actor=SYSTEM)
    for code in ("alfa", "bravo"):
        tenant = create_tenant(code, code.title(), actor=SYSTEM, now=now())
        create_user(f"{code}-owner", None, role="owner", tenant=tenant, actor=SYSTEM)


def say(capsys, *words):
    call_command("token", *words, "--json")
    return json.loads(capsys.readouterr().out)


def refusal(capsys, *words):
    with pytest.raises(SystemExit) as stop:
        call_command("token", *words, "--json")
    assert stop.value.code == 1
    return json.loads(capsys.readouterr().err)["refused"]


def create(*more, who="root"):
    return ("create", "historian", "--as", who, "--scope", "readings:read", *more)


def test_the_key_opens_the_api_until_it_is_revoked(capsys, client):
    [made] = say(capsys, *create())
    head = {"HTTP_AUTHORIZATION": f"Bearer {made['key']}"}
    assert client.get("/api/v1/campuses", **head).status_code == 200
    [row] = say(capsys, "list")
    assert (row["state"], row["of"], row["scopes"]) == ("valid", "operator", "readings:read")
    assert made["key"].startswith(row["prefix"])
    assert made["key"] not in json.dumps(row)
    assert say(capsys, "revoke", row["prefix"]) == [{"prefix": row["prefix"], "state": "revoked"}]
    assert client.get("/api/v1/campuses", **head).status_code == 401
    assert say(capsys, "list")[0]["state"] == "revoked"


def test_a_token_of_a_tenant(capsys):
    say(capsys, *create("--tenant", "alfa", "--days", "7"))
    token = ApiToken.objects.get()
    assert token.tenant.code == "alfa"
    assert (token.expires_at - token.created_at).days == 7


def test_what_is_refused_is_said(capsys):
    assert refusal(capsys, *create(who="nobody")) == "There is no active user nobody."
    assert refusal(capsys, *create("--tenant", "x")) == "There is no tenant x."
    assert "belongs to another tenant" in refusal(
        capsys, *create("--tenant", "bravo", who="alfa-owner")
    )
    assert "within 365 days" in refusal(capsys, *create("--days", "400"))
    assert "Unknown scopes: secrets:read" in refusal(capsys, *create("--scope", "secrets:read"))
    assert "0 tokens begin with pox_live_x" in refusal(capsys, "revoke", "pox_live_x")
    assert not ApiToken.objects.exists()
