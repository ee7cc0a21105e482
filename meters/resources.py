"""Import and export of master data; rows are found again by their own names."""

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from import_export import fields, resources
from import_export.widgets import (
    DateTimeWidget,
    ForeignKeyWidget,
    JSONWidget,
    Widget,
)

from meters.models import (
    Campus,
    Channel,
    ChannelAlias,
    DeliveryPoint,
    Edit,
    Finding,
    GeneratingUnit,
    ImportFile,
    ImportProfile,
    Installation,
    LossFactor,
    Meter,
    QuarantinedRecord,
    RegisterRead,
    RuleSet,
    RuleSetting,
    RuleSetUse,
    Source,
)


class Exact:
    """Options of every resource: equal rows are skipped and said so."""

    skip_unchanged = True
    report_skipped = True
    clean_model_instances = True


class Document(JSONWidget):
    """A JSON cell; an empty one is an empty document."""

    def clean(self, value, row=None, **kwargs):
        """Return the document of a cell."""
        return super().clean(value) or {}

    def render(self, value, obj=None, **kwargs):
        """Return the cell of a document."""
        return super().render(value) or "{}"


class CampusPart(ForeignKeyWidget):
    """A cell CAMPUS/CODE that names a row of a campus."""

    def __init__(self, model, field="code"):
        """Remember which column of the model the second half names."""
        super().__init__(model, field)

    def clean(self, value, row=None, **kwargs):
        """Return the row; a wrong name is told."""
        if not value:
            return None
        campus, _, code = str(value).partition("/")
        found = self.model.objects.filter(campus__code=campus, **{self.field: code}).first()
        if found is None:
            kind = self.model._meta.verbose_name
            raise ValueError(f"There is no {kind} {value}; write CAMPUS/CODE.")
        return found

    def render(self, value, obj=None, **kwargs):
        """Return the cell of a row."""
        return f"{value.campus.code}/{getattr(value, self.field)}" if value else ""


class Instants(Widget):
    """A cell FROM..TO of instants with offset; an empty TO has no end."""

    _moment = DateTimeWidget(format="%Y-%m-%dT%H:%M:%S%z")

    def clean(self, value, row=None, **kwargs):
        """Return the range of a cell."""
        start, _, end = str(value or "").partition("..")
        if not start:
            raise ValueError("Write FROM..TO, such as 2026-01-01T00:00:00+00:00..")
        return DateTimeTZRange(self._moment.clean(start), self._moment.clean(end) if end else None)

    def render(self, value, obj=None, **kwargs):
        """Return the cell of a range."""
        if value is None:
            return ""
        end = value.upper.isoformat() if value.upper else ""
        return f"{value.lower.isoformat()}..{end}"


def campus_field() -> fields.Field:
    """Return a column that names a campus by its code."""
    return fields.Field("campus", "campus", ForeignKeyWidget(Campus, "code"))


def channel_field() -> fields.Field:
    """Return a column that names a channel by its code."""
    return fields.Field("channel", "channel", ForeignKeyWidget(Channel, "code"))


def point_field() -> fields.Field:
    """Return a column that names a delivery point as CAMPUS/CODE."""
    return fields.Field("delivery_point", "delivery_point", CampusPart(DeliveryPoint))


class CampusResource(resources.ModelResource):
    """Campuses by code."""

    class Meta(Exact):
        """Columns."""

        model = Campus
        import_id_fields = ["code"]
        exclude = ["id"]


class GeneratingUnitResource(resources.ModelResource):
    """Generating units by campus and code."""

    campus = campus_field()

    class Meta(Exact):
        """Columns."""

        model = GeneratingUnit
        import_id_fields = ["campus", "code"]
        exclude = ["id"]


class DeliveryPointResource(resources.ModelResource):
    """Delivery points by campus and code."""

    campus = campus_field()
    generating_unit = fields.Field("generating_unit", "generating_unit", CampusPart(GeneratingUnit))

    class Meta(Exact):
        """Columns."""

        model = DeliveryPoint
        import_id_fields = ["campus", "code"]
        exclude = ["id"]


