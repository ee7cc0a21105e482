"""Meter clocks beside a reference, as they were compared when readings were collected."""

from django.db import models
from django.db.models import Q

from .devices import Meter


class ClockCheck(models.Model):
    """One comparison of a meter's clock; only ever added."""

    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="clock_checks")
    at_utc = models.DateTimeField(help_text="When the clocks were compared, by the reference.")
    drift_s = models.DecimalField(
        max_digits=12,
        decimal_places=3,
        help_text="Meter less reference in seconds: 200 is fast, -200 slow.",
    )
    reference = models.CharField(max_length=120, help_text="Such as GPS, NTP, or the reader's.")
    recorded_by = models.CharField(max_length=150, editable=False)
    recorded_at = models.DateTimeField(editable=False)

    class Meta:
        """Names and constraints."""

        ordering = ["meter", "-at_utc", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["meter", "at_utc", "reference"],
                name="clock_check_once",
                violation_error_message="This comparison is already on record.",
            ),
            models.CheckConstraint(
                name="clock_check_range",
                condition=Q(drift_s__gt=-1_000_000, drift_s__lt=1_000_000),
                violation_error_message="A drift is less than 1,000,000 s either way.",
            ),
        ]

    def __str__(self):
        return f"{self.meter.serial} {self.drift_s:+f} s at {self.at_utc:%Y-%m-%d %H:%M}"
