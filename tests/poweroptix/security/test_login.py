"""Log-in, log-out, limits of a session, locking, change of password."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user

from poweroptix.accounts.models import Tenant, User
from poweroptix.clock import now
from poweroptix.security import middleware

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture
def people():
    tenant = Tenant.objects.create(code="alfa", name="Alfa", created_at=now())
    for name, of, role in [("ann", None, "analyst"), ("tom", tenant, "finance")]:
        user = User(username=name, tenant=of, role=role, is_staff=of is None)
        user.set_password(PASSWORD)
        user.save()


def log_in(client, name, password=PASSWORD, **query):
    return client.post(
        "/accounts/login/", {"username": name, "password": password}, query_params=query
    )


def test_nobody_is_sent_to_the_log_in(client):
    assert client.get("/").url == "/accounts/login/?next=/"
    assert client.get("/admin/").url.startswith("/admin/login/")
    assert client.get("/admin/login/?next=/admin/").url == "/accounts/login/?next=/admin/"


@pytest.mark.parametrize(("name", "home"), [("ann", "/office/"), ("tom", "/portal/")])
def test_everybody_arrives_where_they_work(client, people, name, home):
    assert log_in(client, name).url == "/"
    assert client.get("/").url == home


def test_next_leads_only_to_our_own_pages(client, people):
    assert log_in(client, "ann", next="/office/jobs/").url == "/office/jobs/"
    assert log_in(client, "ann", next="//evil.example/").url == "/"


def test_a_tenant_is_shown_the_log_in_not_sent_in_circles(client, people):
    log_in(client, "tom")
    response = client.get("/admin/", follow=True)
    assert response.status_code == 200
    assert response.redirect_chain[-1][0] == "/accounts/login/?next=%2Fadmin%2F"


def test_log_out_ends_the_session_and_wants_a_post(client, people):
    log_in(client, "ann")
    assert client.get("/accounts/logout/").status_code == 405
    assert client.post("/admin/logout/").url == "/accounts/login/"
    assert not get_user(client).is_authenticated


def test_an_idle_session_ends(client, people, monkeypatch, settings):
    start = now()
    log_in(client, "ann")
    for minutes, alive in [(0, True), (29, True), (58, True), (89, False)]:
        at = start + timedelta(minutes=minutes)
        monkeypatch.setattr(middleware, "now", lambda at=at: at)
        assert (client.get("/").url == "/office/") is alive
    assert settings.SESSION_COOKIE_AGE == 12 * 3600


def test_eight_wrong_passwords_lock_name_and_address_together(client, people, settings):
    settings.AXES_ENABLED = True
    answers = [log_in(client, "ann", "wrong").status_code for _ in range(8)]
    assert answers == [200] * 7 + [429]
    locked = log_in(client, "ann")
    assert locked.status_code == 429
    assert "opens again by itself in 15 minutes" in locked.content.decode()
    assert log_in(client, "tom").status_code == 302


def test_a_forged_forwarded_address_does_not_unlock(client, people, settings):
    settings.AXES_ENABLED = True
    for number in range(8):
        client.post(
            "/accounts/login/",
            {"username": "ann", "password": "wrong"},
            headers={"x-forwarded-for": f"10.0.0.{number}"},
        )
    assert log_in(client, "ann").status_code == 429


def test_change_of_password(client, people):
    log_in(client, "ann")
    fresh = "nine wandering turbines"
    form = {"old_password": PASSWORD, "new_password1": fresh, "new_password2": fresh}
    short = {**form, "new_password1": "short", "new_password2": "short"}
    refused = client.post("/accounts/password/", short)
    assert "at least 15 characters" in refused.content.decode()
    assert client.post("/accounts/password/", form).url == "/"
    ann = User.objects.get(username="ann")
    assert ann.check_password(fresh)
    assert ann.password.startswith("argon2")
    assert ann.role == "analyst"
