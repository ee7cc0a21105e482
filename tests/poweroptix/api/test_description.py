"""The OpenAPI document: valid, complete, with examples that are as real answers are."""

from http import HTTPStatus

import jsonschema
import pytest
from drf_spectacular.validation import validate_schema

from poweroptix.api import resources
from tests.poweroptix.api.crawl import document, fits, operations

pytestmark = pytest.mark.django_db
#: What the month of the campus has one of and the answer takes two: see test_explained.py.
NEEDS_MORE = {"comparison_of_settlement_runs"}
EVERYWHERE = {"400", "401", "403", "412", "429"}


def test_it_is_valid_openapi_3_1():
    validate_schema(document())
    assert document()["openapi"] == "3.1.0"


def test_tags_are_those_of_the_resources_and_each_is_described():
    named = [tag["name"] for tag in document()["tags"]]
    assert named == [one.name for one in resources.ALL]
    assert {tag for one in operations() for tag in one.said["tags"]} == set(named)
    assert all(tag["description"] for tag in document()["tags"])


@pytest.mark.parametrize("one", operations(), ids=lambda one: one.name)
def test_each_operation_says_what_it_does_and_what_can_go_wrong(one):
    assert one.said["summary"]
    assert len(one.said["tags"]) == 1
    answers = one.said["responses"]
    wanted = EVERYWHERE | ({"304"} if one.method == "get" else {"409", "413", "415", "422"})
    wanted |= {"404"} if "{" in one.path else set()
    assert wanted <= set(answers)
    for status, answer in answers.items():
        assert answer["description"] or status in ("200", "202")
        for kind, content in answer.get("content", {}).items():
            if int(status) >= 400:
                assert kind == "application/problem+json"
                assert content["example"]["status"] == int(status)
                assert content["example"]["title"] == HTTPStatus(int(status)).phrase
            if kind.endswith("json") and one.name != "json_of_invoices":
                assert fits(content["example"], content["schema"]) == []


@pytest.mark.parametrize("one", operations("post"), ids=lambda one: one.name)
def test_bodies_have_an_example_that_fits(one):
    for kind, content in one.said["requestBody"]["content"].items():
        example = dict(content["example"])
        if kind == "multipart/form-data":
            example["file"] = "april.csv"
        assert fits(example, content["schema"]) == []


def test_the_introduction_answers_the_first_questions():
    told = document()["info"]["description"]
    for heading in ("Tokens", "Errors", "Pages of a list", "Once and only once", "Jobs"):
        assert f"## {heading}" in told
    for word in ("problem+json", "next_cursor", "Idempotency-Key", "Retry-After", "ETag"):
        assert word in told


def test_an_example_that_does_not_fit_is_noticed():
    [one] = [each for each in operations() if each.name == "get_campuses"]
    schema = one.said["responses"]["200"]["content"]["application/json"]["schema"]
    assert fits({"id": "1"}, schema)
    with pytest.raises(jsonschema.ValidationError):
        validate_schema(document() | {"info": {}})


def test_answers_are_as_described(client, world):
    from poweroptix.accounts.permissions import SCOPES

    head = {"HTTP_AUTHORIZATION": f"Bearer {world.token(*SCOPES)}"}
    asked = 0
    for one in operations("get"):
        kinds = one.said["responses"]["200"]["content"]
        if "application/json" not in kinds or one.name in NEEDS_MORE:
            continue
        answer = client.get(one.address(world), one.query(world), **head)
        assert answer.status_code == 200, (one.name, answer.content[:300])
        assert fits(answer.json(), kinds["application/json"]["schema"]) == [], one.name
        asked += 1
    assert asked > 30
