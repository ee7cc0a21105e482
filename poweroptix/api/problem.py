"""Every refusal of the API as RFC 9457 problem+json: a stable code, a sentence, and where."""

from __future__ import annotations

import logging
import uuid
from http import HTTPStatus
from math import ceil
from typing import Any

from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import Error as DatabaseError
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions

from poweroptix.db.errors import translate
from poweroptix.kernel.errors import DomainError

log = logging.getLogger(__name__)
NOTHING_HERE = "There is nothing here under this address."
RETRY_SECONDS = 2
#: Codes of the domain that HTTP has a status of its own for.
STATUS_OF_CODE = {"F002": 413}
_NAMES: dict[type[Exception], str] = {
    exceptions.NotAuthenticated: "not_authenticated",
    exceptions.AuthenticationFailed: "token_not_valid",
    exceptions.PermissionDenied: "forbidden",
    exceptions.MethodNotAllowed: "method_not_allowed",
    exceptions.UnsupportedMediaType: "unsupported_media_type",
    exceptions.NotAcceptable: "not_acceptable",
    exceptions.ParseError: "not_readable",
    exceptions.Throttled: "too_many_requests",
}


class KeyReused(DomainError):  # noqa: N818 - reads as a sentence
    """An idempotency key came back with another request (HTTP 422)."""

    http_status = 422


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    instance: str = "",
    errors: list[dict[str, Any]] | None = None,
) -> JsonResponse:
    """Return a problem document; `errors` holds {pointer, code, detail} of single fields."""
    request_id = uuid.uuid4().hex
    body = {
        "type": f"/api/docs/#{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "instance": instance,
        "request_id": request_id,
    }
    if errors:
        body["errors"] = errors
    answer = JsonResponse(body, status=status, content_type="application/problem+json")
    answer["X-Request-ID"] = request_id
    answer["Cache-Control"] = "private, no-store"
    return answer


def handle(error: Exception, context: dict[str, Any]) -> JsonResponse:
    """Return the problem that an exception means; an accident of ours says only its reference."""
    request: HttpRequest = context["request"]
    path = request.path
    if isinstance(error, DatabaseError):
        error = translate(error) or error
    if isinstance(error, DomainError):
        return _refusal(error, path)
    if isinstance(error, Http404):
        return problem(404, "not_found", NOTHING_HERE, instance=path)
    if isinstance(error, PermissionDenied):
        return problem(403, "forbidden", "This is not allowed here.", instance=path)
    if isinstance(error, exceptions.APIException):
        return _of_framework(error, path)
    if isinstance(error, SuspiciousOperation):
        return _suspicious(error, path)
    answer = problem(500, "internal", "Something went wrong on our side.", instance=path)
    log.error("API accident %s on %s", answer["X-Request-ID"], path, exc_info=error)
    return answer


def _refusal(error: DomainError, path: str) -> JsonResponse:
    status = STATUS_OF_CODE.get(error.code, error.http_status)
    errors = [
        {"pointer": one.where, "code": one.code, "detail": one.message} for one in error.findings
    ]
    if pointer := error.data.get("pointer"):
        errors.append({"pointer": pointer, "code": error.code, "detail": error.message})
    answer = problem(status, error.code, error.message, instance=path, errors=errors)
    if error.data.get("retry"):
        answer["Retry-After"] = str(RETRY_SECONDS)
    return answer


def _of_framework(error: exceptions.APIException, path: str) -> JsonResponse:
    code = _NAMES.get(type(error), "refused")
    if isinstance(error, exceptions.ValidationError):
        errors = list(_fields(error.detail, ""))
        said = errors[0]["detail"] if errors else "The body cannot be accepted."
        return problem(400, "invalid", said, instance=path, errors=errors)
    if isinstance(error, exceptions.Throttled):
        return _throttled(error, path)
    answer = problem(error.status_code, code, str(error.detail), instance=path)
    if header := getattr(error, "auth_header", ""):
        answer["WWW-Authenticate"] = header
    return answer


def _throttled(error: exceptions.Throttled, path: str) -> JsonResponse:
    seconds = max(1, ceil(error.wait or 0))
    told = f"Too many requests in this minute; ask again in {seconds} s."
    answer = problem(429, "too_many_requests", told, instance=path)
    answer["Retry-After"] = str(seconds)
    return answer


def _suspicious(error: SuspiciousOperation, path: str) -> JsonResponse:
    """Return what Django thinks of a body that it stopped reading."""
    status, code = (413, "too_large") if isinstance(error, RequestDataTooBig) else (400, "body")
    told = "The body has too many parts, or more than may be read; send one file and few fields."
    return problem(status, code, told, instance=path)


def _fields(detail: Any, pointer: str):
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _fields(
                inner, pointer if name == "non_field_errors" else f"{pointer}/{name}"
            )
    elif isinstance(detail, list):
        for inner in detail:
            yield from _fields(inner, pointer)
    else:
        yield {"pointer": pointer, "code": str(detail.code), "detail": str(detail)}
