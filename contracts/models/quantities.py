"""Further quantities of a contract: which channels a name stands for, and since when."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from contracts.models._tenant import TenantRow
from contracts.models.contracts import key_range

ALLOCATED = ("delivered", "metered")
NAME = RegexValidator(
    r"^[a-z][a-z0-9_]{0,39}$", "Small letters, digits and underscores, such as battery_charge."
)


class ContractQuantity(TenantRow):
    """A channel that counts under a name on the local days of a range.

    Several channels under one name on the same day are added up: the units of a plant.
    """

    class Sign(models.IntegerChoices):
        """How the channel's readings enter the quantity."""

        ADDED = 1, "added"
        SUBTRACTED = -1, "subtracted"

    contract = models.ForeignKey("Contract", on_delete=models.PROTECT, related_name="quantities")
    name = models.CharField(
        max_length=40,
        validators=[NAME],
        help_text="As terms name it: potential, fuel, charge, discharge ...",
    )
    channel = models.ForeignKey(
        "meters.Channel", on_delete=models.PROTECT, related_name="contract_quantities"
    )
    sign = models.SmallIntegerField(choices=Sign.choices, default=Sign.ADDED)
    valid = DateRangeField(
        "counts", help_text="Local days: first day and the day after the last one."
    )

    class Meta:
        """Order and constraints."""

        ordering = ["contract", "name", "channel"]
        verbose_name = "further quantity of a contract"
        verbose_name_plural = "further quantities of contracts"
        constraints = [
            models.CheckConstraint(
                condition=Q(sign__in=(1, -1)),
                name="contract_quantity_sign",
                violation_error_message="The sign is 1 or -1.",
            ),
            models.CheckConstraint(
                condition=~Q(name__in=ALLOCATED),
                name="contract_quantity_not_allocated",
                violation_error_message="That name is the energy of the allocation.",
            ),
            ExclusionConstraint(
                name="contract_quantity_no_overlap",
                expressions=[
                    (key_range("contract"), RangeOperators.OVERLAPS),
                    (key_range("channel"), RangeOperators.OVERLAPS),
                    ("valid", RangeOperators.OVERLAPS),
                ],
                violation_error_message="The channel counts for the contract on some of the days.",
            ),
        ]

    def __str__(self):
        return f"{self.name} of {self.contract}"

    def clean(self):
        """Refuse a channel of another campus as if it were unknown, and another unit."""
        if not (self.contract_id and self.channel_id):
            return
        if self.channel.delivery_point.campus_id != self.contract.campus_id:
            raise ValidationError({"channel": f"there is no channel '{self.channel.code}'"})
        others = ContractQuantity.objects.filter(contract=self.contract_id, name=self.name)
        other = others.exclude(pk=self.pk).exclude(channel__unit=self.channel.unit).first()
        if other is not None:
            text = f"'{self.name}' is in {other.channel.unit}, this channel in {self.channel.unit}"
            raise ValidationError({"channel": text})
