"""When a month is closed: the calendar of its steps, whose it is, and what is too small to bill."""

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from poweroptix.kernel.errors import Refused
from settlement.calc.close_calendar import read_steps, usual_steps


class CloseCalendar(models.Model):
    """Steps of a settlement month with their offsets, the holidays, and the limit of a true-up.

    It holds for all contracts of its campus that have no calendar of their own.
    """

    code = models.SlugField(max_length=40, unique=True, help_text="For example CAPROCK.")
    name = models.CharField(max_length=120)
    campus = models.OneToOneField(
        "meters.Campus",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="close_calendar",
        help_text="Holds for every contract of the campus that has no calendar of its own.",
    )
    steps = models.JSONField(
        default=usual_steps,
        help_text='Rows {"step": "final", "after": "PERIOD_END", "days": 10, "count": "BUSINESS"}; '
        "after is PERIOD_END or a step before it, count BUSINESS or CALENDAR.",
    )
    holidays = models.ForeignKey(
        "contracts.HolidayCalendar",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Days that are no business days.",
    )
    materiality_usd = models.DecimalField(
        max_digits=12,
        decimal_places=2,
        default=0,
        validators=[MinValueValidator(0)],
        help_text="Corrections that sum to less are carried until they reach it; 0: none is.",
    )

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(materiality_usd__gte=0), name="close_calendar_materiality"
            )
        ]

    def __str__(self):
        return self.code

    def clean(self):
        """Refuse steps that cannot be counted."""
        try:
            read_steps(self.steps)
        except Refused as error:
            raise ValidationError({"steps": error.message}) from error


class CloseContract(models.Model):
    """A contract with a calendar of its own; it goes before that of the campus."""

    calendar = models.ForeignKey(CloseCalendar, on_delete=models.CASCADE, related_name="contracts")
    contract = models.OneToOneField(
        "contracts.Contract", on_delete=models.PROTECT, related_name="close_calendar"
    )

    class Meta:
        ordering = ["calendar", "contract"]

    def __str__(self):
        return f"{self.contract.code}: {self.calendar.code}"
