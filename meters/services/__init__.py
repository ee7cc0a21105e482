"""Verbs of metering: receive, ingest, validate, edit, accept, map, replay."""

from meters.services.arriving.files import (
    receive_file,
    receive_files,
    set_profile,
    upload_limit_bytes,
)
from meters.services.arriving.ingest import ingest_file, reread_file
from meters.services.arriving.quarantine import dismiss_quarantine, map_quarantine, replay
from meters.services.editing.edit import edit_readings
from meters.services.editing.previews import preview_edit
from meters.services.editing.proposals import confirm_edit, propose_edit, reject_edit
from meters.services.judging.accepting import accept_finding
from meters.services.judging.clocks import record_clock_check
from meters.services.judging.closing import ClosingSummary, close_checks, look_again
from meters.services.judging.findings import closing_codes
from meters.services.judging.validate import VeeSummary, revalidate, validate_days
from meters.services.publishing.listeners import approved, approved_on, corrected, published

__all__ = [
    "ClosingSummary",
    "VeeSummary",
    "accept_finding",
    "approved",
    "approved_on",
    "close_checks",
    "closing_codes",
    "confirm_edit",
    "corrected",
    "dismiss_quarantine",
    "edit_readings",
    "ingest_file",
    "look_again",
    "map_quarantine",
    "preview_edit",
    "propose_edit",
    "published",
    "receive_file",
    "receive_files",
    "record_clock_check",
    "reject_edit",
    "replay",
    "reread_file",
    "revalidate",
    "set_profile",
    "upload_limit_bytes",
    "validate_days",
]
