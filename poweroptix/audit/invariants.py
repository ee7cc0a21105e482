"""What must always be true of the audit trail."""

from poweroptix.audit.models import AuditEvent
from poweroptix.audit.services import digest
from poweroptix.doctor import invariant

NEWEST = 2000


@invariant("audit.digest", "Recent audit events say what they said when they were written.")
def unchanged(cursor):
    """Compute the digest of the newest events of audit_auditevent again."""
    return [
        f"audit event {event.pk} was altered"
        for event in AuditEvent.objects.order_by("-pk")[:NEWEST]
        if digest(event) != event.digest
    ]
