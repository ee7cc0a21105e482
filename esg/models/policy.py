"""What a campus has chosen for its carbon accounting, from a date on."""

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q


class CarbonPolicy(models.Model):
    """Grid region, weights and treatment of losses; the next row of the campus ends this one."""

    class LossCarbon(models.TextChoices):
        """Who bears the carbon of what the campus network lost."""

        OPERATOR = "OPERATOR", "Stays with the operator"
        PASS_THROUGH = "PASS_THROUGH", "Goes with the losses a contract bears"

    campus = models.ForeignKey(
        "meters.Campus", on_delete=models.PROTECT, related_name="carbon_policies"
    )
    effective_from = models.DateField(help_text="First local day; holds until the next policy.")
    grid_region = models.CharField(
        max_length=20,
        blank=True,
        validators=[RegexValidator(r"^[A-Z0-9-]*\Z", "Use the region's code, such as ERCT.")],
        help_text="eGRID subregion of the grid tie, such as ERCT; empty without a grid tie.",
    )
    gwp_set = models.CharField(
        "weights", max_length=20, default="AR5", help_text="Warming potentials: AR4, AR5 or AR6."
    )
    loss_carbon = models.CharField(
        "carbon of losses",
        max_length=12,
        choices=LossCarbon.choices,
        default=LossCarbon.OPERATOR,
        help_text="Who bears the carbon of what the campus network lost.",
    )
    storage_charge_ratio = models.DecimalField(
        max_digits=6, decimal_places=4, default="0.95", help_text="Efficiency of charging."
    )
    storage_discharge_ratio = models.DecimalField(
        max_digits=6, decimal_places=4, default="0.95", help_text="Efficiency of discharging."
    )

    class Meta:
        """Constraints."""

        ordering = ["campus", "effective_from"]
        verbose_name_plural = "carbon policies"
        constraints = [
            models.UniqueConstraint(
                fields=["campus", "effective_from"], name="carbon_policy_start_once"
            ),
            models.CheckConstraint(
                name="carbon_policy_efficiency",
                condition=Q(
                    storage_charge_ratio__gt=0,
                    storage_charge_ratio__lte=1,
                    storage_discharge_ratio__gt=0,
                    storage_discharge_ratio__lte=1,
                ),
                violation_error_message="An efficiency is above 0 and at most 1.",
            ),
        ]

    def __str__(self):
        return f"{self.campus} from {self.effective_from}"
