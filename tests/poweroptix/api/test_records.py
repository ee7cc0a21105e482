"""Records of metering through the API: as they stand, of the published alone, decided once."""

import pytest

from meters.models import Finding, Publication, RegisterRead, Source
from poweroptix.api.records import ALL
from poweroptix.audit.models import AuditEvent
from tests.poweroptix.api import crawl

pytestmark = pytest.mark.django_db
V1 = "/api/v1"


def head(world, *scopes, by="analyst", **more):
    return {"HTTP_AUTHORIZATION": f"Bearer {world.token(*scopes, by=by, **more)}"}


@pytest.fixture
def reader(world):
    return head(world, "readings:read")


@pytest.fixture
def decider(world):
    return head(world, "findings:write")


def post(client, address, body, who, key="k"):
    return client.post(
        address, body, content_type="application/json", HTTP_IDEMPOTENCY_KEY=key, **who
    )


@pytest.mark.parametrize("resource", ALL, ids=lambda one: one.name)
def test_each_record_is_listed_and_found_by_its_key(client, world, reader, resource):
    row = crawl._MADE[resource.name]()
    listed = client.get(f"{V1}/{resource.name}?limit=500", **reader).json()["data"]
    [mine] = [one for one in listed if one["id"] == row.pk]
    key = row.pk if resource.key == "pk" else getattr(row, resource.key)
    assert client.get(f"{V1}/{resource.name}/{key}", **reader).json() == mine


@pytest.mark.parametrize("resource", ALL, ids=lambda one: one.name)
def test_each_filter_narrows(client, world, reader, resource):
    crawl._MADE[resource.name]()
    for name in resource.filters:
        far = {"_since": "2199-01-01T00:00:00Z", "_before": "1991-01-01T00:00:00Z"}
        value = next((v for end, v in far.items() if name.endswith(end)), "999999999")
        answer = client.get(f"{V1}/{resource.name}?{name}={value}", **reader)
        if answer.status_code == 400:
            assert f" is no {name}; known: " in answer.json()["detail"]
            continue
        assert (answer.status_code, answer.json()["data"]) == (200, []), name


def test_reads_of_an_unpublished_file_are_not_seen(client, world, reader):
    row = crawl._register_read()
    address = f"{V1}/register-reads/{row.pk}"
    assert client.get(address, **reader).json()["text"] == "000123"
    waiting = Publication.objects.create(
        kind="INGEST", actor="x", created_at=row.recorded_at, import_file_id=row.import_file_id
    )
    hidden = RegisterRead.objects.create(
        channel=row.channel, read_at_utc=row.read_at_utc, text="000124", digits=6, decimals=0,
        read_type="SPECIAL", status=75, method=0, import_file_id=row.import_file_id, line=3,
        publication_id=waiting.pk, recorded_at=row.recorded_at,
    )  # fmt: skip
    assert client.get(f"{V1}/register-reads/{hidden.pk}", **reader).status_code == 404


def test_a_source_never_tells_where_its_secret_is(client, world, reader):
    Source.objects.create(
        code="far", name="Far", kind="sftp@1", secret_place="env:POWEROPTIX_SOURCE_FAR",
        parameters={"host": "h", "user": "u", "folder": "/", "host_key": "k"}, enabled=False,
        paused_reason="Not yet",
    )  # fmt: skip
    answer = client.get(f"{V1}/sources/far", **reader)
    assert answer.status_code == 200
    assert b"POWEROPTIX_SOURCE_FAR" not in answer.content


