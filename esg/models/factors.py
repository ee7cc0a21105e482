"""Published factors and global warming potentials; never edited, a new edition is a new row."""

from django.db import models
from django.db.models import F, Q


class Published(models.Model):
    """A number as a publication prints it, with where it stands and how well it was checked."""

    class Verification(models.TextChoices):
        """How the number was compared with its publication."""

        PUBLISHER = "V", "Compared with the publication or an official copy of it"
        SECONDARY = "S", "Read in a text that quotes it"
        DERIVED = "D", "Derived from those"

    code = models.CharField(max_length=60)
    edition = models.CharField(max_length=80)
    gas = models.CharField(max_length=20, blank=True)
    value = models.DecimalField(max_digits=24, decimal_places=12)
    unit = models.CharField(max_length=30)
    gwp_set = models.CharField("weights", max_length=20, blank=True)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=200)
    source_table = models.CharField(max_length=120, blank=True)
    verification = models.CharField("checked against", max_length=1, choices=Verification.choices)
    note = models.TextField(blank=True)
    loaded_at = models.DateTimeField()

    class Meta:
        """Shared by factors and potentials."""

        abstract = True

    def __str__(self):
        return f"{self.code} ({self.edition})"


class EmissionFactor(Published):
    """Kilograms or pounds of one gas per unit of fuel or energy, or a heat content, or a loss."""

    category = models.CharField(max_length=40)
    subject = models.CharField(max_length=120)
    basis = models.CharField(max_length=40, blank=True)

    class Meta:
        """Constraints."""

        ordering = ["code", "-valid_from", "edition"]
        constraints = [
            models.UniqueConstraint(fields=["code", "edition"], name="factor_edition_once"),
            models.CheckConstraint(name="factor_value_range", condition=Q(value__gte=0)),
            models.CheckConstraint(
                name="factor_valid_in_order",
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
            ),
        ]


class GwpValue(Published):
    """Kilograms of CO2e per kilogram of a gas over 100 years, in one assessment report's set."""

    class Meta:
        """Constraints."""

        ordering = ["gwp_set", "gas"]
        verbose_name = "global warming potential"
        constraints = [
            models.UniqueConstraint(fields=["code", "edition"], name="gwp_edition_once"),
            models.CheckConstraint(name="gwp_value_range", condition=Q(value__gt=0)),
        ]
