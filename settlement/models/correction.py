"""Readings that changed after a run used them: the corrections that wait for a new run."""

from django.db import models
from django.db.models import F, Q


class Correction(models.Model):
    """A published change of readings inside a period that was already calculated.

    It waits until a newer run of the contract's period has read the new version (`cleared_by`).
    """

    run = models.ForeignKey(
        "settlement.SettlementRun", on_delete=models.PROTECT, related_name="corrections_waiting"
    )
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.PROTECT, null=True, related_name="+"
    )
    channel_id = models.BigIntegerField()
    publication_id = models.BigIntegerField()
    start_utc = models.DateTimeField()
    end_utc = models.DateTimeField()
    interval_count = models.PositiveIntegerField()
    before_kwh = models.DecimalField(max_digits=24, decimal_places=6, null=True)
    after_kwh = models.DecimalField(max_digits=24, decimal_places=6, null=True)
    created_at = models.DateTimeField()
    cleared_by = models.ForeignKey(
        "settlement.SettlementRun",
        on_delete=models.PROTECT,
        null=True,
        related_name="corrections_cleared",
    )

    class Meta:
        ordering = ["-created_at", "channel_id"]
        constraints = [
            models.UniqueConstraint(
                fields=["run", "channel_id", "publication_id"], name="correction_once"
            ),
            models.CheckConstraint(
                condition=Q(end_utc__gt=F("start_utc")), name="correction_has_length"
            ),
        ]

    def __str__(self):
        return f"{self.run_id} channel {self.channel_id} publication {self.publication_id}"
