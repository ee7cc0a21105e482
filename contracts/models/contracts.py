"""Contract, its dated versions, and the terms of each version."""

from datetime import date, timedelta
from decimal import Decimal

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import (
    ArrayField,
    BigIntegerRangeField,
    DateRangeField,
    RangeOperators,
)
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Func, Q, Value

from contracts.models._tenant import TenantRow
from contracts.models.parties import CODE, CodeManager, Party, validate_zone
from poweroptix.kernel.plain import plain_decimal


def key_range(column: str) -> Func:
    """Return a whole-number column as a range of itself, which GiST compares by itself."""
    return Func(
        F(column),
        F(column),
        Value("[]"),
        function="int8range",
        output_field=BigIntegerRangeField(),
    )


def charge_type_choices() -> list[tuple[str, str]]:
    """Keys and titles of every registered charge type; a new one needs no migration."""
    from contracts.charges import charge_types

    return [(key, f"{kind.title} ({key})") for key, kind in charge_types.items()]


class Contract(TenantRow):
    """An agreement between a seller and an offtaker for one campus, in one currency."""

    tenant_parent = "offtaker"

    class RoundingPoint(models.TextChoices):
        """Where cents are made."""

        LINE = "LINE", "once per line"
        DAY = "DAY", "once per local day"
        INTERVAL = "INTERVAL", "once per interval"

    class Rounding(models.TextChoices):
        """How cents are made."""

        HALF_UP = "HALF_UP", "half away from zero"
        HALF_EVEN = "HALF_EVEN", "half to even"

    class State(models.TextChoices):
        """Life of the agreement; what is priced is said by its versions."""

        OPEN = "OPEN", "open"
        CLOSED = "CLOSED", "closed"

    code = models.CharField(
        max_length=50, unique=True, validators=[CODE], help_text="For example PPA-ALFA."
    )
    name = models.CharField(max_length=200)
    seller = models.ForeignKey(
        "Party",
        on_delete=models.PROTECT,
        related_name="sales",
        help_text="Whose name, bank and number series stand on the invoices.",
    )
    offtaker = models.ForeignKey(
        "Party",
        on_delete=models.PROTECT,
        related_name="purchases",
        help_text="Who buys the energy and gets the invoices.",
    )
    campus = models.ForeignKey("meters.Campus", on_delete=models.PROTECT, related_name="contracts")
    currency = models.CharField(max_length=3, default="USD")
    zone = models.CharField(
        "time zone",
        max_length=64,
        validators=[validate_zone],
        help_text="IANA zone of its days and months, for example America/Chicago.",
    )
    payment_days = models.PositiveSmallIntegerField(
        "days to pay",
        default=30,
        validators=[MinValueValidator(0), MaxValueValidator(120)],
        help_text="Days from issue to due date, 0 to 120.",
    )
    rounding_point = models.CharField(
        "where cents are made",
        max_length=8,
        choices=RoundingPoint.choices,
        default=RoundingPoint.LINE,
        help_text="Amounts are exact until here and become whole cents here.",
    )
    rounding = models.CharField(
        "how cents are made",
        max_length=9,
        choices=Rounding.choices,
        default=Rounding.HALF_UP,
        help_text="What becomes of half a cent.",
    )
    tolerance_usd = models.DecimalField(
        "tolerance of a statement",
        max_digits=12,
        decimal_places=2,
        default=Decimal("1.00"),
        validators=[MinValueValidator(0)],
        help_text="A line of the counterparty's statement agrees within this amount, or within "
        "the ratio of our line if that is more.",
    )
    tolerance_ratio = models.DecimalField(
        "tolerance of a statement, as a ratio",
        max_digits=9,
        decimal_places=6,
        default=Decimal("0.0001"),
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text="Part of our line, 0.0001 is 0.01 %.",
    )
    state = models.CharField(max_length=6, choices=State.choices, default=State.OPEN)
    last_day = models.DateField(null=True, editable=False)
    termination_reason = models.TextField(blank=True, editable=False)

    objects = CodeManager()

    class Meta:
        """Order and constraints."""

        ordering = ["code"]

    def __str__(self):
        return self.code

    @property
    def is_purchase(self) -> bool:
        """Whether we buy by it: from a utility, or for a buyer of the seller's or operator's side.

        What is due then stands on the bill of the other party; else we invoice.
        """
        buyers = (Party.Role.OPERATOR, Party.Role.SELLER)
        return self.seller.role == Party.Role.UTILITY or self.offtaker.role in buyers


