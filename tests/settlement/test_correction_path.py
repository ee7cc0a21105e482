"""The whole way of a correction: an issued month, a late reading, true-ups, the next invoice."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection

from billing.queries import runs_to_bill
from billing.services import draft_invoice, issue_invoice
from contracts.models import IndexSeries
from contracts.services import publish_index
from esg.services import account_carbon
from poweroptix.doctor import examine
from poweroptix.jobs.models import Job
from poweroptix.jobs.services import run_now
from poweroptix.kernel.errors import Conflict, Refused
from poweroptix.kernel.period import Period
from settlement.models import PoolMember, SettlementRun
from settlement.queries.corrections import waiting_months, waiting_runs
from settlement.services import (
    approve_run,
    approve_together,
    calculate,
    current_allocation,
    recalculate_month,
    run_allocation,
    verify_run,
)
from tests.billing.world import QUICK_HASHERS, BilledWorld, quick_pdf
from tests.settlement.world import FIRST_DAY, SYSTEM, ZONE, contract, point, readings, serve

pytestmark = pytest.mark.django_db
SEPTEMBER, OCTOBER = Period.month(ZONE, "2026-09"), Period.month(ZONE, "2026-10")
ISSUED = SEPTEMBER.end_utc + timedelta(days=4)
LATE = OCTOBER.end_utc + timedelta(days=4)
#: Four quarter-hours in which the meter had lost pulses: 71, 72, 71 and 70 instead of 60 kWh.
CORRECTED = [*[60] * 1000, 71, 72, 71, 70, *[60] * 1876]
CODES = ["PPA-ALFA", "PPA-BRAVO", "PPA-CHARLIE"]


class Campus(BilledWorld):
    """Three tenants who share the losses of a campus."""

    def __init__(self) -> None:
        super().__init__(settle=False)
        self.charlie_meter = point(self.campus, "TEN-CHARLIE", "TENANT_LOAD")
        self.charlie = contract(self.campus, "CHARLIE")
        serve(self.charlie, self.charlie_meter)
        PoolMember.objects.create(pool=self.pool, contract=self.charlie, first_date=FIRST_DAY)
        self._complete_parties()
        for period in (SEPTEMBER, OCTOBER):
            self.read(period)
            readings(self.charlie_meter, 20, period=period, now=period.end_utc)
            readings(self.gen, "116.325", period=period, now=period.end_utc)
            self._prices(period)

    @property
    def contracts(self):
        """Return the three contracts in the order of their codes."""
        return [self.alfa, self.bravo, self.charlie]

    def _prices(self, period: Period) -> None:
        grid = period.grid(60)
        rows = [(grid.start_of(at), Decimal(20 + at % 37) / 4) for at in range(grid.count)]
        hub = IndexSeries.objects.get(code="hub")
        publish_index(hub, rows, vintage="final", final=True, actor=SYSTEM, now=period.end_utc)

    def calculated(self, period: Period, now) -> list[SettlementRun]:
        """Split a month and calculate its three runs."""
        allocation = run_allocation(self.campus, period, now=now, actor=self.analyst)
        account_carbon(allocation, now=now, actor=self.analyst)
        return calculate(
            self.contracts, period, allocation, kind="FINAL", now=now, actor=self.analyst
        )

    def billed(self, runs, now) -> list:
        """Approve runs and issue their invoices."""
        for run in runs:
            approve_run(run, actor=self.approver, now=now)
        drafts = [draft_invoice(run, actor=self.billing, now=now) for run in runs]
        return [issue_invoice(draft, actor=self.billing, now=now) for draft in drafts]


@pytest.fixture
def campus(settings, tmp_path, monkeypatch):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.PASSWORD_HASHERS = QUICK_HASHERS
    quick_pdf(monkeypatch)
    return Campus()


def recalculated(campus):
    """Do the one action that makes the true-ups of September, and return them."""
    job = recalculate_month(
        campus.campus, "2026-09", reason="Lost pulses.", now=LATE, actor=campus.analyst
    )
    done = run_now(job)
    assert done.state == "done", done.error
    assert done.result["contracts"] == CODES
    return list(SettlementRun.objects.filter(pk__in=done.result["runs"]).order_by("contract__code"))


def amounts(run):
    return {line.label: line.amount_usd for line in run.lines.all()}


def test_from_a_late_reading_to_the_lines_of_the_next_invoice(campus):
    september = campus.calculated(SEPTEMBER, ISSUED)
    campus.billed(september, ISSUED)
    october = campus.calculated(OCTOBER, LATE)
    assert not any(run.lines.filter(line_code=70).exists() for run in october)

    readings(campus.alfa_meter, CORRECTED, period=SEPTEMBER, now=LATE)
    waiting = waiting_runs()
    assert [one.run for one in waiting] == september
    assert [one.reason for one in waiting] == [
        "Its own readings changed.",
        "Only shared energy or losses changed.",
        "Only shared energy or losses changed.",
    ]
    for one in waiting:
        [change] = one.changes
        assert change.channel == "TEN-ALFA/DEL_KWH"
        assert (change.row.interval_count, change.row.change_kwh) == (4, 44)
        assert change.row.start_utc == SEPTEMBER.start_utc + timedelta(minutes=15 * 1000)
        assert change.row.end_utc == change.row.start_utc + timedelta(hours=1)

    true_ups = recalculated(campus)
    assert [(str(run), run.kind, run.state) for run in true_ups] == [
        (f"{code} 2026-09 v2", "TRUE_UP", "CALCULATED") for code in CODES
    ]
    [month] = waiting_months(waiting_runs())
    assert [one.stage for one in month.runs] == [
        "True-up v2 is calculated and waits for approval."
    ] * 3
    with pytest.raises(Refused, match="the newer one gives other kWh"):
        approve_run(true_ups[0], actor=campus.approver, now=LATE)
    approve_together(true_ups[0], actor=campus.approver, now=LATE, comment="Pulses restored.")
    assert waiting_runs() == []

    with pytest.raises(Conflict, match=r"Corrections of earlier months to be billed.* changed"):
        approve_run(october[0], actor=campus.approver, now=LATE)
    for job in Job.objects.filter(kind="settle_contract", state="queued").order_by("pk"):
        ended = run_now(job)
        assert ended.state == "done", ended.error
    _october_bills_the_difference(campus, september, true_ups)
    broken = [one for one in examine(connection) if not one.holds]
    assert broken == []


def _october_bills_the_difference(campus, september, true_ups):
    """Each contract's next invoice carries new less old, line by line and in total."""
    for old, new in zip(september, true_ups, strict=True):
        run = SettlementRun.objects.get(contract=new.contract, period="2026-10", state="CALCULATED")
        assert run.version == 2
        before, after = amounts(old), amounts(new)
        expected = {
            f"Correction 2026-09, {label}": after[label] - before[label]
            for label in after
            if after[label] != before[label]
        }
        corrections = {line.label: line.amount_usd for line in run.lines.filter(line_code=70)}
        assert expected
        assert corrections == expected
        assert sum(corrections.values()) == new.total_usd - old.total_usd
        for line in run.lines.filter(line_code=70):
            volume, price = (Decimal(row["exact_usd"]) for row in line.worksheet["rows"])
            assert (volume, price) == (line.amount_usd, 0)
            assert line.estimated_ratio is None
            [cause] = line.worksheet["figures"]
            assert (cause["name"], Decimal(cause["value"])) == ("Meter revision", line.amount_usd)
        assert not runs_to_bill().exists()  # September's true-up is billed by this run
        assert run.created_by == "system:follow-up"
        approve_run(run, actor=campus.approver, now=LATE)
        assert list(runs_to_bill()) == [run]
        draft = draft_invoice(run, actor=campus.billing, now=LATE)
        billed = draft.lines.filter(line_code=70).values_list("label", "amount_usd")
        assert dict(billed) == expected
        assert verify_run(run).ok


def test_the_demand_that_rose_is_a_volume_effect_and_the_others_lose_less(campus):
    campus.billed(campus.calculated(SEPTEMBER, ISSUED), ISSUED)
    readings(campus.alfa_meter, CORRECTED, period=SEPTEMBER, now=LATE)
    alfa, bravo, charlie = recalculated(campus)
    delivered = {
        run.contract.code: sum(
            line.quantity for line in run.lines.filter(line_code=10)
        ) - sum(line.quantity for line in run.supersedes.lines.filter(line_code=10))
        for run in (alfa, bravo, charlie)
    }  # fmt: skip
    assert delivered["PPA-ALFA"] > 0 > delivered["PPA-BRAVO"]
    assert delivered["PPA-CHARLIE"] < 0
    splits = (alfa.supersedes.allocation_run, current_allocation(campus.campus, "2026-09"))
    before, after = (
        sum(split.parts.filter(kind="TOTAL").values_list("total_kwh", flat=True))
        for split in splits
    )
    assert before == after
