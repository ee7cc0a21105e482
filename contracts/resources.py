"""Import and export of reference data; rows are found again by their own names."""

from import_export import fields, resources
from import_export.widgets import ForeignKeyWidget, JSONWidget

from contracts.models import (
    Contract,
    Holiday,
    HolidayCalendar,
    IndexSeries,
    Party,
    TouCalendar,
)
from poweroptix.accounts.models import Tenant


class Document(JSONWidget):
    """A JSON cell; an empty one is an empty document."""

    def clean(self, value, row=None, **kwargs):
        """Return the document of a cell."""
        return super().clean(value) or {}

    def render(self, value, obj=None, **kwargs):
        """Return the cell of a document."""
        return super().render(value) or "{}"


class Exact:
    """Options of every resource: rows are judged as forms are; equal ones are skipped."""

    clean_model_instances = True
    skip_unchanged = True
    report_skipped = True


class PartyResource(resources.ModelResource):
    """Parties by code; bank and address as JSON."""

    tenant = fields.Field("tenant", "tenant", ForeignKeyWidget(Tenant, "code"))
    address = fields.Field("address", "address", Document())
    bank = fields.Field("bank", "bank", Document())

    class Meta(Exact):
        """Columns."""

        model = Party
        import_id_fields = ["code"]
        fields = [
            "code",
            "name",
            "legal_name",
            "role",
            "tenant",
            "address",
            "bank",
            "tax_id",
            "invoice_prefix",
        ]


class HolidayResource(resources.ModelResource):
    """Holidays by calendar and date."""

    calendar = fields.Field("calendar", "calendar", ForeignKeyWidget(HolidayCalendar, "code"))

    class Meta(Exact):
        """Columns."""

        model = Holiday
        import_id_fields = ["calendar", "date"]
        fields = ["calendar", "date", "name"]


class TouCalendarResource(resources.ModelResource):
    """Time-of-use calendars by code; the schedule as JSON."""

    schedule = fields.Field("schedule", "schedule", Document())
    holidays = fields.Field("holidays", "holidays", ForeignKeyWidget(HolidayCalendar, "code"))

    class Meta(Exact):
        """Columns."""

        model = TouCalendar
        import_id_fields = ["code"]
        fields = ["code", "name", "zone", "schedule", "holidays"]


class IndexSeriesResource(resources.ModelResource):
    """Index series by code."""

    class Meta(Exact):
        """Columns."""

        model = IndexSeries
        import_id_fields = ["code"]
        fields = ["code", "name", "unit", "minutes", "zone", "market", "location"]


class ContractResource(resources.ModelResource):
    """Contracts, for export."""

    seller = fields.Field("seller", "seller", ForeignKeyWidget(Party, "code"))
    offtaker = fields.Field("offtaker", "offtaker", ForeignKeyWidget(Party, "code"))

    class Meta(Exact):
        """Columns."""

        model = Contract
        import_id_fields = ["code"]
        fields = [
            "code",
            "name",
            "seller",
            "offtaker",
            "currency",
            "zone",
            "payment_days",
            "rounding_point",
            "rounding",
            "state",
        ]
