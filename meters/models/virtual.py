"""What a virtual channel is worth: definitions over other channels, each for a range of time.

A definition is never changed. A new one ends the one before it; a wrong one is withdrawn with a
reason and stays as history. At any instant at most one holds.
"""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import Q

from .choices import ChannelKind, DefinitionMethod
from .devices import Channel, pair_range


class VirtualDefinition(models.Model):
    """How the readings of a virtual channel follow from others during a time.

    `formula` names its terms; what each name stands for is a `VirtualTerm`. Losses have no formula
    but `parameters`, and the term METERED (and OPPOSITE, the other direction of the same place).
    """

    channel = models.ForeignKey(
        Channel,
        on_delete=models.PROTECT,
        related_name="definitions",
        limit_choices_to={"kind": ChannelKind.VIRTUAL},
    )
    valid = DateTimeRangeField(help_text="From (inclusive) to (exclusive), UTC; no end: for now.")
    method = models.CharField(
        max_length=12, choices=DefinitionMethod.choices, default=DefinitionMethod.FORMULA
    )
    formula = models.CharField(max_length=2000, blank=True)
    parameters = models.JSONField(default=dict, blank=True)
    cut_longer = models.BooleanField(
        default=False,
        help_text="Longer intervals of a term are cut into equal parts: only where the contract "
        "says so.",
    )
    comment = models.CharField(max_length=300, blank=True)
    recorded_by = models.CharField(max_length=150, editable=False)
    recorded_at = models.DateTimeField(editable=False)
    withdrawn_by = models.CharField(max_length=150, blank=True, editable=False)
    withdrawn_at = models.DateTimeField(null=True, blank=True, editable=False)
    withdrawn_reason = models.CharField(max_length=300, blank=True, editable=False)
    computed_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When the readings followed this definition, or its withdrawal; none: soon.",
    )

    class Meta:
        """Names and constraints."""

        ordering = ["channel", "-valid", "-id"]
        constraints = [
            ExclusionConstraint(
                name="virtual_one_definition_at_a_time",
                expressions=[(pair_range("channel"), "&&"), ("valid", "&&")],
                condition=Q(withdrawn_at__isnull=True),
                violation_error_message="Another definition of this channel holds at that time.",
            ),
            models.CheckConstraint(
                name="virtual_valid_not_empty",
                condition=Q(valid__isempty=False, valid__lower_inf=False),
                violation_error_message="A definition starts at an instant and ends after it.",
            ),
            models.CheckConstraint(
                name="virtual_method_known", condition=Q(method__in=DefinitionMethod.values)
            ),
            models.CheckConstraint(
                name="virtual_formula_where_needed",
                condition=(Q(method="FORMULA") & ~Q(formula=""))
                | (~Q(method="FORMULA") & Q(formula="")),
                violation_error_message="An expression has a formula, losses have none.",
            ),
            models.CheckConstraint(
                name="virtual_withdrawn_with_reason",
                condition=Q(withdrawn_at__isnull=True, withdrawn_reason="")
                | (Q(withdrawn_at__isnull=False) & ~Q(withdrawn_reason="")),
                violation_error_message="A definition is withdrawn with a reason.",
            ),
        ]
        indexes = [
            models.Index(
                fields=["channel"], name="virtual_pending", condition=Q(computed_at__isnull=True)
            )
        ]

    def __str__(self):
        return f"{self.channel.code} from {self.valid.lower:%Y-%m-%d %H:%M}"

    @property
    def is_live(self) -> bool:
        """Return whether this definition holds for its time: it was not withdrawn."""
        return self.withdrawn_at is None


class VirtualTerm(models.Model):
    """A name in a definition and the channel it stands for."""

    definition = models.ForeignKey(
        VirtualDefinition, on_delete=models.PROTECT, related_name="terms"
    )
    name = models.CharField(max_length=120)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="uses")

    class Meta:
        """Names and constraints."""

        ordering = ["definition", "id"]
        constraints = [
            models.UniqueConstraint(fields=["definition", "name"], name="virtual_term_name_once")
        ]

    def __str__(self):
        return f"{self.name} = {self.channel.code}"
