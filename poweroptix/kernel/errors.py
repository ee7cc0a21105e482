"""Errors that a person can act on: a stable code, a sentence, and the data behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from poweroptix.kernel.finding import Finding


class DomainError(Exception):
    """Something the product refuses to do, with the reason in words.

    >>> error = DomainError("meters.gap", "3 intervals are missing.", channel="TEN-ALFA/DEL")
    >>> error.code, str(error), error.data["channel"]
    ('meters.gap', '3 intervals are missing.', 'TEN-ALFA/DEL')
    """

    http_status = 400
    exit_code = 1

    def __init__(
        self, code: str, message: str, *, findings: Sequence[Finding] = (), **data: Any
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.findings = tuple(findings)
        self.data = data

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.code, self.message, self.findings, self.data)


class Refused(DomainError):  # noqa: N818 - reads as a sentence
    """The input cannot be accepted as it is (HTTP 400, exit code 1)."""


class Conflict(DomainError):  # noqa: N818
    """The state of the object does not allow this now (HTTP 409)."""

    http_status = 409


class Forbidden(DomainError):  # noqa: N818
    """The person may not do this (HTTP 403)."""

    http_status = 403


class NotFoundError(DomainError):
    """There is no such object, or it is not yours (HTTP 404)."""

    http_status = 404


def _rebuild(
    kind: type[DomainError], code: str, message: str, findings: Any, data: dict[str, Any]
) -> DomainError:
    """Make the same error again, so that it survives a process boundary."""
    return kind(code, message, findings=findings, **data)
