"""Where files come from, each look there, and what was seen.

The secret of a source is never here: only the name of the environment variable or file that holds
it. Runs and items name files and jobs by number, without a foreign-key constraint, as files do.
"""

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from meters.sources import connectors
from poweroptix.jobs.models import Recurring
from poweroptix.kernel.errors import DomainError
from poweroptix.kernel.parameters import parse

from .assets import CodeManager
from .files import ImportProfile

#: Variables of a prefix of their own: whoever sets up a source cannot name the database's password.
SECRET_PLACE = RegexValidator(
    r"^(env:POWEROPTIX_SOURCE_[A-Z0-9_]{1,60}|file:[A-Za-z0-9][A-Za-z0-9._-]{0,99})\Z",
    "Name where the secret is kept, env:POWEROPTIX_SOURCE_... or file:NAME, never the secret.",
)
RUN_SHOWN_NOTES = 100
COLLECT = "collect_source"


class Health(models.TextChoices):
    """How a source is, the worst first."""

    FAILING = "FAILING", "Failing"
    LATE = "LATE", "Late"
    NEVER = "NEVER", "Never seen"
    GOOD = "GOOD", "Good"
    PAUSED = "PAUSED", "Paused"


class RunOutcome(models.TextChoices):
    """How a look ended."""

    RUNNING = "RUNNING", "Running"
    DONE = "DONE", "Done"
    FAILED = "FAILED", "Failed"
    INTERRUPTED = "INTERRUPTED", "Interrupted"


class ItemVerdict(models.TextChoices):
    """What became of a file that was seen."""

    TAKEN = "TAKEN", "Taken"
    DUPLICATE = "DUPLICATE", "Known already"
    REFUSED = "REFUSED", "Refused"
    LEFT = "LEFT", "Left"


class Source(models.Model):
    """A place or sender that files come from; `code` is the source that its files carry."""

    code = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=40, help_text="Key of the connector, such as sftp@1.")
    parameters = models.JSONField(default=dict, blank=True)
    profile = models.ForeignKey(
        ImportProfile, null=True, blank=True, on_delete=models.PROTECT, related_name="sources"
    )
    every_minutes = models.PositiveIntegerField(
        default=15, help_text="How often we look there; of no meaning for an upload by API."
    )
    cadence_minutes = models.PositiveIntegerField(
        default=0, help_text="Something new comes at least so often, else it is late; 0: whenever."
    )
    enabled = models.BooleanField(default=True)
    paused_reason = models.CharField(max_length=300, blank=True)
    secret_place = models.CharField(
        max_length=120,
        blank=True,
        validators=[SECRET_PLACE],
        help_text="Where the secret is kept: env:POWEROPTIX_SOURCE_... or file:NAME.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    memory = models.JSONField(default=dict, blank=True, editable=False)
    last_seen_at = models.DateTimeField(null=True, blank=True, editable=False)
    failing_since = models.DateTimeField(null=True, blank=True, editable=False)
    last_error = models.TextField(blank=True, editable=False)
    ahead_seconds = models.PositiveIntegerField(default=0, editable=False)
    recurring = models.OneToOneField(
        Recurring, null=True, blank=True, editable=False, on_delete=models.PROTECT, related_name="+"
    )

    objects = CodeManager()

    class Meta:
        """Names and constraints."""

        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                name="source_every_minutes_range",
                condition=Q(every_minutes__gte=1, every_minutes__lte=44_640),
                violation_error_message="A source is looked at every 1 to 44,640 minutes.",
            ),
            models.CheckConstraint(
                name="source_cadence_range",
                condition=Q(cadence_minutes__lte=527_040),
                violation_error_message="The cadence is at most 527,040 minutes (a year).",
            ),
            models.CheckConstraint(
                name="source_pause_has_reason",
                condition=Q(enabled=True) | ~Q(paused_reason=""),
                violation_error_message="Say why the source is paused.",
            ),
            models.CheckConstraint(
                name="source_failing_has_error",
                condition=Q(failing_since__isnull=True, last_error="")
                | Q(failing_since__isnull=False) & ~Q(last_error=""),
            ),
        ]

    def __str__(self):
        return self.code

    def save(self, *args, **kwargs):
        """Save the source and its schedule together, whoever saves it."""
        with transaction.atomic():
            super().save(*args, **kwargs)
            self._schedule()

    def natural_key(self):
        """Return what names this row in documents."""
        return (self.code,)

    def _schedule(self) -> None:
        """Bring the recurring work of the source to what the source says."""
        name = f"source-{self.pk}"
        if not self.connector.polls:
            Recurring.objects.filter(name=name).update(is_active=False)
            return
        asked = {
            "kind": COLLECT,
            "payload": {"source_id": self.pk},
            "every_minutes": self.every_minutes,
            "is_active": self.enabled,
        }
        row, _made = Recurring.objects.update_or_create(name=name, defaults=asked)
        if self.recurring_id != row.pk:
            self.recurring = row
            Source.objects.filter(pk=self.pk).update(recurring=row)

    @property
    def connector(self):
        """Return the plug-in of the source's kind."""
        return connectors.get(self.kind)

    @property
    def typed(self):
        """Return the parameters as the connector reads them; Refused names a wrong field."""
        return parse(self.connector.Parameters, self.parameters)

    def clean(self):
        """Refuse parameters that the connector cannot read, and a secret it has no use for."""
        super().clean()
        try:
            connector = self.connector
            parse(connector.Parameters, self.parameters)
        except DomainError as fault:
            field = "kind" if fault.code == "registry.unknown" else "parameters"
            raise ValidationError({field: fault.message}) from fault
        if self.secret_place and not connector.takes_secret:
            raise ValidationError({"secret_place": f"{connector.title} takes no secret."})


