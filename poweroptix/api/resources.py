"""What can be read: every kind of object with its rows, filters and verbs."""

from __future__ import annotations

from django.db.models import QuerySet

from billing import access
from billing.models import Invoice
from contracts.models import Contract, ContractVersion, IndexSeries, Term
from esg.models import EmissionLine
from meters.models import (
    Campus,
    Channel,
    DeliveryPoint,
    Finding,
    GeneratingUnit,
    ImportFile,
    Meter,
    VirtualDefinition,
)
from poweroptix.api import commerce, happened, records, sharing
from poweroptix.api import serializers as out
from poweroptix.api.lists import Resource
from poweroptix.api.principals import Principal
from poweroptix.jobs.models import Job
from settlement.models import AllocationRun, SettlementRun

JOB_FACTS = (
    *("id", "kind", "state", "progress_done", "progress_total", "progress_label"),
    *("error_code", "error", "result", "tenant_id", "created_at", "started_at", "finished_at"),
)
BIG_OF_RUN = ("inputs", "findings", "carry_out", "adjustments")


def _own(rows: QuerySet, who: Principal, field: str = "tenant") -> QuerySet:
    return rows if who.tenant_id is None else rows.filter(**{field: who.tenant_id}).distinct()


def _campuses(who: Principal) -> QuerySet:
    return _own(Campus.objects.all(), who, "contracts__tenant")


def _points(who: Principal) -> QuerySet:
    return _own(DeliveryPoint.objects.select_related("campus"), who, "tenant_points__tenant")


def _channels(who: Principal) -> QuerySet:
    rows = Channel.objects.select_related("delivery_point")
    return _own(rows, who, "delivery_point__tenant_points__tenant")


def _contracts(who: Principal) -> QuerySet:
    return _own(Contract.objects.select_related("seller", "offtaker", "campus"), who)


def _versions(who: Principal) -> QuerySet:
    rows = _own(ContractVersion.objects.select_related("contract"), who)
    return rows if who.tenant_id is None else rows.exclude(state="DRAFT")


def _terms(who: Principal) -> QuerySet:
    rows = _own(Term.objects.select_related("version__contract"), who)
    return rows if who.tenant_id is None else rows.exclude(version__state="DRAFT")


def _runs(who: Principal) -> QuerySet:
    if who.tenant_id is not None:
        return access.runs_of(who.tenant_id).select_related("contract").only(
            *access.RUN_FACTS, "contract__code"
        )  # fmt: skip
    return SettlementRun.objects.select_related("contract").defer(*BIG_OF_RUN)


def _invoices(who: Principal) -> QuerySet:
    if who.tenant_id is not None:
        return access.invoices_of(who.tenant_id)
    rows = Invoice.objects.filter(number__isnull=False).select_related("contract")
    return rows.defer("document", "cancellation")


def _emissions(who: Principal) -> QuerySet:
    if who.tenant_id is not None:
        return access.carbon_lines(who.tenant_id)
    rows = EmissionLine.objects.filter(sink="CONTRACT", run__state="CALCULATED")
    return rows.select_related("run", "contract").defer("run__inputs", "run__intensity")


def _jobs(who: Principal) -> QuerySet:
    return _own(Job.objects.only(*JOB_FACTS), who)


