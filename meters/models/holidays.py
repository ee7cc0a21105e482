"""Days on which a campus runs as on a holiday."""

from django.db import models

from .assets import Campus


class SiteHoliday(models.Model):
    """A local day on which the load of a campus is that of a holiday.

    An observation about the site, for choosing days of the same kind. What a contract bills as a
    holiday is another list, which the parties agreed on (`contracts.HolidayCalendar`): a plant may
    work on a day that the tariff calls a holiday.
    """

    campus = models.ForeignKey(Campus, on_delete=models.PROTECT, related_name="holidays")
    date = models.DateField(help_text="Local day of the campus, as it was observed.")
    name = models.CharField(max_length=80)

    class Meta:
        """Names and constraints."""

        ordering = ["campus", "date"]
        constraints = [
            models.UniqueConstraint(
                fields=["campus", "date"],
                name="site_holiday_once",
                violation_error_message="The campus already has a holiday on that day.",
            )
        ]

    def __str__(self):
        return f"{self.campus}: {self.name}, {self.date}"
