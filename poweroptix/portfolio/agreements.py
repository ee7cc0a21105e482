"""Sections of a document that are more than rows: calendars, contracts, pools, opening balances.

They go through the services of their apps, so that a document can do nothing that a person at a
screen could not: an active version is never changed, a version is proved by its examples.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from contracts.charges import charge_type
from contracts.models import Contract, ContractVersion, OpeningBalance
from contracts.services import (
    activate_version,
    add_example,
    add_holidays,
    add_nerc_holidays,
    add_term,
    new_version,
    set_opening_balance,
)
from poweroptix.audit.actor import Actor
from poweroptix.kernel.errors import DomainError, Refused
from poweroptix.kernel.parameters import to_json
from poweroptix.portfolio.changes import CREATE, SAME, UPDATE, Change
from poweroptix.portfolio.rows import Section, apply_row, find, known_fields
from settlement.models import Pool, PoolMember


def as_text(value: Any) -> Any:
    """Return a JSON value in which every whole number is text, as parameters are stored.

    >>> as_text({"shares": [1, "0.5"], "on": True})
    {'shares': ['1', '0.5'], 'on': True}
    """
    if isinstance(value, Mapping):
        return {str(key): as_text(one) for key, one in value.items()}
    if isinstance(value, list):
        return [as_text(one) for one in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def apply_calendar(item: Mapping, where: str, actor: Actor) -> list[Change]:
    """Apply a holiday calendar with `holidays` ({date: name}) and `nerc_years`."""
    plain = {k: v for k, v in item.items() if k not in {"holidays", "nerc_years"}}
    section = Section("holiday_calendars", "contracts.HolidayCalendar", ("code",))
    calendar, change = apply_row(section, plain, where)
    days = [(day_of(day, where), str(name)) for day, name in (item.get("holidays") or {}).items()]
    added = add_holidays(calendar, days, actor=actor)
    added += add_nerc_holidays(
        calendar, [int(y) for y in item.get("nerc_years") or []], actor=actor
    )
    if added and change.action == SAME:
        change = Change(change.section, change.key, UPDATE, {"holidays": ("", f"{added} more")})
    return [change]


def apply_contract(item: Mapping, where: str, actor: Actor, now: datetime) -> list[Change]:
    """Apply a contract with its `versions`; each version brings terms and worked examples."""
    plain = {k: v for k, v in item.items() if k != "versions"}
    contract, change = apply_row(
        Section("contracts", "contracts.Contract", ("code",)), plain, where
    )
    changes = [change]
    for index, entry in enumerate(item.get("versions") or []):
        changes.append(_version(contract, entry, f"{where}.versions[{index}]", actor, now))
    return changes


def _version(contract: Contract, entry: Any, where: str, actor: Actor, now: datetime) -> Change:
    known_fields(
        entry, {"valid", "anchor_date", "facts", "note", "terms", "examples", "activate"}, where
    )
    first, last = span_of(entry.get("valid"), f"{where}.valid")
    key = f"{contract.code}/{first}"
    existing = (
        contract.versions.filter(valid__startswith=first)
        .exclude(state=ContractVersion.State.SUPERSEDED)
        .order_by("-number")
        .first()
    )
    if existing is not None:
        return _unchanged(existing, entry, where, key)
    try:
        version = new_version(
            contract,
            first_day=first,
            last_day=last,
            anchor_date=day_of(entry["anchor_date"], where) if "anchor_date" in entry else None,
            facts=as_text(entry.get("facts") or {}),
            note=str(entry.get("note") or ""),
            copy_terms=False,
            actor=actor,
            now=now,
        )
        for index, term in enumerate(entry.get("terms") or []):
            _term(version, term, f"{where}.terms[{index}]", actor)
        for index, example in enumerate(entry.get("examples") or []):
            known_fields(example, {"name", "inputs", "expected"}, f"{where}.examples[{index}]")
            add_example(
                version,
                name=str(example["name"]),
                inputs=example["inputs"],
                expected=as_text(example["expected"]),
                actor=actor,
            )
        if entry.get("activate", True):
            activate_version(version, actor=actor, now=now)
    except Refused as fault:
        if fault.message.startswith(where):
            raise
        raise Refused(fault.code, f"{where}: {fault.message}", findings=fault.findings) from fault
    return Change("contracts.versions", key, CREATE)


_TERM_FIELDS = {
    "position",
    "line_code",
    "charge_type",
    "label",
    "clause_number",
    "clause_text",
    "quantity_name",
    "parameters",
}


def _term(version: ContractVersion, term: Any, where: str, actor: Actor) -> None:
    known_fields(term, _TERM_FIELDS, where)
    for name in ("line_code", "charge_type", "label", "parameters"):
        if name not in term:
            raise Refused("portfolio.key_missing", f"{where}: '{name}' is missing")
    try:
        add_term(
            version,
            line_code=int(term["line_code"]),
            charge_type_key=str(term["charge_type"]),
            label=str(term["label"]),
            parameters=as_text(term["parameters"]),
            clause_number=str(term.get("clause_number") or ""),
            clause_text=str(term.get("clause_text") or ""),
            quantity_name=str(term.get("quantity_name") or "delivered"),
            position=term.get("position"),
            actor=actor,
        )
    except DomainError as fault:
        raise Refused(fault.code, f"{where}: {fault.message}", findings=fault.findings) from fault


def _unchanged(version: ContractVersion, entry: Mapping, where: str, key: str) -> Change:
    """Refuse a document that says other terms than an existing version."""
    kept = [(t.line_code, t.charge_type, t.parameters) for t in version.terms.order_by("line_code")]
    said = []
    for term in entry.get("terms") or []:
        kind = charge_type(str(term["charge_type"]))
        parsed = to_json(kind.parse(as_text(term["parameters"])))
        said.append((int(term["line_code"]), str(term["charge_type"]), parsed))
    if sorted(said, key=lambda one: one[0]) != kept:
        raise Refused(
            "portfolio.version_differs",
            f"{where}: {version} exists with other terms; "
            "write a new version with its own first day instead",
        )
    return Change("contracts.versions", key, SAME)


def apply_opening(item: Mapping, where: str, actor: Actor, now: datetime) -> list[Change]:
    """Record an opening balance; once recorded it is only repeated, never changed."""
    known_fields(item, {"contract", "period", "carry", "reason"}, where)
    contract = find(Contract, item["contract"], item, where)
    period, carry = str(item["period"]), as_text(item["carry"])
    key = f"{contract.code}/{period}"
    existing = OpeningBalance.objects.filter(contract=contract, period=period).first()
    if existing is not None:
        if existing.carry != carry:
            raise Refused(
                "portfolio.opening_differs",
                f"{where}: an opening balance of {key} exists with another carry",
            )
        return [Change("opening_balances", key, SAME)]
    set_opening_balance(
        contract, period=period, carry=carry, reason=str(item["reason"]), actor=actor, now=now
    )
    return [Change("opening_balances", key, CREATE)]


def apply_pool(item: Mapping, where: str) -> list[Change]:
    """Apply a pool with its `members` (contract codes) from `first_date` on, and its `points`."""
    extra = {"members", "points", "first_date"}
    plain = {k: v for k, v in item.items() if k not in extra}
    if "parameters" in plain:
        plain["parameters"] = as_text(plain["parameters"])
    pool, change = apply_row(Section("pools", "settlement.Pool", ("campus", "code")), plain, where)
    added = _members(pool, item, where) + _points(pool, item, where)
    if added and change.action == SAME:
        change = Change(change.section, change.key, UPDATE, {"members": ("", ", ".join(added))})
    return [change]


def _members(pool: Pool, item: Mapping, where: str) -> list[str]:
    first = day_of(item.get("first_date") or "", where) if item.get("members") else None
    added = []
    for code in item.get("members") or []:
        contract = find(Contract, code, item, f"{where}.members")
        _row, new = PoolMember.objects.get_or_create(
            pool=pool, contract=contract, defaults={"first_date": first}
        )
        if new:
            added.append(contract.code)
    return added


def _points(pool: Pool, item: Mapping, where: str) -> list[str]:
    model = Pool._meta.get_field("points").related_model
    wanted = [find(model, code, item, f"{where}.points") for code in item.get("points") or []]
    known = set(pool.points.values_list("pk", flat=True))
    pool.points.add(*wanted)
    return [point.code for point in wanted if point.pk not in known]


def day_of(text: Any, where: str) -> date:
    """Return a date from ISO text."""
    try:
        return date.fromisoformat(str(text))
    except ValueError as fault:
        raise Refused(
            "portfolio.value", f"{where}: '{text}' is not a date like 2026-01-31"
        ) from fault


def span_of(raw: Any, where: str) -> tuple[date, date | None]:
    """Return first and last day from `[first, day after the last]`; an empty end stays open."""
    if not isinstance(raw, list) or len(raw) != 2:
        raise Refused("portfolio.value", f"{where}: write [first day, day after the last or empty]")
    first = day_of(raw[0], where)
    return first, day_of(raw[1], where) - timedelta(days=1) if raw[1] else None
