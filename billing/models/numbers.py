"""Invoice numbers: one gapless series per seller."""

from django.db import models
from django.db.models import Q

SERIAL_DIGITS = 6


def numbered(prefix: str, serial: int) -> str:
    """Return an invoice number.

    >>> numbered("CAP", 7)
    'CAP-000007'
    """
    return f"{prefix}-{serial:0{SERIAL_DIGITS}d}"


class NumberSeries(models.Model):
    """The next number of a seller. Taken and counted up in the transaction that issues."""

    seller = models.OneToOneField(
        "contracts.Party", on_delete=models.PROTECT, related_name="number_series"
    )
    prefix = models.CharField(max_length=20, unique=True)
    next_number = models.PositiveIntegerField(default=1)

    class Meta:
        """Constraints."""

        ordering = ["prefix"]
        verbose_name_plural = "number series"
        constraints = [
            models.CheckConstraint(name="number_series_from_1", condition=Q(next_number__gte=1))
        ]

    def __str__(self):
        return f"{self.prefix} next {self.next_number}"
