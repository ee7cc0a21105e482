"""Addresses of the API."""

from django.urls import path, re_path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view, inline_serializer
from rest_framework.request import Request

from poweroptix.api import (
    beside,
    children,
    commerce,
    decisions,
    entries,
    explained,
    months,
    readings,
    resources,
    serializers,
    shapes,
    sharing,
    starts,
)
from poweroptix.api.documentation import (
    Docs,
    Schema,
    UploadForm,
    child_schema,
    decision_schema,
    entry_schema,
    list_schema,
    object_schema,
    query,
    start_schema,
)
from poweroptix.api.lists import ApiView, ListView, ObjectView, Resource
from poweroptix.api.problem import NOTHING_HERE, problem

BODIES = {
    "money-pool-items": (entries.Items, entries.ItemIn, "Enter an amount of a pool's month"),
    "contract-events": (entries.Events, entries.EventIn, "Record an event, or correct one"),
    "import-files": (starts.Uploads, UploadForm, "Upload a file of readings"),
    "allocation-runs": (starts.Allocations, serializers.AllocationIn, "Allocate a campus month"),
    "settlement-runs": (starts.Settlements, serializers.SettlementIn, "Settle a month"),
}
SPAN = [
    query("start", "Instant with offset, inclusive.", required=True),
    query("end", "Instant with offset, exclusive.", required=True),
]


def _guards(resource: Resource) -> dict:
    return {
        "resource": resource,
        "staff_verb": resource.staff,
        "tenant_verb": resource.tenant,
        "__doc__": f"{resource.title}.",
    }


def _list(resource: Resource):
    base, body, summary = BODIES.get(resource.name, (ListView, None, ""))
    known = frozenset({*resource.filters, "limit", "cursor"})
    made = type(
        f"{resource.serializer.__name__}List", (base,), _guards(resource) | {"parameters": known}
    )
    if body is None:
        made.http_method_names = ("get",)
        return extend_schema_view(get=extend_schema(**list_schema(resource)))(made).as_view()
    told = entry_schema if issubclass(base, entries.Entered) else start_schema
    post = told(resource, body, summary)
    return extend_schema_view(
        get=extend_schema(**list_schema(resource)), post=extend_schema(**post)
    )(made).as_view()


def _one(resource: Resource):
    more = _guards(resource) | {"http_method_names": ("get",)}
    made = type(f"{resource.serializer.__name__}One", (ObjectView,), more)
    return extend_schema_view(get=extend_schema(**object_schema(resource)))(made).as_view()


def _child(view, resource: Resource, name: str, answers: dict, parameters=(), summary: str = ""):
    told = summary or (view.__doc__ or "").splitlines()[0]
    schema = extend_schema(**child_schema(resource, name, told, answers, parameters))
    made = type(view.__name__, (view,), {"http_method_names": ("get",), "__doc__": view.__doc__})
    return extend_schema_view(get=schema)(made).as_view()


def _rows(serializer):
    """Return the envelope of rows that come all at once."""
    name = f"{serializer.__name__.removesuffix('Serializer')}Rows"
    return {200: inline_serializer(name, {"data": serializer(many=True)})}


class Unknown(ApiView):
    """Every other address."""

    authentication_classes = ()
    http_method_names = ("get", "post", "put", "patch", "delete", "head", "options")

    def dispatch(self, request: Request, *_args, **_kwargs):
        """Refuse."""
        return problem(404, "not_found", NOTHING_HERE, instance=request.path)


V1 = "v1"
urlpatterns = [
    path("schema/", Schema.as_view(), name="api-schema"),
    path("docs/", Docs.as_view(), name="api-docs"),
]
for one in resources.ALL:
    single = resources.RECEIPTS if one is resources.FILES else one
    urlpatterns += [
        path(f"{V1}/{one.name}", _list(one), name=f"api-{one.name}"),
        path(f"{V1}/{one.name}/<str:key>", _one(single), name=f"api-{one.name}-one"),
    ]


def table(serializer) -> dict:
    """Return the answers of what can be read as a document and as a table."""
    return {(200, "application/json"): serializer, (200, "text/csv"): OpenApiTypes.STR}


