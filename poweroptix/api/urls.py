"""Addresses of the API."""

from django.urls import path, re_path
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request

from poweroptix.api import children, resources, serializers, starts
from poweroptix.api.documentation import (
    PROBLEMS,
    Docs,
    Schema,
    list_schema,
    object_schema,
    query,
    start_schema,
)
from poweroptix.api.lists import ApiView, ListView, ObjectView, Resource
from poweroptix.api.problem import NOTHING_HERE, problem

BODIES = {
    "import-files": (starts.Uploads, serializers.UploadIn),
    "allocation-runs": (starts.Allocations, serializers.AllocationIn),
    "settlement-runs": (starts.Settlements, serializers.SettlementIn),
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
    base, body = BODIES.get(resource.name, (ListView, None))
    known = frozenset({*resource.filters, "limit", "cursor"})
    made = type(
        f"{resource.serializer.__name__}List", (base,), _guards(resource) | {"parameters": known}
    )
    if body is None:
        made.http_method_names = ("get",)
        return extend_schema_view(get=extend_schema(**list_schema(resource)))(made).as_view()
    post = start_schema(resource, body, multipart=resource.name == "import-files")
    return extend_schema_view(
        get=extend_schema(**list_schema(resource)), post=extend_schema(**post)
    )(made).as_view()


def _one(resource: Resource):
    more = _guards(resource) | {"http_method_names": ("get",)}
    made = type(f"{resource.serializer.__name__}One", (ObjectView,), more)
    return extend_schema_view(get=extend_schema(**object_schema(resource)))(made).as_view()


def _child(view, name: str, answer, parameters=()):
    schema = extend_schema(
        operation_id=name,
        summary=(view.__doc__ or "").splitlines()[0],
        tags=[name.split("_of_")[-1]],
        parameters=list(parameters),
        responses={200: answer, **PROBLEMS},
    )
    made = type(view.__name__, (view,), {"http_method_names": ("get",), "__doc__": view.__doc__})
    return extend_schema_view(get=schema)(made).as_view()


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
urlpatterns += [
    path(
        f"{V1}/channels/<str:key>/series",
        _child(
            children.ChannelSeries,
            "series_of_channels",
            serializers.SeriesOut,
            [*SPAN, query("layer", "final or raw")],
        ),
        name="api-channel-series",
    ),
    path(
        f"{V1}/index-series/<str:key>/values",
        _child(children.IndexValues, "values_of_index_series", serializers.SeriesOut, SPAN),
        name="api-index-values",
    ),
    path(
        f"{V1}/settlement-runs/<str:key>/lines",
        _child(children.RunLines, "lines_of_settlement_runs", serializers.LineOut(many=True)),
        name="api-run-lines",
    ),
    path(
        f"{V1}/settlement-runs/<str:key>/lines/<int:position>/explain",
        _child(children.RunLine, "explanation_of_settlement_runs", serializers.LineExplained),
        name="api-run-line",
    ),
    path(
        f"{V1}/invoices/<str:key>/lines",
        _child(children.InvoiceLines, "lines_of_invoices", serializers.InvoiceLineOut(many=True)),
        name="api-invoice-lines",
    ),
    *(
        path(
            f"{V1}/invoices/<str:key>/{form}",
            _child(children.InvoiceFile, f"{form}_of_invoices", bytes),
            {"form": form},
            name=f"api-invoice-{form}",
        )
        for form in ("pdf", "csv", "json")
    ),
    re_path(r"^.*$", Unknown.as_view(), name="api-unknown"),
]
