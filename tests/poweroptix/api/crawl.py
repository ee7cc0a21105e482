"""The API as its own description tells it: every operation, with an address that works."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import jsonschema
from django.db.backends.postgresql.psycopg_any import DateRange, DateTimeTZRange
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer

from contracts.models import Contract, ContractQuantity, Party
from contracts.services import record_event
from meters.models import (
    Campus,
    CapacityStep,
    Channel,
    ClockCheck,
    DeliveryPoint,
    Finding,
    GeneratingUnit,
    ImportFile,
    ImportProfile,
    Interruption,
    Meter,
    MeterTest,
    Publication,
    QuarantinedRecord,
    RegisterRead,
    RuleSetting,
    Source,
    SourceRun,
    TransformerCertificate,
    VirtualDefinition,
)
from poweroptix.api import resources
from poweroptix.api.principals import Principal
from poweroptix.audit.actor import Actor
from poweroptix.jobs.services import enqueue
from poweroptix.kernel.period import Period
from settlement.models import CounterpartyStatement, MoneyPool, Ownership, SettlementRun
from settlement.services.money import Entry, enter_item
from settlement.services.owners import state_owners
from settlement.services.statements import load_statement, open_dispute
from settlement.services.what_if import ask_what_if

SPAN = {
    "start": "2026-03-12T06:00:00Z",
    "end": "2026-03-12T07:00:00Z",
    "first": "2026-03-12",
    "last": "2026-03-12",
    "month": "2026-03",
    "as_of": "2100-01-01T00:00:00Z",
    "at": "2026-03-12T06:10:00Z",
}


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document."""
    made = SchemaGenerator().get_schema(request=None, public=True)
    return json.loads(OpenApiJsonRenderer().render(made))


@dataclass(frozen=True)
class Operation:
    """One operation of the document."""

    method: str
    path: str
    name: str

    @property
    def said(self) -> dict[str, Any]:
        """Return what the document says about it."""
        return document()["paths"][self.path][self.method]

    @property
    def parameters(self) -> list[str]:
        """Return the names of its parameters in the address."""
        return [one["name"] for one in self.said.get("parameters", ()) if one["in"] == "query"]

    def address(self, world: Any, key: str | None = None) -> str:
        """Return an address of an object that is there, or of `key`."""
        if key is None and "{key}" in self.path:
            key = _key(self.path, world)
        return self.path.replace("{key}", key or "").replace("{position}", "1")

    def query(self, _world: Any) -> dict[str, str]:
        """Return the parameters that have to be there."""
        return {name: SPAN[name] for name in self.parameters if name in SPAN}


@cache
def operations(method: str = "") -> tuple[Operation, ...]:
    """Return every operation, or those of one method."""
    return tuple(
        Operation(verb, path, said["operationId"])
        for path, verbs in document()["paths"].items()
        for verb, said in verbs.items()
        if not method or verb == method
    )


def fits(value: Any, schema: dict[str, Any]) -> list[str]:
    """Return what is wrong with a value under a schema of the document."""
    whole = schema | {"components": document()["components"]}
    return [error.message for error in jsonschema.Draft202012Validator(whole).iter_errors(value)]


def _key(path: str, world: Any) -> str:
    name = path.split("/")[3]
    [resource] = [one for one in resources.ALL if one.name == name]
    row = resource.rows(Principal(world.people["administrator"])).order_by("pk").first()
    if row is None:
        row = _MADE[name]()
    return str(row.pk if resource.key == "pk" else getattr(row, resource.key))


def _job() -> Any:
    return enqueue("allocate_month", "crawl", {"campus": "MESA", "period": "2026-03"})


def _finding() -> Any:
    start = datetime(2026, 3, 12, tzinfo=UTC)
    return Finding.objects.create(
        channel=Channel.objects.get(code="HALL-A/DEL_KWH"),
        rule_code="V01",
        severity="WARN",
        start_utc=start,
        end_utc=start,
        message="A gap.",
        created_at=start,
    )


