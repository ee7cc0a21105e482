"""Every answer carries the security headers."""

import pytest

from poweroptix.security.middleware import RELAXED, STRICT, policy_header


@pytest.mark.parametrize("path", ["/", "/portal/", "/office/admin/", "/api/docs/", "/administer/"])
def test_pages_are_strict(path):
    assert "unsafe" not in policy_header(path)


def test_the_admin_may_evaluate_but_not_run_inline_scripts():
    assert RELAXED["script-src"] == "'self' 'unsafe-eval'"
    assert "'unsafe-inline'" not in RELAXED["script-src"]
    assert policy_header("/admin/meters/") != policy_header("/office/")
    assert {k for k in STRICT if STRICT[k] != RELAXED[k]} == {"script-src", "style-src"}


@pytest.mark.django_db
def test_headers_of_the_log_in_page(client):
    response = client.get("/accounts/login/")
    assert response.status_code == 200
    assert response["Content-Security-Policy"] == policy_header("/accounts/login/")
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "no-store" in response["Cache-Control"]
    cookie = response.cookies["po_csrf"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_an_invented_host_is_refused(client):
    assert client.get("/healthz", headers={"host": "evil.example"}).status_code == 400
    forwarded = client.get("/healthz", headers={"x-forwarded-host": "evil.example"})
    assert forwarded.status_code == 200


@pytest.mark.parametrize("length", ["50000001", "-1", "9" * 30, "many"])
def test_a_body_that_is_too_long_is_refused_unread(client, length):
    page = client.post("/accounts/login/", CONTENT_LENGTH=length)
    assert page.status_code == 413
    assert "A request may carry 50 MB" in page.content.decode()
    problem = client.post("/api/v1/files/", CONTENT_LENGTH=length)
    assert problem.status_code == 413
    assert problem["Content-Type"] == "application/problem+json"
    assert problem.json()["status"] == 413