class MeterResource(resources.ModelResource):
    """Meters by campus and serial number."""

    campus = campus_field()

    class Meta(Exact):
        """Columns."""

        model = Meter
        import_id_fields = ["campus", "serial"]
        exclude = ["id"]


class ChannelResource(resources.ModelResource):
    """Channels by code."""

    delivery_point = point_field()
    successor_of = fields.Field("successor_of", "successor_of", ForeignKeyWidget(Channel, "code"))
    source = fields.Field("source", "source", ForeignKeyWidget(Source, "code"))

    class Meta(Exact):
        """Columns."""

        model = Channel
        import_id_fields = ["code"]
        exclude = ["id"]


class InstallationResource(resources.ModelResource):
    """Installations by channel, meter and time."""

    channel = channel_field()
    meter = fields.Field("meter", "meter", CampusPart(Meter, "serial"))
    valid = fields.Field("valid", "valid", Instants())

    class Meta(Exact):
        """Columns."""

        model = Installation
        import_id_fields = ["channel", "meter", "valid"]
        exclude = ["id"]


class LossFactorResource(resources.ModelResource):
    """Loss factors by point and start."""

    delivery_point = point_field()

    class Meta(Exact):
        """Columns."""

        model = LossFactor
        import_id_fields = ["delivery_point", "effective_from"]
        exclude = ["id"]


class ImportProfileResource(resources.ModelResource):
    """Import profiles by code. The export form drops a field named `format`, its own word."""

    file_format = fields.Field("format", "format")
    quality_map = fields.Field("quality_map", "quality_map", Document())
    options = fields.Field("options", "options", Document())

    class Meta(Exact):
        """Columns."""

        model = ImportProfile
        import_id_fields = ["code"]
        exclude = ["id", "format"]


class ChannelAliasResource(resources.ModelResource):
    """Names of sources for channels."""

    channel = channel_field()

    class Meta(Exact):
        """Columns."""

        model = ChannelAlias
        import_id_fields = ["source", "channel_text"]
        exclude = ["id"]


class RuleSettingResource(resources.ModelResource):
    """Parameters of rules by owner and start."""

    campus = campus_field()
    channel = channel_field()
    rule_set = fields.Field("rule_set", "rule_set", ForeignKeyWidget(RuleSet, "code"))
    parameters = fields.Field("parameters", "parameters", Document())

    class Meta(Exact):
        """Columns."""

        model = RuleSetting
        import_id_fields = ["rule_key", "campus", "channel", "rule_set", "effective_from"]
        exclude = ["id"]


class RuleSetResource(resources.ModelResource):
    """Rule sets by code."""

    class Meta(Exact):
        """Columns."""

        model = RuleSet
        import_id_fields = ["code"]
        exclude = ["id"]


class RuleSetUseResource(resources.ModelResource):
    """Where rule sets hold, by owner and start."""

    rule_set = fields.Field("rule_set", "rule_set", ForeignKeyWidget(RuleSet, "code"))
    source = fields.Field("source", "source", ForeignKeyWidget(Source, "code"))
    delivery_point = point_field()
    channel = channel_field()

    class Meta(Exact):
        """Columns."""

        model = RuleSetUse
        import_id_fields = ["source", "delivery_point", "channel", "effective_from"]
        exclude = ["id"]


class ImportFileResource(resources.ModelResource):
    """Received files, for export."""

    file_format = fields.Field("format", "format")

    class Meta:
        """Columns."""

        model = ImportFile
        exclude = ["receipt", "path", "format"]


class QuarantinedRecordResource(resources.ModelResource):
    """Quarantined records with their reason, for export."""

    class Meta:
        """Columns."""

        model = QuarantinedRecord


class FindingResource(resources.ModelResource):
    """Findings, for export."""

    channel = channel_field()

    class Meta:
        """Columns."""

        model = Finding
        exclude = ["worksheet", "detail"]


class RegisterReadResource(resources.ModelResource):
    """Register reads, for export."""

    channel = channel_field()

    class Meta:
        """Columns."""

        model = RegisterRead


class EditResource(resources.ModelResource):
    """Edits, for export."""

    channel = channel_field()

    class Meta:
        """Columns."""

        model = Edit
