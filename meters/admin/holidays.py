"""Holidays of campuses; a list of a year comes as a file."""

from django.contrib import admin
from import_export import resources

from meters.models import SiteHoliday
from meters.resources import Exact, campus_field
from poweroptix.adminkit import ExchangeAdmin


class SiteHolidayResource(resources.ModelResource):
    """Holidays by campus and day."""

    campus = campus_field()

    class Meta(Exact):
        """Columns and what names a row."""

        model = SiteHoliday
        import_id_fields = ("campus", "date")
        fields = ("campus", "date", "name")


@admin.register(SiteHoliday)
class SiteHolidayAdmin(ExchangeAdmin):
    """Days on which a campus runs as on a holiday."""

    resource_classes = [SiteHolidayResource]
    list_display = ["date", "name", "campus"]
    list_filter = ["campus"]
    list_select_related = ["campus"]
    search_fields = ["name", "campus__code"]
    autocomplete_fields = ["campus"]
    date_hierarchy = "date"
