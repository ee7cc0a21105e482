"""Verbs of metering: receive, ingest, validate, edit, accept, map, replay."""

from meters.services.editing import accept_finding, edit_readings
from meters.services.files import (
    receive_file,
    receive_files,
    set_profile,
    upload_limit_bytes,
)
from meters.services.ingest import ingest_file, reread_file
from meters.services.listeners import published
from meters.services.quarantine import dismiss_quarantine, map_quarantine, replay
from meters.services.validate import VeeSummary, revalidate, validate_days

__all__ = [
    "VeeSummary",
    "accept_finding",
    "dismiss_quarantine",
    "edit_readings",
    "ingest_file",
    "map_quarantine",
    "published",
    "receive_file",
    "receive_files",
    "replay",
    "reread_file",
    "revalidate",
    "set_profile",
    "upload_limit_bytes",
    "validate_days",
]
