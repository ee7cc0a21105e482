"""What the database keeps of the audit trail."""

from poweroptix.db.rules import AppendOnly, Policy, Rule

RULES: list[Rule] = [
    AppendOnly("audit_auditevent", lock_owner=True),
    Policy("audit_auditevent"),
]
