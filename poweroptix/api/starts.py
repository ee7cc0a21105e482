"""What can be started: reading a file, allocating and settling a month. Each answers with a job."""

from __future__ import annotations

import hashlib
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.urls import reverse
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from contracts.models import Contract
from meters.models import Campus
from meters.services import receive_files
from meters.services.arriving.files import upload_limit_bytes
from meters.services.collecting.sources import pushed
from poweroptix.accounts.permissions import require
from poweroptix.api import resources, serializers
from poweroptix.api.conditional import refuse_preconditions
from poweroptix.api.lists import ListView, check_parameters
from poweroptix.api.once import once
from poweroptix.api.parsing import check_text
from poweroptix.audit.actor import Actor
from poweroptix.clock import now
from poweroptix.jobs.models import Job
from poweroptix.jobs.services import enqueue
from poweroptix.kernel.errors import Forbidden, Refused
from settlement.services import settle_contract, settle_month


class Starts(ListView):
    """A list to which a POST adds something by way of a job."""

    write_verb = ""

    def check_write(self, request: Request) -> None:
        """Refuse tenants, tokens without the scope, and parameters in the address."""
        if self.principal.tenant_id is not None or not self.principal.may(self.write_verb):
            raise Forbidden(
                "forbidden", f"This takes a scope or role that allows {self.write_verb}."
            )
        check_parameters(request, frozenset())
        refuse_preconditions(request)

    @staticmethod
    def said(serializer_class: type, data: Any) -> dict[str, Any]:
        """Return the checked body."""
        body = serializer_class(data=data)
        body.is_valid(raise_exception=True)
        return dict(body.validated_data)

    @staticmethod
    def accepted(jobs: list[Job], **more: Any) -> tuple[dict[str, Any], str]:
        """Return the answer's body and where the job is."""
        fresh = Job.objects.only(*resources.JOB_FACTS).filter(pk__in=[job.pk for job in jobs])
        rows = [_plain(row) for row in serializers.JobOut(fresh, many=True).data]
        location = reverse("api-jobs-one", args=[jobs[0].pk]) if jobs else ""
        return {"jobs": rows, **more}, location


class Uploads(Starts):
    """Import files; POST a file as multipart/form-data."""

    resource = resources.FILES
    write_verb = "meters.import"
    parser_classes = (MultiPartParser,)

    def post(self, request: Request) -> Response:
        """Keep the file and queue its reading; known content comes back as it is."""
        self.check_write(request)
        unknown = sorted(set(request.FILES) - {"file"})
        if unknown or len(request.FILES.getlist("file")) != 1:
            raise Refused("invalid", "Send exactly one file, in the part named 'file'.")
        fields = request.POST.dict()
        check_text([*fields, *fields.values()])
        said = self.said(serializers.UploadIn, fields)
        file: UploadedFile = request.FILES["file"]
        check_text(file.name)
        identity = {**said, "name": file.name, "sha256": _digest(file)}
        return once(request, self.principal, identity, lambda: self._keep(file, said))

    def _keep(self, file: UploadedFile, said: dict[str, Any]) -> tuple[dict[str, Any], str]:
        moment = now()
        token = self.principal.token_prefix
        pushed(said["source"], token_prefix=token, now=moment)
        received = receive_files(
            file,
            name=file.name,
            source=said["source"],
            profile_code=said["profile"],
            format=said["format"],
            now=moment,
            actor=self.principal.actor,
            limit_bytes=upload_limit_bytes(),
        )
        jobs = [
            enqueue(
                "ingest_file",
                f"file {one.pk}",
                {"import_file_id": one.pk},
                created_by=self.principal.person,
            )
            for one in received
        ]
        files = [
            {**_plain(serializers.FileOut(one).data), "is_duplicate": one.is_duplicate}
            for one in received
        ]
        return self.accepted(jobs, files=files)


class Allocations(Starts):
    """Allocation runs; POST campus and period."""

    resource = resources.ALLOCATIONS
    write_verb = "settlement.allocate"

    def post(self, request: Request) -> Response:
        """Queue the allocation of a month."""
        self.check_write(request)
        require(self.principal.person, self.write_verb)
        said = self.said(serializers.AllocationIn, request.data)
        campus = Campus.objects.filter(code=said["campus"]).first()
        if campus is None:
            raise Refused("unknown", "There is no such campus.", pointer="/campus")

        def effect() -> tuple[dict[str, Any], str]:
            moment = f"{now():%Y-%m-%dT%H:%M:%S.%fZ}"
            key = f"{campus.code}/{said['period']}/{moment}"
            job = enqueue("allocate_month", key, said, created_by=self.principal.person)
            return self.accepted([job])

        return once(request, self.principal, said, effect)


class Settlements(Starts):
    """Settlement runs; POST contract or campus, and period."""

    resource = resources.RUNS
    write_verb = "settlement.run"

    def post(self, request: Request) -> Response:
        """Queue the settlement of a month."""
        self.check_write(request)
        require(self.principal.person, self.write_verb)
        said = self.said(serializers.SettlementIn, request.data)
        rows = Contract.objects.filter(code=said.get("contract", ""))
        contract = rows.first() if "contract" in said else None
        campus = Campus.objects.filter(code=said["campus"]).first() if "campus" in said else None
        if contract is None and campus is None:
            name = "contract" if "contract" in said else "campus"
            raise Refused("unknown", f"There is no such {name}.", pointer=f"/{name}")
        # The person behind the token is who calculated: four eyes count people, not keys.
        person = Actor.of_user(self.principal.person)

        def effect() -> tuple[dict[str, Any], str]:
            start, subject = (settle_contract, contract) if contract else (settle_month, campus)
            job = start(
                subject,
                said["period"],
                kind=said["kind"],
                reason=said["reason"],
                now=now(),
                actor=person,
            )
            return self.accepted([job])

        return once(request, self.principal, said, effect)


def _digest(file: UploadedFile) -> str:
    digest = hashlib.sha256()
    for part in file.chunks():
        digest.update(part)
    file.seek(0)
    return digest.hexdigest()


def _plain(row: Any) -> dict[str, Any]:
    return dict(row.items())
