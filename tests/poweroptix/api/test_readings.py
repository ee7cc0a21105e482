"""Readings of a channel as a file, through the API."""

import io

import pyarrow.parquet as pq
import pytest

from poweroptix.api import readings

pytestmark = pytest.mark.django_db
SPAN = "first=2026-03-12&last=2026-03-12"


@pytest.fixture(scope="module")
def staff(world):
    return {"HTTP_AUTHORIZATION": f"Bearer {world.token('readings:read')}"}


@pytest.fixture
def address(client, staff):
    row = client.get("/api/v1/channels?code=HALL-A/DEL_KWH", **staff).json()["data"][0]
    return f"/api/v1/channels/{row['id']}"


def test_the_file_holds_what_the_series_holds(client, staff, address):
    answer = client.get(f"{address}/readings?{SPAN}&file=parquet@1", **staff)
    span = "start=2026-03-12T05:00:00Z&end=2026-03-13T05:00:00Z"
    series = client.get(f"{address}/series?{span}", **staff).json()

    assert answer["Content-Type"] == "application/vnd.apache.parquet"
    assert answer["Content-Disposition"] == (
        'attachment; filename="poweroptix_readings_HALL-A_DEL_KWH_2026-03-12_2026-03-12.parquet"'
    )
    rows = pq.read_table(io.BytesIO(answer.content)).to_pylist()
    starts = [f"{row['interval_start']:%Y-%m-%dT%H:%M:%SZ}" for row in rows]
    found = dict(zip(starts, (row["value"].normalize() for row in rows), strict=True))
    assert len(found) == series["count"] == 96
    assert [f"{number:f}" for number in found.values()] == series["values"]
    assert starts[0] == series["start_utc"]


def test_csv_is_the_file_without_a_word(client, staff, address):
    answer = client.get(f"{address}/readings?{SPAN}", HTTP_ACCEPT="text/csv", **staff)

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"meter_id,channel,interval_start,")
    assert answer.content.count(b"\r\n") == 97


@pytest.mark.parametrize(
    ("query", "status", "told"),
    [
        ("last=2026-03-12", 400, "'first' is missing."),
        ("first=x&last=2026-03-12", 400, "'x' is not a day such as 2026-03-01."),
        ("first=2026-03-13&last=2026-03-12", 400, "The period is empty"),
        (f"{SPAN}&file=nem12@1", 400, "changes its clock and NEM12 days always have 24 hours"),
        (f"{SPAN}&file=mdef@1", 404, "There is no export format 'mdef@1'"),
        (f"{SPAN}&layer=best", 400, "The layer is final or raw"),
        (f"{SPAN}&shape=round", 400, "There is no parameter 'shape' here"),
    ],
)
def test_what_is_wrong_is_said(client, staff, address, query, status, told):
    answer = client.get(f"{address}/readings?{query}", **staff)

    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert told in answer.json()["detail"]


def test_long_spans_are_refused(client, staff, address, monkeypatch):
    monkeypatch.setattr(readings, "MOST_INTERVALS", 95)
    answer = client.get(f"{address}/readings?{SPAN}", **staff)

    assert answer.status_code == 400
    assert answer.json()["detail"] == "Ask for at most 95 intervals at once."


def test_a_tenant_has_its_series_and_no_files(client, world, address):
    alfa = {"HTTP_AUTHORIZATION": f"Bearer {world.token('readings:read', tenant='alfa')}"}
    answer = client.get(f"{address}/readings?{SPAN}", **alfa)

    assert answer.status_code == 403
