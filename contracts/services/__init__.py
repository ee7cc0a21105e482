"""Verbs of contracts: write a version, prove it by examples, activate it, publish prices."""

from contracts.services.calendars import add_holidays, add_nerc_holidays
from contracts.services.desk import desk_check
from contracts.services.events import record_event, record_event_file, withdraw_event
from contracts.services.examples import ExampleVerdict, run_examples
from contracts.services.indices import IndexReceipt, publish_index, publish_index_file
from contracts.services.sentences import sentences
from contracts.services.terms import (
    add_example,
    add_term,
    assign_point,
    bind_quantity,
    set_opening_balance,
)
from contracts.services.versions import activate_version, create_contract, new_version

__all__ = [
    "ExampleVerdict",
    "IndexReceipt",
    "activate_version",
    "add_example",
    "add_holidays",
    "add_nerc_holidays",
    "add_term",
    "assign_point",
    "bind_quantity",
    "create_contract",
    "desk_check",
    "new_version",
    "publish_index",
    "publish_index_file",
    "record_event",
    "record_event_file",
    "run_examples",
    "sentences",
    "set_opening_balance",
    "withdraw_event",
]
