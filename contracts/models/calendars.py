"""Holidays and time-of-use schedules as objects that contracts name."""

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models

from contracts.models.parties import CODE, CodeManager, validate_zone
from poweroptix.kernel.calendar import TouSchedule
from poweroptix.kernel.errors import Refused


class HolidayCalendar(models.Model):
    """A list of local dates that a contract treats as holidays."""

    code = models.CharField(
        max_length=40, unique=True, validators=[CODE], help_text="For example NERC."
    )
    name = models.CharField(max_length=120)

    objects = CodeManager()

    class Meta:
        """Order and constraints."""

        ordering = ["code"]

    def __str__(self):
        return self.code


class Holiday(models.Model):
    """One holiday; the date is the day it is observed on."""

    calendar = models.ForeignKey(HolidayCalendar, on_delete=models.CASCADE, related_name="holidays")
    date = models.DateField()
    name = models.CharField(max_length=80)

    class Meta:
        """Order and constraints."""

        ordering = ["calendar", "date"]
        constraints = [
            models.UniqueConstraint(fields=["calendar", "date"], name="holiday_once"),
        ]

    def __str__(self):
        return f"{self.date} {self.name}"


class TouCalendar(models.Model):
    """Seasons, day types and hours, each with the name of its period.

    The schedule is not edited once a version that names it is active: give the change a new code.
    """

    code = models.CharField(max_length=40, unique=True, validators=[CODE])
    name = models.CharField(max_length=120)
    zone = models.CharField(
        "time zone",
        max_length=64,
        validators=[validate_zone],
        help_text="IANA zone, for example America/Chicago.",
    )
    schedule = models.JSONField(
        help_text="Rows that cover every minute of the year once: months, day types, hours and the "
        'name of their period. {"rows": [{"months": [1], "day_types": ["weekday"], '
        '"start": "16:00", "end": "20:00", "period": "PEAK"}, ...]}'
    )
    holidays = models.ForeignKey(
        HolidayCalendar,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="tou_calendars",
    )

    objects = CodeManager()

    class Meta:
        """Order and constraints."""

        ordering = ["code"]
        verbose_name = "time-of-use calendar"

    def __str__(self):
        return self.code

    def is_in_use(self) -> bool:
        """Return True when an active version prices by this calendar."""
        terms = apps.get_model("contracts", "Term").objects.filter(version__state="ACTIVE")
        return any(
            row.get("calendar") == self.code for row in terms.values_list("parameters", flat=True)
        )

    def clean(self):
        """Refuse a schedule that leaves or doubles minutes, or has no zone."""
        try:
            TouSchedule.from_json({**(self.schedule or {}), "zone": self.zone})
        except (Refused, TypeError) as error:
            raise ValidationError({"schedule": str(error)}) from error
