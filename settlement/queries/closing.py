"""The close of a month: which step of which contract is due when, and who has done it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import F, Q

from contracts.models import Contract
from poweroptix.kernel.period import Period, zone_of
from settlement.calc.close_calendar import STEPS, Offset, due_dates, read_steps
from settlement.models import AllocationPart, CloseCalendar, Correction, SettlementRun
from settlement.queries.corrections import reason_of
from settlement.queries.held import held_contracts

#: Steps that are dates to know, not work of settlement.
DATES = ("due", "dispute_until", "last_true_up")


@dataclass(frozen=True)
class CloseRules:
    """A calendar as it is counted with."""

    calendar: CloseCalendar
    steps: tuple[Offset, ...]
    holidays: frozenset[date]

    def dates(self, period: Period) -> dict[str, date]:
        """Return the date of every step of a month."""
        return due_dates(period.last_date, self.steps, self.holidays)


def rules_of(contracts: Iterable[Contract]) -> dict[int, CloseRules]:
    """Return the calendar of each contract that has one: its own, else that of its campus."""
    wanted = list(contracts)
    rows = (
        CloseCalendar.objects.filter(
            Q(contracts__contract__in=wanted) | Q(campus__in={one.campus_id for one in wanted})
        )
        .distinct()
        .prefetch_related("contracts", "holidays__holidays")
    )
    own: dict[int, CloseRules] = {}
    of_campus: dict[int, CloseRules] = {}
    for row in rows:
        days = row.holidays.holidays.all() if row.holidays else ()
        rules = CloseRules(row, read_steps(row.steps), frozenset(one.date for one in days))
        own |= {one.contract_id: rules for one in row.contracts.all()}
        if row.campus_id is not None:
            of_campus[row.campus_id] = rules
    found = {one.pk: own.get(one.pk) or of_campus.get(one.campus_id) for one in wanted}
    return {pk: rules for pk, rules in found.items() if rules is not None}


@dataclass(frozen=True)
class Step:
    """One step of one contract's month. `state`: DONE LATE OPEN OVERDUE NOTHING DATE.

    LATE is done after its day, NOTHING has nothing to do, DATE is a date to know. `why` says what
    changed, of a true-up that has to be made.
    """

    key: str
    due: date
    state: str
    who: str = ""
    at: datetime | None = None
    why: str = ""

    @property
    def title(self) -> str:
        """What the step is called."""
        return STEPS[self.key]


@dataclass(frozen=True)
class Closing:
    """A contract's month and its steps in order; no steps without a calendar."""

    contract: Contract
    calendar: CloseCalendar | None
    steps: tuple[Step, ...]
    newest: SettlementRun | None

    @property
    def next_due(self) -> Step | None:
        """The first step that still has to be done."""
        waiting = [one for one in self.steps if one.state in ("OPEN", "OVERDUE")]
        return min(waiting, key=lambda one: one.due, default=None)


def close_board(contracts: Sequence[Contract], label: str, now: datetime) -> list[Closing]:
    """Return the close of a month for contracts, in their order.

    Readings are final when they are complete and nothing holds them. Eight queries, and two to
    four for each campus.
    """
    rules = rules_of(contracts)
    rows = (
        SettlementRun.objects.filter(contract__in=contracts, period=label)
        .defer("inputs", "findings", "carry_out", "adjustments")
        .order_by("version")
    )
    runs: dict[int, list[SettlementRun]] = {}
    for run in rows:
        runs.setdefault(run.contract_id, []).append(run)
    complete = _complete(contracts, label)
    for pk in held_contracts([one for one in contracts if one.pk in complete], label):
        del complete[pk]
    waiting = _waiting(contracts, label)
    found = []
    for contract in contracts:
        own = runs.get(contract.pk, [])
        known = rules.get(contract.pk)
        facts = _Facts(
            _done(own, complete.get(contract.pk)),
            waiting.get(contract.pk, ""),
            now.astimezone(zone_of(contract.zone)).date(),
            contract.zone,
        )
        dates = known.dates(Period.month(contract.zone, label)) if known else {}
        steps = tuple(facts.step(key, due) for key, due in dates.items())
        found.append(
            Closing(contract, known.calendar if known else None, steps, own[-1] if own else None)
        )
    return found


def _waiting(contracts: Sequence[Contract], label: str) -> dict[int, str]:
    """Return why contracts wait for a true-up of the month; one query."""
    rows = Correction.objects.filter(
        run__contract__in=contracts, run__period=label, run__state__in=SettlementRun.SETTLED
    )
    found: dict[int, list[Correction]] = {}
    for row in rows.select_related("version").annotate(contract_id=F("run__contract")):
        found.setdefault(row.contract_id, []).append(row)
    return {pk: reason_of(them) for pk, them in found.items()}


def _complete(contracts: Sequence[Contract], label: str) -> dict[int, tuple[str, datetime]]:
    """Return who first allocated complete energy of each contract, and when."""
    rows = AllocationPart.objects.filter(
        contract__in=contracts, run__period=label, kind="TOTAL", total_kwh__isnull=False
    ).order_by("-run__version")
    return {
        pk: (who, at)
        for pk, who, at in rows.values_list("contract", "run__created_by", "run__created_at")
    }


def _done(
    runs: Sequence[SettlementRun], complete: tuple[str, datetime] | None
) -> dict[str, tuple[str, datetime]]:
    """Return who did which step, and when."""
    found: dict[str, tuple[str, datetime]] = {}
    if runs:
        found["preliminary"] = (runs[0].created_by, runs[0].created_at)
    if complete:
        found["meter_data_final"] = complete
    approved = sorted((one for one in runs if one.approved_at), key=lambda one: one.approved_at)
    finals = [one for one in approved if one.kind != SettlementRun.Kind.PRELIMINARY]
    if finals:
        found["final"] = (finals[0].approved_by, finals[0].approved_at)
    true_ups = [one for one in approved if one.kind == SettlementRun.Kind.TRUE_UP]
    if true_ups:
        found["true_up"] = (true_ups[-1].approved_by, true_ups[-1].approved_at)
    return found


@dataclass(frozen=True)
class _Facts:
    """What decides the steps of one contract's month."""

    done: Mapping[str, tuple[str, datetime]]
    waits_because: str
    today: date
    zone: str

    def step(self, key: str, due: date) -> Step:
        """Return how one step stands."""
        who, at = self.done.get(key, ("", None))
        still = "OVERDUE" if self.today > due else "OPEN"
        if key in DATES:
            return Step(key, due, "DATE")
        if key == "true_up" and self.waits_because:
            return Step(key, due, still, why=self.waits_because)
        if at is None:
            return Step(key, due, "NOTHING" if key == "true_up" else still)
        late = at.astimezone(zone_of(self.zone)).date() > due
        return Step(key, due, "LATE" if late else "DONE", who, at)


def window_closed(rules: CloseRules | None, period: Period, now: datetime) -> date | None:
    """Return the last day for true-ups of a month if it is over; None while they are allowed."""
    last = rules.dates(period).get("last_true_up") if rules else None
    today = now.astimezone(zone_of(period.zone)).date()
    return last if last is not None and today > last else None
