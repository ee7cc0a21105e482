"""Published price series, kept by day and vintage, never overwritten."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from contracts.models.parties import CODE, CodeManager, validate_zone


class IndexSeries(models.Model):
    """A price that somebody publishes: a hub, a node, a gas index, a campus intensity."""

    code = models.CharField(
        max_length=60, unique=True, validators=[CODE], help_text="For example ERCOT-HB-HOUSTON."
    )
    name = models.CharField(max_length=200)
    unit = models.CharField(
        max_length=30, default="USD/MWh", help_text="As the terms that use it quote their price."
    )
    minutes = models.PositiveSmallIntegerField(
        "minutes of one price",
        choices=[*((m, f"{m} minutes") for m in (5, 10, 15, 30, 60)), (1440, "1 day")],
        default=60,
        help_text="Fixed for the life of the series. A daily price stands for its date: the day of "
        "flow of a gas index.",
    )
    zone = models.CharField(
        "time zone",
        max_length=64,
        validators=[validate_zone],
        help_text="Zone of naive stamps in files.",
    )
    market = models.CharField(max_length=60, blank=True, help_text="For example day-ahead, hourly.")
    location = models.CharField(
        max_length=120, blank=True, help_text="Name in the publisher's files."
    )

    objects = CodeManager()

    class Meta:
        """Order and constraints."""

        ordering = ["code"]
        verbose_name_plural = "index series"

    def __str__(self):
        return self.code


class IndexBlock(models.Model):
    """The prices of one UTC day as published at one time; a changed price is a new version."""

    pk = models.CompositePrimaryKey("series_id", "day", "version")
    series = models.ForeignKey(
        IndexSeries, on_delete=models.DO_NOTHING, db_constraint=False, related_name="blocks"
    )
    day = models.DateField()
    version = models.PositiveIntegerField()
    values = ArrayField(models.BigIntegerField(), help_text="10^-8 of the unit; -2^63 is missing.")
    vintage = models.CharField(max_length=40, help_text="prelim, final, correction ...")
    final = models.BooleanField(default=False, help_text="Every price that is there is final.")
    provisional = ArrayField(
        models.PositiveSmallIntegerField(),
        default=list,
        blank=True,
        help_text="Positions of prices that are not final; empty: all or none, as `final` says.",
    )
    digest = models.BinaryField(max_length=32)
    recorded_at = models.DateTimeField()
    recorded_by = models.CharField(max_length=150)
    source = models.CharField(max_length=200, blank=True)

    class Meta:
        """Order and constraints."""

        constraints = [
            models.CheckConstraint(
                condition=models.Q(version__gte=1), name="index_block_version_from_1"
            ),
        ]

    def __str__(self):
        return f"{self.series_id}/{self.day}/v{self.version}"

    @property
    def not_final(self) -> set[int]:
        """Positions of the prices that the publisher may still change."""
        if self.final:
            return set()
        return set(self.provisional or range(len(self.values)))
