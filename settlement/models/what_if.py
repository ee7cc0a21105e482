"""What-ifs: a month settled with other loads, prices or terms. No invoice can name one."""

from django.db import models


class WhatIf(models.Model):
    """One computation that is nobody's bill: the run it starts from, what is otherwise, its lines.

    It is no settlement run and has no lines of one, so nothing that bills, approves or carries can
    refer to it; the database lets nobody change it.
    """

    run = models.ForeignKey(
        "settlement.SettlementRun", on_delete=models.PROTECT, related_name="what_ifs"
    )
    title = models.CharField(max_length=120)
    changes = models.JSONField(help_text="Loads, prices, parameters or version that are otherwise.")
    inputs = models.BinaryField(help_text="The whole document that was settled: canonical JSON.")
    inputs_sha256 = models.CharField(max_length=64)
    lines_sha256 = models.CharField(max_length=64)
    total_usd = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    created_by = models.CharField(max_length=120)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]
        verbose_name = "what-if"

    def __str__(self):
        return f"{self.run}: {self.title}"
