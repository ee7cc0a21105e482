"""Close calendars and the contracts that have their own."""

from django.contrib import admin

from poweroptix.adminkit import ExportAdmin, TabularInline
from settlement.models import CloseCalendar, CloseContract


class ContractInline(TabularInline):
    """Contracts for which the calendar goes before that of their campus."""

    model = CloseContract
    autocomplete_fields = ["contract"]
    deletable = True


@admin.register(CloseCalendar)
class CloseCalendarAdmin(ExportAdmin):
    """Close calendars: which step of a month is due when."""

    list_display = ["code", "name", "campus", "holidays", "materiality_usd"]
    list_filter = ["campus"]
    list_select_related = ["campus", "holidays"]
    search_fields = ["code", "name", "campus__code"]
    inlines = [ContractInline]