LINE = "settlement-runs/<str:key>/lines/<int:position>"
INTERVALS = [
    query("day", "Only those of this local day, such as 2026-03-12."),
    query("limit", "1 to 500, 100 without it; CSV has all without it.", kind=int),
    query("cursor", "next_cursor of the page before."),
]
TRACE = [query("at", "Instant with offset: the interval that holds it.", required=True)]
PARTY = [query("party", "Only the statement of this party, by its code.")]
AGAINST = [query("against", "Version of the other run; the approved one before without it.")]
LAYER = query("layer", "final (as settled, without a word) or raw (as received).")
READINGS = {
    (200, "text/csv"): OpenApiTypes.STR,
    (200, "application/atom+xml"): OpenApiTypes.STR,
    (200, "application/vnd.apache.parquet"): OpenApiTypes.BINARY,
}
EXPORT = [
    query("first", "First day, such as 2026-03-01.", required=True),
    query("last", "Last day, included.", required=True),
    query("file", "csv_long@1 (without a word), parquet@1, espi@1 or nem12@1."),
    query("zone", "Zone of the days, the campus's without a word."),
    LAYER,
]
DOCUMENT = {200: OpenApiTypes.OBJECT}
MONTH = [query("month", "Local month of the campus, such as 2026-03.", required=True)]
REPLAY = [
    query("month", "Local month of the contract, such as 2026-03.", required=True),
    query("as_of", "Instant with offset: the lines that counted then.", required=True),
]
INVOICE_FILES = {
    "pdf": ("application/pdf", OpenApiTypes.BINARY, "The PDF of an invoice, as it was issued"),
    "csv": ("text/csv", OpenApiTypes.STR, "The intervals of an invoice, as it was issued"),
    "json": ("application/json", OpenApiTypes.OBJECT, "The document of an invoice, as issued"),
}
CHILDREN = (
    (
        *("channels/<str:key>/series", "channel-series", children.ChannelSeries),
        *(resources.CHANNELS, "series_of_channels", table(serializers.SeriesOut), [*SPAN, LAYER]),
    ),
    (
        *("channels/<str:key>/readings", "channel-readings", readings.ChannelReadings),
        *(resources.CHANNELS, "readings_of_channels", READINGS, EXPORT),
    ),
    (
        *("campuses/<str:key>/quality-report", "campus-quality", months.QualityReportOfMonth),
        *(resources.CAMPUSES, "quality_report_of_campuses", DOCUMENT, MONTH),
    ),
    (
        *("campuses/<str:key>/completeness", "campus-completeness", months.CompletenessOfMonth),
        *(resources.CAMPUSES, "completeness_of_campuses", DOCUMENT, MONTH),
    ),
    (
        *("contracts/<str:key>/replay", "contract-replay", months.ReplayOfMonth),
        *(resources.CONTRACTS, "replay_of_contracts", DOCUMENT, REPLAY),
    ),
    (
        *("index-series/<str:key>/values", "index-values", children.IndexValues),
        *(resources.INDICES, "values_of_index_series", table(serializers.PricesOut), SPAN),
    ),
    (
        *("settlement-runs/<str:key>/lines", "run-lines", children.RunLines),
        *(resources.RUNS, "lines_of_settlement_runs", _rows(serializers.LineOut), ()),
    ),
    (
        *(f"{LINE}/explain", "run-line", explained.RunLine),
        *(resources.RUNS, "explanation_of_settlement_runs", {200: shapes.Explanation}, ()),
    ),
    (
        *(f"{LINE}/intervals", "run-line-intervals", explained.LineIntervals),
        *(resources.RUNS, "intervals_of_settlement_runs", table(shapes.Intervals), INTERVALS),
    ),
    (
        *(f"{LINE}/trace", "run-line-trace", explained.LineTrace),
        *(resources.RUNS, "trace_of_settlement_runs", {200: shapes.Traced}, TRACE),
    ),
    (
        *("settlement-runs/<str:key>/compare", "run-compare", beside.RunCompare),
        *(resources.RUNS, "comparison_of_settlement_runs", table(shapes.Compared), AGAINST),
    ),
    (
        *("what-ifs/<str:key>/compare", "what-if-compare", beside.WhatIfCompare),
        *(commerce.WHAT_IFS, "comparison_of_what_ifs", table(shapes.WhatIfCompared), ()),
    ),
    (
        *("counterparty-statements/<str:key>/compare", "statement-compare"),
        *(beside.StatementCompare, commerce.STATEMENTS),
        *("comparison_of_counterparty_statements", table(shapes.ShadowSaid), ()),
    ),
    (
        *("money-pool-months/<str:key>/shares", "pool-month-shares", sharing.PoolShares),
        *(sharing.POOL_MONTHS, "shares_of_money_pool_months", table(shapes.PoolShares), ()),
    ),
    (
        *("owner-months/<str:key>/statements", "owner-statements", sharing.OwnerStatements),
        *(sharing.OWNER_MONTHS, "statements_of_owner_months", table(shapes.Statements), PARTY),
    ),
    (
        *("invoices/<str:key>/lines", "invoice-lines", children.InvoiceLines),
        *(resources.INVOICES, "lines_of_invoices", _rows(serializers.InvoiceLineOut), ()),
    ),
)
for place, short, view, parent, operation, answers, parameters in CHILDREN:
    urlpatterns.append(
        path(
            f"{V1}/{place}",
            _child(view, parent, operation, answers, parameters),
            name=f"api-{short}",
        )
    )
DECISIONS = (
    ("finding", "assign", decisions.AssignFinding),
    ("finding", "accept", decisions.AcceptFinding),
    ("money-pool-item", "withdraw", entries.WithdrawItem),
    ("contract-event", "withdraw", entries.WithdrawEvent),
)
for one, verb, view in DECISIONS:
    told = (view.__doc__ or "").splitlines()[0]
    operation = f"{verb}_{one.replace('-', '_')}"
    decided = extend_schema(**decision_schema(view.resource, operation, told, view.body))
    urlpatterns.append(
        path(
            f"{V1}/{view.resource.name}/<str:key>/{verb}",
            extend_schema_view(post=decided)(view).as_view(),
            name=f"api-{one}-{verb}",
        )
    )
for form, (kind, content, told) in INVOICE_FILES.items():
    file_view = _child(
        children.InvoiceFile,
        resources.INVOICES,
        f"{form}_of_invoices",
        {(200, kind): content},
        summary=told,
    )
    urlpatterns.append(
        path(
            f"{V1}/invoices/<str:key>/{form}",
            file_view,
            {"form": form},
            name=f"api-invoice-{form}",
        )
    )
urlpatterns.append(re_path(r"^.*$", Unknown.as_view(), name="api-unknown"))
