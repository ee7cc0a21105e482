"""What an event of the audit trail is called on screen, and where its object is shown."""

from django.urls import reverse

from poweroptix.audit.models import AuditEvent

DEEDS = {
    "billing.discard": "threw away the draft",
    "billing.draft": "drafted the invoice",
    "billing.issue": "issued invoice",
    "billing.void": "voided invoice",
    "channel.map": "mapped the channel",
    "contract.diary_done": "did what the diary said of",
    "contract.document_attached": "attached to the contract",
    "contract.ended": "ended the contract",
    "contract.opening_approved": "approved the opening balance of",
    "contract.opening_balance": "entered the opening balance of",
    "contract.security_held": "took credit support",
    "contract.security_released": "released credit support",
    "contract.version_activated": "activated contract version",
    "contract.version_drafted": "drafted contract version",
    "esg.account": "accounted the carbon of",
    "file.accept": "accepted file",
    "file.read": "read file",
    "file.receive": "received file",
    "file.refuse": "refused file",
    "finding.accept": "accepted the exception",
    "finding.assign": "assigned the exception",
    "finding.judge": "had judged again the exception",
    "index.published": "published prices of",
    "quarantine.dismiss": "dismissed a quarantined record",
    "readings.confirm": "confirmed the edit",
    "readings.edit": "edited readings of",
    "readings.propose": "proposed the edit",
    "readings.reject": "rejected the edit",
    "source.pause": "paused the source",
    "source.resume": "resumed the source",
    "settlement.allocate": "allocated the energy of",
    "settlement.approve": "approved run",
    "settlement.calculate": "calculated run",
    "settlement.desk_check": "desk-checked",
    "settlement.dispute_ended": "ended the dispute about",
    "settlement.dispute_opened": "disputed",
    "settlement.invoiced": "billed run",
    "settlement.reject": "rejected run",
    "settlement.statement_loaded": "loaded the statement",
    "settlement.submit": "handed in run",
    "settlement.what_if": "asked a what-if of run",
}
PAGES = {
    "billing.invoice": "office-invoice",
    "esg.emissionrun": "office-emission",
    "meters.editproposal": "office-proposal",
    "meters.finding": "office-finding",
    "meters.importfile": "office-import",
    "settlement.counterpartystatement": "office-statement",
    "settlement.deskcheck": "office-desk-check",
    "settlement.settlementrun": "office-run",
}


def deed(action: str) -> str:
    """Return the action in words; an action without an entry is read from its code."""
    return DEEDS.get(action) or action.rpartition(".")[2].replace("_", " ")


def page_of(event: AuditEvent) -> str:
    """Return the address of the event's object, empty when it has no page."""
    name = PAGES.get(event.object_type)
    return reverse(name, args=[event.object_id]) if name and event.object_id.isdecimal() else ""