CAMPUSES = Resource(
    "campuses", "Campuses", out.CampusOut, _campuses, "meters.view", "portal.energy",
    "code", {"code": "code"},
)  # fmt: skip
UNITS = Resource(
    "generating-units", "Generating units", out.UnitOut,
    lambda _who: GeneratingUnit.objects.select_related("campus"), "meters.view",
    filters={"campus": "campus__code", "technology": "technology", "code": "code"},
)  # fmt: skip
POINTS = Resource(
    "delivery-points", "Delivery points", out.PointOut, _points, "meters.view", "portal.energy",
    filters={"campus": "campus__code", "kind": "kind", "code": "code"},
)  # fmt: skip
METERS = Resource(
    "meters", "Meters", out.MeterOut,
    lambda _who: Meter.objects.select_related("campus"), "meters.view",
    filters={"campus": "campus__code", "serial": "serial"},
)  # fmt: skip
VIRTUALS = Resource(
    "virtual-definitions", "Definitions of virtual channels", out.VirtualOut,
    lambda _who: VirtualDefinition.objects.select_related("channel").prefetch_related(
        "terms__channel"
    ),
    "meters.view",
    filters={
        "campus": "channel__delivery_point__campus__code", "channel": "channel__code",
        "method": "method",
    },
)  # fmt: skip
CHANNELS = Resource(
    "channels", "Channels", out.ChannelOut, _channels, "meters.view", "portal.energy",
    filters={
        "code": "code", "delivery_point": "delivery_point__code", "quantity": "quantity",
        "direction": "direction", "role": "role",
    },
)  # fmt: skip
FINDINGS = Resource(
    "findings", "Findings of the rules", out.FindingOut,
    lambda _who: Finding.objects.select_related("channel"), "meters.view",
    filters={
        "state": "state", "severity": "severity", "rule_code": "rule_code",
        "channel": "channel__code", "created_since": "created_at__gte",
    },
)  # fmt: skip
FILES = Resource(
    "import-files", "Import files", out.FileOut,
    lambda _who: ImportFile.objects.defer("receipt"), "meters.view",
    filters={
        "state": "state", "source": "source", "sha256": "sha256", "format": "format",
        "received_since": "received_at__gte",
    },
)  # fmt: skip
RECEIPTS = Resource(
    "import-files", "Receipt of a file", out.ReceiptOut,
    lambda _who: ImportFile.objects.all(), "meters.view",
)  # fmt: skip
CONTRACTS = Resource(
    "contracts", "Contracts", out.ContractOut, _contracts, "contracts.view", "portal.view", "code",
    {"campus": "campus__code", "state": "state"},
)  # fmt: skip
VERSIONS = Resource(
    "contract-versions", "Versions of contracts", out.VersionOut, _versions, "contracts.view",
    "portal.view", filters={"contract": "contract__code", "state": "state"},
)  # fmt: skip
TERMS = Resource(
    "terms", "Terms of versions", out.TermOut, _terms, "contracts.view", "portal.view",
    filters={"contract": "version__contract__code", "version_id": "version_id"},
)  # fmt: skip
INDICES = Resource(
    "index-series", "Index series", out.IndexOut,
    lambda _who: IndexSeries.objects.all(), "contracts.view", key="code",
    filters={"unit": "unit", "market": "market"},
)  # fmt: skip
ALLOCATIONS = Resource(
    "allocation-runs", "Allocation runs", out.AllocationOut,
    lambda _who: AllocationRun.objects.select_related("campus").defer("inputs", "worksheets"),
    "settlement.view",
    filters={"campus": "campus__code", "period": "period", "state": "state"},
)  # fmt: skip
RUNS = Resource(
    "settlement-runs", "Settlement runs", out.RunOut, _runs, "settlement.view", "portal.invoices",
    filters={
        "contract": "contract__code", "period": "period", "state": "state", "kind": "kind",
        "created_since": "created_at__gte",
    },
)  # fmt: skip
INVOICES = Resource(
    "invoices", "Invoices", out.InvoiceOut, _invoices, "billing.view", "portal.invoices", "number",
    {"contract": "contract__code", "period": "period", "state": "state",
     "issued_since": "issued_at__gte"},
)  # fmt: skip
EMISSIONS = Resource(
    "emission-lines", "Carbon of contracts", out.EmissionOut, _emissions, "esg.view",
    "portal.carbon", filters={"contract": "contract__code", "period": "run__period"},
)  # fmt: skip
JOBS = Resource(
    "jobs", "Jobs", out.JobOut, _jobs, "jobs.view", "jobs.view",
    filters={"kind": "kind", "state": "state"},
)  # fmt: skip
ALL = (
    CAMPUSES, UNITS, POINTS, METERS, CHANNELS, VIRTUALS, FINDINGS, FILES, CONTRACTS, VERSIONS,
    TERMS, INDICES, ALLOCATIONS, RUNS, INVOICES, EMISSIONS, JOBS, *happened.ALL, *sharing.ALL,
    *commerce.ALL, *records.ALL,
)  # fmt: skip
