"""What a person decides through a program: whose a finding is, and that it is true."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from meters.models import AcceptReason, Finding
from meters.services import accept_finding
from meters.services.judging.queueing import assign_findings
from poweroptix.api import resources
from poweroptix.api.conditional import refuse_preconditions
from poweroptix.api.lists import ApiView, check_parameters, found
from poweroptix.api.once import once
from poweroptix.api.serializers import StrictSerializer, Text
from poweroptix.audit.actor import Actor
from poweroptix.clock import now
from poweroptix.kernel.errors import Conflict


class AssignIn(StrictSerializer):
    """With whom a finding is: a user name, or nobody."""

    person = Text(max_length=150, allow_blank=True)


class AcceptIn(StrictSerializer):
    """Why a finding is accepted as true."""

    reason_code = serializers.ChoiceField(AcceptReason.choices)
    comment = Text(max_length=400)


class Decision(ApiView):
    """A decision on an object; it takes the right of the person behind the token."""

    staff_verb, write_verb = "meters.view", "meters.accept"
    resource = resources.FINDINGS
    http_method_names = ("post",)
    body: type[StrictSerializer]

    def post(self, request: Request, key: str) -> Response:
        """Decide once, and return the object as it then is."""
        if not self.principal.may(self.write_verb):
            raise PermissionDenied(f"This takes a scope or role that allows {self.write_verb}.")
        check_parameters(request, frozenset())
        refuse_preconditions(request)
        row = found(self.resource, self.principal, key)
        said = self.body(data=request.data)
        said.is_valid(raise_exception=True)
        fields = dict(said.validated_data)

        def effect() -> tuple[dict[str, Any], str]:
            self.decide(row, fields, Actor.of_user(self.principal.person))
            return dict(
                self.resource.serializer(found(self.resource, self.principal, key)).data
            ), ""

        return once(request, self.principal, fields, effect, status=200)

    def decide(self, row: Any, said: dict[str, Any], actor: Actor) -> None:
        """Do it; DomainError when it cannot be."""
        raise NotImplementedError


class AssignFinding(Decision):
    """Give an open finding to a person, or to nobody."""

    body = AssignIn

    def decide(self, row: Finding, said: dict[str, Any], actor: Actor) -> None:
        """Assign it."""
        [told] = assign_findings([row.pk], said["person"], actor=actor)
        if not told.is_done:
            raise Conflict("finding.decided", told.said)


class AcceptFinding(Decision):
    """Accept what a rule found as true."""

    body = AcceptIn

    def decide(self, row: Finding, said: dict[str, Any], actor: Actor) -> None:
        """Accept it for this rule alone."""
        accept_finding(row, **said, actor=actor, now=now())
