"""What the API remembers: answers to requests that carried an idempotency key."""

from django.db import models


class IdempotencyKey(models.Model):
    """The answer that a principal got for a key; written in the transaction of its effect.

    `principal` is the actor as text, so that two tokens never share a key. A request that was
    refused leaves no row, because its transaction is taken back.
    """

    principal = models.CharField(max_length=160)
    key = models.CharField(max_length=255)
    request_sha256 = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    response = models.JSONField(null=True)
    location = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        """Constraints."""

        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["principal", "key"], name="idempotency_key_once"),
            models.CheckConstraint(
                name="idempotency_key_has_digest",
                condition=models.Q(request_sha256__regex="^[0-9a-f]{64}$"),
            ),
        ]

    def __str__(self):
        return f"{self.principal} {self.key}"
