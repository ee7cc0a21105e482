"""Past months priced anew under a proposed version, beside what was billed."""

from django.db import models


class DeskCheck(models.Model):
    """One desk-check of a version: lines and totals of every month, frozen when it is done.

    `result` is the document of `calc.desk_check`; `terms_sha256` tells whether the version was
    written further since.
    """

    contract = models.ForeignKey(
        "contracts.Contract", on_delete=models.PROTECT, related_name="desk_checks"
    )
    tenant = models.ForeignKey("accounts.Tenant", on_delete=models.PROTECT, related_name="+")
    version = models.ForeignKey(
        "contracts.ContractVersion", on_delete=models.PROTECT, related_name="desk_checks"
    )
    first_period = models.CharField(max_length=7, help_text="Local month, e.g. 2026-03.")
    last_period = models.CharField(max_length=7)
    terms_sha256 = models.CharField(max_length=64)
    result = models.JSONField()
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(last_period__gte=models.F("first_period")),
                name="desk_check_months_in_order",
            ),
        ]

    def __str__(self):
        return f"{self.version}, {self.first_period} to {self.last_period}"
