"""What makes the OpenAPI document readable: an introduction, tags, an example of every answer."""

from __future__ import annotations

import json
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from django.conf import settings

from poweroptix.api import resources

PROBLEM_TYPE = "application/problem+json"
#: Status, code and sentence of a refusal as an example shows it.
PROBLEMS = {
    400: ("unknown_parameter", "There is no parameter 'metre' here; known: cursor, limit."),
    401: ("token_not_valid", "This token is unknown, expired or revoked."),
    403: ("forbidden", "This takes a scope or role that allows settlement.view."),
    404: ("not_found", "There is nothing here under this address."),
    409: ("db.locked", "Somebody is working on this right now; try again shortly."),
    412: (
        "precondition_failed",
        "What is here is not the version that If-Match names; read again.",
    ),
    413: ("F002", "The file is larger than 50 MB."),
    415: ("unsupported_media_type", "Unsupported media type in request."),
    422: ("idempotency_key_reused", "This Idempotency-Key was used for another request."),
    429: ("too_many_requests", "Too many requests in this minute; ask again in 23 s."),
}


@lru_cache(maxsize=1)
def examples() -> dict[str, Any]:
    """Return an answer by operation, and under `bodies` what a POST sends."""
    path = Path(__file__).with_name("examples.json")
    return json.loads(path.read_text(encoding="utf-8"))


def introduction() -> str:
    """Return what there is to know before the first request: docs/api.md without its heading."""
    text = (Path(settings.BASE_DIR) / "docs" / "api.md").read_text(encoding="utf-8")
    return text.partition("\n")[2].strip()


def problem_example(status: int, path: str) -> dict[str, Any]:
    """Return a problem document as it would stand under an address."""
    code, detail = PROBLEMS[status]
    return {
        "type": f"/api/docs/#{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "instance": path,
        "request_id": "5f0c3b1f0a7e4d0f9d6a5b8c7e6d5f4a",
    }


def complete(result: dict[str, Any], **_unused: Any) -> dict[str, Any]:
    """Add introduction, tags and examples to the generated document (a hook of the generator)."""
    result["info"]["description"] = introduction()
    result["tags"] = [{"name": one.name, "description": one.title} for one in resources.ALL]
    for path, operations in result["paths"].items():
        for operation in operations.values():
            _illustrate(operation, path)
    return result


def _illustrate(operation: dict[str, Any], path: str) -> None:
    """Put an example beside every answer and body of an operation."""
    name = operation["operationId"]
    for content in operation.get("requestBody", {}).get("content", {}).values():
        content["example"] = examples()["bodies"][name]
    for status, answer in operation["responses"].items():
        for kind, content in answer.get("content", {}).items():
            if kind == PROBLEM_TYPE:
                content["example"] = problem_example(int(status), path)
            elif kind == "application/json" and (shown := _answer(name)) is not None:
                content["example"] = shown


def _answer(name: str) -> Any:
    """Return the example of an operation; a list shows the one object of its resource."""
    if name in examples():
        return examples()[name]
    one = examples().get(name.replace("list_", "get_", 1))
    if one is None:
        return None
    row = {key: value for key, value in one.items() if key != "receipt"}
    return {"data": [row], "next_cursor": None, "has_more": False}
