"""Shared pools of a campus, the runs that split them, and the parts each contract got."""

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from poweroptix.kernel.errors import DomainError
from poweroptix.kernel.parameters import parse
from settlement.allocation._base import allocation_keys
from settlement.calc.store import StoreTerms

#: The kinds of pools that tell from where energy came.
MATCHED = ("SOURCE", "STORAGE")


def key_choices():
    """Return the registered allocation keys; a callable, so a new key needs no migration."""
    return allocation_keys.choices()


class Pool(models.Model):
    """One shared quantity of a campus and the rule that splits it.

    LOSS shares the residual of the energy balance. ENERGY shares what the listed points measured
    (several tenants behind one meter). SOURCE and STORAGE tell from where the energy of tenants
    came, in order of merit.
    """

    class Kind(models.TextChoices):
        """What is shared."""

        LOSS = "LOSS", "Losses of the campus"
        ENERGY = "ENERGY", "Energy of shared points"
        SOURCE = "SOURCE", "Source of tenants' energy"
        STORAGE = "STORAGE", "Battery as a source"

    campus = models.ForeignKey("meters.Campus", on_delete=models.PROTECT, related_name="pools")
    code = models.SlugField(max_length=40)
    name = models.CharField(max_length=120, blank=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    key = models.CharField(max_length=60, choices=key_choices)
    parameters = models.JSONField(default=dict, blank=True)
    points = models.ManyToManyField(
        "meters.DeliveryPoint",
        blank=True,
        related_name="+",
        help_text="ENERGY: the shared points whose energy is split. SOURCE and STORAGE: the meters "
        "of the source; the last source without points takes all that no other names.",
    )
    merit = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        help_text="SOURCE and STORAGE: whose turn it is, the smallest first.",
    )
    storage = models.JSONField(
        default=dict,
        blank=True,
        help_text="STORAGE: efficiency_ratio, usd_per_kwh by source, opening_period, opening.",
    )

    class Meta:
        ordering = ["campus", "code"]
        constraints = [
            models.UniqueConstraint(fields=["campus", "code"], name="pool_code_once_per_campus"),
        ]

    def __str__(self):
        return f"{self.campus.code}/{self.code}"

    def clean(self):
        """Refuse parameters that key or battery do not accept, and a source without its turn."""
        key = allocation_keys.get(self.key)
        faults = {
            **_fault("parameters", key.Parameters, self.parameters),
            **(_fault("storage", StoreTerms, self.storage) if self.kind == "STORAGE" else {}),
        }
        if self.kind in MATCHED and self.merit is None:
            faults["merit"] = "A source needs its place in the order of merit."
        if self.kind in MATCHED and not key.within_need:
            faults["key"] = (
                "This key can give a member more than it needs; take waterfall@1, capped_share@1 "
                "or, for the last source, fill_rest@1."
            )
        if faults:
            raise ValidationError(faults)


def _fault(name, terms, given):
    """Return what is wrong with a field, by its name; nothing when it is right."""
    try:
        parse(terms, given)
    except DomainError as error:
        return {name: error.message}
    return {}


class PoolMember(models.Model):
    """A contract that bears its part of a pool, from a date to a date (end not included)."""

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="members")
    contract = models.ForeignKey("contracts.Contract", on_delete=models.PROTECT, related_name="+")
    first_date = models.DateField()
    end_date = models.DateField(null=True, blank=True, help_text="First day no longer a member.")

    class Meta:
        ordering = ["pool_id", "contract_id"]
        constraints = [
            models.UniqueConstraint(
                fields=["pool", "contract", "first_date"], name="pool_member_once"
            ),
            models.CheckConstraint(
                condition=Q(end_date__isnull=True) | Q(end_date__gt=F("first_date")),
                name="pool_member_dates_in_order",
            ),
        ]

    def __str__(self):
        return f"{self.contract.code} from {self.first_date}"


