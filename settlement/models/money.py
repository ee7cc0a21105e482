"""Pools of money of a campus: who shares them, what was entered, and each month as divided."""

from decimal import Decimal

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from contracts.models.contracts import key_range
from poweroptix.kernel.errors import DomainError
from poweroptix.kernel.parameters import parse
from settlement.sharing._base import money_keys
from settlement.weighing.stays import fraction


def money_key_choices():
    """Return the registered money keys; a callable, so a new key needs no migration."""
    return money_keys.choices()


class MoneyPool(models.Model):
    """A cost, a fee or revenue of a campus and the key that divides it over contracts.

    A pool without members is not passed on: it concerns the owners of the campus alone.
    """

    class Kind(models.TextChoices):
        """Which way the money flows, seen from the contracts."""

        COST = "COST", "Cost, paid to somebody outside"
        FEE = "FEE", "Fee, charged by the campus itself"
        REVENUE = "REVENUE", "Revenue, received from outside and credited"

    campus = models.ForeignKey(
        "meters.Campus", on_delete=models.PROTECT, related_name="money_pools"
    )
    code = models.SlugField(max_length=40, help_text="What terms name, for example insurance.")
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=7, choices=Kind.choices)
    key = models.CharField(max_length=60, choices=money_key_choices)
    parameters = models.JSONField(
        default=dict, blank=True, help_text="What the key has to be told; see its page."
    )
    operator = models.ForeignKey(
        "contracts.Party",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who keeps a part of a positive amount before it is shared.",
    )
    operator_cut_ratio = models.DecimalField(
        "part of the operator",
        max_digits=9,
        decimal_places=8,
        default=0,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text="0.10 = 10 % of a positive amount; of a negative one the operator bears nothing.",
    )

    class Meta:
        ordering = ["campus", "code"]
        verbose_name = "pool of money"
        verbose_name_plural = "pools of money"
        constraints = [
            models.UniqueConstraint(fields=["campus", "code"], name="money_pool_once_per_campus"),
            models.CheckConstraint(
                condition=Q(operator_cut_ratio=0)
                | Q(
                    kind="REVENUE",
                    operator__isnull=False,
                    operator_cut_ratio__gt=0,
                    operator_cut_ratio__lte=1,
                ),
                name="money_pool_cut_has_operator",
                violation_error_message="Of revenue alone an operator keeps a part, 0 to 1; name "
                "who it is.",
            ),
        ]

    def __str__(self):
        return f"{self.campus.code}/{self.code}"

    def clean(self):
        """Refuse parameters that the key does not accept, field by field."""
        try:
            parse(money_keys.get(self.key).Parameters, self.parameters)
        except DomainError as error:
            raise ValidationError({"parameters": error.message}) from error


class MoneyMember(models.Model):
    """A contract, or another pool, that takes part in a pool on the days of a range."""

    pool = models.ForeignKey(MoneyPool, on_delete=models.CASCADE, related_name="members")
    contract = models.ForeignKey(
        "contracts.Contract", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    part_pool = models.ForeignKey(
        MoneyPool,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="above",
        help_text="Instead of a contract: a pool that divides its share further.",
    )
    weight = models.CharField(
        max_length=40,
        blank=True,
        help_text="What the key needs: MW, square feet, kW, or a share such as 0.55 or 1/3.",
    )
    valid = DateRangeField(
        "takes part", help_text="Local days: first day and the day after the last one."
    )

    class Meta:
        ordering = ["pool_id", "contract_id", "part_pool_id", "valid"]
        verbose_name = "member of a pool of money"
        constraints = [
            models.CheckConstraint(
                condition=Q(contract__isnull=True) ^ Q(part_pool__isnull=True),
                name="money_member_is_one",
                violation_error_message="Name a contract or a pool, one of both.",
            ),
            models.CheckConstraint(
                condition=Q(valid__isempty=False, valid__lower_inf=False),
                name="money_member_has_first_day",
                violation_error_message="The range needs a first day before its end.",
            ),
            *(
                ExclusionConstraint(
                    name=f"money_member_{target}_no_overlap",
                    expressions=[
                        (key_range("pool"), RangeOperators.OVERLAPS),
                        (key_range(target), RangeOperators.OVERLAPS),
                        ("valid", RangeOperators.OVERLAPS),
                    ],
                    condition=Q(**{f"{target}__isnull": False}),
                    violation_error_message="The member already takes part on some of the days.",
                )
                for target in ("contract", "part_pool")
            ),
        ]

    def __str__(self):
        return self.code

    @property
    def code(self) -> str:
        """The code under which the member stands in the division."""
        return self.contract.code if self.contract_id else self.part_pool.code

    def clean(self):
        """Refuse what the key cannot weigh, and members of another campus as if unknown."""
        kind = money_keys.get(self.pool.key) if self.pool_id and self.pool.key else None
        if kind is not None and kind.states:
            try:
                fraction(self.weight, "this member")
            except DomainError as error:
                text = f"{error.message} {kind.title} needs {kind.states}."
                raise ValidationError({"weight": text}) from error
        target = self.contract if self.contract_id else self.part_pool
        part = self.part_pool if self.part_pool_id else None
        if self.pool_id and part is not None and part.kind != self.pool.kind:
            said = f"{part.code} is of another kind; a part of a pool is of its kind."
            raise ValidationError({"part_pool": said})
        if self.pool_id and target is not None and target.campus_id != self.pool.campus_id:
            field = "contract" if self.contract_id else "part_pool"
            raise ValidationError({field: f"there is no '{target.code}' on this campus"})


class PoolItem(models.Model):
    """One amount that makes up a pool's month, with its source; withdrawn, never edited."""

    pool = models.ForeignKey(MoneyPool, on_delete=models.PROTECT, related_name="items")
    period = models.CharField(max_length=7, help_text="Local month, e.g. 2026-03.")
    label = models.CharField(max_length=200)
    quantity = models.DecimalField(max_digits=24, decimal_places=6, null=True)
    unit = models.CharField(max_length=20, blank=True)
    rate = models.DecimalField(max_digits=24, decimal_places=8, null=True)
    exact_usd = models.DecimalField(max_digits=30, decimal_places=14)
    source = models.CharField(max_length=200, help_text="Who stated it.")
    evidence = models.CharField(max_length=200, help_text="Number of the invoice or statement.")
    created_by = models.CharField(max_length=120)
    created_at = models.DateTimeField()
    withdrawn_by = models.CharField(max_length=120, blank=True)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_reason = models.TextField(blank=True)

    class Meta:
        ordering = ["pool_id", "period", "pk"]
        verbose_name = "item of a pool of money"
        constraints = [
            models.CheckConstraint(
                condition=Q(quantity__isnull=True, rate__isnull=True)
                | Q(
                    quantity__isnull=False, rate__isnull=False, exact_usd=F("quantity") * F("rate")
                ),
                name="pool_item_is_product",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_by="")
                | (Q(withdrawn_at__isnull=False) & ~Q(withdrawn_by="") & ~Q(withdrawn_reason="")),
                name="pool_item_withdrawn_with_reason",
            ),
        ]

    def __str__(self):
        return f"{self.label} {self.period}"


