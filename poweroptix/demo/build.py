"""Build the demonstration campus by the whole chain: files, VEE, settlement, carbon, invoices.

Nothing is written past a service. Every step happens at the moment it would have happened (files
on the third of the next month, settlement on the fifth), so the history reads like a real one.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from zoneinfo import ZoneInfo

from billing.services import draft_invoice, issue_invoice
from contracts.models import IndexSeries
from contracts.queries import contracts_of_campus
from contracts.services import publish_index
from esg.services import account_carbon, load_factors
from meters.models import Campus, EditAction, Finding, FindingState, ReasonCode, Source
from meters.queries import open_findings
from meters.services import accept_finding, edit_readings, ingest_file, receive_file
from meters.services.collecting.sources import pushed
from meters.services.publishing.followup import validate_receipt
from poweroptix.accounts.models import Tenant, User
from poweroptix.accounts.services import create_user
from poweroptix.audit.actor import Actor
from poweroptix.demo import records, venture
from poweroptix.demo.agreements import take_over
from poweroptix.demo.files import DemoFile, corrected_day, monthly_files, months
from poweroptix.demo.flows import ZONE, Flows, generate
from poweroptix.demo.substation import (
    BEGINS,
    DIRTY,
    READ_MONTHS,
    charlie_faults,
    register_file,
    reread_sheet,
    substation_file,
)
from poweroptix.kernel.period import Period
from poweroptix.portfolio.document import read_document
from poweroptix.portfolio.services import apply_document
from settlement.services.allocation import run_allocation
from settlement.services.approval import approve_run, submit_run
from settlement.services.runs import calculate

PORTFOLIO = Path(__file__).with_name("caprock.yaml")
STAFF = ("operator", "analyst", "approver", "billing", "administrator", "auditor", "viewer")
TENANTS = {"alfa": "ALFA", "bravo": "BRAVO", "charlie": "CHARLIE"}
LATE = ("bravo-ami", "2026-05")  # this file comes a month late
AGAIN = "2026-03"  # the plant sends this month twice
BEFORE_VENTURE = "2026-08"  # when the second versions were signed
OPEN_MONTH = "2026-10"  # calculated, and held by what an analyst has to decide first
CORRECTED_DAY = "2026-09-17"
CORRECTED_WH = 120_000  # more in each quarter-hour
Say = Callable[[str], None]


@dataclass
class Demo:
    """The people of the campus and how long each part of the chain took."""

    say: Say
    password: str
    people: dict[str, Actor] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def timed(self, name: str, work: Callable[[], object]) -> object:
        """Do something and add its time to `name`."""
        begun = perf_counter()
        done = work()
        self.seconds[name] = self.seconds.get(name, 0.0) + perf_counter() - begun
        return done


def build(*, say: Say, password: str = "demo", last_month: str | None = None) -> dict[str, float]:  # noqa: S107 - loopback only
    """Build everything up to `last_month` and return the seconds each part took."""
    demo = Demo(say, password)
    begin(demo)
    load_factors(now=_moment("2025-10", -20), actor=Actor.system("demo"))
    flows = generate()
    held: list[DemoFile] = []
    substation = None
    for label in months():
        if label == BEFORE_VENTURE:
            demo.timed("venture", lambda label=label: venture.agree(_moment(label, -4)))
        if label == BEGINS:
            substation = records.install(_moment(label, -28))
        demo.timed("prices", lambda label=label: _publish_prices(demo, flows, label))
        held = receive(demo, flows, label, held, substation)
        _decide(demo, label)
        if label >= venture.FIRST:
            demo.timed("venture", lambda label=label: _happened(demo, label))
        _settle(demo, label)
        if label == venture.FIRST:
            demo.timed("venture", lambda label=label: _owned(demo, label))
        say(f"{label}: files read, validated, settled")
        if label == last_month:
            break
    else:
        correct(demo, flows, CORRECTED_DAY, _moment(OPEN_MONTH, 6))
        demo.timed("virtual", records.compute_virtual_channels)
        records.heard_of_the_laboratory(_moment(OPEN_MONTH, 2))
        records.leave_sample(reread_sheet(flows))
    return demo.seconds


def _happened(demo: Demo, label: str) -> None:
    """Bring in what a month under the second versions rests on: gas prices, premium, outages."""
    period, at = Period.month(ZONE, label), _moment(label, 2)
    venture.publish_gas(period, demo.people["operator"], at)
    venture.enter_insurance(period, demo.people["analyst"], at)
    if label == venture.FIRST:
        venture.record_outages(demo.people["analyst"], at)


def _owned(demo: Demo, label: str) -> None:
    """State the month to its owners, and let a tenant's accountant and a planner ask about it."""
    period, analyst = Period.month(ZONE, label), demo.people["analyst"]
    venture.state(period, analyst, _moment(label, 6))
    venture.contest(period, demo.people["billing"], _moment(label, 8))
    venture.suppose(period, analyst, _moment(label, 8, hour=10))


