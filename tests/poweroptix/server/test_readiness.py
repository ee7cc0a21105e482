"""Health of the process, readiness of the whole."""

import pytest
from django.conf import settings
from django.db import OperationalError, connection

from poweroptix.accounts.models import User
from poweroptix.server import readiness as module
from poweroptix.server.prepare import _collect_static, _static_digest
from poweroptix.server.welcome import welcome


def test_health_asks_nothing_of_the_database(client, monkeypatch):
    monkeypatch.setattr(connection, "cursor", None)
    response = client.get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok\n")


@pytest.mark.django_db
def test_ready(client):
    response = client.get("/readyz")
    assert response.status_code == 200, response.json()
    assert set(response.json()["checks"]) == {"database", "disk", "login", "migrations", "work"}


@pytest.mark.django_db
def test_not_ready_says_what_is_missing(client, monkeypatch):
    known = module._known_migrations() | {("meters", "9999_future")}
    monkeypatch.setattr(module, "_known_migrations", lambda: known)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["migrations"] == {
        "ok": False,
        "detail": "1 not applied: run manage.py prepare",
    }


def test_without_a_database_the_rest_is_not_asked(client, monkeypatch):
    def broken():
        raise OperationalError("secret detail")

    monkeypatch.setattr(module, "staff_scope", broken)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["database"] == {"ok": False, "detail": "OperationalError"}
    assert "secret" not in response.content.decode()


@pytest.mark.django_db
def test_a_web_login_that_row_policies_do_not_bind_is_not_ready(monkeypatch):
    monkeypatch.setattr(settings, "PROCESS", "web")
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = session_user")
        unbound = cursor.fetchone()[0]
    assert module._login().ok is not unbound


def test_a_full_disk_is_not_ready(monkeypatch, tmp_path):
    monkeypatch.setattr(settings, "MEDIA_ROOT", str(tmp_path / "not" / "there"))
    monkeypatch.setattr(module, "FREE_BYTES_MIN", 10**18)
    assert not module._disk().ok


def test_static_files_are_collected_only_when_they_changed(tmp_path, monkeypatch):
    runs = []
    monkeypatch.setattr("poweroptix.server.prepare.subprocess.run", lambda *a, **k: runs.append(a))
    assert _collect_static(tmp_path)
    assert not _collect_static(tmp_path)
    (tmp_path / "static.sha256").write_text("other")
    assert _collect_static(tmp_path)
    assert len(runs) == 2
    assert _static_digest() == _static_digest()


@pytest.mark.django_db
def test_the_welcome_is_short_and_warns_of_an_open_network():
    closed = welcome("http://127.0.0.1:8000", open_to_network=False)
    assert "http://127.0.0.1:8000/office/" in closed
    assert len(closed.splitlines()) <= 12
    opened = welcome("http://127.0.0.1:8000", open_to_network=True)
    assert "Anybody on the network can connect, unencrypted" in opened


@pytest.mark.django_db
def test_the_welcome_names_people_with_the_demonstration_password_alone():
    for name, password in [("analyst", "demo"), ("boss", "a long password of her own")]:
        user = User(username=name, role="analyst", is_staff=True)
        user.set_password(password)
        user.save()
    text = welcome("http://127.0.0.1:8000", open_to_network=True)
    assert "/office/   analyst; password demo\n" in text
    assert "boss" not in text
    assert "can log in with the demonstration's passwords" in text
