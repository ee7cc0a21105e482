"""Records that were not taken: map them to a channel and replay them, or dismiss them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from meters.models import Channel, ChannelAlias, ImportFile, QuarantinedRecord, RecordState
from meters.models.files import ADVICE
from meters.services.arriving.ingest import reread_file
from meters.services.steps import Steps
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.kernel.errors import Conflict, Refused


def map_quarantine(
    quarantined: QuarantinedRecord, channel: Channel, *, actor: Actor, now: datetime, reason: str
) -> int:
    """Say which channel a source means; return how many quarantined records that covers.

    The name is remembered for the source, so later files need no mapping. All open records of the
    source with this name wait for a replay then. Raises Refused for a record without a channel
    name or one that no channel mends, Conflict when the name is mapped to another channel.
    """
    require(actor, "meters.map")
    text = quarantined.channel_text
    if not text:
        raise Refused("quarantine.no_channel", "This record names no channel; correct the file.")
    if quarantined.advice:
        raise Refused("quarantine.no_mapping", f"{quarantined.message} {quarantined.advice}")
    source = quarantined.import_file.source
    with transaction.atomic():
        alias, made = ChannelAlias.objects.get_or_create(
            source=source, channel_text=text, defaults={"channel": channel}
        )
        if alias.channel_id != channel.pk:
            raise Conflict(
                "quarantine.mapped", f"'{text}' of {source} already means {alias.channel.code}."
            )
        files = ImportFile.objects.filter(source=source).values_list("pk", flat=True)
        waiting = QuarantinedRecord.objects.filter(
            import_file__in=list(files), channel_text=text, state=RecordState.OPEN
        )
        count = waiting.exclude(code__in=ADVICE).update(
            state=RecordState.MAPPED,
            decided_by=str(actor)[:150],
            decided_at=now,
            reason=reason[:300],
        )
        if made:
            after = {"source": source, "text": text, "channel": channel.code}
            record("channel.map", alias, actor=actor, reason=reason, after=after)
    return count


def dismiss_quarantine(
    quarantined: QuarantinedRecord, *, actor: Actor, now: datetime, reason: str
) -> QuarantinedRecord:
    """Decide that a record is never to become readings."""
    require(actor, "meters.map")
    if not reason.strip():
        raise Refused("quarantine.reason", "Say why this record is not needed.")
    with transaction.atomic():
        row = QuarantinedRecord.objects.select_for_update().get(pk=quarantined.pk)
        if row.state not in (RecordState.OPEN, RecordState.MAPPED):
            raise Conflict("quarantine.decided", f"This record is {row.get_state_display()}.")
        row.state, row.decided_by, row.decided_at = RecordState.DISMISSED, str(actor)[:150], now
        row.reason = reason[:300]
        row.save(update_fields=["state", "decided_by", "decided_at", "reason"])
        record("quarantine.dismiss", row, actor=actor, reason=reason)
    return row


def replay(
    import_file: ImportFile, ctx: Steps | None = None, *, actor: Actor, now: datetime
) -> dict[str, Any]:
    """Read the mapped records of a file again and publish them; return the receipt of the replay.

    Raises Conflict when nothing of the file waits for a replay. Records that still cannot be taken
    go back to OPEN with what they are refused for now.
    """
    waiting = QuarantinedRecord.objects.filter(import_file=import_file, state=RecordState.MAPPED)
    texts = sorted(set(waiting.values_list("channel_text", flat=True)))
    if not texts:
        raise Conflict("quarantine.nothing", f"Nothing of {import_file} waits for a replay.")
    receipt = reread_file(
        import_file.pk,
        ctx,
        now=now,
        actor=actor,
        reason=f"Replay of {', '.join(texts)}"[:300],
        only=texts,
    )
    still = {row["channel"]: row for row in receipt.get("quarantined", [])}
    with transaction.atomic():
        for row in waiting.select_for_update():
            refused = still.get(row.channel_text)
            if refused is None:
                row.state = RecordState.REPLAYED
            else:
                row.state, row.reason = RecordState.OPEN, refused["message"][:300]
                row.code, row.message = refused["code"], row.reason
            row.save(update_fields=["state", "reason", "code", "message"])
    return receipt
