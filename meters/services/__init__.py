"""Verbs of metering: receive, ingest, validate, edit, accept, map, replay."""

from meters.services.accepting import accept_finding
from meters.services.editing import edit_readings
from meters.services.files import (
    receive_file,
    receive_files,
    set_profile,
    upload_limit_bytes,
)
from meters.services.ingest import ingest_file, reread_file
from meters.services.listeners import published
from meters.services.previews import preview_edit
from meters.services.proposals import confirm_edit, propose_edit, reject_edit
from meters.services.quarantine import dismiss_quarantine, map_quarantine, replay
from meters.services.validate import VeeSummary, revalidate, validate_days

__all__ = [
    "VeeSummary",
    "accept_finding",
    "confirm_edit",
    "dismiss_quarantine",
    "edit_readings",
    "ingest_file",
    "map_quarantine",
    "preview_edit",
    "propose_edit",
    "published",
    "receive_file",
    "receive_files",
    "reject_edit",
    "replay",
    "reread_file",
    "revalidate",
    "set_profile",
    "upload_limit_bytes",
    "validate_days",
]
