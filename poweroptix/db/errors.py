"""From the database's answer to a sentence that a person can act on.

Knows neither Django nor the web: it takes any exception whose chain ends in a driver error with a
`sqlstate`, and returns a DomainError, or None when the database did not speak. Messages of the
database are passed on only when our own triggers wrote them; others may quote values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from poweroptix.kernel.errors import Conflict, DomainError, Forbidden, Refused

_KINDS: dict[str, tuple[type[DomainError], str, str]] = {
    "23505": (Conflict, "db.duplicate", "There is already one like this."),
    "23P01": (Conflict, "db.overlap", "This overlaps another one in time."),
    "23514": (Refused, "db.check", "A value is outside what is allowed here."),
    "23001": (Conflict, "db.immutable", "This can no longer change."),
    "23503": (Conflict, "db.reference", "Something else refers to this, or it refers to nothing."),
    "23502": (Refused, "db.missing", "A required value is missing."),
    "40001": (Conflict, "db.retry", "Somebody changed this at the same moment; try again."),
    "40P01": (Conflict, "db.retry", "Somebody changed this at the same moment; try again."),
    "55P03": (Conflict, "db.locked", "Somebody is working on this right now; try again shortly."),
    "57014": (Conflict, "db.timeout", "This took too long and was stopped; try a smaller part."),
    "42501": (Forbidden, "db.forbidden", "The database does not allow this here."),
    "25P03": (Conflict, "db.idle", "The work paused too long and was undone; try again."),
}
_ANY_VALUE = (Refused, "db.value", "A value cannot be stored as it is.")
RETRY_STATES = frozenset({"40001", "40P01", "55P03", "57014", "25P03"})


def sqlstate(error: BaseException) -> str:
    """Return the SQLSTATE behind an exception, or an empty text."""
    return getattr(_driver_error(error), "sqlstate", None) or ""


def constraint_name(error: BaseException) -> str:
    """Return the violated constraint's name; on a distributed table without its shard number."""
    diagnosis = getattr(_driver_error(error), "diag", None)
    return re.sub(r"_\d+$", "", getattr(diagnosis, "constraint_name", None) or "")


def translate(
    error: BaseException, messages: Mapping[str, str] | None = None
) -> DomainError | None:
    """Return the DomainError that an exception means, or None when it is none of the database's.

    `messages` gives sentences for constraint names, for example from the models' own
    `violation_error_message`. `data` holds sqlstate, constraint and `retry` (whether trying again
    may help).
    """
    state = sqlstate(error)
    if not state:
        return None
    found = _KINDS.get(state) or (_ANY_VALUE if state.startswith("22") else None)
    if found is None:
        return None
    kind, code, sentence = found
    constraint = constraint_name(error)
    if constraint.startswith("pox_") and state in ("23001", "23514"):
        diagnosis = _driver_error(error).diag
        sentence = _as_sentence(diagnosis.message_primary or sentence)
    sentence = (messages or {}).get(constraint, sentence)
    return kind(code, sentence, sqlstate=state, constraint=constraint, retry=state in RETRY_STATES)


def _driver_error(error: BaseException | None) -> BaseException | None:
    """Return the innermost exception with a SQLSTATE, following the chain of causes."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if getattr(error, "sqlstate", None):
            return error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None


def _as_sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