def begin(demo: Demo) -> None:
    """Apply the portfolio, and let the people of the campus and its tenants in."""
    system = Actor.system("demo")
    apply_document(read_document(PORTFOLIO), actor=system, now=_moment("2025-10", -20))
    for role in STAFF:
        user = create_user(
            role,
            demo.password,
            role=role,
            actor=system,
            check_password=False,
            is_superuser=role == "administrator",
        )
        demo.people[role] = Actor.of_user(user)
    take_over(demo.people["analyst"], demo.people["approver"], _moment("2025-10", -19))
    for code in TENANTS:
        tenant = Tenant.objects.get(code=code)
        create_user(
            code, demo.password, role="owner", tenant=tenant, actor=system, check_password=False
        )


def _moment(label: str, days: int, hour: int = 8) -> datetime:
    """Return a local hour so many days after the end of a month, in UTC."""
    end = Period.month(ZONE, label).end_utc.astimezone(ZoneInfo(ZONE))
    return (end + timedelta(days=days)).replace(hour=hour, minute=0).astimezone(UTC)


def _publish_prices(demo: Demo, flows: Flows, label: str) -> None:
    period = Period.month(ZONE, label)
    series = IndexSeries.objects.get(code="hub-west-da")
    first, last = (int(t.timestamp()) // 60 for t in (period.start_utc, period.end_utc))
    hours = flows.start_minutes[::4]
    inside = (hours >= first) & (hours < last)
    rows = [
        (datetime.fromtimestamp(minute * 60, UTC), Decimal(cents) / 100)
        for minute, cents in zip(
            hours[inside].tolist(), flows.lmp_cents_per_mwh[inside].tolist(), strict=True
        )
    ]
    publish_index(
        series,
        rows,
        vintage="final",
        final=True,
        source=f"hub_west_{label}.csv",
        actor=demo.people["operator"],
        now=_moment(label, 1),
    )


def receive(
    demo: Demo, flows: Flows, label: str, held: list[DemoFile], substation: Source | None
) -> list[DemoFile]:
    """Deliver all that comes for a month, and judge it; return the files that stay away."""
    late = _month_of_files(demo, flows, label, held)
    _month_of_records(demo, flows, label, substation)
    return late


def _month_of_files(demo: Demo, flows: Flows, label: str, held: list[DemoFile]) -> list[DemoFile]:
    """Deliver a month's files and those that were late; return the ones that stay away."""
    arriving, late = [*held], []
    faults = charlie_faults if label == DIRTY else None
    for file in monthly_files(flows, label, faults):
        (late if (file.source, label) == LATE else arriving).append(file)
    at = _moment(label, 2)
    for file in arriving:
        _deliver(demo, file, at)
    if label == AGAIN:
        _deliver(demo, next(iter(monthly_files(flows, label))), at + timedelta(hours=3))
    if late:  # it comes before the month is settled, but days after the others
        for file in late:
            _deliver(demo, file, _moment(label, 3, hour=17))
    return []


def _month_of_records(demo: Demo, flows: Flows, label: str, substation: Source | None) -> None:
    """Deliver register reads, and what the substation puts into its folder."""
    at = _moment(label, 2, hour=10)
    if label in READ_MONTHS:
        if label < BEGINS:
            apply_document(
                {"import_profiles": [{"code": "field-registers", "format": "register_csv@1"}]},
                actor=Actor.system("demo"),
                now=at,
            )
        _deliver(demo, register_file(flows, label), at)
    if substation is not None:
        records.clock_compared(_moment(label, 0))
        file = substation_file(flows, label)
        if label == DIRTY:
            records.unreachable(substation, at - timedelta(hours=5))
        records.looked(substation, file, _deliver(demo, file, at), at)


def _deliver(demo: Demo, file: DemoFile, at: datetime) -> int:
    """Receive, read and validate a file, unless its content is known; return its id."""
    actor = demo.people["operator"]
    kept = demo.timed(
        "receive",
        lambda: receive_file(
            io.BytesIO(file.content),
            name=file.name,
            source=file.source,
            profile_code=file.profile,
            now=at,
            actor=actor,
        ),
    )
    pushed(file.source, token_prefix="", now=at)
    if kept.is_duplicate:
        return kept.pk
    receipt = demo.timed("ingest", lambda: ingest_file(kept.pk, now=at, actor=actor))
    demo.timed("validate", lambda: validate_receipt(receipt, now=at, actor=actor))
    return kept.pk


def _decide(demo: Demo, label: str) -> None:
    """Let the operator answer what holds a month back, but leave the newest month's alone."""
    if label == OPEN_MONTH:
        return
    period = Period.month(ZONE, label)
    at, actor = _moment(label, 4), demo.people["operator"]
    for finding in list(
        open_findings(
            start_utc=period.start_utc,
            end_utc=period.end_utc,
            severities=["HOLD", "REJECT", "BLOCK"],
        )
    ):
        fresh = Finding.objects.get(pk=finding.pk)
        if fresh.state == FindingState.OPEN:
            demo.timed("decide", lambda fresh=fresh: _answer(fresh, actor, at))


def _answer(finding: Finding, actor: Actor, at: datetime) -> None:
    if finding.rule_code == "V13" and finding.channel.code.startswith("TEN-"):
        before = finding.channel.minutes
        edit_readings(
            finding.channel,
            finding.start_utc,
            finding.end_utc,
            EditAction.SCALE,
            operand=Decimal(10) / Decimal(31) if before == 15 else Decimal(1),
            reason_code=ReasonCode.METER_FAULT,
            comment="Pulse input counted 3.1 times; confirmed by the feeder meter.",
            actor=actor,
            now=at,
        )
        return
    accept_finding(
        finding,
        reason_code=ReasonCode.ACTUAL_LOAD,
        comment="Checked against the control room log; the reading is real.",
        actor=actor,
        now=at,
    )


def _settle(demo: Demo, label: str) -> None:
    campus = Campus.objects.get(code="CAPROCK")
    period = Period.month(campus.zone, label)
    at, analyst = _moment(label, 4, hour=11), demo.people["analyst"]
    allocation = demo.timed(
        "allocate", lambda: run_allocation(campus, period, now=at, actor=analyst)
    )
    contracts = contracts_of_campus(campus, period)
    runs = demo.timed(
        "settle",
        lambda: calculate(contracts, period, allocation, kind="FINAL", now=at, actor=analyst),
    )
    demo.timed("carbon", lambda: account_carbon(allocation, now=at, actor=analyst))
    held = _held(runs) if label == OPEN_MONTH else set()
    for run in runs:
        if run.pk not in held:
            submit_run(run, actor=analyst, now=at + timedelta(minutes=20))
    if label == OPEN_MONTH:
        return
    for run in runs:
        demo.timed("approve", lambda run=run: _approve(demo, run, at + timedelta(hours=3)))
        demo.timed("invoice", lambda run=run: _invoice(demo, run, at + timedelta(days=1)))


def _held(runs) -> set[int]:
    """Return the runs that a finding keeps from the reviewer: somebody has to decide it first."""
    return {run.pk for run in runs if any(f["severity"] == "BLOCK" for f in run.findings)}


def _approve(demo: Demo, run, at: datetime) -> None:
    approve_run(run, actor=demo.people["approver"], now=at, comment="Compared with last month.")


def _invoice(demo: Demo, run, at: datetime) -> None:
    billing = demo.people["billing"]
    run.refresh_from_db()
    draft = draft_invoice(run, actor=billing, now=at)
    issue_invoice(draft, actor=billing, now=at + timedelta(minutes=10))


def correct(demo: Demo, flows: Flows, day: str, at: datetime) -> None:
    """Deliver a day that was read again after it was billed, of both meters that erred together."""
    for file in corrected_day(flows, day, CORRECTED_WH):
        _deliver(demo, file, at)


def is_empty() -> bool:
    """Say whether the database has neither people nor campuses."""
    return not Campus.objects.exists() and not User.objects.exists()
