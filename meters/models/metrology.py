"""What proves that meters measure: tests, transformer certificates; and when a point was dark.

Tests and certificates are only ever added. Whoever erred adds a row that names the one it
corrects; the row that no other corrects is the one that holds.
"""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from .assets import DeliveryPoint
from .choices import Role
from .devices import Meter, pair_range


class MeterTestResult(models.TextChoices):
    """How a test ended."""

    PASSED = "PASSED", "Passed"
    ADJUSTED = "ADJUSTED", "Passed after adjustment"
    FAILED = "FAILED", "Failed"


class TransformerKind(models.TextChoices):
    """Which instrument transformer."""

    CT = "CT", "Current transformer"
    PT = "PT", "Potential transformer"


class InterruptionCause(models.TextChoices):
    """Why a point was without power."""

    MAINTENANCE = "MAINTENANCE", "Maintenance"
    FORCED = "FORCED", "Forced outage of the unit"
    SWITCHYARD = "SWITCHYARD", "Fault in the switchyard"
    GRID = "GRID", "Fault of the grid"
    CUSTOMER = "CUSTOMER", "Caused by the customer"
    WEATHER = "WEATHER", "Weather"
    OTHER = "OTHER", "Other, see comment"


class Correctable(models.Model):
    """A row that is never changed, only followed by one that corrects it."""

    certificate_number = models.CharField(max_length=60)
    corrects = models.OneToOneField(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="corrected_by",
        help_text="The row that this one replaces because it was entered wrongly.",
    )
    comment = models.CharField(max_length=300, blank=True)
    recorded_by = models.CharField(max_length=150, editable=False)
    recorded_at = models.DateTimeField(editable=False)

    class Meta:
        """Shared by tests and certificates."""

        abstract = True

    def refuse_other(self, *names: str) -> None:
        """Refuse a correction of another subject, and one that does not say why."""
        old = self.corrects
        if old is None:
            return
        if any(getattr(old, name) != getattr(self, name) for name in names):
            raise ValidationError({"corrects": f"{old} is about something else."})
        if not self.comment:
            raise ValidationError({"comment": "Say what was wrong with the row corrected."})


class MeterTest(Correctable):
    """A test or calibration of a meter, with its errors in the points below it."""

    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="tests")
    tested_on = models.DateField()
    laboratory = models.CharField(max_length=120)
    accuracy_class = models.CharField(max_length=20, help_text="Such as 0.2S (IEC 62053-22).")
    result = models.CharField(max_length=10, choices=MeterTestResult.choices)
    next_due = models.DateField(help_text="Last day on which this test is good.")

    class Meta:
        """Names and constraints."""

        ordering = ["meter", "-tested_on", "-id"]
        constraints = [
            models.CheckConstraint(
                name="meter_test_due_after_test",
                condition=Q(next_due__gt=F("tested_on")),
                violation_error_message="The next test is due after this one.",
            ),
            models.CheckConstraint(
                name="meter_test_result_known", condition=Q(result__in=MeterTestResult.values)
            ),
            models.CheckConstraint(
                name="meter_test_corrects_another",
                condition=Q(corrects__isnull=True) | ~Q(corrects=F("id")),
            ),
        ]

    def __str__(self):
        return f"Test {self.certificate_number} of {self.meter.serial}, {self.tested_on}"

    def clean(self):
        """Refuse the correction of another meter's test."""
        self.refuse_other("meter_id")


class MeterTestPoint(models.Model):
    """The error of a meter at one load, in % of the reading, before and after adjustment."""

    test = models.ForeignKey(MeterTest, on_delete=models.PROTECT, related_name="points")
    load_pct = models.DecimalField(
        max_digits=6, decimal_places=2, help_text="% of the rated current."
    )
    power_factor_ratio = models.DecimalField(max_digits=3, decimal_places=2, default=1)
    as_found_pct = models.DecimalField(max_digits=7, decimal_places=4)
    as_left_pct = models.DecimalField(max_digits=7, decimal_places=4)

    class Meta:
        """Names and constraints."""

        ordering = ["test", "load_pct", "-power_factor_ratio"]
        constraints = [
            models.UniqueConstraint(
                fields=["test", "load_pct", "power_factor_ratio"],
                name="meter_test_point_once",
                violation_error_message="This load and power factor is already there.",
            ),
            models.CheckConstraint(
                name="meter_test_point_range",
                condition=Q(load_pct__gt=0, power_factor_ratio__gt=0, power_factor_ratio__lte=1)
                & Q(as_found_pct__gte=-100, as_found_pct__lte=100)
                & Q(as_left_pct__gte=-100, as_left_pct__lte=100),
                violation_error_message="A load is above 0 %, a power factor above 0 and at most "
                "1, an error between -100 and 100 %.",
            ),
        ]

    def __str__(self):
        return f"{self.load_pct} % at {self.power_factor_ratio}"


