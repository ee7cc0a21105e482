"""Starting work through the API: once per key, as a job, with the right to do it."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from poweroptix.api.models import IdempotencyKey
from poweroptix.jobs.models import Job
from settlement.models import AllocationRun

pytestmark = pytest.mark.django_db
CSV = (
    b"meter_id,channel,interval_start,interval_seconds,value,unit,status\n"
    b"HALL-A,DEL_KWH,2026-04-01T05:00:00Z,900,2000.000,kWh,A\n"
)


@pytest.fixture
def write(world):
    key = world.token("readings:write", "settlement:write", "jobs:read", by="analyst")
    return {"HTTP_AUTHORIZATION": f"Bearer {key}"}


def upload(client, head, *, key="k1", name="april.csv", content=CSV, **fields):
    file = SimpleUploadedFile(name, content)
    body = {"file": file, "source": "api", "profile": "plant-csv", **fields}
    return client.post("/api/v1/import-files", body, HTTP_IDEMPOTENCY_KEY=key, **head)


def start(client, head, body, *, key="k1", address="/api/v1/settlement-runs"):
    return client.post(
        address, body, content_type="application/json", HTTP_IDEMPOTENCY_KEY=key, **head
    )


def test_an_upload_becomes_a_job_that_can_be_polled(client, write):
    answer = upload(client, write)
    assert answer.status_code == 202, answer.content
    job = answer.json()["jobs"][0]
    assert answer["Location"] == f"/api/v1/jobs/{job['id']}"
    assert client.get(answer["Location"], **write).json()["state"] == "queued"
    assert Job.objects.get(pk=job["id"]).kind == "ingest_file"
    assert answer.json()["files"][0]["is_duplicate"] is False


def test_the_same_key_gives_the_same_answer(client, write):
    first, second = upload(client, write), upload(client, write)
    assert second.json() == first.json()
    assert second["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert Job.objects.filter(kind="ingest_file").count() == 1


def test_the_same_key_with_another_body_is_422(client, write):
    upload(client, write)
    answer = upload(client, write, content=CSV.replace(b"2000", b"2001"))
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert answer["Content-Type"] == "application/problem+json"


def test_without_a_key_nothing_happens(client, write):
    answer = upload(client, write, key="")
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key")
    assert not Job.objects.filter(kind="ingest_file").exists()


def test_a_refused_request_leaves_no_key(client, write):
    answer = upload(client, write, content=b"what is this", profile="")
    assert (answer.status_code, answer.json()["code"]) == (400, "F009")
    assert not IdempotencyKey.objects.exists()
    assert upload(client, write).status_code == 202


def test_two_tokens_do_not_share_keys(client, write, world):
    assert upload(client, write).status_code == 202
    other = {"HTTP_AUTHORIZATION": f"Bearer {world.token('readings:write', by='operator')}"}
    answer = upload(client, other, content=CSV.replace(b"2000", b"2001"))
    assert answer.status_code == 202


@pytest.mark.parametrize("name", ["../../etc/passwd", "x" * 300 + ".csv", "<script>.csv"])
def test_hostile_names_are_kept_harmless(client, write, name):
    answer = upload(client, write, name=name)
    assert answer.status_code == 202
    kept = answer.json()["files"][0]["name"]
    assert "/" not in kept
    assert len(kept) <= 255


def test_settling_a_contract_and_a_campus(client, write):
    one = start(client, write, {"contract": "PPA-ALFA", "period": "2026-03"})
    assert one.status_code == 202, one.content
    assert one.json()["jobs"][0]["kind"] == "settle_contract"
    many = start(client, write, {"campus": "MESA", "period": "2026-03"}, key="k2")
    assert many.json()["jobs"][0]["kind"] == "settle_month"


def test_allocating_runs_as_a_job(client, write, world):
    from poweroptix.jobs.services import run_now

    answer = start(
        client, write, {"campus": "MESA", "period": "2026-03"}, address="/api/v1/allocation-runs"
    )
    job = run_now(answer.json()["jobs"][0]["id"])
    assert (job.state, job.error) == ("done", "")
    run = AllocationRun.objects.get(pk=job.result["allocation_run"])
    assert run.version == 1  # the same inputs make no new version


def test_starting_takes_the_scope(client, world):
    head = {"HTTP_AUTHORIZATION": f"Bearer {world.token('settlement:read')}"}
    answer = start(client, head, {"contract": "PPA-ALFA", "period": "2026-03"})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize("many", ["settlement-runs", "allocation-runs"])
def test_starting_takes_the_right_of_the_person_behind_the_token(client, world, many):
    key = world.token("settlement:write", by="viewer")
    head = {"HTTP_AUTHORIZATION": f"Bearer {key}"}
    body = {"campus": "MESA", "period": "2026-03"}
    answer = start(client, head, body, address=f"/api/v1/{many}")
    assert (answer.status_code, answer.json()["code"]) == (403, "accounts.forbidden")
    assert not Job.objects.filter(kind__in=["settle_month", "allocate_month"]).exists()


def test_a_tenant_starts_nothing(client, world):
    key = world.token("settlement:write", "readings:write", "settlement:read", tenant="alfa")
    head = {"HTTP_AUTHORIZATION": f"Bearer {key}"}
    assert start(client, head, {"contract": "PPA-ALFA", "period": "2026-03"}).status_code == 403
    assert upload(client, head).status_code == 403
