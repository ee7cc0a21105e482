"""Dated events of a contract: only ever added; a later row corrects or withdraws an earlier one."""

from django.db import models
from django.db.models import F, Q

from contracts.models._tenant import TenantRow


class ContractEvent(TenantRow):
    """Something that happened and decides money, with who said so and why.

    A row that replaces another stands in its place; a withdrawn one says that nothing happened.
    """

    contract = models.ForeignKey("Contract", on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=40, help_text="Key of the kind, for example outage@1.")
    start_utc = models.DateTimeField("start (UTC)")
    end_utc = models.DateTimeField(
        "end (UTC)", help_text="The same instant as the start for what does not last."
    )
    values = models.JSONField(default=dict, help_text="The fields of the kind, as text.")
    reason = models.TextField(help_text="Where it is known from: log, order, report, agreement.")
    replaces = models.OneToOneField(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="replaced_by",
        help_text="The event that this one corrects.",
    )
    withdrawn = models.BooleanField(
        default=False, help_text="The replaced event did not happen; nothing stands in its place."
    )
    recorded_at = models.DateTimeField(editable=False)
    recorded_by = models.CharField(max_length=150, editable=False)

    @property
    def is_withdrawn(self) -> bool:
        """Whether it did not happen: it says so itself, or the row that replaces it does."""
        later = getattr(self, "replaced_by", None)
        return self.withdrawn or (later is not None and later.withdrawn)

    class Meta:
        """Order and constraints."""

        ordering = ["contract", "start_utc", "id"]
        verbose_name = "event of a contract"
        verbose_name_plural = "events of contracts"
        indexes = [
            models.Index(fields=["contract", "end_utc", "start_utc"], name="contract_event_times")
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(end_utc__gte=F("start_utc")),
                name="contract_event_order",
                violation_error_message="The end is before the start.",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn=False) | Q(replaces__isnull=False),
                name="contract_event_withdraws",
                violation_error_message="Only an event that is there can be withdrawn.",
            ),
        ]

    def __str__(self):
        return f"{self.contract} {self.kind} {self.start_utc:%Y-%m-%d %H:%M} UTC"
