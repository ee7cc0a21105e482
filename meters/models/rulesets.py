"""Named sets of rule parameters, and from when on they hold for a source, a point or a channel."""

from django.db import models
from django.db.models import Q

from .assets import CODE, CodeManager


class RuleSet(models.Model):
    """Parameters of rules under one name, such as those for a steady load.

    The parameters are settings (`RuleSetting`) of this set, each with the day from which it holds.
    """

    code = models.CharField(max_length=40, unique=True, validators=[CODE])
    name = models.CharField(max_length=120, help_text="Such as: Tenant while it ramps up.")
    note = models.CharField(max_length=300, blank=True)

    objects = CodeManager()

    class Meta:
        """Order."""

        ordering = ["code"]

    def __str__(self):
        return self.name

    def natural_key(self):
        """Return what names this row in documents."""
        return (self.code,)


class RuleSetUse(models.Model):
    """A rule set for all channels of a source or of a point, or for one, from a day on.

    The next row of the same owner ends the one before; a row without a set ends it for good. More
    specific owners count above less specific ones: channel, then point, then source.
    """

    rule_set = models.ForeignKey(
        RuleSet,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="uses",
        help_text="Empty: no set from that day on.",
    )
    source = models.ForeignKey(
        "meters.Source",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="rule_set_uses",
    )
    delivery_point = models.ForeignKey(
        "meters.DeliveryPoint",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="rule_set_uses",
    )
    channel = models.ForeignKey(
        "meters.Channel",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="rule_set_uses",
    )
    effective_from = models.DateField(help_text="Local day from which the set holds.")

    class Meta:
        """Names and constraints."""

        ordering = ["source", "delivery_point", "channel", "effective_from"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "delivery_point", "channel", "effective_from"],
                name="rule_set_use_start_once",
                nulls_distinct=False,
                violation_error_message="A rule set already begins there on that day.",
            ),
            models.CheckConstraint(
                name="rule_set_use_one_owner",
                condition=Q(source__isnull=False, delivery_point__isnull=True, channel__isnull=True)
                | Q(source__isnull=True, delivery_point__isnull=False, channel__isnull=True)
                | Q(source__isnull=True, delivery_point__isnull=True, channel__isnull=False),
                violation_error_message="Name a source, a delivery point or a channel: one.",
            ),
        ]

    def __str__(self):
        owner = self.source or self.delivery_point or self.channel
        return f"{self.rule_set or 'no set'} for {owner} from {self.effective_from}"
