"""The one table of the audit trail."""

from django.db import models
from django.db.models.functions import Now


class CurrentTransaction(models.Func):
    """Number of the writing transaction: a later seal knows what can still commit behind it."""

    template = "(pg_current_xact_id()::text::bigint)"
    output_field = models.BigIntegerField()


class AuditEvent(models.Model):
    """One thing somebody did. Rows are added by `services.record` and never change.

    `tenant_id` and `object_id` are plain columns: the trail outlives what it speaks of. `digest`
    is the sha256 of the canonical JSON of the event without its time.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_default=Now(), editable=False)
    transaction = models.BigIntegerField(db_default=CurrentTransaction(), editable=False)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.BigIntegerField(null=True, blank=True)
    actor_name = models.CharField(max_length=150)
    action = models.CharField(max_length=80)
    object_type = models.CharField(max_length=80)
    object_id = models.CharField(max_length=120)
    object_label = models.CharField(max_length=200)
    tenant_id = models.BigIntegerField(null=True, blank=True)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    reason = models.TextField(blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64, editable=False)

    class Meta:
        ordering = ["-id"]
        verbose_name = "audit event"
        indexes = [
            models.Index(fields=["object_type", "object_id", "id"], name="audit_by_object"),
            models.Index(fields=["action", "id"], name="audit_by_action"),
            models.Index(fields=["tenant_id", "id"], name="audit_by_tenant"),
            models.Index(fields=["actor_name", "id"], name="audit_by_actor"),
        ]
        constraints = [
            models.CheckConstraint(
                name="audit_has_actor",
                condition=models.Q(actor_kind__in=["user", "token", "job", "system"])
                & ~models.Q(actor_name=""),
            ),
        ]

    def __str__(self):
        return f"{self.action} {self.object_type} {self.object_id}"
