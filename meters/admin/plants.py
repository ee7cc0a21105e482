"""What units can do and how meter clocks run: limits, curves, clock checks."""

from django.contrib import admin
from import_export import fields, resources

from meters.admin.metrology import AddOnly
from meters.models import (
    ClockCheck,
    GeneratingUnit,
    HeatRatePoint,
    PowerCurvePoint,
    UnitLimits,
)
from meters.resources import CampusPart, Exact
from poweroptix.adminkit import ExchangeAdmin


def unit_field() -> fields.Field:
    """Return a column that names a generating unit as CAMPUS/CODE."""
    return fields.Field("generating_unit", "generating_unit", CampusPart(GeneratingUnit))


class UnitLimitsResource(resources.ModelResource):
    """Limits by unit and day."""

    generating_unit = unit_field()

    class Meta(Exact):
        """Columns and what names a row."""

        model = UnitLimits
        import_id_fields = ("generating_unit", "effective_from")
        exclude = ("id",)


class PowerCurvePointResource(resources.ModelResource):
    """Power curves point by point."""

    generating_unit = unit_field()

    class Meta(Exact):
        """Columns and what names a row."""

        model = PowerCurvePoint
        import_id_fields = ("generating_unit", "effective_from", "wind_m_per_s")
        exclude = ("id",)


class HeatRatePointResource(resources.ModelResource):
    """Heat rates point by point."""

    generating_unit = unit_field()

    class Meta(Exact):
        """Columns and what names a row."""

        model = HeatRatePoint
        import_id_fields = ("generating_unit", "effective_from", "fuel_mmbtu_per_hour")
        exclude = ("id",)


class ClockCheckResource(resources.ModelResource):
    """Clock checks, for export."""

    class Meta:
        """Columns."""

        model = ClockCheck


class OfUnit(ExchangeAdmin):
    """Rows that hold for a unit from a day on."""

    list_filter = ["generating_unit__campus"]
    list_select_related = ["generating_unit__campus"]
    search_fields = ["generating_unit__code", "generating_unit__name"]
    autocomplete_fields = ["generating_unit"]
    date_hierarchy = "effective_from"


@admin.register(UnitLimits)
class UnitLimitsAdmin(OfUnit):
    """Limits of units and stores."""

    resource_classes = [UnitLimitsResource]
    list_display = [
        *("generating_unit", "effective_from", "heat_rate_low_btu_per_kwh"),
        *("heat_rate_high_btu_per_kwh", "ramp_kw_per_minute", "dc_capacity_kw", "usable_kwh"),
        *("charge_ratio", "discharge_ratio", "cut_in_m_per_s"),
    ]


@admin.register(PowerCurvePoint)
class PowerCurvePointAdmin(OfUnit):
    """Power curves of wind plants."""

    resource_classes = [PowerCurvePointResource]
    list_display = ["generating_unit", "effective_from", "wind_m_per_s", "power_kw"]


@admin.register(HeatRatePoint)
class HeatRatePointAdmin(OfUnit):
    """Heat rates of units over their fuel flow."""

    resource_classes = [HeatRatePointResource]
    list_display = [
        *("generating_unit", "effective_from", "fuel_mmbtu_per_hour", "heat_rate_btu_per_kwh")
    ]


@admin.register(ClockCheck)
class ClockCheckAdmin(AddOnly):
    """Comparisons of meter clocks; added by people or by what collects readings."""

    resource_classes = [ClockCheckResource]
    list_display = ["meter", "at_utc", "drift_s", "reference", "recorded_by"]
    list_filter = ["meter__campus", "reference"]
    list_select_related = ["meter__campus"]
    search_fields = ["meter__serial", "reference"]
    autocomplete_fields = ["meter"]
    date_hierarchy = "at_utc"
