"""Sections of a document that are more than rows: calendars, contracts, pools.

They go through the services of their apps, so that a document can do nothing that a person at a
screen could not: an active version is never changed, a version is proved by its examples.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from contracts.charges import charge_type
from contracts.models import Contract, ContractVersion
from contracts.services import (
    activate_version,
    add_example,
    add_holidays,
    add_nerc_holidays,
    add_term,
    new_version,
    supersede_version,
)
from poweroptix.audit.actor import Actor
from poweroptix.kernel.errors import DomainError, Refused
from poweroptix.kernel.parameters import to_json
from poweroptix.portfolio.changes import CREATE, SAME, UPDATE, Change
from poweroptix.portfolio.lives import apply_end
from poweroptix.portfolio.rows import (
    Section,
    apply_row,
    known_fields,
    listed,
    required,
    whole,
)
from poweroptix.portfolio.values import as_text, day_of, span_of


def apply_calendar(item: Mapping, where: str, actor: Actor) -> list[Change]:
    """Apply a holiday calendar with `holidays` ({date: name}) and `nerc_years`."""
    plain = {k: v for k, v in item.items() if k not in {"holidays", "nerc_years"}}
    section = Section("holiday_calendars", "contracts.HolidayCalendar", ("code",))
    calendar, change = apply_row(section, plain, where, actor)
    days = [(day_of(day, where), str(name)) for day, name in (item.get("holidays") or {}).items()]
    added = add_holidays(calendar, days, actor=actor)
    added += add_nerc_holidays(
        calendar, [int(y) for y in item.get("nerc_years") or []], actor=actor
    )
    if added and change.action == SAME:
        change = Change(change.section, change.key, UPDATE, {"holidays": ("", f"{added} more")})
    return [change]


def apply_contract(item: Mapping, where: str, actor: Actor, now: datetime) -> list[Change]:
    """Apply a contract with its `versions`, each with terms and worked examples, and its end."""
    plain = {k: v for k, v in item.items() if k not in {"versions", "ends"}}
    contract, change = apply_row(
        Section("contracts", "contracts.Contract", ("code",)), plain, where, actor
    )
    changes = [change]
    for index, entry in enumerate(listed(item, "versions", where)):
        changes.append(_version(contract, entry, f"{where}.versions[{index}]", actor, now))
    if item.get("ends"):
        changes += apply_end(contract, item["ends"], f"{where}.ends", actor, now)
    return changes


def _version(contract: Contract, entry: Any, where: str, actor: Actor, now: datetime) -> Change:
    known_fields(entry, _VERSION_FIELDS, where)
    first, last = span_of(entry.get("valid"), f"{where}.valid")
    key = f"{contract.code}/{entry.get('number', first)}"
    existing = _existing(contract, entry, first, where)
    terms, examples = _parts(entry, where)
    if existing is not None:
        return _repeated(existing, entry, last, where, actor, now)
    try:
        version = new_version(
            contract,
            first_day=first,
            last_day=last,
            anchor_date=_anchor(entry, where),
            facts=as_text(entry.get("facts") or {}),
            note=str(entry.get("note") or ""),
            copy_terms=False,
            number=whole(entry["number"], f"{where}.number") if "number" in entry else None,
            actor=actor,
            now=now,
        )
        for index, term in enumerate(terms):
            _term(version, term, f"{where}.terms[{index}]", actor)
        for example in examples:
            add_example(
                version,
                name=str(example["name"]),
                inputs=example["inputs"],
                expected=as_text(example["expected"]),
                actor=actor,
            )
        if entry.get("activate", True):
            activate_version(version, actor=actor, now=now)
        if entry.get("superseded", False):
            supersede_version(version, actor=actor, now=now)
    except DomainError as fault:
        if fault.message.startswith(where):
            raise
        raise Refused(fault.code, f"{where}: {fault.message}", findings=fault.findings) from fault
    return Change("contracts.versions", key, CREATE)


def _existing(
    contract: Contract, entry: Mapping, first: date, where: str
) -> ContractVersion | None:
    """Return the version that an entry repeats: by its number, else by its first day."""
    if "number" in entry:
        number = whole(entry["number"], f"{where}.number")
        return contract.versions.filter(number=number).first()
    rows = contract.versions.filter(valid__startswith=first)
    return rows.exclude(state=ContractVersion.State.SUPERSEDED).order_by("-number").first()


_VERSION_FIELDS = {
    "number",
    "valid",
    "anchor_date",
    "facts",
    "note",
    "terms",
    "examples",
    "activate",
    "superseded",
}
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


def _parts(entry: Mapping, where: str) -> tuple[list, list]:
    """Return the terms and examples of a version, each with the fields it must have."""
    terms, examples = listed(entry, "terms", where), listed(entry, "examples", where)
    for index, term in enumerate(terms):
        place = f"{where}.terms[{index}]"
        known_fields(term, _TERM_FIELDS, place)
        required(term, place, "line_code", "charge_type", "label", "parameters")
    for index, example in enumerate(examples):
        place = f"{where}.examples[{index}]"
        known_fields(example, {"name", "inputs", "expected"}, place)
        required(example, place, "name", "inputs", "expected")
    return terms, examples


def _term(version: ContractVersion, term: Mapping, where: str, actor: Actor) -> None:
    try:
        add_term(
            version,
            line_code=whole(term["line_code"], f"{where}.line_code"),
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
        if fault.message.startswith(where):
            raise
        raise Refused(fault.code, f"{where}: {fault.message}", findings=fault.findings) from fault


def _anchor(entry: Mapping, where: str) -> date | None:
    return day_of(entry["anchor_date"], f"{where}.anchor_date") if "anchor_date" in entry else None


def _repeated(
    version: ContractVersion,
    entry: Mapping,
    last: date | None,
    where: str,
    actor: Actor,
    now: datetime,
) -> Change:
    """Accept a version that says what is kept; activate it when it is still a draft."""
    key = f"{version.contract.code}/{entry.get('number', version.valid.lower)}"
    changed = _differences(version, entry, last, where)
    if changed:
        raise Refused(
            "portfolio.version_differs",
            f"{where}: {version} exists with other {', '.join(changed)}; "
            "write a new version with its own first day instead",
        )
    if version.state == ContractVersion.State.DRAFT and entry.get("activate", True):
        try:
            activate_version(version, actor=actor, now=now)
        except DomainError as fault:
            said = f"{where}: {fault.message}"
            raise Refused(fault.code, said, findings=fault.findings) from fault
        return Change("contracts.versions", key, UPDATE, {"state": ("DRAFT", "ACTIVE")})
    return Change("contracts.versions", key, SAME)


def _differences(
    version: ContractVersion, entry: Mapping, last: date | None, where: str
) -> list[str]:
    """Return what a document says otherwise than an existing version, in words.

    A version that was written open-ended and ended by its successor is the same version.
    """
    end = version.valid.upper
    anchor = _anchor(entry, where)
    facts = as_text(entry.get("facts") or {})
    examples = {
        str(one["name"]): (_plain(one["inputs"]), as_text(one["expected"]))
        for one in listed(entry, "examples", where)
    }
    kept = {one.name: (one.inputs, one.expected) for one in version.examples.all()}
    checks = {
        "days": last is None or (end is not None and last == end - timedelta(days=1)),
        "anchor_date": anchor is None or anchor == version.anchor_date,
        "facts": "facts" not in entry or facts == version.facts,
        "terms": _said_terms(entry, where) == _kept_terms(version),
        "examples": examples == kept,
    }
    return [name for name, same in checks.items() if not same]


def _plain(document: Any) -> Any:
    """Return a document as the database gives it back: keys are text."""
    return json.loads(json.dumps(document))


def _said_terms(entry: Mapping, where: str) -> list[tuple]:
    said = []
    for index, term in enumerate(listed(entry, "terms", where)):
        place = f"{where}.terms[{index}]"
        try:
            kind = charge_type(str(term["charge_type"]))
            parsed = to_json(kind.parse(as_text(term["parameters"])))
        except DomainError as fault:
            said_fault = f"{place}: {fault.message}"
            raise Refused(fault.code, said_fault, findings=fault.findings) from fault
        texts = (str(term.get(name) or "") for name in ("label", "clause_number", "clause_text"))
        quantity = str(term.get("quantity_name") or "delivered")
        code = whole(term["line_code"], f"{place}.line_code")
        said.append((code, str(term["charge_type"]), *texts, quantity, parsed))
    return sorted(said, key=lambda one: one[0])


def _kept_terms(version: ContractVersion) -> list[tuple]:
    return [
        (
            term.line_code,
            term.charge_type,
            term.label,
            term.clause_number,
            term.clause_text,
            term.quantity_name,
            term.parameters,
        )
        for term in version.terms.order_by("line_code")
    ]