_AT = datetime(2026, 3, 12, tzinfo=UTC)
_SIGNED = {"recorded_by": "user:operator", "recorded_at": _AT}
_PROOF = _SIGNED | {"certificate_number": "C-1", "laboratory": "Lab", "accuracy_class": "0.2S"}


def _register_read() -> Any:
    return RegisterRead.objects.create(
        channel=Channel.objects.get(code="HALL-A/DEL_KWH"), read_at_utc=_AT, text="000123",
        digits=6, decimals=0, read_type="SCHEDULED", status=75, method=0, line=2,
        import_file_id=ImportFile.objects.first().pk,
        publication_id=Publication.objects.exclude(published_at=None).first().pk, recorded_at=_AT,
    )  # fmt: skip


def _source() -> Any:
    return Source.objects.create(code="crawl", name="Crawl", kind="push@1")


def _source_run() -> Any:
    run = SourceRun.objects.create(source=_source(), job_id=1, started_at=_AT)
    run.outcome, run.ended_at = "DONE", _AT
    run.save()
    return run


def _meter_test() -> Any:
    test = MeterTest.objects.create(
        meter=Meter.objects.first(), tested_on=_AT.date(), next_due=date(2030, 3, 12),
        result="PASSED", **_PROOF,
    )  # fmt: skip
    test.points.create(load_pct=100, as_found_pct="0.1", as_left_pct="0.1")
    return test


def _certificate() -> Any:
    return TransformerCertificate.objects.create(
        delivery_point=DeliveryPoint.objects.get(code="HALL-A"), kind="CT", serials="1, 2, 3",
        primary_rating=600, secondary_rating=5, burden_va=5, issued_on=_AT.date(),
        expires_on=date(2036, 3, 12), **_PROOF,
    )  # fmt: skip


def _interruption() -> Any:
    return Interruption.objects.create(
        delivery_point=DeliveryPoint.objects.get(code="HALL-A"), cause="WEATHER",
        during=DateTimeTZRange(_AT, None, bounds="[)"), **_SIGNED,
    )  # fmt: skip


def _clock_check() -> Any:
    meter = Meter.objects.first()
    return ClockCheck.objects.create(meter=meter, at_utc=_AT, drift_s=3, reference="GPS", **_SIGNED)


def _capacity_step() -> Any:
    return CapacityStep.objects.create(
        generating_unit=GeneratingUnit.objects.first(), effective_from="2030-01-01",
        nameplate_kw=1000,
    )  # fmt: skip


def _profile() -> Any:
    return ImportProfile.objects.create(code="crawl", format="csv_long@1")


def _rule_setting() -> Any:
    return RuleSetting.objects.create(
        campus=Campus.objects.get(code="MESA"), rule_key="zero_run@1", effective_from="2030-01-01",
        parameters={"warn_after_minutes": 60},
    )  # fmt: skip


def _quarantined() -> Any:
    return QuarantinedRecord.objects.create(
        import_file=ImportFile.objects.first(), channel_text="X/Y", line_first=2, line_last=3,
        code="channel.unknown", message="No channel is called X/Y.",
    )  # fmt: skip


def _virtual() -> Any:
    hall = Channel.objects.get(code="HALL-A/DEL_KWH")
    sold = Channel.objects.create(
        code="SOLD/KWH", unit=hall.unit, minutes=hall.minutes, kind="VIRTUAL", role="CHECK",
        delivery_point=hall.delivery_point,
    )  # fmt: skip
    made = VirtualDefinition.objects.create(
        channel=sold, formula="a", valid=DateTimeTZRange(_AT, None, bounds="[)"), **_SIGNED
    )
    made.terms.create(name="a", channel=hall)
    return made


def _money_pool() -> Any:
    april = DateRange(date(2026, 4, 1), None)
    pool = MoneyPool.objects.create(
        campus=Campus.objects.get(code="MESA"), code="insurance", name="Insurance", kind="COST",
        key="stated_weights@1", parameters={"unit": "MW", "part_month": "WHOLE"},
    )  # fmt: skip
    for code, weight in (("PPA-ALFA", "26"), ("PPA-BRAVO", "13")):
        contract = Contract.objects.get(code=code)
        pool.members.create(contract=contract, weight=weight, valid=april)
    return pool


