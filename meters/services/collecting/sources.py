"""Verbs on sources: look now, pause, resume, and who may push."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from meters.models import Source
from meters.models.sources import COLLECT
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.jobs.models import Job
from poweroptix.jobs.services import enqueue
from poweroptix.kernel.errors import Conflict, Forbidden, Refused

REASON_CHARACTERS = 5


def look_now(source: Source, *, actor: Actor, now: datetime) -> Job:
    """Queue a look at a source; the one that is under way, if there is one.

    Files that were refused before are tried again. Raises Refused for a source that is pushed to,
    Conflict for a paused one.
    """
    require(actor, "meters.import")
    if not source.connector.polls:
        raise Refused("source.pushed", f"{source.code} brings its files by itself.")
    source = Source.objects.get(pk=source.pk)
    if not source.enabled:
        text = f"{source.code} is paused ({source.paused_reason}); resume it first."
        raise Conflict("source.paused", text)
    open_jobs = Job.objects.filter(kind=COLLECT, payload__source_id=source.pk)
    under_way = open_jobs.filter(state__in=("queued", "running")).order_by("pk").first()
    if under_way is not None:
        return under_way
    return enqueue(
        COLLECT,
        f"{source.code}@{now:%Y-%m-%dT%H:%M:%S.%fZ}",
        {"source_id": source.pk, "again": True},
        created_by=actor.user_id,
    )


def collect_due(source: Source) -> Job:
    """Queue the look that is due now, under the key that a worker's clock would give it."""
    recurring = source.recurring
    if recurring is None:
        raise Refused("source.pushed", f"{source.code} brings its files by itself.")
    key = f"{recurring.name}@{recurring.next_run_at:%Y-%m-%dT%H:%MZ}"
    return enqueue(recurring.kind, key, recurring.payload)


def pause(source: Source, *, reason: str, actor: Actor) -> Source:
    """Look there no more, and take nothing that is pushed, until somebody resumes it."""
    require(actor, "meters.import")
    said = reason.strip()
    if len(said) < REASON_CHARACTERS:
        raise Refused("source.reason", "Say in a few words why the source is paused.")
    with transaction.atomic():
        row = Source.objects.select_for_update().get(pk=source.pk)
        if not row.enabled:
            raise Conflict("source.paused", f"{row.code} is paused already: {row.paused_reason}")
        row.enabled, row.paused_reason = False, said[:300]
        row.save(update_fields=["enabled", "paused_reason"])
        record("source.pause", row, actor=actor, reason=said)
    return row


def resume(source: Source, *, actor: Actor) -> Source:
    """Look there again; the next look is due at once."""
    require(actor, "meters.import")
    with transaction.atomic():
        row = Source.objects.select_for_update().get(pk=source.pk)
        if row.enabled:
            raise Conflict("source.enabled", f"{row.code} is not paused.")
        row.enabled, row.paused_reason = True, ""
        row.save(update_fields=["enabled", "paused_reason"])
        record("source.resume", row, actor=actor)
    return row


def pushed(code: str, *, token_prefix: str, now: datetime) -> None:
    """Note that a sender was seen, after checking that it may push under this name.

    A name without a source is free. `token_prefix` is empty for a person. Raises Forbidden for a
    token that may not push here and for a source that we fetch ourselves, Conflict when paused.
    """
    source = Source.objects.filter(code=code).first()
    if source is None:
        return
    if not source.enabled:
        raise Conflict("source.paused", f"{code} is paused: {source.paused_reason}")
    if token_prefix:
        _check_token(source, token_prefix)
    if not source.connector.polls:
        Source.objects.filter(pk=source.pk).update(last_seen_at=now)


def _check_token(source: Source, token_prefix: str) -> None:
    if source.connector.polls:
        text = f"The files of {source.code} are fetched; a token may not push under its name."
        raise Forbidden("source.token", text)
    allowed = source.typed.tokens
    if allowed and token_prefix not in allowed:
        text = f"This token ({token_prefix}…) may not push to {source.code}."
        raise Forbidden("source.token", text)
