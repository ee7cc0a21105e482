"""Who owns a campus, and what each month earned and cost the parties."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from contracts.models.contracts import key_range
from poweroptix.kernel.errors import DomainError
from settlement.weighing.stays import fraction

SHARES = ("revenue_share", "cost_share", "upside_share")


class Ownership(models.Model):
    """The ownership model of a campus from a month on; the next one ends it."""

    class Model(models.TextChoices):
        """How plant and users belong together."""

        INTEGRATED = "INTEGRATED", "Integrated: lines are internal transfers"
        IPP = "IPP", "Independent producer: one owner sells to tenants"
        JOINT_VENTURE = "JOINT_VENTURE", "Joint venture: parties share revenue and cost"

    class FeeBasis(models.TextChoices):
        """What the operator is paid for operating."""

        NONE = "NONE", "No fee"
        REVENUE = "REVENUE", "A part of positive revenue"
        MONTH = "MONTH", "A sum per month"

    class ShareChange(models.TextChoices):
        """How shares that change inside a month count."""

        DAYS = "DAYS", "By days"
        ENERGY = "ENERGY", "By the energy delivered on the days"

    campus = models.ForeignKey("meters.Campus", on_delete=models.PROTECT, related_name="ownerships")
    model = models.CharField(max_length=13, choices=Model.choices)
    first_date = models.DateField(
        "holds from", help_text="First day of a month; the next row ends this one."
    )
    share_change = models.CharField(
        "shares that change inside a month",
        max_length=6,
        choices=ShareChange.choices,
        help_text="What the agreement says; the statements of such a month differ.",
    )
    operator = models.ForeignKey(
        "contracts.Party", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    fee_basis = models.CharField("fee of the operator", max_length=7, choices=FeeBasis.choices)
    fee_ratio = models.DecimalField(
        "part of revenue",
        max_digits=9,
        decimal_places=8,
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text="0.03 = 3 %.",
    )
    fee_usd = models.DecimalField(
        "sum per month", max_digits=18, decimal_places=2, null=True, blank=True
    )
    evidence = models.CharField(max_length=200, help_text="The agreement, with its date.")

    class Meta:
        ordering = ["campus", "-first_date"]
        verbose_name = "ownership of a campus"
        verbose_name_plural = "ownership of campuses"
        constraints = [
            models.UniqueConstraint(fields=["campus", "first_date"], name="ownership_once_a_month"),
            models.CheckConstraint(
                condition=Q(first_date__day=1),
                name="ownership_from_first_of_month",
                violation_error_message="A model begins on the first day of a month; shares may "
                "change on any day.",
            ),
            models.CheckConstraint(
                condition=Q(fee_basis="NONE", fee_ratio__isnull=True, fee_usd__isnull=True)
                | Q(
                    fee_basis="REVENUE",
                    fee_ratio__isnull=False,
                    fee_usd__isnull=True,
                    operator__isnull=False,
                )
                | Q(
                    fee_basis="MONTH",
                    fee_ratio__isnull=True,
                    fee_usd__isnull=False,
                    operator__isnull=False,
                ),
                name="ownership_fee_is_one",
                violation_error_message="Fill in what the fee's basis asks for, and who gets it.",
            ),
        ]

    def __str__(self):
        return f"{self.campus.code} from {self.first_date}"


class OwnerShare(models.Model):
    """What a party holds on the days of a range; a change of shares is a new row."""

    ownership = models.ForeignKey(Ownership, on_delete=models.CASCADE, related_name="shares")
    party = models.ForeignKey("contracts.Party", on_delete=models.PROTECT, related_name="+")
    revenue_share = models.CharField(max_length=20, blank=True, help_text="0.55 or 1/3.")
    cost_share = models.CharField(max_length=20, blank=True, help_text="Also of the fee.")
    upside_share = models.CharField(
        max_length=20, blank=True, help_text="Of export revenue that is not passed on."
    )
    valid = DateRangeField(
        "holds", help_text="Local days: first day and the day after the last one."
    )

    class Meta:
        ordering = ["ownership_id", "party__code", "valid"]
        verbose_name = "share of an owner"
        constraints = [
            models.CheckConstraint(
                condition=Q(valid__isempty=False, valid__lower_inf=False),
                name="owner_share_has_first_day",
                violation_error_message="The range needs a first day before its end.",
            ),
            ExclusionConstraint(
                name="owner_share_no_overlap",
                expressions=[
                    (key_range("ownership"), RangeOperators.OVERLAPS),
                    (key_range("party"), RangeOperators.OVERLAPS),
                    ("valid", RangeOperators.OVERLAPS),
                ],
                violation_error_message="The party already holds shares on some of the days.",
            ),
        ]

    def __str__(self):
        return self.party.code

    def clean(self):
        """Refuse shares that are no numbers."""
        for name in SHARES:
            if getattr(self, name):
                try:
                    fraction(getattr(self, name), "this party")
                except DomainError as error:
                    raise ValidationError({name: error.message}) from error


class OwnerMonth(models.Model):
    """The statements of all parties for a campus month; never edited. The lines sum to the net."""

    class State(models.TextChoices):
        """Where the statements stand."""

        DRAFT = "DRAFT", "Being written"
        CALCULATED = "CALCULATED", "Counts"
        SUPERSEDED = "SUPERSEDED", "Superseded"

    campus = models.ForeignKey(
        "meters.Campus", on_delete=models.PROTECT, related_name="owner_months"
    )
    period = models.CharField(max_length=7)
    version = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    net_usd = models.DecimalField(
        max_digits=18, decimal_places=2, help_text="Billed and received outside, less paid outside."
    )
    inputs = models.BinaryField(help_text="Canonical JSON of everything that was read.")
    inputs_sha256 = models.CharField(max_length=64)
    created_by = models.CharField(max_length=120)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-period", "campus", "-version"]
        verbose_name = "month of the owners"
        verbose_name_plural = "months of the owners"
        constraints = [
            models.UniqueConstraint(
                fields=["campus", "period", "version"], name="owner_month_version_once"
            ),
            models.UniqueConstraint(
                fields=["campus", "period"],
                condition=Q(state="CALCULATED"),
                name="owner_month_one_current",
            ),
            models.CheckConstraint(
                condition=Q(inputs_sha256__regex="^[0-9a-f]{64}$"), name="owner_month_has_digest"
            ),
        ]

    def __str__(self):
        return f"{self.campus.code} {self.period} v{self.version}"


class OwnerLine(models.Model):
    """One amount of a party's statement: its part of a base by weight / weights, with its sign."""

    month = models.ForeignKey(OwnerMonth, on_delete=models.PROTECT, related_name="lines")
    position = models.PositiveSmallIntegerField()
    party = models.ForeignKey("contracts.Party", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8)
    label = models.CharField(max_length=200)
    base_usd = models.DecimalField(max_digits=18, decimal_places=2)
    weight = models.CharField(max_length=60, blank=True)
    weights = models.CharField(max_length=60, blank=True)
    said = models.CharField(max_length=400, blank=True)
    amount_usd = models.DecimalField(max_digits=18, decimal_places=2)

    class Meta:
        ordering = ["month_id", "position"]
        verbose_name = "line of an owner"
        constraints = [
            models.UniqueConstraint(fields=["month", "position"], name="owner_line_position_once"),
        ]

    def __str__(self):
        return f"{self.party}: {self.label}"
