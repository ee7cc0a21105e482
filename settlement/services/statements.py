"""Shadow settlement: load a counterparty's statement, hold it against our run, dispute a break."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

from django.db import IntegrityError, transaction

from contracts.models import Contract
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.kernel.errors import Conflict, DomainError, Refused
from poweroptix.kernel.period import Period
from poweroptix.kernel.rounding import display
from settlement.calc.desk_check import BilledLine, by_code
from settlement.calc.dispute import Contest, Resolution, Undisputed, resolve, undisputed
from settlement.calc.inputs import Inputs, from_bytes
from settlement.calc.scaling import scaled
from settlement.calc.settle import settle
from settlement.calc.shadow import Compared, Side, compare
from settlement.calc.statement_csv import read_statement
from settlement.models import CounterpartyStatement, Dispute, SettlementRun
from settlement.queries.resolver import StoredResolver
from settlement.services.desk_check import billed_of

MOST_BYTES = 5_000_000
#: How long a dispute may wait for its answer, unless the contract says otherwise.
ANSWER_DAYS = 60
VERB = "billing.dispute"
OPEN = Dispute.State.OPEN
ENDS = (Dispute.State.GRANTED, Dispute.State.PARTIAL, Dispute.State.DENIED, Dispute.State.WITHDRAWN)


@dataclass(frozen=True)
class Comparison:
    """A statement beside the run that counts now."""

    run: SettlementRun
    lines: tuple[Compared, ...]
    disputes: Mapping[int, Dispute]

    @property
    def breaks(self) -> tuple[Compared, ...]:
        """The lines that do not agree."""
        return tuple(one for one in self.lines if not one.is_match)


@transaction.atomic
def load_statement(
    contract: Contract,
    period: str,
    *,
    name: str,
    content: bytes,
    columns: Mapping[str, str],
    codes: Mapping[str, int],
    actor: Actor,
    now: datetime,
) -> CounterpartyStatement:
    """Read a statement and keep its lines. Refused with row, column and value; Conflict when held.

    The same file for the same month is refused: it was loaded already.
    """
    require(actor, VERB)
    if not content or len(content) > MOST_BYTES:
        raise Refused("statement.size", "Choose a CSV file that is not empty, at most 5 MB.")
    lines = read_statement(content, columns, codes)
    sha256 = hashlib.sha256(content).hexdigest()
    known = CounterpartyStatement.objects.filter(contract=contract, period=period, sha256=sha256)
    if known.exists():
        text = f"This file was loaded for {period} of {contract.code} already."
        raise Conflict("statement.known", text)
    row = CounterpartyStatement.objects.create(
        contract=contract,
        tenant_id=contract.tenant_id,
        period=period,
        name=name.replace("\x00", "")[-200:],
        sha256=sha256,
        mapping={"columns": dict(columns), "codes": dict(codes)},
        lines=[_stored(line) for line in lines],
        recorded_at=now,
        recorded_by=str(actor),
    )
    record("settlement.statement_loaded", row, actor=actor, after={"lines": len(lines)})
    return row


def _stored(line: Side) -> dict[str, Any]:
    return {
        name: format(value, "f") if isinstance(value, Decimal) else value
        for name, value in vars(line).items()
    }


def lines_of(statement: CounterpartyStatement) -> list[Side]:
    """Return the lines of a statement as they were read."""
    numbers = ("amount_usd", "quantity", "rate")
    return [
        Side(
            **{
                name: Decimal(value) if name in numbers and value is not None else value
                for name, value in line.items()
            }
        )
        for line in statement.lines
    ]


def run_of(statement: CounterpartyStatement) -> SettlementRun:
    """Return our run of the month: the approved one, else the one that waits. Refused if none."""
    runs = SettlementRun.objects.filter(contract=statement.contract_id, period=statement.period)
    runs = runs.defer("inputs", "findings").select_related("contract").order_by("-version")
    found = (
        runs.filter(state__in=SettlementRun.SETTLED).first()
        or runs.filter(state__in=SettlementRun.OPEN).first()
    )
    if found is None:
        text = f"{statement.contract.code} has no run of {statement.period} to compare with."
        raise Refused("settlement.shadow", text)
    return found


def compare_statement(statement: CounterpartyStatement) -> Comparison:
    """Hold a statement against our run, by the tolerance of the contract.

    The lines of our run are compared as they were printed, corrections of earlier months as well.
    Where a line breaks, the terms that the run froze price their quantity.
    """
    run, contract = run_of(statement), statement.contract
    ours = [
        Side(
            line.line_code,
            line.label,
            line.amount_usd,
            line.quantity,
            line.unit,
            line.rate,
        )
        for line in run.lines.order_by("position")
    ]
    lines = compare(
        ours,
        lines_of(statement),
        floor_usd=contract.tolerance_usd,
        ratio=contract.tolerance_ratio,
        reprice=Scaled(run),
    )
    held = statement.disputes.exclude(state=Dispute.State.WITHDRAWN)
    return Comparison(run, tuple(lines), {one.line_code: one for one in held})


class Scaled:
    """Prices another quantity of a line by the run's own terms: every interval in proportion."""

    def __init__(self, run: SettlementRun) -> None:
        self._run = run

    @cached_property
    def _inputs(self) -> Inputs:
        run = self._run
        period = Period(run.start_utc, run.end_utc, run.contract.zone, run.period)
        content = SettlementRun.objects.values_list("inputs", flat=True).get(pk=run.pk)
        return from_bytes(bytes(content), StoredResolver(period))

    @cached_property
    def _ours(self) -> dict[int, BilledLine]:
        return {one.line_code: one for one in billed_of(self._run)}

    def __call__(self, line_code: int, quantity: Decimal) -> Decimal | None:
        """Return the amount; None where the line does not follow what was metered."""
        ours = self._ours.get(line_code)
        if ours is None or not ours.quantity or quantity <= 0 or ours.quantity < 0:
            return None
        try:
            ratio = display(Fraction(quantity) / Fraction(ours.quantity), 8)
            series = {name: scaled(one, ratio) for name, one in self._inputs.series.items()}
            outcome = settle(replace(self._inputs, series=series))
        except DomainError:
            return None
        lines = [one for one in outcome.lines if one.line_code == line_code]
        got = by_code(
            BilledLine(one.line_code, one.label, one.quantity, one.unit, one.amount_usd)
            for one in lines
        )
        if not got or got[0].quantity is None or not _near(got[0].quantity, quantity):
            return None
        return got[0].amount_usd