class PoolMonth(models.Model):
    """One division of a pool's month; never edited. Amount = operator's part + all shares.

    While an input is missing the shares are empty, and the findings say what to bring in.
    """

    class State(models.TextChoices):
        """Where the division stands."""

        DRAFT = "DRAFT", "Being written"
        CALCULATED = "CALCULATED", "Counts"
        SUPERSEDED = "SUPERSEDED", "Superseded"

    pool = models.ForeignKey(MoneyPool, on_delete=models.PROTECT, related_name="months")
    period = models.CharField(max_length=7)
    version = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    allocation_run = models.ForeignKey(
        "settlement.AllocationRun",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="Whose energy the key read.",
    )
    amount_usd = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    operator_usd = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    inputs = models.BinaryField(help_text="Canonical JSON of everything that was read.")
    inputs_sha256 = models.CharField(max_length=64)
    head = models.JSONField(help_text="What every member may see: totals, key, digest of claims.")
    findings = models.JSONField(default=list)
    worksheet = models.JSONField(
        default=dict, help_text="Of a computed amount: energy x price, row by row."
    )
    pins = models.JSONField(
        default=dict, help_text="Of a computed amount: the versions of readings and prices read."
    )
    created_by = models.CharField(max_length=120)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-period", "pool", "-version"]
        verbose_name = "month of a pool of money"
        verbose_name_plural = "months of pools of money"
        constraints = [
            models.UniqueConstraint(
                fields=["pool", "period", "version"], name="pool_month_version_once"
            ),
            models.UniqueConstraint(
                fields=["pool", "period"],
                condition=Q(state="CALCULATED"),
                name="pool_month_one_current",
            ),
            models.CheckConstraint(
                condition=Q(inputs_sha256__regex="^[0-9a-f]{64}$"), name="pool_month_has_digest"
            ),
        ]

    def __str__(self):
        return f"{self.pool.code} {self.period} v{self.version}"

    @property
    def is_divided(self) -> bool:
        """Whether every share is known."""
        return self.operator_usd is not None


class PoolShare(models.Model):
    """What one member gets of a pool's month, and what it may see of it.

    The tenant's rows are its own; `view` holds totals, its weight and share, never another's.
    """

    month = models.ForeignKey(PoolMonth, on_delete=models.PROTECT, related_name="shares")
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.PROTECT, null=True, related_name="+"
    )
    contract = models.ForeignKey(
        "contracts.Contract", on_delete=models.PROTECT, null=True, related_name="pool_shares"
    )
    part_pool = models.ForeignKey(
        MoneyPool, on_delete=models.PROTECT, null=True, related_name="shares_above"
    )
    amount_usd = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    view = models.JSONField()

    class Meta:
        ordering = ["month_id", "contract_id", "part_pool_id"]
        verbose_name = "share of a pool of money"
        constraints = [
            models.CheckConstraint(
                condition=Q(contract__isnull=True) ^ Q(part_pool__isnull=True),
                name="pool_share_has_one_member",
            ),
            models.UniqueConstraint(
                fields=["month", "contract", "part_pool"],
                name="pool_share_once",
                nulls_distinct=False,
            ),
        ]

    def __str__(self):
        return f"{self.contract or self.part_pool}"

    @property
    def whole_usd(self) -> Decimal | None:
        """The share without the cent of the remainder; None while it is not known."""
        if self.amount_usd is None:
            return None
        return self.amount_usd - Decimal(self.view["extra_usd"])
