"""Reads of cumulative registers, as sources deliver them; only ever added."""

from django.db import models
from django.db.models import Q

from .choices import RegisterReadType
from .devices import Channel


class RegisterRead(models.Model):
    """One read of a channel's register: its text, and what the source says about it.

    `text` is exactly what was delivered, `digits` its whole dials. `unit_factor` converts the
    register's own unit to the channel's. `multiplier_ratio` is the transformer factor of the file,
    null where it has none; nothing is multiplied here. `quantity` is the consumption since the read
    before, as the source states it. `bucket` names the time-of-use period that the register counts;
    empty is the total, the only one that serves estimates. Rows of a publication that is not
    published are not seen.
    """

    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="register_reads")
    read_at_utc = models.DateTimeField()
    bucket = models.CharField(max_length=20, blank=True, default="")
    text = models.CharField(max_length=24)
    digits = models.SmallIntegerField()
    decimals = models.SmallIntegerField()
    unit_factor = models.DecimalField(max_digits=24, decimal_places=12, default=1)
    multiplier_ratio = models.DecimalField(max_digits=18, decimal_places=6, null=True, blank=True)
    read_type = models.CharField(max_length=10, choices=RegisterReadType.choices)
    status = models.SmallIntegerField()
    method = models.SmallIntegerField()
    quantity = models.DecimalField(max_digits=24, decimal_places=6, null=True, blank=True)
    import_file_id = models.BigIntegerField()
    line = models.BigIntegerField()
    publication_id = models.BigIntegerField()
    recorded_at = models.DateTimeField()

    class Meta:
        """Names and constraints."""

        ordering = ["channel", "read_at_utc", "id"]
        constraints = [
            models.CheckConstraint(
                name="register_read_digits_range",
                condition=Q(digits__gte=1, digits__lte=15, decimals__gte=0, decimals__lte=6),
            ),
            models.CheckConstraint(
                name="register_read_type_known",
                condition=Q(read_type__in=RegisterReadType.values),
            ),
            models.CheckConstraint(
                name="register_read_factors_positive",
                condition=Q(unit_factor__gt=0)
                & (Q(multiplier_ratio__isnull=True) | Q(multiplier_ratio__gt=0)),
            ),
            models.UniqueConstraint(
                fields=["channel", "bucket", "read_at_utc", "read_type", "publication_id"],
                name="register_read_once",
            ),
        ]

    def __str__(self):
        return f"{self.channel.code} {self.read_at_utc:%Y-%m-%d %H:%M} {self.text}"
