"""Day blocks of readings, the publications that make them visible, and notes on ranges.

A block is one channel, one UTC day, one layer, one version: all intervals of the day in one row.
Keys begin with the channel and no foreign-key constraint leaves or reaches a block, so that blocks
can be spread over nodes by channel. Blocks are only ever added.
"""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.lookups import Exact

from .choices import Layer, PublicationKind
from .devices import LENGTHS_MINUTES, Channel


def _length(column: str, function: str) -> Func:
    """Return the number of elements or bytes of a column."""
    return Func(F(column), function=function, output_field=models.IntegerField())


class Publication(models.Model):
    """A set of block versions that becomes visible as one, in a transaction of its own."""

    kind = models.CharField(max_length=10, choices=PublicationKind.choices)
    import_file_id = models.BigIntegerField(null=True, blank=True)
    actor = models.CharField(max_length=150)
    reason = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Names and constraints."""

        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="publication_one_end",
                condition=Q(published_at__isnull=True) | Q(withdrawn_at__isnull=True),
            ),
            models.CheckConstraint(
                name="publication_kind_known", condition=Q(kind__in=PublicationKind.values)
            ),
            models.CheckConstraint(
                name="publication_file_has_file",
                condition=~Q(kind="INGEST") | Q(import_file_id__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["import_file_id"], name="publication_file"),
            models.Index(
                fields=["id"],
                name="publication_open",
                condition=Q(published_at__isnull=True, withdrawn_at__isnull=True),
            ),
        ]

    def __str__(self):
        return f"{self.get_kind_display()} #{self.pk}"


class ReadingBlock(models.Model):
    """All readings of a channel on one UTC day, in one layer and version.

    `values` are 10^-6 of the channel's unit, -2^63 where missing; `status` and `method` have one
    byte per interval; `sources` is run-length: [first interval, file, line, line step] repeated.
    `digest` is the SHA-256 of values (little-endian), status and method.
    """

    pk = models.CompositePrimaryKey("channel_id", "day", "layer", "version")
    channel = models.ForeignKey(
        Channel,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="blocks",
    )
    day = models.DateField()
    version = models.IntegerField()
    publication_id = models.BigIntegerField()
    recorded_at = models.DateTimeField()
    layer = models.SmallIntegerField(choices=Layer.choices)
    minutes = models.SmallIntegerField()
    values = ArrayField(models.BigIntegerField())
    status = models.BinaryField()
    method = models.BinaryField()
    sources = ArrayField(models.BigIntegerField())
    digest = models.BinaryField()

    class Meta:
        """Names and constraints."""

        constraints = [
            models.CheckConstraint(name="block_layer_known", condition=Q(layer__in=Layer.values)),
            models.CheckConstraint(name="block_version_positive", condition=Q(version__gte=1)),
            models.CheckConstraint(
                name="block_minutes_known", condition=Q(minutes__in=LENGTHS_MINUTES)
            ),
            models.CheckConstraint(
                name="block_values_length",
                condition=Exact(_length("values", "cardinality") * F("minutes"), 1440),
            ),
            models.CheckConstraint(
                name="block_status_length",
                condition=Exact(_length("status", "octet_length") * F("minutes"), 1440),
            ),
            models.CheckConstraint(
                name="block_method_length",
                condition=Exact(_length("method", "octet_length") * F("minutes"), 1440),
            ),
            models.CheckConstraint(
                name="block_digest_length", condition=Exact(_length("digest", "octet_length"), 32)
            ),
            models.CheckConstraint(
                name="block_sources_runs",
                condition=Exact(
                    Func(
                        _length("sources", "cardinality"),
                        4,
                        function="mod",
                        output_field=models.IntegerField(),
                    ),
                    0,
                ),
            ),
        ]
        # Blocks arrive in the order of their publications: a block-range index is enough.
        indexes = [
            BrinIndex(fields=["publication_id"], name="block_publication", pages_per_range=32)
        ]

    def __str__(self):
        return f"channel {self.channel_id} {self.day} {self.get_layer_display()} v{self.version}"


class ReadingNote(models.Model):
    """A fact about a range of readings: a device flag, a source's reason, an accepted rule."""

    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="notes")
    start_utc = models.DateTimeField()
    end_utc = models.DateTimeField()
    code = models.CharField(max_length=40)
    detail = models.JSONField(default=dict, blank=True)
    publication_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        """Names and constraints."""

        ordering = ["channel", "start_utc"]
        constraints = [
            models.CheckConstraint(
                name="note_range_ordered", condition=Q(end_utc__gt=F("start_utc"))
            ),
            models.UniqueConstraint(
                fields=["channel", "start_utc", "end_utc", "code", "publication_id"],
                name="note_once",
                nulls_distinct=False,
            ),
        ]

    def __str__(self):
        return f"{self.code} {self.start_utc:%Y-%m-%d %H:%M}"
