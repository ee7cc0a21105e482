"""Parties, calendars and index series."""

from django.contrib import admin
from django.db.models import Count, Max

from contracts.models import (
    Holiday,
    HolidayCalendar,
    IndexBlock,
    IndexSeries,
    Party,
    TouCalendar,
)
from contracts.resources import (
    HolidayResource,
    IndexSeriesResource,
    PartyResource,
    TouCalendarResource,
)
from contracts.services import add_nerc_holidays
from poweroptix.adminkit import ExchangeAdmin, TabularInline, badge
from poweroptix.audit.actor import Actor
from poweroptix.clock import now


@admin.register(Party)
class PartyAdmin(ExchangeAdmin):
    """Parties."""

    resource_classes = [PartyResource]
    list_display = ["code", "name", "legal_name", "role", "tenant"]
    list_filter = ["role", "tenant"]
    list_select_related = ["tenant"]
    search_fields = ["code", "name", "legal_name", "tax_id"]
    autocomplete_fields = ["tenant"]


class HolidayInline(TabularInline):
    """Days of a calendar."""

    model = Holiday
    ordering = ["date"]


@admin.register(HolidayCalendar)
class HolidayCalendarAdmin(ExchangeAdmin):
    """Lists of holidays."""

    list_display = ["code", "name", "days", "last_day"]
    search_fields = ["code", "name"]
    inlines = [HolidayInline]
    actions = ["add_nerc_years"]

    def get_queryset(self, request):
        """Count the days in the same query."""
        rows = super().get_queryset(request)
        return rows.annotate(_days=Count("holidays"), _last=Max("holidays__date"))

    @admin.display(ordering="_days")
    def days(self, obj):
        """How many days are listed."""
        return obj._days

    @admin.display(ordering="_last")
    def last_day(self, obj):
        """Return the last day listed; beyond it the calendar knows no holiday."""
        return obj._last

    @admin.action(description="Add the NERC holidays of this and the next five years")
    def add_nerc_years(self, request, queryset):
        """Fill the chosen calendars by rule."""
        first = now().year
        for calendar in queryset:
            count = add_nerc_holidays(
                calendar, range(first, first + 6), actor=Actor.of_user(request.user)
            )
            self.message_user(request, f"{calendar}: {count} days added")


@admin.register(Holiday)
class HolidayAdmin(ExchangeAdmin):
    """Single holidays, for import and search."""

    resource_classes = [HolidayResource]
    list_display = ["date", "name", "calendar"]
    list_filter = ["calendar"]
    list_select_related = ["calendar"]
    search_fields = ["name", "date"]
    date_hierarchy = "date"


@admin.register(TouCalendar)
class TouCalendarAdmin(ExchangeAdmin):
    """Time-of-use calendars."""

    resource_classes = [TouCalendarResource]
    list_display = ["code", "name", "zone", "holidays"]
    list_filter = ["zone"]
    list_select_related = ["holidays"]
    search_fields = ["code", "name"]

    def get_readonly_fields(self, request, obj=None):
        """Keep a schedule that an active version prices by: a change gets a new code."""
        if obj is not None and obj.is_in_use():
            return ["code", "zone", "schedule"]
        return []


@admin.register(IndexSeries)
class IndexSeriesAdmin(ExchangeAdmin):
    """Index series and how far their prices reach."""

    resource_classes = [IndexSeriesResource]
    list_display = ["code", "name", "unit", "minutes", "market", "reaches_to", "last_vintage"]
    list_filter = ["unit", "minutes", "market"]
    search_fields = ["code", "name", "location"]

    def get_queryset(self, request):
        """Find the last day in the same query."""
        return super().get_queryset(request).annotate(_last=Max("blocks__day"))

    def get_readonly_fields(self, request, obj=None):
        """Keep unit and length once prices are published."""
        return ["code", "unit", "minutes"] if obj is not None and obj.blocks.exists() else []

    @admin.display(ordering="_last")
    def reaches_to(self, obj):
        """Last UTC day with prices."""
        return obj._last

    @admin.display(description="last vintage")
    def last_vintage(self, obj):
        """Vintage of the newest prices, final or not."""
        block = (
            IndexBlock.objects.filter(series_id=obj.pk)
            .defer("values")
            .order_by("-day", "-version")
            .first()
        )
        if block is None:
            return badge("no prices", "warn")
        return badge(block.vintage, "good" if block.final else "warn")