class AllocationRun(models.Model):
    """One computation of who got which energy in a campus month; never edited afterwards."""

    class State(models.TextChoices):
        """Where the run stands."""

        DRAFT = "DRAFT", "Being written"
        CALCULATED = "CALCULATED", "Calculated"
        APPROVED = "APPROVED", "Used by an approved settlement"
        SUPERSEDED = "SUPERSEDED", "Superseded"

    campus = models.ForeignKey(
        "meters.Campus", on_delete=models.PROTECT, related_name="allocation_runs"
    )
    period = models.CharField(max_length=7, help_text="Local month, e.g. 2026-03.")
    start_utc = models.DateTimeField()
    end_utc = models.DateTimeField()
    version = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.DRAFT)
    minutes = models.PositiveSmallIntegerField()
    inputs = models.BinaryField(help_text="Canonical JSON of everything that was read.")
    inputs_sha256 = models.CharField(max_length=64)
    balance = models.JSONField(default=dict, help_text="Energy balance of the month and each day.")
    worksheets = models.JSONField(default=dict, help_text="Worksheet of each pool by its code.")
    findings = models.JSONField(default=list)
    carry_out = models.JSONField(
        default=dict, help_text="What each battery holds at the end, for the next month."
    )
    created_by = models.CharField(max_length=120)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-period", "campus", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["campus", "period", "version"], name="allocation_run_version_once"
            ),
            models.UniqueConstraint(
                fields=["campus", "period"],
                condition=Q(state__in=["CALCULATED", "APPROVED"]),
                name="allocation_run_one_current",
            ),
            models.CheckConstraint(
                condition=Q(end_utc__gt=F("start_utc")), name="allocation_run_has_length"
            ),
            models.CheckConstraint(
                condition=Q(inputs_sha256__regex="^[0-9a-f]{64}$"), name="allocation_run_has_digest"
            ),
            models.CheckConstraint(
                condition=Q(version__gte=1), name="allocation_run_version_from_1"
            ),
        ]

    def __str__(self):
        return f"{self.campus.code} {self.period} v{self.version}"


class AllocationPart(models.Model):
    """One series of an allocation run, in micro-kWh; for a contract, or the whole that was split.

    METERED + SHARED + LOSS = TOTAL for each contract, and so do its SOURCE parts where sources are
    told apart; the parts of a pool add up to its WHOLE in every interval. The database checks all
    of it when the run becomes CALCULATED.
    """

    class Kind(models.TextChoices):
        """What the series holds."""

        WHOLE = "WHOLE", "What was split"
        METERED = "METERED", "Own meters"
        SHARED = "SHARED", "Share of shared points"
        LOSS = "LOSS", "Share of losses"
        OPERATOR = "OPERATOR", "Kept by the operator"
        TOTAL = "TOTAL", "Delivered"
        SOURCE = "SOURCE", "From a source"

    run = models.ForeignKey(
        AllocationRun, on_delete=models.PROTECT, related_name="parts", db_index=False
    )
    pool_code = models.CharField(max_length=40, blank=True)
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.PROTECT, null=True, related_name="+"
    )
    contract = models.ForeignKey(
        "contracts.Contract",
        on_delete=models.PROTECT,
        null=True,
        related_name="allocation_parts",
        db_index=False,
    )
    kind = models.CharField(max_length=8, choices=Kind.choices)
    start_utc = models.DateTimeField()
    minutes = models.PositiveSmallIntegerField()
    values = ArrayField(models.BigIntegerField())
    status = models.BinaryField()
    digest = models.CharField(max_length=64)
    total_kwh = models.DecimalField(max_digits=24, decimal_places=6, null=True)
    worksheet = models.JSONField(
        default=dict, help_text="What the contract may see: own part, pool total, claims digest."
    )

    class Meta:
        ordering = ["run_id", "kind", "pool_code", "contract_id"]
        constraints = [
            models.UniqueConstraint(
                fields=["run", "kind", "pool_code", "contract"],
                name="allocation_part_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["WHOLE", "OPERATOR"], contract__isnull=True)
                | (~Q(kind__in=["WHOLE", "OPERATOR"]) & Q(contract__isnull=False)),
                name="allocation_part_has_owner",
            ),
            models.CheckConstraint(
                condition=Q(digest__regex="^[0-9a-f]{64}$"), name="allocation_part_has_digest"
            ),
        ]
        indexes = [
            # What one contract got in a run, past the parts of its neighbours; parts of a run by
            # itself are found by the constraint above, so neither key has an index of its own.
            models.Index(fields=["contract", "run"], name="allocation_part_of_contract"),
        ]

    def __str__(self):
        return f"{self.get_kind_display()} {self.pool_code}".strip()
