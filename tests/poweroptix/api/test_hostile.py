"""What comes from outside: every refusal is a problem document, nothing is a 500."""

import pytest
from django.conf import settings

pytestmark = pytest.mark.django_db
RUNS = "/api/v1/settlement-runs"
GOOD = b'{"contract": "PPA-ALFA", "period": "2026-03"}'


@pytest.fixture(scope="module")
def staff(world):
    key = world.token(
        *("readings:read", "readings:write", "settlement:read", "settlement:write"),
        "statements:read",
        by="analyst",
    )
    return {"HTTP_AUTHORIZATION": f"Bearer {key}"}


def refused(answer, status, code):
    assert answer.status_code == status, answer.content[:300]
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert body["code"] == code, body
    assert body["status"] == status
    assert body["request_id"] == answer["X-Request-ID"]
    for secret in ("SELECT", "Traceback", str(settings.BASE_DIR), "psycopg"):
        assert secret not in answer.content.decode()
    return body


BODIES = [
    (b"[" * 100_000, "J002"),
    (b'{"contract": "a\\u0000b", "period": "2026-03"}', "J005"),
    (b'{"contract": "\\ud800", "period": "2026-03"}', "J005"),
    (b'{"\\u0000": "x"}', "J005"),
    (b'{"contract": "A", "contract": "B"}', "J003"),
    (b'{"period": 12345678901234.123456}', "J004"),
    (b'{"period": NaN}', "J004"),
    (b'{"period": Infinity}', "J004"),
    (b'{"period": 1e400}', "J004"),
    (b'{"period": ' + b"9" * 5000 + b"}", "J004"),
    (b'{"contract": "PPA', "J001"),
    (b"null", "J001"),
    (b"[1]", "J001"),
    (b'"x"', "J001"),
    (b"", "invalid"),
    (b"\xef\xbb\xbf" + GOOD, "J001"),
    (b'{"contract": "\xff\xfe"}', "J001"),
    (b'{"contract": "PPA-ALFA", "period": "2026-03", "state": "APPROVED"}', "invalid"),
    (b'{"contract": "PPA-ALFA", "period": "2026-03", "total_usd": "1"}', "invalid"),
    (b'{"contract": 7, "period": "2026-03"}', "invalid"),
    (b'{"contract": "PPA-ALFA", "period": "2026-3"}', "invalid"),
    (b'{"contract": "PPA-ALFA", "period": "2026-W10"}', "invalid"),
    (b'{"contract": "PPA-ALFA", "period": "\xd9\xa2026-03"}', "invalid"),
    (b'{"contract": "PPA-ALFA", "campus": "MESA", "period": "2026-03"}', "invalid"),
    (b'{"contract": "PPA-ALFA", "period": "2026-03", "kind": "SECRET"}', "invalid"),
    (b'{"contract": "nothing", "period": "2026-03"}', "unknown"),
]


@pytest.mark.parametrize(("body", "code"), BODIES, ids=range(len(BODIES)))
def test_bodies(client, staff, body, code):
    answer = client.post(
        RUNS, body, content_type="application/json", HTTP_IDEMPOTENCY_KEY="k", **staff
    )
    refused(answer, 400, code)


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("application/xml", 415, "unsupported_media_type"),
        ("text/plain", 415, "unsupported_media_type"),
        ("application/json; charset=utf-16", 400, "J001"),
    ],
)
def test_media_types(client, staff, kind, status, code):
    answer = client.post(RUNS, GOOD, content_type=kind, HTTP_IDEMPOTENCY_KEY="k", **staff)
    refused(answer, status, code)


QUERIES = [
    ("channels?metre=x", "unknown_parameter"),
    ("channels?ordering=-delivery_point__campus", "unknown_parameter"),
    ("channels?code=a&code=b", "parameter_twice"),
    ("channels?code=a%00b", "J005"),
    ("channels?limit=0", "parameter"),
    ("channels?limit=-1", "parameter"),
    ("channels?limit=abc", "parameter"),
    ("channels?limit=%D9%A3", "parameter"),
    ("channels?cursor=forged", "cursor"),
    ("settlement-runs?period=2026-13", "parameter"),
    ("import-files?received_since=0449-05-24 05:36:51%2B21:57", "parameter"),
    ("import-files?received_since=2026-03-01", "parameter"),
    ("import-files?received_since=2026-03-01T00:00:00", "parameter"),
    ("import-files?received_since=2026-W10-1T00:00Z", "parameter"),
    ("import-files?received_since=0001-01-01T00:00:00%2B14:00", "parameter"),
    ("import-files?received_since=9999-12-31T23:59:59-12:00", "parameter"),
]


@pytest.mark.parametrize(("query", "code"), QUERIES, ids=[q for q, _ in QUERIES])
def test_queries(client, staff, query, code):
    refused(client.get(f"/api/v1/{query}", **staff), 400, code)


def test_a_large_limit_is_capped(client, staff):
    assert client.get("/api/v1/channels?limit=1000000000", **staff).status_code == 200


@pytest.mark.parametrize("key", ["1" + "0" * 30, "abc", "-1", "%00", "٣", "1.5", "../1"])
def test_strange_ids_are_unknown(client, staff, key):
    answer = client.get(f"/api/v1/settlement-runs/{key}", **staff)
    assert answer.status_code in (400, 404)
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("method", ["put", "patch", "delete", "head", "options", "trace"])
def test_methods_that_are_not_listed(client, staff, method):
    answer = getattr(client, method)("/api/v1/invoices", **staff)
    assert answer.status_code == 405


def test_nothing_can_be_posted_to_invoices(client, staff):
    answer = client.post("/api/v1/invoices", GOOD, content_type="application/json", **staff)
    refused(answer, 405, "method_not_allowed")


def test_without_and_with_a_wrong_token(client):
    refused(client.get("/api/v1/invoices"), 401, "not_authenticated")
    wrong = {"HTTP_AUTHORIZATION": "Bearer pox_live_wrong"}
    answer = client.get("/api/v1/invoices", **wrong)
    refused(answer, 401, "token_not_valid")
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_unknown_addresses_are_problems(client, staff):
    refused(client.get("/api/v1/nothing", **staff), 404, "not_found")
    refused(client.get("/api/v2/invoices"), 404, "not_found")


def test_a_file_that_is_too_large(client, staff, settings):
    from django.core.files.uploadedfile import SimpleUploadedFile

    settings.METERS_UPLOAD_LIMIT_BYTES = 10
    body = {"file": SimpleUploadedFile("a.csv", b"x" * 11), "source": "api"}
    answer = client.post("/api/v1/import-files", body, HTTP_IDEMPOTENCY_KEY="k", **staff)
    refused(answer, 413, "F002")


def test_upload_without_a_file_or_with_unknown_fields(client, staff):
    from django.core.files.uploadedfile import SimpleUploadedFile

    answer = client.post(
        "/api/v1/import-files", {"source": "api"}, HTTP_IDEMPOTENCY_KEY="k", **staff
    )
    refused(answer, 400, "invalid")
    body = {"file": SimpleUploadedFile("a.csv", b"x"), "source": "api", "state": "ACCEPTED"}
    answer = client.post("/api/v1/import-files", body, HTTP_IDEMPOTENCY_KEY="k", **staff)
    refused(answer, 400, "invalid")
