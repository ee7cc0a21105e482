"""Meters, channels, installations and loss factors."""

from decimal import Decimal

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import BigIntegerRangeField, DateTimeRangeField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Func, Q, Value

from .assets import CODE, Campus, CodeManager, DeliveryPoint
from .choices import ChannelKind, Direction, Quantity, Role, ZoneRule

LENGTHS_MINUTES = [1, 5, 10, 15, 30, 60]


class MeterManager(models.Manager):
    """Finds a meter by campus and serial."""

    def get_by_natural_key(self, campus, serial):
        """Return the meter of this campus with this serial number."""
        return self.get(campus__code=campus, serial=serial)


class Meter(models.Model):
    """A measuring device."""

    campus = models.ForeignKey(Campus, on_delete=models.PROTECT, related_name="meters")
    serial = models.CharField(max_length=60)
    manufacturer = models.CharField(max_length=100, blank=True)
    model = models.CharField(max_length=100, blank=True)

    objects = MeterManager()

    class Meta:
        """Names and constraints."""

        ordering = ["campus", "serial"]
        constraints = [
            models.UniqueConstraint(fields=["campus", "serial"], name="meter_serial_once")
        ]

    def __str__(self):
        return f"{self.campus.code}/{self.serial}"

    def natural_key(self):
        """Return what names this row in documents."""
        return (self.campus.code, self.serial)

    natural_key.dependencies = ["meters.campus"]


class Channel(models.Model):
    """One measured quantity and direction of a delivery point, of one interval length for ever."""

    delivery_point = models.ForeignKey(
        DeliveryPoint, on_delete=models.PROTECT, related_name="channels"
    )
    code = models.CharField(
        max_length=100,
        unique=True,
        validators=[CODE],
        help_text="The source's meter id, '/', and the source's channel: TEN-ALFA/DEL_KWH.",
    )
    quantity = models.CharField(max_length=10, choices=Quantity.choices, default=Quantity.KWH)
    direction = models.CharField(
        max_length=10, choices=Direction.choices, default=Direction.DELIVERED
    )
    unit = models.CharField(max_length=12, default="kWh")
    minutes = models.SmallIntegerField(choices=[(m, f"{m} min") for m in LENGTHS_MINUTES])
    role = models.CharField(
        max_length=10,
        choices=Role.choices,
        default=Role.MAIN,
        help_text="Main: counts for the point. Schedule: what was planned, such as a day-ahead "
        "schedule; it is never estimated and takes no part in the balance.",
    )
    kind = models.CharField(
        max_length=10,
        choices=ChannelKind.choices,
        default=ChannelKind.METERED,
        help_text="Metered: read from files. Virtual: computed from other channels.",
    )
    zone_rule = models.CharField(max_length=10, choices=ZoneRule.choices, default=ZoneRule.UTC)
    high_limit_kw = models.DecimalField(max_digits=14, decimal_places=3, null=True, blank=True)
    late_after_hours = models.PositiveSmallIntegerField(
        default=26,
        help_text="Hours after the end of a local day from which missing intervals make it late.",
    )
    is_active = models.BooleanField(default=True)
    source = models.ForeignKey(
        "meters.Source",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="channels",
        help_text="Who delivers it; the rule set of the source then holds for it.",
    )
    successor_of = models.OneToOneField(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="successor",
        help_text="The channel that this one replaces because the interval length changed.",
    )

    objects = CodeManager()

    class Meta:
        """Names and constraints."""

        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                name="channel_minutes_known",
                condition=Q(minutes__in=LENGTHS_MINUTES),
                violation_error_message="An interval is 1, 5, 10, 15, 30 or 60 minutes long.",
            ),
            models.CheckConstraint(
                name="channel_high_limit_range",
                condition=Q(high_limit_kw__isnull=True)
                | Q(high_limit_kw__gt=0, high_limit_kw__lte=10_000_000),
                violation_error_message="The high limit is above 0 and at most 10,000,000 kW.",
            ),
            models.CheckConstraint(
                name="channel_kind_known", condition=Q(kind__in=ChannelKind.values)
            ),
        ]

    def __str__(self):
        return self.code

    def natural_key(self):
        """Return what names this row in documents."""
        return (self.code,)

    @property
    def is_virtual(self) -> bool:
        """Return whether the readings are computed from other channels."""
        return self.kind == ChannelKind.VIRTUAL

    def clean(self):
        """Refuse a successor of another point, role or of the same length."""
        old = self.successor_of
        if old is None:
            return
        if (old.delivery_point_id, old.role) != (self.delivery_point_id, self.role):
            raise ValidationError(
                {"successor_of": "A successor belongs to the same point and has the same role."}
            )
        if old.minutes == self.minutes:
            raise ValidationError({"successor_of": "A successor differs in interval length."})


