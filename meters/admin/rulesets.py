"""Named rule sets, their parameters, and where they hold."""

from django.contrib import admin

from meters.admin.master import RuleSettingForm
from meters.models import RuleSet, RuleSetting, RuleSetUse
from meters.resources import RuleSetResource, RuleSetUseResource
from poweroptix.adminkit import ExchangeAdmin, TabularInline


class SettingInline(TabularInline):
    """Parameters of the rules of a set."""

    model = RuleSetting
    form = RuleSettingForm
    fields = ["rule_key", "parameters", "effective_from"]


class UseInline(TabularInline):
    """Where a set holds."""

    model = RuleSetUse
    autocomplete_fields = ["source", "delivery_point", "channel"]


@admin.register(RuleSet)
class RuleSetAdmin(ExchangeAdmin):
    """Rule sets with all that belongs to them."""

    resource_classes = [RuleSetResource]
    list_display = ["code", "name", "note"]
    list_filter = ["uses__source"]
    search_fields = ["code", "name"]
    inlines = [SettingInline, UseInline]


@admin.register(RuleSetUse)
class RuleSetUseAdmin(ExchangeAdmin):
    """Rule sets of sources, points and channels over time."""

    resource_classes = [RuleSetUseResource]
    list_display = ["rule_set", "source", "delivery_point", "channel", "effective_from"]
    list_filter = ["rule_set", "source"]
    list_select_related = ["rule_set", "source", "delivery_point__campus", "channel"]
    search_fields = [
        *("rule_set__code", "source__code", "delivery_point__code", "channel__code"),
    ]
    autocomplete_fields = ["rule_set", "source", "delivery_point", "channel"]
    date_hierarchy = "effective_from"
