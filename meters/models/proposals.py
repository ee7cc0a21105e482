"""Edits that one person may not decide alone: proposed by one, confirmed or rejected by another."""

from django.db import models
from django.db.models import F, Q

from .choices import EditAction, ProposalState, ReasonCode
from .devices import Channel
from .judgement import Edit

UNDECIDED = Q(decided_by="", decided_at__isnull=True, edit__isnull=True)
DECIDED = ~Q(decided_by="") & Q(decided_at__isnull=False)


class EditProposal(models.Model):
    """An edit above the limit, as its author saw it: what, why, totals, and the readings' digest.

    `totals` are the rows of the preview (energies and peaks before and after, as text);
    `readings_digest` is the SHA-256 of the readings that the preview was made on.
    """

    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="edit_proposals")
    start_utc = models.DateTimeField()
    end_utc = models.DateTimeField()
    action = models.CharField(max_length=15, choices=EditAction.choices)
    operand = models.DecimalField(max_digits=24, decimal_places=6, null=True, blank=True)
    source = models.CharField(max_length=120, blank=True)
    reason_code = models.CharField(max_length=20, choices=ReasonCode.choices)
    comment = models.CharField(max_length=500)
    totals = models.JSONField()
    readings_digest = models.CharField(max_length=64)
    proposed_by = models.CharField(max_length=150)
    proposed_at = models.DateTimeField()
    state = models.CharField(
        max_length=10, choices=ProposalState.choices, default=ProposalState.PROPOSED
    )
    decided_by = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_reason = models.CharField(max_length=400, blank=True)
    edit = models.OneToOneField(
        Edit, null=True, blank=True, on_delete=models.PROTECT, related_name="proposal"
    )

    class Meta:
        """Names and constraints."""

        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="edit_proposal_range_ordered", condition=Q(end_utc__gt=F("start_utc"))
            ),
            models.CheckConstraint(
                name="edit_proposal_second_person",
                condition=~Q(state="CONFIRMED") | ~Q(decided_by=F("proposed_by")),
                violation_error_message="Somebody else must confirm this edit.",
            ),
            models.CheckConstraint(
                name="edit_proposal_decision_complete",
                condition=(Q(state="PROPOSED") & UNDECIDED)
                | (Q(state="CONFIRMED", edit__isnull=False) & DECIDED)
                | (Q(state="REJECTED", edit__isnull=True) & DECIDED & ~Q(decision_reason="")),
            ),
        ]
        indexes = [
            models.Index(
                fields=["proposed_at"],
                name="edit_proposal_open",
                condition=Q(state="PROPOSED"),
            )
        ]

    def __str__(self):
        return f"{self.get_action_display()} {self.channel.code} {self.start_utc:%Y-%m-%d %H:%M}"
