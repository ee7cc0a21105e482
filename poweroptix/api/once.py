"""A POST with an idempotency key happens once, however often it is sent.

The key's row is written in the transaction of the effect. A twin waits for it on the unique index
and then gets the stored answer; a refusal takes the row back with everything else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.db import connection
from rest_framework.request import Request
from rest_framework.response import Response

from poweroptix.api.models import IdempotencyKey
from poweroptix.api.principals import Principal
from poweroptix.api.problem import KeyReused
from poweroptix.clock import now
from poweroptix.kernel.canonical import digest_of
from poweroptix.kernel.errors import Refused

_KEY = re.compile(r"[\x21-\x7e]{1,255}\Z")
Effect = Callable[[], tuple[dict[str, Any], str]]


def once(
    request: Request,
    principal: Principal,
    said: dict[str, Any],
    effect: Effect,
    *,
    status: int = 202,
) -> Response:
    """Do the effect and answer with `status`, or give the answer that the same request got before.

    `said` is what makes the request the same: fields, and digests of files. Refused without a
    key, KeyReused when the key came with another request; after two seconds of waiting for a
    running twin the database's refusal becomes 409 with Retry-After.
    """
    key = request.headers.get("Idempotency-Key", "")
    if not _KEY.fullmatch(key):
        raise Refused(
            "idempotency_key",
            "Send a header Idempotency-Key of 1 to 255 visible ASCII characters.",
        )
    digest = digest_of({"method": request.method, "path": request.path, "said": said})
    row = _claim(principal.key, key, digest)
    if row is None:
        return _again(principal.key, key, digest)
    body, location = effect()
    IdempotencyKey.objects.filter(pk=row).update(status=status, response=body, location=location)
    return _answer(body, location, status)


def _claim(principal: str, key: str, digest: str) -> int | None:
    """Insert the key's row; None when it is there already."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '2s'")
        cursor.execute(
            "INSERT INTO api_idempotencykey (principal, key, request_sha256, location, created_at)"
            " VALUES (%s, %s, %s, '', %s) ON CONFLICT (principal, key) DO NOTHING RETURNING id",
            [principal, key, digest, now()],
        )
        row = cursor.fetchone()
        cursor.execute("SET LOCAL lock_timeout = DEFAULT")
    return row[0] if row else None


def _again(principal: str, key: str, digest: str) -> Response:
    row = IdempotencyKey.objects.get(principal=principal, key=key)
    if row.request_sha256 != digest:
        raise KeyReused(
            "idempotency_key_reused", "This Idempotency-Key was used for another request."
        )
    answer = _answer(row.response, row.location, row.status)
    answer["Idempotent-Replayed"] = "true"
    return answer


def _answer(body: dict[str, Any], location: str, status: int) -> Response:
    answer = Response(body, status=status)
    if location:
        answer["Location"] = location
    return answer
