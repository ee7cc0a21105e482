"""Campuses, generating units and delivery points."""

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from poweroptix.kernel.errors import DomainError
from poweroptix.kernel.period import zone_of

from .choices import PointKind, Technology

CODE = RegexValidator(
    r"^[A-Za-z0-9][A-Za-z0-9._/-]*\Z", "Use letters, digits, '.', '_', '-' and '/' only."
)


def validate_zone(name: str) -> None:
    """Raise a ValidationError unless the name is an IANA zone of this machine."""
    try:
        zone_of(name)
    except DomainError as error:
        raise ValidationError(str(error)) from error


class CodeManager(models.Manager):
    """Finds a row by its code, for documents and fixtures."""

    def get_by_natural_key(self, code):
        """Return the row with this code."""
        return self.get(code=code)


class CampusCodeManager(models.Manager):
    """Finds a row by campus and code."""

    def get_by_natural_key(self, campus, code):
        """Return the row of this campus with this code."""
        return self.get(campus__code=campus, code=code)


class Campus(models.Model):
    """A site where generation, storage and tenants share one switchyard."""

    code = models.CharField(max_length=40, unique=True, validators=[CODE])
    name = models.CharField(max_length=200)
    zone = models.CharField(
        max_length=60, validators=[validate_zone], help_text="IANA zone, such as America/Chicago."
    )
    balance_tolerance_low_ratio = models.DecimalField(
        max_digits=7,
        decimal_places=5,
        default="-0.002",
        help_text="Lowest daily loss, -0.002 = -0.2 %.",
    )
    balance_tolerance_high_ratio = models.DecimalField(
        max_digits=7,
        decimal_places=5,
        default="0.025",
        help_text="Highest daily loss, 0.025 = 2.5 %.",
    )
    currency = models.CharField(max_length=3, default="USD")
    latitude_deg = models.DecimalField(
        max_digits=8, decimal_places=6, null=True, blank=True, help_text="North is positive."
    )
    longitude_deg = models.DecimalField(
        max_digits=9, decimal_places=6, null=True, blank=True, help_text="East is positive."
    )

    objects = CodeManager()

    class Meta:
        """Names and constraints."""

        verbose_name_plural = "campuses"
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                name="campus_tolerance_range",
                condition=Q(
                    balance_tolerance_low_ratio__gte=-1,
                    balance_tolerance_high_ratio__lte=1,
                    balance_tolerance_low_ratio__lte=models.F("balance_tolerance_high_ratio"),
                ),
                violation_error_message="The lower tolerance must not exceed the upper one.",
            ),
            models.CheckConstraint(
                name="campus_place_range",
                condition=Q(latitude_deg__isnull=True, longitude_deg__isnull=True)
                | Q(
                    latitude_deg__isnull=False,
                    longitude_deg__isnull=False,
                    latitude_deg__gte=-90,
                    latitude_deg__lte=90,
                    longitude_deg__gte=-180,
                    longitude_deg__lte=180,
                ),
                violation_error_message="Give both latitude (-90 to 90) and longitude (-180 to "
                "180), or neither.",
            ),
        ]

    def __str__(self):
        return self.name

    def natural_key(self):
        """Return what names this row in documents."""
        return (self.code,)


class GeneratingUnit(models.Model):
    """One metered generator or battery."""

    campus = models.ForeignKey(Campus, on_delete=models.PROTECT, related_name="generating_units")
    code = models.CharField(max_length=40, validators=[CODE])
    name = models.CharField(max_length=200)
    technology = models.CharField(max_length=20, choices=Technology.choices)
    vendor = models.CharField(max_length=100, blank=True)
    fuel = models.CharField(max_length=40, blank=True, help_text="Code of the fuel, empty if none.")
    nameplate_kw = models.DecimalField(max_digits=14, decimal_places=3)
    commissioning_date = models.DateField(null=True, blank=True)
    retired_date = models.DateField(null=True, blank=True)

    objects = CampusCodeManager()

    class Meta:
        """Names and constraints."""

        ordering = ["campus", "code"]
        constraints = [
            models.UniqueConstraint(fields=["campus", "code"], name="unit_code_once"),
            models.CheckConstraint(
                name="unit_nameplate_range",
                condition=Q(nameplate_kw__gt=0, nameplate_kw__lte=10_000_000),
                violation_error_message="The nameplate is above 0 and at most 10,000,000 kW.",
            ),
            models.CheckConstraint(
                name="unit_retired_after_commissioning",
                condition=Q(retired_date__isnull=True)
                | Q(commissioning_date__isnull=True)
                | Q(retired_date__gt=models.F("commissioning_date")),
                violation_error_message="A unit retires after its commissioning.",
            ),
        ]

    def __str__(self):
        return f"{self.campus.code}/{self.code}"

    def natural_key(self):
        """Return what names this row in documents."""
        return (self.campus.code, self.code)

    natural_key.dependencies = ["meters.campus"]


class DeliveryPoint(models.Model):
    """A place where energy passes from one side to the other."""

    campus = models.ForeignKey(Campus, on_delete=models.PROTECT, related_name="delivery_points")
    code = models.CharField(max_length=40, validators=[CODE])
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=20, choices=PointKind.choices)
    generating_unit = models.ForeignKey(
        GeneratingUnit,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="delivery_points",
    )
    capacity_kw = models.DecimalField(max_digits=14, decimal_places=3, null=True, blank=True)

    objects = CampusCodeManager()

    class Meta:
        """Names and constraints."""

        ordering = ["campus", "code"]
        constraints = [
            models.UniqueConstraint(fields=["campus", "code"], name="point_code_once"),
            models.CheckConstraint(
                name="point_capacity_range",
                condition=Q(capacity_kw__isnull=True)
                | Q(capacity_kw__gt=0, capacity_kw__lte=10_000_000),
                violation_error_message="The capacity is above 0 and at most 10,000,000 kW.",
            ),
        ]

    def __str__(self):
        return f"{self.campus.code}/{self.code}"

    def natural_key(self):
        """Return what names this row in documents."""
        return (self.campus.code, self.code)

    natural_key.dependencies = ["meters.campus"]

    def clean(self):
        """Refuse a generating unit of another campus."""
        unit = self.generating_unit
        if unit is not None and unit.campus_id != self.campus_id:
            raise ValidationError({"generating_unit": f"{unit} stands on another campus."})