def test_assigning_and_accepting_answer_with_the_finding(client, world, decider):
    row = crawl._finding()
    Finding.objects.filter(pk=row.pk).update(rule_code="V13", severity="HOLD")
    given = post(client, f"{V1}/findings/{row.pk}/assign", {"person": "operator"}, decider, "a")
    assert (given.status_code, given.json()["state"]) == (200, "OPEN"), given.content
    assert given.json()["assigned_to"] == "operator"
    said = {"reason_code": "FIELD_VISIT", "comment": "Chillers started together at nine."}
    taken = post(client, f"{V1}/findings/{row.pk}/accept", said, decider, "b")
    assert (taken.status_code, taken.json()["state"]) == (200, "ACCEPTED"), taken.content
    assert taken.json()["decided_by"] == f"user:{world.people['analyst'].username}"
    assert AuditEvent.objects.filter(action="finding.accept").count() == 1


def test_the_same_decision_again_is_the_same_answer_and_another_key_a_conflict(
    client, world, decider
):
    row = crawl._finding()
    Finding.objects.filter(pk=row.pk).update(rule_code="V13")
    said = {"reason_code": "FIELD_VISIT", "comment": "Chillers started together at nine."}
    address = f"{V1}/findings/{row.pk}/accept"
    first, again = (post(client, address, said, decider) for _ in range(2))
    assert (again.status_code, again.json()) == (200, first.json())
    assert again["Idempotent-Replayed"] == "true"
    other = post(client, address, said, decider, key="other")
    assert (other.status_code, other.json()["code"]) == (409, "finding.decided")


def test_what_cannot_be_decided_says_why(client, world, decider):
    row = crawl._finding()  # a gap
    address = f"{V1}/findings/{row.pk}"
    said = {"reason_code": "FIELD_VISIT", "comment": "Chillers started together at nine."}
    gap = post(client, f"{address}/accept", said, decider, "1")
    assert (gap.status_code, gap.json()["code"]) == (400, "finding.gap")
    short = post(client, f"{address}/accept", said | {"comment": "ok"}, decider, "2")
    assert short.status_code == 400
    nobody = post(client, f"{address}/assign", {"person": "auditor"}, decider, "3")
    assert "cannot decide exceptions" in nobody.json()["detail"]
    assert Finding.objects.get(pk=row.pk).state == "OPEN"


def test_deciding_takes_the_scope_and_the_right_of_the_person(client, world):
    row = crawl._finding()
    said, address = {"person": ""}, f"{V1}/findings/{row.pk}/assign"
    assert post(client, address, said, head(world, "readings:read")).status_code == 403
    reader = head(world, "findings:write", by="viewer")
    answer = post(client, address, said, reader)
    assert (answer.status_code, "may not accept in meters" in answer.json()["detail"]) == (
        403,
        True,
    )
    tenant = head(world, "findings:write", tenant="alfa")
    assert post(client, address, said, tenant).status_code == 403


@pytest.mark.parametrize("name", ["quality-report", "completeness"])
def test_a_month_of_a_campus_is_for_the_operator_alone(client, world, reader, name):
    address = f"{V1}/campuses/MESA/{name}"
    answer = client.get(f"{address}?month=2026-03", **reader)
    assert (answer.status_code, answer.json()["month"]) == (200, "2026-03")
    assert client.get(address, **reader).json()["detail"] == "'month' is missing."
    for month in ("2026-13", "x", "0000-00", "9" * 400):
        assert client.get(f"{address}?month={month}", **reader).status_code == 400
    tenant = head(world, "readings:read", tenant="alfa")
    assert client.get(f"{address}?month=2026-03", **tenant).status_code == 403


def test_the_board_counts_each_day_of_each_channel(client, world, reader):
    told = client.get(f"{V1}/campuses/MESA/completeness?month=2026-03", **reader).json()
    rows = {one["channel"]: one for one in told["channels"]}
    hall = rows["HALL-A/DEL_KWH"]
    assert [day["date"] for day in hall["days"]][:2] == ["2026-03-01", "2026-03-02"]
    assert len(hall["days"]) == 31
    changed = next(day for day in hall["days"] if day["date"] == "2026-03-08")
    assert sum(changed["intervals"].values()) in (92, 96)  # the day of 23 hours, in a zone with one
