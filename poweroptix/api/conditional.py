"""Answers that name their version (ETag), and requests that hang on one (RFC 9110, 13)."""

from __future__ import annotations

import hashlib

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_vary_headers
from rest_framework.request import Request

from poweroptix.api.problem import problem
from poweroptix.kernel.errors import DomainError

_OTHER = "What is here is not the version that If-Match names; read it again."


class PreconditionFailed(DomainError):  # noqa: N818 - reads as a sentence
    """The request hangs on a version that is not the current one (HTTP 412)."""

    http_status = 412


def conditional(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
    """Give a read answer its ETag; 304 when the client has it, 412 when If-Match names another.

    A token's client may keep the answer and ask whether it still holds. A browser's session keeps
    `no-store`: its cache is a disk that others may read.
    """
    if request.method != "GET" or answer.status_code != 200:
        return answer
    if callable(getattr(answer, "render", None)):
        answer = answer.render()
    tag = f'"{hashlib.sha256(answer.content).hexdigest()[:32]}"'
    answer["ETag"] = tag
    patch_vary_headers(answer, ("Authorization", "Cookie"))
    if getattr(request, "api_token", None) is not None:
        answer["Cache-Control"] = "private, no-cache"
    found = get_conditional_response(request, etag=tag, response=answer)
    if found.status_code == 412:
        return problem(412, "precondition_failed", _OTHER, instance=request.path)
    return found


def refuse_preconditions(request: Request) -> None:
    """Refuse a POST that hangs on a version; PreconditionFailed.

    What a POST adds is a new version of its own and nothing is overwritten, so the list has no
    version to compare with. Saying nothing would let the client believe that it was compared.
    """
    if request.headers.get("If-Match", "*").strip() != "*" or "If-None-Match" in request.headers:
        raise PreconditionFailed(
            "precondition_failed",
            "A POST adds a version and overwrites nothing, so it takes no If-Match and no "
            "If-None-Match; send an Idempotency-Key instead.",
        )
