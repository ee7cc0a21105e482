"""Import profiles, the files that came in, and the records that wait in quarantine.

Import files carry no foreign-key constraint in or out: they commit together with day blocks, which
may be spread over nodes. `doctor` proves the references instead.
"""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from meters.formats import option_faults, quality_faults

from .assets import CODE, CodeManager, validate_zone
from .choices import DuplicatePolicy, FileState, RecordState
from .devices import Channel

#: Code of a record of which the readings end after the file was received.
FUTURE = "F08"
#: Code of a record in another unit than its channel has.
UNIT = "F04"
#: What to do about records that no mapping to a channel mends, by their code.
ADVICE = {
    FUTURE: "No channel mends that: set zone and label of the profile right and read the file "
    "again, or have it sent anew once the clock of the source is right.",
    UNIT: "No mapping mends that: set the unit in the import profile, or correct the unit of the "
    "channel, then read the file again.",
}


class ImportProfile(models.Model):
    """How one source writes its files."""

    code = models.CharField(max_length=40, unique=True, validators=[CODE])
    format = models.CharField(max_length=40, help_text="Key of the file format, such as nem12@1.")
    zone = models.CharField(max_length=60, blank=True, validators=[validate_zone])
    label = models.CharField(
        max_length=5, default="BEGIN", choices=[("BEGIN", "Beginning"), ("END", "Ending")]
    )
    unit = models.CharField(max_length=20, blank=True, help_text="Overrides the unit of the file.")
    unit_factor = models.DecimalField(
        max_digits=24,
        decimal_places=12,
        null=True,
        blank=True,
        help_text="kWh (or canonical unit) per raw unit; replaces the scale of the file.",
    )
    sign = models.SmallIntegerField(default=1, choices=[(1, "As sent"), (-1, "Turned")])
    on_row_error = models.CharField(
        max_length=12,
        blank=True,
        choices=[
            ("", "As the format does"),
            ("refuse_file", "Refuse the file"),
            ("quarantine", "Quarantine the record"),
        ],
    )
    on_duplicate = models.CharField(
        max_length=12,
        default=DuplicatePolicy.REFUSE,
        choices=DuplicatePolicy.choices,
        help_text="Rows of one file that give one instant different values.",
    )
    quality_map = models.JSONField(default=dict, blank=True)
    assume_header = models.BooleanField(default=False)
    options = models.JSONField(default=dict, blank=True)

    objects = CodeManager()

    class Meta:
        """Names and constraints."""

        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                name="profile_sign_known",
                condition=Q(sign__in=[1, -1]),
                violation_error_message="The sign is 1 or -1.",
            ),
            models.CheckConstraint(
                name="profile_factor_range",
                condition=Q(unit_factor__isnull=True)
                | Q(unit_factor__gt=0, unit_factor__lte=1_000_000),
                violation_error_message="The unit factor is above 0 and at most 1,000,000.",
            ),
            models.CheckConstraint(
                name="profile_duplicates_known",
                condition=Q(on_duplicate__in=DuplicatePolicy.values),
                violation_error_message="Duplicates are refused, or the first or last is taken.",
            ),
        ]

    def __str__(self):
        return self.code

    def natural_key(self):
        """Return what names this row in documents."""
        return (self.code,)

    def clean(self):
        """Check what only the readers know of options and qualities."""
        faults = {
            "options": option_faults(self.options),
            "quality_map": quality_faults(self.quality_map),
        }
        told = {name: found for name, found in faults.items() if found}
        if told:
            raise ValidationError(told)


class ImportFile(models.Model):
    """One received file, kept whole and known by its content."""

    sha256 = models.CharField(max_length=64)
    source = models.CharField(max_length=60)
    name = models.CharField(max_length=255)
    size = models.BigIntegerField(help_text="Bytes.")
    path = models.CharField(max_length=200, help_text="Where the bytes lie in the storage.")
    profile_code = models.CharField(max_length=40, blank=True)
    format = models.CharField(max_length=40)
    received_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=FileState.choices, default=FileState.RECEIVED)
    receipt = models.JSONField(default=dict, blank=True)
    uploaded_by = models.CharField(max_length=150)

    class Meta:
        """Names and constraints."""

        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["source", "sha256"], name="file_content_once"),
            models.CheckConstraint(
                name="file_state_known", condition=Q(state__in=FileState.values)
            ),
            models.CheckConstraint(
                name="file_sha256_length", condition=Q(sha256__regex=r"^[0-9a-f]{64}$")
            ),
        ]
        indexes = [
            models.Index(fields=["state", "-id"], name="file_state"),
            models.Index(fields=["source", "-id"], name="file_of_source"),
        ]

    def __str__(self):
        return f"#{self.pk} {self.name}"


class QuarantinedRecord(models.Model):
    """A record of a file that did not become readings, with the reason."""

    import_file = models.ForeignKey(
        ImportFile, on_delete=models.DO_NOTHING, db_constraint=False, related_name="quarantined"
    )
    channel_text = models.CharField(max_length=200, blank=True)
    line_first = models.BigIntegerField()
    line_last = models.BigIntegerField()
    code = models.CharField(max_length=40)
    message = models.CharField(max_length=300)
    raw = models.TextField(blank=True)
    start_utc = models.DateTimeField(
        null=True, help_text="Start of its first reading; empty where the file does not say it."
    )
    end_utc = models.DateTimeField(null=True, help_text="End of its last reading.")
    state = models.CharField(max_length=10, choices=RecordState.choices, default=RecordState.OPEN)
    decided_by = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        """Names and constraints."""

        ordering = ["import_file", "line_first"]
        constraints = [
            models.UniqueConstraint(
                fields=["import_file", "channel_text", "line_first", "code"],
                name="quarantine_record_once",
            ),
            models.CheckConstraint(
                name="quarantine_lines_ordered",
                condition=Q(line_first__gte=0, line_last__gte=models.F("line_first")),
            ),
            models.CheckConstraint(
                name="quarantine_state_known", condition=Q(state__in=RecordState.values)
            ),
        ]
        indexes = [models.Index(fields=["state", "channel_text"], name="quarantine_state")]

    def __str__(self):
        return f"{self.code} {self.channel_text} lines {self.line_first}-{self.line_last}"

    @property
    def advice(self) -> str:
        """What to do about a record that no channel mends; empty for any other."""
        return ADVICE.get(self.code, "")

    @property
    def can_be_mapped(self) -> bool:
        """Whether naming a channel may make readings of it."""
        return self.state == RecordState.OPEN and bool(self.channel_text) and not self.advice


class ChannelAlias(models.Model):
    """What one source calls a channel; made when a quarantined channel is mapped."""

    source = models.CharField(max_length=60)
    channel_text = models.CharField(max_length=200)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="aliases")

    class Meta:
        """Names and constraints."""

        verbose_name_plural = "channel aliases"
        ordering = ["source", "channel_text"]
        constraints = [
            models.UniqueConstraint(fields=["source", "channel_text"], name="alias_text_once")
        ]

    def __str__(self):
        return f"{self.source}: {self.channel_text} = {self.channel.code}"
