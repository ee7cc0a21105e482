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
from poweroptix.api.lists import ApiView, Resource

PROBLEM = OpenApiResponse(serializers.ProblemOut, description="problem+json")
PROBLEMS = {(code, "application/problem+json"): PROBLEM for code in (400, 401, 403, 404)}
KEY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, required=True,
    description="The same key with the same request gives the same answer again.",
)  # fmt: skip


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
    ]
    return {
        "operation_id": f"list_{resource.name.replace('-', '_')}",
        "summary": resource.title,
        "tags": [resource.name],
        "parameters": parameters,
        "responses": {200: envelope, **PROBLEMS},
    }


def object_schema(resource: Resource) -> dict:
    """Return what describes one object."""
    return {
        "operation_id": f"get_{resource.name.replace('-', '_')}",
        "summary": f"{resource.title}: one",
        "tags": [resource.name],
        "responses": {200: resource.serializer, **PROBLEMS},
    }


def start_schema(resource: Resource, body, *, multipart: bool = False) -> dict:
    """Return what describes a POST that starts a job."""
    kind = "multipart/form-data" if multipart else "application/json"
    return {
        "operation_id": f"start_{resource.name.replace('-', '_')}",
        "summary": f"{resource.title}: add by a job",
        "tags": [resource.name],
        "parameters": [KEY],
        "request": {kind: body},
        "responses": {
            202: serializers.AcceptedOut,
            **PROBLEMS,
            (422, "application/problem+json"): PROBLEM,
        },
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
