"""Verbs of contracts: write a version, prove it by examples, activate it, publish prices."""

from contracts.services.calendars import add_holidays, add_nerc_holidays
from contracts.services.desk import desk_check
from contracts.services.documents import attach_document, document_bytes
from contracts.services.events import record_event, record_event_file, withdraw_event
from contracts.services.examples import ExampleVerdict, run_examples
from contracts.services.indices import IndexReceipt, publish_index, publish_index_file
from contracts.services.sentences import sentences
from contracts.services.system_peaks import record_system_peak
from contracts.services.takeover import (
    add_credit_support,
    add_diary_entry,
    approve_opening_balance,
    finish_diary_entry,
    release_credit_support,
    terminate_contract,
)
from contracts.services.terms import (
    add_example,
    add_term,
    assign_point,
    bind_quantity,
    change_example,
    change_term,
    remove_example,
    remove_term,
    set_opening_balance,
    write_draft,
)
from contracts.services.versions import (
    activate_version,
    create_contract,
    new_version,
    remove_draft,
    supersede_version,
)

__all__ = [
    "ExampleVerdict",
    "IndexReceipt",
    "activate_version",
    "add_credit_support",
    "add_diary_entry",
    "add_example",
    "add_holidays",
    "add_nerc_holidays",
    "add_term",
    "approve_opening_balance",
    "assign_point",
    "attach_document",
    "bind_quantity",
    "change_example",
    "change_term",
    "create_contract",
    "desk_check",
    "document_bytes",
    "finish_diary_entry",
    "new_version",
    "publish_index",
    "publish_index_file",
    "record_event",
    "record_event_file",
    "record_system_peak",
    "release_credit_support",
    "remove_draft",
    "remove_example",
    "remove_term",
    "run_examples",
    "sentences",
    "set_opening_balance",
    "supersede_version",
    "terminate_contract",
    "withdraw_event",
    "write_draft",
]