def pair_range(name: str) -> Func:
    """Return int8range(id, id, '[]'): equality that GiST indexes without an extension."""
    return Func(
        F(name), F(name), Value("[]"), function="int8range", output_field=BigIntegerRangeField()
    )


class Installation(models.Model):
    """A meter on a channel during a time, with its transformer ratios."""

    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="installations")
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="installations")
    valid = DateTimeRangeField(help_text="From (inclusive) to (exclusive), UTC.")
    ct_ratio = models.DecimalField(max_digits=14, decimal_places=6, default=1)
    pt_ratio = models.DecimalField(max_digits=14, decimal_places=6, default=1)
    multiplier_applied_by_source = models.BooleanField(
        default=True, help_text="The source already sends primary values: do not multiply again."
    )
    compensates_losses = models.BooleanField(
        default=False,
        help_text="The meter itself compensates losses to the point of delivery: never again here.",
    )
    pulse_weight = models.DecimalField(
        max_digits=14,
        decimal_places=6,
        null=True,
        blank=True,
        help_text="Of a recorder that counts pulses: what one pulse is worth, before transformers, "
        "in the unit of the channel (Ke).",
    )

    class Meta:
        """Names and constraints."""

        ordering = ["channel", "valid"]
        constraints = [
            ExclusionConstraint(
                name="installation_one_meter_at_a_time",
                expressions=[(pair_range("channel"), "&&"), ("valid", "&&")],
                violation_error_message="Another meter is installed on this channel at that time.",
            ),
            models.CheckConstraint(
                name="installation_valid_not_empty",
                condition=Q(valid__isempty=False, valid__lower_inf=False),
                violation_error_message="An installation starts at an instant and ends after it.",
            ),
            models.CheckConstraint(
                name="installation_ratio_range",
                condition=Q(
                    ct_ratio__gt=0,
                    ct_ratio__lte=1_000_000,
                    pt_ratio__gt=0,
                    pt_ratio__lte=1_000_000,
                ),
                violation_error_message="Transformer ratios are above 0 and at most 1,000,000.",
            ),
            models.CheckConstraint(
                name="installation_pulse_weight_positive",
                condition=Q(pulse_weight__isnull=True) | Q(pulse_weight__gt=0),
                violation_error_message="A pulse weight is above 0.",
            ),
        ]

    def __str__(self):
        return f"{self.meter.serial} on {self.channel.code}"

    def clean(self):
        """Refuse a meter on a channel that is computed."""
        if self.channel_id is not None and self.channel.is_virtual:
            raise ValidationError(
                {"channel": f"{self.channel.code} is virtual: it is computed and has no meter."}
            )

    @property
    def multiplier_ratio(self) -> Decimal:
        """Return CT ratio x PT ratio, exact."""
        return self.ct_ratio * self.pt_ratio

    @property
    def applied_ratio(self) -> Decimal:
        """Return what a stored raw value is multiplied by: 1 if the source has done it."""
        return Decimal(1) if self.multiplier_applied_by_source else self.multiplier_ratio


class LossFactor(models.Model):
    """Factor from the meter to the point of delivery; the next row ends the one before."""

    delivery_point = models.ForeignKey(
        DeliveryPoint, on_delete=models.PROTECT, related_name="loss_factors"
    )
    effective_from = models.DateField()
    loss_ratio = models.DecimalField(
        max_digits=10, decimal_places=8, help_text="1.0123 adds 1.23 %."
    )

    class Meta:
        """Names and constraints."""

        ordering = ["delivery_point", "effective_from"]
        constraints = [
            models.UniqueConstraint(
                fields=["delivery_point", "effective_from"], name="loss_factor_start_once"
            ),
            models.CheckConstraint(
                name="loss_factor_range",
                condition=Q(loss_ratio__gte=Decimal("0.5"), loss_ratio__lte=2),
                violation_error_message="A loss factor lies between 0.5 and 2.",
            ),
        ]

    def __str__(self):
        return f"{self.delivery_point}: {self.loss_ratio} from {self.effective_from}"