class SourceRun(models.Model):
    """One look at a source: when, what was seen, and what became of it.

    `notes` lists `{name, verdict, said}` of what was not simply taken, up to a hundred;
    `error` says in words why a look failed.
    """

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="runs")
    job_id = models.BigIntegerField()
    asked_by = models.CharField(max_length=150, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(
        max_length=12, choices=RunOutcome.choices, default=RunOutcome.RUNNING
    )
    seen = models.PositiveIntegerField(default=0)
    taken = models.PositiveIntegerField(default=0)
    duplicates = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    passed = models.PositiveIntegerField(default=0)
    ahead_seconds = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    notes = models.JSONField(default=list, blank=True)

    class Meta:
        """Names and constraints."""

        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source"], condition=Q(outcome="RUNNING"), name="source_run_one_at_a_time"
            ),
            models.UniqueConstraint(fields=["source", "job_id"], name="source_run_once_per_job"),
            models.CheckConstraint(
                name="source_run_outcome_known", condition=Q(outcome__in=RunOutcome.values)
            ),
            models.CheckConstraint(
                name="source_run_ended",
                condition=Q(outcome="RUNNING", ended_at__isnull=True)
                | ~Q(outcome="RUNNING") & Q(ended_at__gte=F("started_at")),
            ),
        ]

    def __str__(self):
        return f"{self.source.code} #{self.pk}"

    def note(self, name: str, verdict: str, said: str) -> None:
        """Keep what became of an item, up to a hundred; all are counted."""
        if len(self.notes) < RUN_SHOWN_NOTES:
            self.notes.append({"name": name[:255], "verdict": verdict, "said": said[:500]})


class SourceItem(models.Model):
    """One version of a file at a source, so that it is fetched once.

    `identity` tells it from a later version: name, size and time stamp, or the digest of what came.
    """

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="items")
    identity = models.CharField(max_length=400)
    name = models.CharField(max_length=255)
    verdict = models.CharField(max_length=10, choices=ItemVerdict.choices)
    message = models.CharField(max_length=500, blank=True)
    run = models.ForeignKey(SourceRun, on_delete=models.PROTECT, related_name="items")
    modified_at = models.DateTimeField(null=True, blank=True)
    file_ids = models.JSONField(default=list, blank=True)
    at = models.DateTimeField()

    class Meta:
        """Names and constraints."""

        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["source", "identity"], name="source_item_once"),
            models.CheckConstraint(
                name="source_item_verdict_known",
                condition=Q(verdict__in=["TAKEN", "DUPLICATE", "REFUSED"]),
            ),
        ]

    def __str__(self):
        return self.name