def _pool_item() -> Any:
    pool = MoneyPool.objects.first() or _money_pool()
    entry = Entry("Premium of April", "Insurer", "POL-7", amount_usd=Decimal("30000.00"))
    april = Period.month("America/Chicago", "2026-04")
    return enter_item(pool, april, entry, now=_AT, actor=Actor.system("test"))


def _pool_month() -> Any:
    return _pool_item().pool.months.get(state="CALCULATED")


def _ownership() -> Any:
    party = Party.objects.get(code="mesa")
    made = Ownership.objects.create(
        campus=Campus.objects.get(code="MESA"), model="IPP", first_date=date(2026, 3, 1),
        share_change="DAYS", operator=party, fee_basis="REVENUE", fee_ratio=Decimal("0.03"),
        evidence="Agreement of 2026-02-01",
    )  # fmt: skip
    made.shares.create(
        party=party, revenue_share="1", cost_share="1", upside_share="1",
        valid=DateRange(date(2026, 3, 1), None),
    )  # fmt: skip
    return made


def _owner_month() -> Any:
    campus = (Ownership.objects.first() or _ownership()).campus
    march = Period.month(campus.zone, "2026-03")
    return state_owners(campus, march, now=_AT, actor=Actor.system("test"))


def _event() -> Any:
    return record_event(
        Contract.objects.get(code="PPA-ALFA"), kind="outage@1", start_utc=_AT,
        end_utc=_AT + timedelta(hours=3), values={"category": "FORCED", "caused_by": "SELLER"},
        reason="Control room log", actor=Actor.system("test"), now=_AT,
    )  # fmt: skip


def _quantity() -> Any:
    return ContractQuantity.objects.create(
        contract=Contract.objects.get(code="PPA-ALFA"), name="engine",
        channel=Channel.objects.get(code="GEN-1/DEL_KWH"),
        valid=DateRange(date(2026, 3, 1), None),
    )  # fmt: skip


def _statement() -> Any:
    contract, at = Contract.objects.get(code="PPA-ALFA"), _AT
    return load_statement(
        contract, "2026-03", name="alfa.csv",
        content=b"charge,usd,mwh\r\nENERGY,200000.00,1490\r\nSERVICE,1250.00,\r\n",
        columns={"charge": "charge", "amount": "usd", "quantity": "mwh"},
        codes={"ENERGY": 10, "SERVICE": 40}, actor=Actor.system("test"), now=at,
    )  # fmt: skip


def _dispute() -> Any:
    statement = CounterpartyStatement.objects.first() or _statement()
    return open_dispute(
        statement, 10, reason="The meter reads more.", answer_due_date=date(2026, 6, 1),
        actor=Actor.system("test"), now=_AT,
    )  # fmt: skip


def _what_if() -> Any:
    run = SettlementRun.objects.get(contract__code="PPA-ALFA")
    said = {"load_ratio": "1.1"}
    return ask_what_if(run, said, title="A tenth more", now=_AT, actor=Actor.system("test"))


#: What the campus of the tests has none of.
_MADE = {
    "money-pools": _money_pool,
    "money-pool-items": _pool_item,
    "money-pool-months": _pool_month,
    "ownerships": _ownership,
    "owner-months": _owner_month,
    "contract-events": _event,
    "contract-quantities": _quantity,
    "counterparty-statements": _statement,
    "disputes": _dispute,
    "what-ifs": _what_if,
    "jobs": _job,
    "findings": _finding,
    "virtual-definitions": _virtual,
    "register-reads": _register_read,
    "sources": _source,
    "source-runs": _source_run,
    "meter-tests": _meter_test,
    "transformer-certificates": _certificate,
    "interruptions": _interruption,
    "clock-checks": _clock_check,
    "capacity-steps": _capacity_step,
    "import-profiles": _profile,
    "rule-settings": _rule_setting,
    "quarantined-records": _quarantined,
}
