"""The description of the API for programs and for people, both for whoever is logged in."""

from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import View
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    inline_serializer,
)
from drf_spectacular.views import SpectacularAPIView
from rest_framework import serializers as fields

from poweroptix.api import serializers
from poweroptix.api.description import PROBLEM_TYPE
from poweroptix.api.lists import ApiView, Resource

KEYS = {"pk": "id", "code": "code", "number": "number"}
_MEANING = {
    304: "Nothing has changed since the version that If-None-Match names.",
    400: "The request cannot be read or accepted.",
    401: "No valid token.",
    403: "The scope or role does not allow this.",
    404: "Unknown, or somebody else's.",
    409: "The same request still runs; try again after Retry-After.",
    412: "The request hangs on a version that is not the current one.",
    413: "The body is too large.",
    415: "Another content type is needed.",
    422: "The Idempotency-Key was used for another request.",
    429: "Too many requests in this minute; try again after Retry-After.",
}
KEY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, required=True,
    description="The same key with the same request gives the same answer again.",
)  # fmt: skip


UNCHANGED = OpenApiParameter(
    "If-None-Match", str, OpenApiParameter.HEADER,
    description="The ETag of an answer you have; 304 when it still holds.",
)  # fmt: skip


class UploadForm(serializers.UploadIn):
    """The parts of an upload."""

    file = fields.FileField(help_text="The file itself, with its name.")


def problems(*codes: int) -> dict:
    """Return the refusals with these statuses, and those that every address knows."""
    return {
        (code, PROBLEM_TYPE): OpenApiResponse(serializers.ProblemOut, description=_MEANING[code])
        for code in sorted({*codes, 400, 401, 403, 412, 429})
    }


def read_answers(answers: dict, *codes: int) -> dict:
    """Return what a GET may answer."""
    unchanged = {304: OpenApiResponse(description=_MEANING[304])}
    return {**answers, **unchanged, **problems(*codes)}


class TokenScheme(OpenApiAuthenticationExtension):
    """Bearer tokens."""

    target_class = "poweroptix.api.principals.TokenAuthentication"
    name = "token"

    def get_security_definition(self, _auto_schema) -> dict:
        """Return the scheme."""
        return {"type": "http", "scheme": "bearer"}


class PersonScheme(OpenApiAuthenticationExtension):
    """The session of the pages."""

    target_class = "poweroptix.api.principals.PersonAuthentication"
    name = "session"

    def get_security_definition(self, _auto_schema) -> dict:
        """Return the scheme."""
        return {"type": "apiKey", "in": "cookie", "name": "po_session"}


def query(
    name: str, text: str = "", *, required: bool = False, kind: type = str
) -> OpenApiParameter:
    """Return a parameter of the address."""
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, required=required, description=text)


def list_schema(resource: Resource) -> dict:
    """Return what describes a list."""
    envelope = inline_serializer(
        f"{resource.serializer.__name__.removesuffix('Serializer')}Page",
        {
            "data": resource.serializer(many=True),
            "next_cursor": fields.CharField(allow_null=True),
            "has_more": fields.BooleanField(),
        },
    )
    parameters = [query(name, f"Only rows whose {name} is this.") for name in resource.filters]
    parameters += [
        query("limit", "1 to 500, 100 without it.", kind=int),
        query("cursor", "next_cursor of the page before."),
        UNCHANGED,
    ]
    return {
        "operation_id": f"list_{resource.name.replace('-', '_')}",
        "summary": f"List: {resource.title}",
        "description": f"{resource.title} in reach of the token, page by page.",
        "tags": [resource.name],
        "parameters": parameters,
        "responses": read_answers({200: envelope}),
    }


def object_schema(resource: Resource) -> dict:
    """Return what describes one object."""
    return {
        "operation_id": f"get_{resource.name.replace('-', '_')}",
        "summary": f"One of: {resource.title}",
        "description": f"The one with this {KEYS[resource.key]}.",
        "tags": [resource.name],
        "parameters": [UNCHANGED],
        "responses": read_answers({200: resource.serializer}, 404),
    }


def child_schema(resource: Resource, name: str, summary: str, answers: dict, parameters) -> dict:
    """Return what describes an address below an object."""
    return {
        "operation_id": name,
        "summary": summary.rstrip("."),
        "tags": [resource.name],
        "parameters": [*parameters, UNCHANGED],
        "responses": read_answers(answers, 404),
    }


def start_schema(resource: Resource, body, summary: str) -> dict:
    """Return what describes a POST that starts a job."""
    kind = "multipart/form-data" if body is UploadForm else "application/json"
    return {
        "operation_id": f"start_{resource.name.replace('-', '_')}",
        "summary": summary,
        "description": "Answers with a job; read it until it has ended.",
        "tags": [resource.name],
        "parameters": [KEY],
        "request": {kind: body},
        "responses": {
            202: serializers.AcceptedOut,
            **problems(409, 413, 415, 422),
        },
    }


def entry_schema(resource: Resource, body, summary: str) -> dict:
    """Return what describes a POST that adds a row and answers with it."""
    return {
        "operation_id": f"enter_{resource.name.replace('-', '_')}",
        "summary": summary,
        "description": "Answers with the row; Location leads to it.",
        "tags": [resource.name],
        "parameters": [KEY],
        "request": {"application/json": body},
        "responses": {
            201: OpenApiResponse(resource.serializer, description="The row as it was written."),
            **problems(409, 413, 415, 422),
        },
    }


def decision_schema(resource: Resource, name: str, summary: str, body) -> dict:
    """Return what describes a POST that decides at once and answers with the object."""
    return {
        "operation_id": name,
        "summary": summary.rstrip("."),
        "description": "Answers with the object as it is then.",
        "tags": [resource.name],
        "parameters": [KEY],
        "request": {"application/json": body},
        "responses": {200: resource.serializer, **problems(404, 409, 413, 415, 422)},
    }


class Schema(ApiView, SpectacularAPIView):
    """The OpenAPI 3.1 document."""

    staff_verb = tenant_verb = ""
    renderer_classes = SpectacularAPIView.renderer_classes
    http_method_names = ("get",)

    def initial(self, request, *args, **kwargs):
        """Let everybody in who has a token or is logged in; it says nothing about data."""
        super(ApiView, self).initial(request, *args, **kwargs)
        if not getattr(request.user, "is_authenticated", False):
            raise self._anonymous()

    @extend_schema(exclude=True)
    def get(self, request, *args, **kwargs):
        """Return the document."""
        return super().get(request, *args, **kwargs)


class Docs(LoginRequiredMixin, View):
    """The page on which people read and try the API."""

    http_method_names = ("get", "head")

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show it."""
        return render(request, "api/docs.html")
