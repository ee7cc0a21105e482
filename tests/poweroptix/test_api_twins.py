"""Many requests with one key at the same moment: one effect, the same answer for all."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.db import connection, connections, transaction
from django.test import Client

from meters.models import Campus
from poweroptix.accounts.services import create_token, create_user
from poweroptix.api.models import IdempotencyKey
from poweroptix.audit.actor import Actor
from poweroptix.clock import now
from poweroptix.jobs.models import Job

pytestmark = pytest.mark.django_db(transaction=True)
ADDRESS = "/api/v1/allocation-runs"
BODY = {"campus": "TWIN", "period": "2026-03"}


@pytest.fixture
def head():
    Campus.objects.create(code="TWIN", name="Twin", zone="America/Chicago")
    system = Actor.system("test")
    user = create_user("ana", "correct horse battery staple", role="analyst", actor=system)
    _, key = create_token(
        "t", scopes=["settlement:write"], created_by=user, now=now(), actor=system
    )
    return {"HTTP_AUTHORIZATION": f"Bearer {key}", "HTTP_IDEMPOTENCY_KEY": "twin"}


def post(head) -> tuple[int, dict, str]:
    try:
        answer = Client().post(ADDRESS, BODY, content_type="application/json", **head)
        return answer.status_code, answer.json(), answer.get("Idempotent-Replayed", "")
    finally:
        connections.close_all()


def test_ten_twins_make_one_job(head):
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(post, [head] * 10))
    assert {status for status, _, _ in answers} == {202}
    assert all(said == answers[0][1] for _, said, _ in answers)
    assert sorted(replayed for _, _, replayed in answers) == [""] + ["true"] * 9
    assert Job.objects.filter(kind="allocate_month").count() == 1


def test_a_twin_of_a_request_that_still_runs_is_told_to_come_back(head):
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        principal = f"token:{_token_id()}"
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO api_idempotencykey (principal, key, request_sha256, location,"
                " created_at) VALUES (%s, 'twin', %s, '', %s)",
                [principal, "a" * 64, datetime(2026, 4, 1, tzinfo=UTC)],
            )
        answer = pool.submit(_raw, head).result()
        transaction.set_rollback(True)
    assert answer.status_code == 409
    assert answer["Retry-After"] == "2"
    assert answer.json()["code"] == "db.locked"
    assert not IdempotencyKey.objects.exists()


def _raw(head):
    try:
        return Client().post(ADDRESS, BODY, content_type="application/json", **head)
    finally:
        connections.close_all()


def _token_id() -> int:
    from poweroptix.accounts.models import ApiToken

    return ApiToken.objects.get().pk
