"""What generating units and stores can do, from a day on: limits, power curve, heat rates.

A row holds until the next row of its unit begins. A field that is empty is not known; a rule or an
estimate that needs it then does not judge, and says so.
"""

from django.db import models
from django.db.models import F, Q

from .assets import GeneratingUnit


class UnitLimits(models.Model):
    """Limits of a generating unit or store."""

    generating_unit = models.ForeignKey(
        GeneratingUnit, on_delete=models.PROTECT, related_name="limits"
    )
    effective_from = models.DateField(help_text="Local day from which these limits hold.")
    heat_rate_low_btu_per_kwh = models.DecimalField(
        max_digits=12,
        decimal_places=3,
        null=True,
        blank=True,
        help_text="Lowest plausible heat rate under load, higher heating value.",
    )
    heat_rate_high_btu_per_kwh = models.DecimalField(
        max_digits=12,
        decimal_places=3,
        null=True,
        blank=True,
        help_text="Highest plausible heat rate under load, higher heating value.",
    )
    ramp_kw_per_minute = models.DecimalField(
        max_digits=14,
        decimal_places=3,
        null=True,
        blank=True,
        help_text="How fast the output may change; for units that run steadily.",
    )
    dc_capacity_kw = models.DecimalField(
        max_digits=14, decimal_places=3, null=True, blank=True, help_text="Of the solar panels."
    )
    usable_kwh = models.DecimalField(
        max_digits=14,
        decimal_places=3,
        null=True,
        blank=True,
        help_text="What a store holds between 0 and 100 % of charge.",
    )
    charge_ratio = models.DecimalField(
        max_digits=6,
        decimal_places=5,
        null=True,
        blank=True,
        help_text="Efficiency on the way in: 0.95 stores 95 of 100 kWh.",
    )
    discharge_ratio = models.DecimalField(
        max_digits=6, decimal_places=5, null=True, blank=True, help_text="The same on the way out."
    )
    cut_in_m_per_s = models.DecimalField(
        max_digits=6,
        decimal_places=3,
        null=True,
        blank=True,
        help_text="Wind speed from which a turbine turns.",
    )
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        """Names and constraints."""

        verbose_name_plural = "unit limits"
        ordering = ["generating_unit", "effective_from"]
        constraints = [
            models.UniqueConstraint(
                fields=["generating_unit", "effective_from"],
                name="unit_limits_start_once",
                violation_error_message="The unit already has limits from that day.",
            ),
            models.CheckConstraint(
                name="unit_limits_heat_rate_range",
                condition=(
                    Q(heat_rate_low_btu_per_kwh__isnull=True) | Q(heat_rate_low_btu_per_kwh__gt=0)
                )
                & (
                    Q(heat_rate_high_btu_per_kwh__isnull=True)
                    | Q(heat_rate_high_btu_per_kwh__gt=0, heat_rate_high_btu_per_kwh__lte=100_000)
                )
                & (
                    Q(heat_rate_low_btu_per_kwh__isnull=True)
                    | Q(heat_rate_high_btu_per_kwh__isnull=True)
                    | Q(heat_rate_low_btu_per_kwh__lt=F("heat_rate_high_btu_per_kwh"))
                ),
                violation_error_message="Heat rates are above 0 and at most 100,000 Btu/kWh, the "
                "lower one below the upper one.",
            ),
            models.CheckConstraint(
                name="unit_limits_positive",
                condition=(Q(ramp_kw_per_minute__isnull=True) | Q(ramp_kw_per_minute__gt=0))
                & (Q(dc_capacity_kw__isnull=True) | Q(dc_capacity_kw__gt=0))
                & (Q(usable_kwh__isnull=True) | Q(usable_kwh__gt=0))
                & (Q(cut_in_m_per_s__isnull=True) | Q(cut_in_m_per_s__gt=0)),
                violation_error_message="Ramp, capacity, store and cut-in are above 0, or empty.",
            ),
            models.CheckConstraint(
                name="unit_limits_efficiency_range",
                condition=(
                    Q(charge_ratio__isnull=True) | Q(charge_ratio__gt=0, charge_ratio__lte=1)
                )
                & (
                    Q(discharge_ratio__isnull=True)
                    | Q(discharge_ratio__gt=0, discharge_ratio__lte=1)
                ),
                violation_error_message="An efficiency is above 0 and at most 1.",
            ),
        ]

    def __str__(self):
        return f"Limits of {self.generating_unit} from {self.effective_from}"


class PowerCurvePoint(models.Model):
    """One point of the power curve of a wind plant; rows of one day make one curve."""

    generating_unit = models.ForeignKey(
        GeneratingUnit, on_delete=models.PROTECT, related_name="power_curve_points"
    )
    effective_from = models.DateField(help_text="Local day from which this curve holds.")
    wind_m_per_s = models.DecimalField(max_digits=6, decimal_places=3)
    power_kw = models.DecimalField(
        max_digits=14, decimal_places=3, help_text="Of the whole unit at that wind."
    )

    class Meta:
        """Names and constraints."""

        ordering = ["generating_unit", "effective_from", "wind_m_per_s"]
        constraints = [
            models.UniqueConstraint(
                fields=["generating_unit", "effective_from", "wind_m_per_s"],
                name="power_curve_point_once",
                violation_error_message="The curve already has a point at that wind speed.",
            ),
            models.CheckConstraint(
                name="power_curve_point_range",
                condition=Q(wind_m_per_s__gte=0, power_kw__gte=0, power_kw__lte=10_000_000),
                violation_error_message="Wind and power are not negative; power is at most "
                "10,000,000 kW.",
            ),
        ]

    def __str__(self):
        return f"{self.generating_unit}: {self.power_kw} kW at {self.wind_m_per_s} m/s"


class HeatRatePoint(models.Model):
    """One point of the heat rate of a unit over its fuel flow; rows of one day make one curve."""

    generating_unit = models.ForeignKey(
        GeneratingUnit, on_delete=models.PROTECT, related_name="heat_rate_points"
    )
    effective_from = models.DateField(help_text="Local day from which this curve holds.")
    fuel_mmbtu_per_hour = models.DecimalField(
        max_digits=12, decimal_places=4, help_text="Fuel flow, higher heating value."
    )
    heat_rate_btu_per_kwh = models.DecimalField(max_digits=12, decimal_places=3)

    class Meta:
        """Names and constraints."""

        ordering = ["generating_unit", "effective_from", "fuel_mmbtu_per_hour"]
        constraints = [
            models.UniqueConstraint(
                fields=["generating_unit", "effective_from", "fuel_mmbtu_per_hour"],
                name="heat_rate_point_once",
                violation_error_message="The curve already has a point at that fuel flow.",
            ),
            models.CheckConstraint(
                name="heat_rate_point_range",
                condition=Q(
                    fuel_mmbtu_per_hour__gte=0,
                    heat_rate_btu_per_kwh__gt=0,
                    heat_rate_btu_per_kwh__lte=100_000,
                ),
                violation_error_message="A fuel flow is not negative; a heat rate is above 0 and "
                "at most 100,000 Btu/kWh.",
            ),
        ]

    def __str__(self):
        return (
            f"{self.generating_unit}: {self.heat_rate_btu_per_kwh} Btu/kWh "
            f"at {self.fuel_mmbtu_per_hour} MMBtu/h"
        )
