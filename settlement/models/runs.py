"""Settlement runs and their lines: what a contract owes for a period, and why."""

from django.db import models
from django.db.models import F, Q


class SettlementRun(models.Model):
    """One computation of one contract's period. Frozen from the moment it is calculated.

    `inputs` is the whole document the computation read (canonical JSON); `verify` computes the
    lines again from it. Amounts are in the contract's currency.
    """

    class Kind(models.TextChoices):
        """Why the run was made."""

        PRELIMINARY = "PRELIMINARY", "Preliminary"
        FINAL = "FINAL", "Final"
        TRUE_UP = "TRUE_UP", "True-up"
        AD_HOC = "AD_HOC", "Ad hoc"

    class State(models.TextChoices):
        """Where the run stands."""

        DRAFT = "DRAFT", "Being calculated"
        CALCULATED = "CALCULATED", "Calculated"
        REVIEW = "REVIEW", "In review"
        APPROVED = "APPROVED", "Approved"
        LOCKED = "LOCKED", "Locked"
        INVOICED = "INVOICED", "Invoiced"
        SUPERSEDED = "SUPERSEDED", "Superseded"
        REJECTED = "REJECTED", "Rejected"

    OPEN = ("CALCULATED", "REVIEW")
    SETTLED = ("APPROVED", "LOCKED", "INVOICED")

    contract = models.ForeignKey(
        "contracts.Contract", on_delete=models.PROTECT, related_name="settlement_runs"
    )
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.PROTECT, null=True, related_name="+"
    )
    period = models.CharField(max_length=7, help_text="Local month, e.g. 2026-03.")
    start_utc = models.DateTimeField()
    end_utc = models.DateTimeField()
    version = models.PositiveIntegerField()
    kind = models.CharField(max_length=12, choices=Kind.choices)
    state = models.CharField(max_length=12, choices=State.choices, default=State.DRAFT)
    reason = models.TextField(blank=True)
    currency = models.CharField(max_length=3, default="USD")
    supersedes = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, related_name="superseded_by"
    )
    allocation_run = models.ForeignKey(
        "settlement.AllocationRun",
        on_delete=models.PROTECT,
        null=True,
        related_name="settlement_runs",
    )
    inputs = models.BinaryField(help_text="The frozen document: canonical JSON.")
    inputs_sha256 = models.CharField(max_length=64)
    lines_sha256 = models.CharField(max_length=64, blank=True)
    carry_in_run = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="carried_to"
    )
    carry_out = models.JSONField(default=dict)
    adjustments = models.JSONField(
        default=list, help_text="Differences of earlier periods that this run bills."
    )
    total_usd = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    estimated_ratio = models.DecimalField(max_digits=9, decimal_places=6, null=True)
    findings = models.JSONField(default=list)
    created_by = models.CharField(max_length=120)
    created_at = models.DateTimeField()
    submitted_by = models.CharField(max_length=120, blank=True)
    submitted_at = models.DateTimeField(null=True)
    approved_by = models.CharField(max_length=120, blank=True)
    approved_at = models.DateTimeField(null=True)
    decision_comment = models.TextField(blank=True)
    was_invoiced = models.BooleanField(
        default=False, help_text="Set by the database when the run becomes INVOICED; stays."
    )

    class Meta:
        ordering = ["-period", "contract", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "period", "version"], name="settlement_run_version_once"
            ),
            models.UniqueConstraint(
                fields=["contract", "period"],
                condition=Q(state__in=["APPROVED", "LOCKED", "INVOICED"]),
                name="settlement_run_one_settled",
            ),
            models.UniqueConstraint(
                fields=["contract", "period"],
                condition=Q(state__in=["CALCULATED", "REVIEW"]),
                name="settlement_run_one_open",
            ),
            models.CheckConstraint(
                condition=Q(approved_by="") | ~Q(approved_by=F("created_by")),
                name="settlement_run_second_person",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["APPROVED", "LOCKED", "INVOICED"])
                | (~Q(approved_by="") & Q(approved_at__isnull=False) & Q(total_usd__isnull=False)),
                name="settlement_run_approved_is_complete",
            ),
            models.CheckConstraint(
                condition=Q(version=1, supersedes__isnull=True)
                | Q(version__gt=1, supersedes__isnull=False),
                name="settlement_run_chain",
            ),
            models.CheckConstraint(
                condition=Q(end_utc__gt=F("start_utc")), name="settlement_run_has_length"
            ),
            models.CheckConstraint(
                condition=Q(inputs_sha256__regex="^[0-9a-f]{64}$"), name="settlement_run_has_digest"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "period"], name="settlement_run_tenant"),
            models.Index(fields=["state", "period"], name="settlement_run_state"),
            models.Index(fields=["-period", "id"], name="settlement_run_newest"),
        ]

    def __str__(self):
        return f"{self.contract.code} {self.period} v{self.version}"

    @property
    def is_open(self) -> bool:
        """Whether the run still waits for a decision."""
        return self.state in self.OPEN

    @property
    def kind_after(self) -> str:
        """The kind of the run that is made when this one's month is calculated again.

        A final run follows a preliminary one that was approved, a true-up any other approved one;
        a run that was not approved is followed by one of its own kind.
        """
        if not self.is_settled:
            return self.kind
        preliminary = self.kind == self.Kind.PRELIMINARY
        return self.Kind.FINAL if preliminary else self.Kind.TRUE_UP

    @property
    def is_settled(self) -> bool:
        """Whether the run is approved or further."""
        return self.state in self.SETTLED