class TransformerCertificate(Correctable):
    """The certificate of the current or potential transformers of a metering position."""

    delivery_point = models.ForeignKey(
        DeliveryPoint, on_delete=models.PROTECT, related_name="transformer_certificates"
    )
    role = models.CharField(max_length=10, choices=Role.measured(), default=Role.MAIN)
    kind = models.CharField(max_length=2, choices=TransformerKind.choices)
    serials = models.CharField(max_length=200, help_text="One per phase, separated by commas.")
    primary_rating = models.DecimalField(max_digits=12, decimal_places=3, help_text="A or V.")
    secondary_rating = models.DecimalField(max_digits=12, decimal_places=3, help_text="A or V.")
    accuracy_class = models.CharField(max_length=20, help_text="Such as 0.2S (IEC 61869-2).")
    burden_va = models.DecimalField(max_digits=8, decimal_places=2, help_text="Rated burden, VA.")
    laboratory = models.CharField(max_length=120)
    issued_on = models.DateField()
    expires_on = models.DateField(help_text="Last day on which the certificate is good.")

    class Meta:
        """Names and constraints."""

        ordering = ["delivery_point", "role", "kind", "-issued_on", "-id"]
        constraints = [
            models.CheckConstraint(
                name="transformer_expires_after_issue",
                condition=Q(expires_on__gt=F("issued_on")),
                violation_error_message="A certificate expires after it is issued.",
            ),
            models.CheckConstraint(
                name="transformer_rating_range",
                condition=Q(
                    primary_rating__gt=0,
                    primary_rating__lte=1_000_000,
                    secondary_rating__gt=0,
                    secondary_rating__lte=1_000_000,
                    burden_va__gt=0,
                ),
                violation_error_message="Ratings are above 0 and at most 1,000,000, a burden is "
                "above 0.",
            ),
            models.CheckConstraint(
                name="transformer_kind_known",
                condition=Q(
                    kind__in=TransformerKind.values, role__in=[one for one, _ in Role.measured()]
                ),
            ),
            models.CheckConstraint(
                name="transformer_corrects_another",
                condition=Q(corrects__isnull=True) | ~Q(corrects=F("id")),
            ),
        ]

    def __str__(self):
        return f"{self.kind} certificate {self.certificate_number} of {self.delivery_point}"

    @property
    def ratio(self) -> str:
        """Return the ratio as it is written on the plate: `2000:5`."""
        return f"{self.primary_rating.normalize():f}:{self.secondary_rating.normalize():f}"

    def clean(self):
        """Refuse the correction of another position's certificate."""
        self.refuse_other("delivery_point_id", "role", "kind")


class Interruption(models.Model):
    """A time in which a delivery point was out of service; open while it lasts."""

    delivery_point = models.ForeignKey(
        DeliveryPoint, on_delete=models.PROTECT, related_name="interruptions"
    )
    during = DateTimeRangeField(help_text="From (inclusive) to (exclusive), UTC; no end: ongoing.")
    cause = models.CharField(max_length=12, choices=InterruptionCause.choices)
    is_planned = models.BooleanField(default=False)
    comment = models.CharField(max_length=300, blank=True)
    recorded_by = models.CharField(max_length=150, editable=False)
    recorded_at = models.DateTimeField(editable=False)

    class Meta:
        """Names and constraints."""

        ordering = ["-during", "delivery_point"]
        constraints = [
            ExclusionConstraint(
                name="interruption_no_overlap",
                expressions=[(pair_range("delivery_point"), "&&"), ("during", "&&")],
                violation_error_message="The point already has an interruption at that time.",
            ),
            models.CheckConstraint(
                name="interruption_not_empty",
                condition=Q(during__isempty=False, during__lower_inf=False),
                violation_error_message="An interruption starts at an instant and ends after it.",
            ),
            models.CheckConstraint(
                name="interruption_cause_known",
                condition=Q(cause__in=InterruptionCause.values),
            ),
        ]

    def __str__(self):
        return f"{self.delivery_point} out from {self.during.lower:%Y-%m-%d %H:%M}"
