"""Rates and versions: 429 with Retry-After, 304 for what has not changed, 412 for what has."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache

from meters.models import Campus
from poweroptix.api import rates

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/channels"
NOON = datetime(2026, 4, 1, 12, 0, 37, tzinfo=UTC)


@pytest.fixture(autouse=True)
def moment(settings, monkeypatch):
    """Twenty requests a minute, an empty count, and a clock that stands still."""
    settings.API_PER_MINUTE = 20
    cache.clear()
    clock = {"now": NOON}
    monkeypatch.setattr(rates, "now", lambda: clock["now"])
    yield clock
    cache.clear()


def head(world, **options):
    return {"HTTP_AUTHORIZATION": f"Bearer {world.token('readings:read', **options)}"}


def statuses(client, times, **more):
    return [client.get(ADDRESS, **more).status_code for _ in range(times)]


def test_one_too_many_is_told_when_to_come_back(client, world, moment):
    token = head(world)
    assert statuses(client, 20, **token) == [200] * 20
    answer = client.get(ADDRESS, **token)
    assert (answer.status_code, answer["Retry-After"]) == (429, "23")
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "too_many_requests"
    moment["now"] += timedelta(seconds=22)
    assert client.get(ADDRESS, **token).status_code == 429
    moment["now"] += timedelta(seconds=1)
    assert client.get(ADDRESS, **token).status_code == 200


def test_a_token_does_not_use_up_anothers_rate(client, world):
    statuses(client, 21, **head(world, by="analyst"))
    assert client.get(ADDRESS, **head(world, by="operator")).status_code == 200


def test_more_tokens_of_one_person_are_not_more_requests(client, world):
    found = [statuses(client, 20, **head(world, by="analyst")) for _ in range(3)]
    assert found == [[200] * 20, [200] * 20, [429] * 20]
    client.force_login(world.people["analyst"])
    assert client.get(ADDRESS).status_code == 429


def test_a_session_has_the_rate_of_a_token(client, world):
    client.force_login(world.people["analyst"])
    assert statuses(client, 21) == [200] * 20 + [429]


def test_who_tries_keys_is_stopped_soon(client, world):
    wrong = {"HTTP_AUTHORIZATION": "Bearer pox_live_guess"}
    assert statuses(client, 3, **wrong) == [401, 401, 429]
    assert statuses(client, 1) == [429]
    assert statuses(client, 1, REMOTE_ADDR="10.0.0.9") == [401]
    assert statuses(client, 1, HTTP_X_FORWARDED_FOR="10.0.0.8") == [429]
    assert statuses(client, 1, **head(world)) == [200]


def test_behind_a_proxy_the_visitors_own_address_counts(client, world, settings):
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    assert statuses(client, 3, HTTP_X_FORWARDED_FOR="10.0.0.8") == [401, 401, 429]
    assert statuses(client, 1, HTTP_X_FORWARDED_FOR="10.0.0.9") == [401]


def test_nothing_is_counted_at_zero(client, world, settings):
    settings.API_PER_MINUTE = 0
    assert set(statuses(client, 30, **head(world))) == {200}


def test_a_start_counts_too(client, world):
    token = {"HTTP_AUTHORIZATION": f"Bearer {world.token('settlement:write', by='analyst')}"}
    for _ in range(20):
        client.post("/api/v1/settlement-runs", {}, content_type="application/json", **token)
    answer = client.post("/api/v1/settlement-runs", {}, content_type="application/json", **token)
    assert answer.status_code == 429


@pytest.mark.parametrize(
    "address", ["/api/v1/campuses", "/api/v1/campuses/MESA", "/api/v1/invoices/{}/json"]
)
def test_what_has_not_changed_is_not_sent_again(client, world, address):
    address = address.format(world.invoices["PPA-ALFA"].number)
    token = {
        "HTTP_AUTHORIZATION": f"Bearer {world.token('readings:read', 'statements:read')}",
    }
    first = client.get(address, **token)
    assert first["Cache-Control"] == "private, no-cache"
    assert {"Authorization", "Cookie"} <= set(first["Vary"].split(", "))
    again = client.get(address, HTTP_IF_NONE_MATCH=first["ETag"], **token)
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    other = client.get(address, HTTP_IF_NONE_MATCH='"other"', **token)
    assert other.content == first.content
    assert client.get(address, HTTP_IF_MATCH=first["ETag"], **token).status_code == 200
    refused = client.get(address, HTTP_IF_MATCH='"other"', **token)
    assert (refused.status_code, refused.json()["code"]) == (412, "precondition_failed")
    assert refused["Content-Type"] == "application/problem+json"


def test_what_has_changed_is_sent(client, world):
    token = head(world)
    tag = client.get("/api/v1/campuses/MESA", **token)["ETag"]
    Campus.objects.filter(code="MESA").update(name="Mesa Verde")
    answer = client.get("/api/v1/campuses/MESA", HTTP_IF_NONE_MATCH=tag, **token)
    assert (answer.status_code, answer.json()["name"]) == (200, "Mesa Verde")
    assert answer["ETag"] != tag


def test_a_browser_keeps_nothing(client, world):
    client.force_login(world.people["analyst"])
    answer = client.get(ADDRESS)
    assert answer["Cache-Control"] == "private, no-store"
    assert answer["ETag"]


def test_csv_and_json_are_two_versions(client, world):
    token = head(world)
    place = client.get(f"{ADDRESS}?code=HALL-A/DEL_KWH", **token).json()["data"][0]["id"]
    series = f"{ADDRESS}/{place}/series?start=2026-03-12T06:00:00Z&end=2026-03-12T07:00:00Z"
    tags = {client.get(series, HTTP_ACCEPT=kind, **token)["ETag"] for kind in ("text/csv", "*/*")}
    assert len(tags) == 2
