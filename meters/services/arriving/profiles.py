"""Import profiles as people keep them: saved with who, when and why, and carried to jobs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from meters.models import ImportProfile
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.kernel.errors import Refused

FIELDS = (
    "code", "format", "zone", "label", "unit", "unit_factor", "sign", "on_row_error",
    "on_duplicate", "quality_map", "assume_header", "options",
)  # fmt: skip


def profile_document(row: ImportProfile) -> dict[str, Any]:
    """Return what a profile says as plain data, for the audit trail and for jobs."""
    said = {name: getattr(row, name) for name in FIELDS}
    factor = said["unit_factor"]
    said["unit_factor"] = None if factor is None else f"{factor.normalize():f}"
    return said


def profile_from(document: dict[str, Any]) -> ImportProfile:
    """Return the unsaved profile that a document says."""
    factor = document.get("unit_factor")
    said = {name: document[name] for name in FIELDS if name in document}
    return ImportProfile(**said | {"unit_factor": None if factor is None else Decimal(factor)})


def save_profile(row: ImportProfile, *, actor: Actor, reason: str) -> ImportProfile:
    """Save a new or changed profile with an audit event that holds both versions.

    Files that were read stay as they were read; reading one again is a step of its own. Raises
    Refused for what no reader could use.
    """
    require(actor, "meters.edit")
    try:
        row.full_clean()
    except ValidationError as fault:
        raise Refused("profile.invalid", " ".join(fault.messages)) from fault
    with transaction.atomic():
        stored = ImportProfile.objects.select_for_update().filter(pk=row.pk).first()
        before = None if stored is None else profile_document(stored)
        row.save()
        after = profile_document(row)
        if before != after:
            action = "profile.add" if before is None else "profile.change"
            record(action, row, actor=actor, reason=reason, before=before, after=after)
    return row
