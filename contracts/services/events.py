"""Entering, correcting and withdrawing events of a contract, one by one or from a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from contracts.calc.index_csv import decode, instant_of
from contracts.calc.month_days import check_days, read_days
from contracts.calc.price_terms import needs_of
from contracts.events import (
    MONTH_NUMBER,
    SYSTEM_PEAK,
    Event,
    check_event,
    check_together,
    event_kind,
)
from contracts.models import Contract, ContractEvent, ContractVersion, Term
from contracts.queries import event_of, priced_term, standing
from contracts.services._save import checked_save
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.kernel.csv_rows import read_rows, uneven
from poweroptix.kernel.errors import Conflict, DomainError, Refused
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.parameters import to_json
from poweroptix.kernel.period import Period

FILE_COLUMNS = ("kind", "start", "end", "reason")
MOST_ROWS = 5_000
MOST_FINDINGS = 50
#: Kinds that terms read by a name: its field, what it is in words, and where needs list it.
NAMED = {
    MONTH_NUMBER: ("name", "a number", "facts"),
    SYSTEM_PEAK: ("system", "peaks of", "systems"),
}
FOREVER = datetime.max.replace(tzinfo=UTC)

#: Called with (contract, start, end, now) after events of that time changed, in the transaction.
changed: list[Callable[[Contract, datetime, datetime, datetime], None]] = []


@transaction.atomic
def record_event(contract: Contract, *, actor: Actor, now: datetime, **said: Any) -> ContractEvent:
    """Write down an event, or a correction of one; `said` is what `propose_event` is told.

    Refused when values or times do not fit the kind, without a reason, or when it overlaps an
    event that excludes it; Conflict when the replaced event was replaced before.
    """
    require(actor, "contracts.edit")
    Contract.objects.select_for_update().get(pk=contract.pk)
    row = propose_event(contract, **said)
    row.recorded_at, row.recorded_by = now, str(actor)
    return _written(row, "contract.event_recorded", actor, now)


def propose_event(
    contract: Contract,
    *,
    kind: str,
    start_utc: datetime,
    end_utc: datetime | None = None,
    values: Mapping[str, Any],
    reason: str,
    replaces: ContractEvent | None = None,
) -> ContractEvent:
    """Return the row of an event as it could be written down; refuses what `record_event` does."""
    if not reason.strip():
        raise Refused("contracts.reason", "say where the event is known from")
    plain = plain_values(kind, values)
    event = Event(kind, start_utc, start_utc if end_utc is None else end_utc, plain)
    check_event(event, contract.zone)
    if event_kind(kind).by_days:
        check_days(event.start_utc, event.end_utc, contract.zone)
    if kind in NAMED:
        _must_be_read(contract, event)
    if kind == MONTH_NUMBER:
        _must_fit_days(contract, event)
    if replaces is not None:
        _must_stand(replaces, contract)
    others = [
        event_of(row)
        for row in standing(contract).filter(
            kind=kind, start_utc__lt=event.end_utc, end_utc__gt=event.start_utc
        )
        if replaces is None or row.pk != replaces.pk
    ]
    check_together([*others, event], contract.zone)
    return ContractEvent(
        contract=contract,
        kind=kind,
        start_utc=event.start_utc,
        end_utc=event.end_utc,
        values=plain,
        reason=reason.strip(),
        replaces=replaces,
    )


def plain_values(kind: str, values: Mapping[str, Any]) -> dict[str, str]:
    """Return the values of an event as they are stored. Refused with a finding per wrong field."""
    kept = to_json(event_kind(kind).parse(values))
    return {name: str(value) for name, value in kept.items() if value is not None}


@transaction.atomic
def withdraw_event(
    event: ContractEvent, *, reason: str, actor: Actor, now: datetime
) -> ContractEvent:
    """Say that an event did not happen; the row stays and a new one says why it does not count.

    Refused without a reason; Conflict when the event does not stand any more.
    """
    require(actor, "contracts.edit")
    if not reason.strip():
        raise Refused("contracts.reason", "say why the event does not count")
    Contract.objects.select_for_update().get(pk=event.contract_id)
    _must_stand(event, event.contract)
    row = ContractEvent(
        contract=event.contract,
        kind=event.kind,
        start_utc=event.start_utc,
        end_utc=event.end_utc,
        values=event.values,
        reason=reason.strip(),
        replaces=event,
        withdrawn=True,
        recorded_at=now,
        recorded_by=str(actor),
    )
    return _written(row, "contract.event_withdrawn", actor, now)


@transaction.atomic
def record_event_file(
    contract: Contract, content: bytes, *, actor: Actor, now: datetime
) -> list[ContractEvent]:
    """Write down the events of a CSV file: kind, start, end, reason and a column per value.

    Times without an offset are local times of the contract; what is stated of a month has the
    month as its start, 2026-03, or its first and last day. An event that stands already just so
    is passed over. Refused as a whole with a finding per bad line.
    """
    require(actor, "contracts.edit")
    head, rows = read_rows(decode(content), code="contracts.event_file")
    columns = [name.lower() for name in head]
    missing = [name for name in FILE_COLUMNS if name not in columns]
    if missing:
        text = f"no column {missing[0]}; found: {', '.join(filter(None, columns)) or 'nothing'}"
        raise Refused("contracts.event_file", text)
    if len(rows) > MOST_ROWS:
        raise Refused("contracts.event_file", f"the file has more than {MOST_ROWS} events")
    found, findings = [], []
    for line, row in rows:
        if wrong := uneven(f"line {line}", row, columns):
            findings.append(Finding("contracts.event_cells", wrong, where=str(line)))
            continue
        cells = {name: row[at].strip() for at, name in enumerate(columns) if name}
        try:
            written = _from_line(contract, cells, actor, now)
            found += [written] if written is not None else []
        except DomainError as error:
            findings.append(Finding(error.code, f"line {line}: {error.message}", where=str(line)))
        if len(findings) >= MOST_FINDINGS:
            break
    if findings:
        raise Refused("contracts.event_file", findings[0].message, findings=tuple(findings))
    return found


def _from_line(
    contract: Contract, cells: Mapping[str, str], actor: Actor, now: datetime
) -> ContractEvent | None:
    """Write down one line of a file; None when that event stands already."""
    start, end = _time_of(cells, contract.zone)
    values = {name: cell for name, cell in cells.items() if cell and name not in FILE_COLUMNS}
    plain = plain_values(cells["kind"], values)
    alike = standing(contract).filter(kind=cells["kind"], start_utc=start, end_utc=end)
    if alike.filter(values=plain).exists():
        return None
    return record_event(
        contract,
        kind=cells["kind"],
        start_utc=start,
        end_utc=end,
        values=values,
        reason=cells["reason"],
        actor=actor,
        now=now,
    )


def _time_of(cells: Mapping[str, str], zone: str) -> tuple[datetime, datetime]:
    """Return when the event of a line was; a month or days of one where the kind is stated so."""
    first, last = cells["start"], cells["end"]
    if event_kind(cells["kind"]).by_days:
        return read_days(f"{first} to {last}" if last else first, zone)
    start = instant_of(first, zone)
    return start, instant_of(last, zone) if last else start


def _must_be_read(contract: Contract, event: Event) -> None:
    """Refuse what no term asks for: a name typed wrong would change nothing, silently."""
    field, what, _ = NAMED[event.kind]
    known, name = names_read(contract, event.kind), event.values[field]
    if name not in known:
        text = f"no term of {contract.code} reads {what} '{name}'; they read: "
        raise Refused("contracts.event_unread", text + (", ".join(known) or "none"))


def _must_fit_days(contract: Contract, event: Event) -> None:
    """Refuse a number of days that no version has in the month: every run would stop at it."""
    days = Period(event.start_utc, event.end_utc, contract.zone)
    month = Period.month(contract.zone, f"{days.first_date:%Y-%m}")
    whole = (month.first_date, month.last_date)
    replaced = ContractVersion.State.SUPERSEDED
    spans = {
        (max(one.first_date, whole[0]), min(one.last_date or whole[1], whole[1]))
        for one in contract.versions.exclude(state=replaced)
    }
    parts = sorted(one for one in spans if one[0] <= one[1] and one != whole)
    if (days.first_date, days.last_date) in (whole, *parts):
        return
    wanted = [month.label, *(f"{first} to {last}" for first, last in parts)]
    text = (
        f"{event.values['name']} is stated for {days.first_date} to {days.last_date}, and no "
        f"version of {contract.code} holds on just those days; state it for {' or '.join(wanted)}"
    )
    raise Refused("contracts.month_number", text)


def names_read(contract: Contract, kind: str) -> tuple[str, ...]:
    """Return the names by which terms of a contract read events of a kind; none for other kinds."""
    if kind not in NAMED:
        return ()
    needs = needs_of(map(priced_term, Term.objects.filter(version__contract=contract)))
    return getattr(needs, NAMED[kind][2])


def _must_stand(event: ContractEvent, contract: Contract) -> None:
    if event.contract_id != contract.pk:
        raise Refused("contracts.event", "the replaced event is of another contract")
    if not standing(contract).filter(pk=event.pk).exists():
        text = "This event was corrected or withdrawn meanwhile; look at the one that stands."
        raise Conflict("contracts.event_replaced", text)


def _written(row: ContractEvent, deed: str, actor: Actor, now: datetime) -> ContractEvent:
    """Save the row, put it on the trail and tell who rests on events of that time."""
    checked_save(row)
    after = {"kind": row.kind, "start_utc": row.start_utc, "end_utc": row.end_utc, **row.values}
    before = None
    start, end = row.start_utc, FOREVER if event_kind(row.kind).holds_on else row.end_utc
    if row.replaces is not None:
        old = row.replaces
        before = {"event": old.pk, "start_utc": old.start_utc, "end_utc": old.end_utc}
        before |= old.values
        start, end = min(start, old.start_utc), max(end, old.end_utc)
    record(deed, row, actor=actor, reason=row.reason, before=before, after=after)
    for tell in changed:
        tell(row.contract, start, end, now)
    return row
