"""Which delivery points serve which contract, and since when."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from contracts.models._tenant import TenantRow
from contracts.models.contracts import key_range


class TenantPoint(TenantRow):
    """A delivery point whose energy belongs to one contract on the local days of a range."""

    class Role(models.TextChoices):
        """What the point is to the contract."""

        LOAD = "LOAD", "load of the tenant"

    contract = models.ForeignKey("Contract", on_delete=models.PROTECT, related_name="points")
    delivery_point = models.ForeignKey(
        "meters.DeliveryPoint", on_delete=models.PROTECT, related_name="tenant_points"
    )
    role = models.CharField(max_length=4, choices=Role.choices, default=Role.LOAD)
    share_ratio = models.DecimalField(
        "share",
        max_digits=9,
        decimal_places=8,
        default=1,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text="Part of the point's energy that is the contract's; 1 = all.",
    )
    valid = DateRangeField(
        "served", help_text="Local days: first day and the day after the last one."
    )

    class Meta:
        """Order and constraints."""

        ordering = ["contract", "delivery_point"]
        verbose_name = "delivery point of a contract"
        verbose_name_plural = "delivery points of contracts"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(share_ratio__gt=0, share_ratio__lte=1),
                name="tenant_point_share_ratio",
                violation_error_message="The share must be above 0 and at most 1.",
            ),
            ExclusionConstraint(
                name="tenant_point_no_overlap",
                expressions=[
                    (key_range("delivery_point"), RangeOperators.OVERLAPS),
                    ("valid", RangeOperators.OVERLAPS),
                ],
                violation_error_message="The point already serves a contract on some of the days.",
            ),
        ]

    def __str__(self):
        return f"{self.delivery_point} of {self.contract}"

    def clean(self):
        """Refuse a point of another campus as if it were unknown."""
        if self.contract_id and self.delivery_point_id:
            point = self.delivery_point
            if point.campus_id != self.contract.campus_id:
                raise ValidationError({"delivery_point": f"there is no point '{point.code}'"})
