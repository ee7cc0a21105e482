"""What changed after a run read it, readings, prices, events or terms: what a true-up takes up."""

from django.db import models
from django.db.models import F, Q

#: What `interval_count` counts where it is not intervals or prices.
COUNTED = {"EVENTS": "events", "TERMS": "days"}


class Correction(models.Model):
    """How the newest readings of a channel, or prices of a series, differ from those of a run.

    A row without a channel is about the prices of a series, or, without a series as well, about
    the events of the contract: how many of them differ, between which instants. One about the
    terms counts the local days that have others, and names the version that holds on the first.

    Kept as it is now: a later publication rewrites the row, and removes it when the values are
    again what the run read. It counts as long as its run does: an approved run is waiting until
    the run that takes up the new readings is approved in its place.
    """

    class Scope(models.TextChoices):
        """Whose readings changed, seen from the run's contract."""

        OWN = "OWN", "Own readings"
        SHARED = "SHARED", "Shared energy or losses"
        BOUND = "BOUND", "Further readings of the contract"
        EVENTS = "EVENTS", "Events of the contract"
        TERMS = "TERMS", "Terms of the contract"
        PRICE = "PRICE", "Published prices"

    run = models.ForeignKey(
        "settlement.SettlementRun", on_delete=models.PROTECT, related_name="corrections_waiting"
    )
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.PROTECT, null=True, related_name="+"
    )
    channel_id = models.BigIntegerField(null=True)
    series = models.CharField(
        max_length=60, blank=True, help_text="Code of the price series, where prices changed."
    )
    scope = models.CharField(max_length=6, choices=Scope.choices, default=Scope.OWN)
    version = models.ForeignKey(
        "contracts.ContractVersion",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="Where terms changed: what holds now on the first day that changed, if any does.",
    )
    publication_id = models.BigIntegerField(
        null=True, help_text="The newest publication that changed it."
    )
    start_utc = models.DateTimeField()
    end_utc = models.DateTimeField()
    interval_count = models.PositiveIntegerField()
    before_kwh = models.DecimalField(max_digits=24, decimal_places=6, null=True)
    after_kwh = models.DecimalField(max_digits=24, decimal_places=6, null=True)
    created_at = models.DateTimeField(help_text="When the change became visible.")

    class Meta:
        ordering = ["run_id", "scope", "channel_id"]
        constraints = [
            models.UniqueConstraint(fields=["run", "channel_id"], name="correction_once"),
            models.UniqueConstraint(
                fields=["run", "scope", "series"],
                condition=Q(channel_id__isnull=True),
                name="correction_beside_channels_once",
            ),
            models.CheckConstraint(
                condition=Q(scope="PRICE", channel_id__isnull=True) & ~Q(series="")
                | Q(scope__in=("EVENTS", "TERMS"), channel_id__isnull=True, series="")
                | ~Q(scope__in=("PRICE", "EVENTS", "TERMS"))
                & Q(channel_id__isnull=False, series=""),
                name="correction_of_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(end_utc__gte=F("start_utc")), name="correction_in_order"
            ),
        ]

    def __str__(self):
        what = COUNTED.get(self.scope, "intervals")
        return f"{self.get_scope_display()}, {self.interval_count} {what}"

    @property
    def terms_said(self):
        """Return what changed of the terms: the version that holds now, and from which day."""
        if self.version is None:
            return "The terms changed: no version holds on some of its days."
        first = self.version.first_date
        return f"The terms changed: version {self.version.number} holds from {first}."

    @property
    def change_kwh(self):
        """Return new less old in the unit of the channel; None where no reading changed."""
        if self.before_kwh is None or self.after_kwh is None:
            return None
        return self.after_kwh - self.before_kwh
