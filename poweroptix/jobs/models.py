"""The record of work: one row per job, whatever the queue does."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

STATES = ("queued", "running", "done", "failed", "dead", "cancelled")


class Job(models.Model):
    """A piece of work with a business key; its row is the truth, the queue is only a doorbell.

    Times are read from the database's clock alone. No foreign-key constraint leads in or out, so
    that jobs, files and publications stay independent when tables are distributed.
    """

    class State(models.TextChoices):
        """Where the work stands; failed means wrong input, dead means tried too often."""

        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        DEAD = "dead", "Gave up"
        CANCELLED = "cancelled", "Cancelled"

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=60)
    key = models.CharField(max_length=200)
    payload = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    stage = models.PositiveIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    max_attempts = models.PositiveIntegerField(default=3)
    fence = models.BigIntegerField(default=0)
    owner = models.CharField(max_length=100, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    run_after = models.DateTimeField(db_default=Now())
    progress_done = models.BigIntegerField(default=0)
    progress_total = models.BigIntegerField(default=0)
    progress_label = models.CharField(max_length=200, blank=True)
    error_code = models.CharField(max_length=80, blank=True)
    error = models.TextField(blank=True)
    trace = models.TextField(blank=True)
    result = models.JSONField(null=True, blank=True)
    tenant = models.ForeignKey(
        "accounts.Tenant",
        null=True,
        blank=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
    )
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    is_new = False  # set by enqueue: whether the call made the row

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "key"], name="job_once"),
            models.CheckConstraint(name="job_state", condition=models.Q(state__in=STATES)),
            models.CheckConstraint(
                name="job_running_is_owned",
                condition=~models.Q(state="running")
                | (models.Q(lease_until__isnull=False) & ~models.Q(owner="")),
            ),
            models.CheckConstraint(
                name="job_ended_at",
                condition=models.Q(state__in=["queued", "running"])
                | models.Q(finished_at__isnull=False),
            ),
            models.CheckConstraint(
                name="job_attempts_bounded",
                condition=models.Q(attempts__lte=models.F("max_attempts")),
            ),
        ]
        indexes = [
            models.Index(
                fields=["run_after", "id"],
                name="job_runnable",
                condition=models.Q(state__in=["queued", "running"]),
            ),
        ]

    def __str__(self):
        return f"{self.kind} {self.key}"

    @property
    def is_open(self) -> bool:
        """Whether the work may still move by itself."""
        return self.state in ("queued", "running")

    @property
    def progress_ratio(self) -> float:
        """How much is done, 0 to 1, for a bar on screen."""
        if self.state == "done":
            return 1.0
        return min(1.0, self.progress_done / self.progress_total) if self.progress_total else 0.0


class CancelRequest(models.Model):
    """Somebody wants a job to stop. A row of its own, so that asking never waits for a stage."""

    job_id = models.BigIntegerField(primary_key=True)
    requested_by = models.CharField(max_length=150)
    requested_at = models.DateTimeField(db_default=Now())

    def __str__(self):
        return f"cancel {self.job_id}"


class Recurring(models.Model):
    """Work that comes back: each time becomes an ordinary job with the moment in its key.

    After a pause only the next moment counts; missed ones are not made up for.
    """

    name = models.SlugField(unique=True)
    kind = models.CharField(max_length=60)
    payload = models.JSONField(default=dict, blank=True)
    every_minutes = models.PositiveIntegerField()
    next_run_at = models.DateTimeField(db_default=Now())
    is_active = models.BooleanField(default=True)
    last_error = models.TextField(blank=True)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "recurring work"
        constraints = [
            models.CheckConstraint(
                name="recurring_every_minute_at_most", condition=models.Q(every_minutes__gte=1)
            ),
        ]

    def __str__(self):
        return self.name


class Tick(models.Model):
    """When something periodic last happened; a supervisor restarts the workers if it is old."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField(db_default=Now())

    def __str__(self):
        return self.name