class Line(models.Model):
    """One printed amount of a run: its term, its quantity and rate, and its whole worksheet.

    `amount_usd` is empty when an input is missing; an empty amount is never zero and keeps the run
    from being approved.
    """

    run = models.ForeignKey(SettlementRun, on_delete=models.PROTECT, related_name="lines")
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.PROTECT, null=True, related_name="+"
    )
    position = models.PositiveSmallIntegerField()
    line_code = models.PositiveSmallIntegerField()
    term_id = models.BigIntegerField(null=True)
    charge_type = models.CharField(max_length=60, blank=True)
    label = models.CharField(max_length=200)
    clause = models.CharField(max_length=60, blank=True)
    first_date = models.DateField()
    last_date = models.DateField()
    quantity = models.DecimalField(max_digits=28, decimal_places=8, null=True)
    unit = models.CharField(max_length=20, blank=True)
    rate = models.DecimalField(max_digits=28, decimal_places=8, null=True)
    rate_text = models.CharField(max_length=120, blank=True)
    exact_usd = models.DecimalField(max_digits=45, decimal_places=20, null=True)
    amount_usd = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    estimated_ratio = models.DecimalField(
        max_digits=9,
        decimal_places=6,
        null=True,
        help_text="Empty where no reading has a say, as with a fee.",
    )
    worksheet = models.JSONField()
    corrects_run = models.ForeignKey(
        SettlementRun, on_delete=models.PROTECT, null=True, related_name="corrections_billed"
    )
    corrects_period = models.CharField(max_length=7, blank=True)
    sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ["run_id", "position"]
        constraints = [
            models.UniqueConstraint(fields=["run", "position"], name="line_position_once"),
            models.CheckConstraint(
                condition=Q(amount_usd__isnull=True, exact_usd__isnull=True)
                | Q(amount_usd__isnull=False, exact_usd__isnull=False),
                name="line_amount_has_exact",
            ),
            models.CheckConstraint(
                condition=Q(line_code__gte=10, line_code__lte=99), name="line_code_in_range"
            ),
            models.CheckConstraint(
                condition=Q(last_date__gte=F("first_date")), name="line_dates_in_order"
            ),
        ]

    def __str__(self):
        return f"{self.position} {self.label}"
