"""push@1: who may push under which name, and that the sender was seen."""

import pytest

from meters.models import ImportFile, Source
from meters.sources import Surroundings, connectors
from poweroptix.accounts.models import ApiToken
from poweroptix.accounts.services import create_token, create_user
from poweroptix.clock import now
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.parameters import parse
from tests.meters.builders import make_profile
from tests.meters.sources.looks import ACTOR, make_source, page
from tests.poweroptix.api.test_starts import CSV, upload

pytestmark = pytest.mark.django_db


@pytest.fixture
def write():
    make_profile("plant-csv")
    analyst = create_user("pusher", None, role="analyst", actor=ACTOR)
    _, key = create_token(
        "meters", scopes=["readings:write"], created_by=analyst, now=now(), actor=ACTOR
    )
    return {"HTTP_AUTHORIZATION": f"Bearer {key}"}


def test_an_upload_is_seen(client, write, staff):
    source = make_source("push@1", code="api", cadence_minutes=60)
    assert upload(client, write).status_code == 202
    source.refresh_from_db()
    assert source.last_seen_at is not None
    shown = page(staff, source)
    assert "good Upload by API" in shown
    assert "1 file in thirty days" in shown
    assert "Look now" not in shown


def test_a_delivery_that_comes_twice_is_one_file(client, write):
    make_source("push@1", code="api")
    upload(client, write, key="k1", name="a.csv")
    again = upload(client, write, key="k2", name="b.csv").json()
    assert again["files"][0]["is_duplicate"] is True
    other = upload(client, write, key="k3", name="a.csv", content=CSV + b"\n").json()
    assert other["files"][0]["is_duplicate"] is False
    assert ImportFile.objects.filter(source="api").count() == 2


def test_only_the_named_tokens_may_push(client, write):
    token = ApiToken.objects.get()
    source = make_source("push@1", code="api", tokens=["pox_other"])
    answer = upload(client, write)
    assert answer.status_code == 403
    assert f"This token ({token.prefix}…) may not push to api." in answer.json()["detail"]
    assert not ImportFile.objects.filter(source="api").exists()
    source.parameters = {"tokens": [token.prefix]}
    source.save()
    assert upload(client, write, key="k2").status_code == 202


def test_no_token_pushes_under_the_name_of_what_we_fetch(client, write, tmp_path):
    make_source("folder@1", code="api", path=str(tmp_path))
    answer = upload(client, write)
    assert answer.status_code == 403
    assert "The files of api are fetched; a token may not push" in answer.json()["detail"]


def test_a_paused_source_takes_nothing(client, write):
    make_source("push@1", code="api")
    Source.objects.update(enabled=False, paused_reason="Their clock is wrong")
    answer = upload(client, write)
    assert answer.status_code == 409
    assert "api is paused: Their clock is wrong" in answer.json()["detail"]


def test_a_name_without_a_source_is_free(client, write):
    assert upload(client, write, source="whoever").status_code == 202


def test_there_is_nowhere_to_look():
    push = connectors.get("push@1")
    with (
        pytest.raises(Refused, match=r"brings its files by itself"),
        push.open(parse(push.Parameters, {}), Surroundings(now())),
    ):
        raise AssertionError("it was opened")
