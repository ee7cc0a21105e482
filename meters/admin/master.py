"""Master data: campuses, units, points, meters, channels, installations, loss factors, rules."""

from django import forms
from django.contrib import admin

from meters.estimation import estimators
from meters.models import (
    Campus,
    Channel,
    DeliveryPoint,
    GeneratingUnit,
    Installation,
    LossFactor,
    Meter,
    ReadingBlock,
    RuleSetting,
)
from meters.resources import (
    CampusResource,
    ChannelResource,
    DeliveryPointResource,
    GeneratingUnitResource,
    InstallationResource,
    LossFactorResource,
    MeterResource,
    RuleSettingResource,
)
from meters.validation import rules
from poweroptix.adminkit import ExchangeAdmin, TabularInline, badge


class InstallationInline(TabularInline):
    """Meters of a channel over time."""

    model = Installation
    autocomplete_fields = ["meter"]


class LossFactorInline(TabularInline):
    """Loss factors of a point."""

    model = LossFactor


class ChannelInline(TabularInline):
    """Channels of a point."""

    model = Channel
    fields = ["code", "quantity", "direction", "unit", "minutes", "role", "is_active"]
    show_change_link = True


@admin.register(Campus)
class CampusAdmin(ExchangeAdmin):
    """Campuses."""

    resource_classes = [CampusResource]
    list_display = ["code", "name", "zone", "currency", "tolerance"]
    list_filter = ["zone"]
    search_fields = ["code", "name"]

    @admin.display(description="balance tolerance")
    def tolerance(self, obj):
        """Return the range of daily losses that passes."""
        return f"{obj.balance_tolerance_low_ratio:.2%} to {obj.balance_tolerance_high_ratio:.2%}"


@admin.register(GeneratingUnit)
class GeneratingUnitAdmin(ExchangeAdmin):
    """Generating units."""

    resource_classes = [GeneratingUnitResource]
    list_display = ["code", "name", "campus", "technology", "vendor", "nameplate_kw",
                    "commissioning_date"]  # fmt: skip
    list_filter = ["campus", "technology", "vendor"]
    list_select_related = ["campus"]
    search_fields = ["code", "name", "vendor"]


@admin.register(DeliveryPoint)
class DeliveryPointAdmin(ExchangeAdmin):
    """Delivery points."""

    resource_classes = [DeliveryPointResource]
    list_display = ["code", "name", "campus", "kind", "generating_unit", "capacity_kw"]
    list_filter = ["campus", "kind"]
    list_select_related = ["campus", "generating_unit__campus"]
    search_fields = ["code", "name"]
    autocomplete_fields = ["campus", "generating_unit"]
    inlines = [ChannelInline, LossFactorInline]


@admin.register(Meter)
class MeterAdmin(ExchangeAdmin):
    """Meters."""

    resource_classes = [MeterResource]
    list_display = ["serial", "campus", "manufacturer", "model"]
    list_filter = ["campus", "manufacturer"]
    list_select_related = ["campus"]
    search_fields = ["serial", "manufacturer", "model"]


@admin.register(Channel)
class ChannelAdmin(ExchangeAdmin):
    """Channels."""

    resource_classes = [ChannelResource]
    list_display = ["code", "delivery_point", "quantity", "direction", "unit", "minutes", "role",
                    "shown_active"]  # fmt: skip
    list_filter = ["delivery_point__campus", "quantity", "direction", "role", "minutes",
                   "is_active"]  # fmt: skip
    list_select_related = ["delivery_point__campus"]
    search_fields = ["code", "delivery_point__code", "delivery_point__name"]
    autocomplete_fields = ["delivery_point", "successor_of"]
    inlines = [InstallationInline]

    def get_readonly_fields(self, request, obj=None):
        """Keep unit and length once readings are stored: they were counted in them."""
        if obj is not None and ReadingBlock.objects.filter(channel_id=obj.pk).exists():
            return ["unit", "minutes", "quantity", "direction"]
        return []

    @admin.display(description="active", ordering="is_active")
    def shown_active(self, obj):
        """Return whether readings are expected."""
        return badge("active", "good") if obj.is_active else badge("inactive", "quiet")


@admin.register(Installation)
class InstallationAdmin(ExchangeAdmin):
    """Meters on channels over time."""

    resource_classes = [InstallationResource]
    list_display = ["channel", "meter", "valid", "shown_multiplier"]
    list_filter = ["channel__delivery_point__campus", "multiplier_applied_by_source"]
    list_select_related = ["channel", "meter__campus"]
    search_fields = ["channel__code", "meter__serial"]
    autocomplete_fields = ["channel", "meter"]

    @admin.display(description="multiplier")
    def shown_multiplier(self, obj):
        """Return CT x PT and whether the source has applied it."""
        by = " (applied by source)" if obj.multiplier_applied_by_source else ""
        return f"{obj.multiplier_ratio.normalize():f}{by}"


@admin.register(LossFactor)
class LossFactorAdmin(ExchangeAdmin):
    """Loss factors."""

    resource_classes = [LossFactorResource]
    list_display = ["delivery_point", "effective_from", "loss_ratio"]
    list_filter = ["delivery_point__campus"]
    list_select_related = ["delivery_point__campus"]
    search_fields = ["delivery_point__code", "delivery_point__name"]
    autocomplete_fields = ["delivery_point"]
    date_hierarchy = "effective_from"


def rule_choices() -> list[tuple[str, str]]:
    """Return the keys of rules and estimators with their titles."""
    return [*rules.choices(), *estimators.choices()]


class RuleSettingForm(forms.ModelForm):
    """Parameters of one rule, chosen from the rules there are."""

    rule_key = forms.ChoiceField(label="Rule", choices=rule_choices)

    class Meta:
        """Columns."""

        model = RuleSetting
        fields = ["rule_key", "campus", "rule_set", "channel", "parameters", "effective_from"]


@admin.register(RuleSetting)
class RuleSettingAdmin(ExchangeAdmin):
    """Parameters of validation rules and estimators."""

    form = RuleSettingForm
    resource_classes = [RuleSettingResource]
    list_display = ["rule_key", "campus", "rule_set", "channel", "parameters", "effective_from"]
    list_filter = ["rule_key", "campus"]
    list_select_related = ["campus", "channel", "rule_set"]
    search_fields = ["rule_key", "channel__code", "campus__code", "rule_set__code"]
    autocomplete_fields = ["campus", "channel", "rule_set"]
    date_hierarchy = "effective_from"