class ContractVersion(TenantRow):
    """All terms of a contract as they hold between two dates. Not edited once active."""

    class State(models.TextChoices):
        """DRAFT is being written, ACTIVE is priced, SUPERSEDED was replaced whole."""

        DRAFT = "DRAFT", "draft"
        ACTIVE = "ACTIVE", "active"
        SUPERSEDED = "SUPERSEDED", "superseded"

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(editable=False)
    valid = DateRangeField(
        "in force", help_text="First day and the day after the last one; no end = open."
    )
    state = models.CharField(
        max_length=10, choices=State.choices, default=State.DRAFT, editable=False
    )
    anchor_date = models.DateField(
        "first day of contract year 1",
        help_text="Escalators and yearly fees count from here.",
    )
    facts = models.JSONField(
        "agreed numbers",
        default=dict,
        blank=True,
        help_text='Named numbers of the contract as text, for example {"contract_kw": "50000"}.',
    )
    note = models.TextField(blank=True, help_text="What changed and why.")
    created_at = models.DateTimeField(editable=False)
    created_by = models.CharField(max_length=150, editable=False)
    writers = ArrayField(
        models.CharField(max_length=150),
        default=list,
        editable=False,
        help_text="Everybody who wrote in the draft; somebody else activates it.",
    )
    activated_at = models.DateTimeField(null=True, blank=True, editable=False)
    activated_by = models.CharField(max_length=150, blank=True, editable=False)

    class Meta:
        """Order and constraints."""

        ordering = ["contract", "number"]
        verbose_name = "contract version"
        constraints = [
            models.UniqueConstraint(fields=["contract", "number"], name="version_number_once"),
            models.CheckConstraint(
                condition=Q(valid__isempty=False, valid__lower_inf=False),
                name="version_has_first_day",
                violation_error_message="The version needs a first day before its end.",
            ),
            ExclusionConstraint(
                name="version_no_overlap",
                expressions=[
                    (key_range("contract"), RangeOperators.OVERLAPS),
                    ("valid", RangeOperators.OVERLAPS),
                ],
                condition=Q(state="ACTIVE"),
                violation_error_message="Another active version of the contract holds then.",
            ),
        ]

    def __str__(self):
        return f"{self.contract} v{self.number}"

    def validate_constraints(self, exclude=None):
        """Check overlaps also where a form leaves the state out: the condition reads it."""
        super().validate_constraints(exclude=set(exclude or ()) - {"state"})

    def clean(self):
        """Refuse facts that are not decimal numbers in quotes."""
        for name, text in (self.facts or {}).items():
            if plain_decimal(text) is None:
                said = f"{name}: {text!r} is not a decimal number in quotes"
                raise ValidationError({"facts": said})

    @property
    def first_date(self) -> date | None:
        """The first local day on which the version holds; None in a form that lacks it."""
        return self.valid.lower if self.valid else None

    @property
    def last_date(self) -> date | None:
        """The last local day on which the version holds; None while it has no end."""
        upper = self.valid.upper if self.valid else None
        return None if upper is None else upper - timedelta(days=1)

    def valid_text(self) -> str:
        """Return the range in words, last day included: "2026-01-01 to 2026-12-31"."""
        if self.last_date is None:
            return f"from {self.first_date}"
        return f"{self.first_date} to {self.last_date}"


class Term(TenantRow):
    """One priced promise: a charge type, its parameters and the clause it was taken from."""

    tenant_parent = "version"

    version = models.ForeignKey(ContractVersion, on_delete=models.CASCADE, related_name="terms")
    position = models.PositiveSmallIntegerField(help_text="Order on the invoice.")
    line_code = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(10), MaxValueValidator(99)],
        help_text="10-19 energy, 20-29 demand and capacity, 40-49 fees; fixed for its life.",
    )
    charge_type = models.CharField(max_length=60, choices=charge_type_choices)
    label = models.CharField(
        "text on the invoice", max_length=120, help_text="For example: Energy, peak hours."
    )
    clause_number = models.CharField(max_length=30, blank=True)
    clause_text = models.TextField(blank=True, help_text="The words of the contract.")
    quantity_name = models.CharField(
        "quantity",
        max_length=40,
        validators=[CODE],
        default="delivered",
        help_text="What is priced: delivered (metered, with shares of losses and shared load) or "
        "metered.",
    )
    parameters = models.JSONField(default=dict)

    class Meta:
        """Order and constraints."""

        ordering = ["version", "position"]
        constraints = [
            models.UniqueConstraint(fields=["version", "position"], name="term_position_once"),
            models.UniqueConstraint(fields=["version", "line_code"], name="term_line_code_once"),
        ]

    def __str__(self):
        return f"{self.line_code} {self.label}"