def _near(one: Decimal, other: Decimal) -> bool:
    """Return True within a thousandth: rounding to whole kW is no other quantity."""
    return abs(one - other) <= abs(other) / 1000


@transaction.atomic
def open_dispute(
    statement: CounterpartyStatement,
    line_code: int,
    *,
    reason: str,
    answer_due_date: date,
    due_date: date | None = None,
    interest_ratio: Decimal | None = None,
    actor: Actor,
    now: datetime,
) -> Dispute:
    """Dispute the difference of a break. Refused for a line that agrees and without a reason."""
    require(actor, VERB)
    found = compare_statement(statement)
    line = next((one for one in found.breaks if one.line_code == line_code), None)
    if line is None:
        text = f"Line {line_code} of the statement agrees with ours; there is nothing to dispute."
        raise Refused("dispute.no_break", text)
    if not reason.strip():
        raise Refused("dispute.reason", "Say why the amount is disputed.")
    try:
        with transaction.atomic():
            row = Dispute.objects.create(
                statement=statement,
                tenant_id=statement.tenant_id,
                line_code=line_code,
                label=line.label,
                amount_usd=line.difference_usd,
                reason=reason.strip(),
                filed_at=now,
                filed_by=str(actor),
                answer_due_date=answer_due_date,
                due_date=due_date,
                interest_ratio=interest_ratio,
            )
    except IntegrityError as fault:
        raise Conflict("dispute.known", f"Line {line_code} is disputed already.") from fault
    record("settlement.dispute_opened", row, actor=actor, reason=row.reason)
    return row


@transaction.atomic
def decide_dispute(
    dispute: Dispute,
    *,
    state: str,
    credited_usd: Decimal | None = None,
    outcome: str,
    actor: Actor,
    now: datetime,
) -> Dispute:
    """End a dispute: GRANTED credits all, DENIED and WITHDRAWN nothing, PARTIAL what is named.

    Conflict when it was ended before; Refused without an outcome in words or with a credit that
    is no part of the disputed amount.
    """
    require(actor, VERB)
    dispute = Dispute.objects.select_for_update().get(pk=dispute.pk)
    if dispute.state != OPEN:
        raise Conflict("dispute.ended", f"The dispute is {dispute.get_state_display()} already.")
    if state not in ENDS:
        raise Refused("dispute.state", "Say how the dispute ends.")
    if not outcome.strip():
        raise Refused("dispute.outcome", "Say in words what was agreed.")
    zero = Decimal("0.00")
    credit = {Dispute.State.GRANTED: dispute.amount_usd, Dispute.State.PARTIAL: credited_usd}
    credited = credit.get(state, zero)
    if state == Dispute.State.PARTIAL and (not credited or credited == dispute.amount_usd):
        raise Refused("dispute.credit", "Name the amount that is credited, a part of the whole.")
    resolve(dispute.amount_usd, credited)
    dispute.state, dispute.credited_usd, dispute.outcome = state, credited, outcome.strip()
    dispute.decided_at, dispute.decided_by = now, str(actor)
    dispute.save()
    record("settlement.dispute_ended", dispute, actor=actor, reason=dispute.outcome)
    return dispute


def resolution_of(dispute: Dispute, paid_on: date) -> Resolution | None:
    """Return what a decided dispute leaves to be paid on a day; None while it is open."""
    if dispute.credited_usd is None:
        return None
    return resolve(
        dispute.amount_usd,
        dispute.credited_usd,
        interest_ratio=dispute.interest_ratio,
        due_date=dispute.due_date,
        paid_on=paid_on,
    )


def undisputed_of(statement: CounterpartyStatement) -> Undisputed | None:
    """Return what of the month's invoice stays due; None while we sell and have not invoiced.

    Where we buy, the statement is the seller's invoice. Where we sell, the invoice that stands
    counts, one that was declared void does not. A dispute that was withdrawn counts as never filed.
    """
    contract = statement.contract
    if contract.is_purchase:
        invoiced = sum((Decimal(line["amount_usd"]) for line in statement.lines), Decimal("0.00"))
    else:
        standing = contract.invoices.filter(period=statement.period, state="ISSUED")
        invoiced = standing.values_list("total_usd", flat=True).first()
    if invoiced is None:
        return None
    held = [one for one in statement.disputes.all() if one.state != Dispute.State.WITHDRAWN]
    contests = [Contest(one.amount_usd, one.credited_usd) for one in held]
    return undisputed(invoiced, contests, is_purchase=contract.is_purchase)
