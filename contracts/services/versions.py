"""Contracts and their dated versions: create, copy into a draft, activate."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import Max, ProtectedError

from contracts import queries
from contracts.calc.agreed_lines import said
from contracts.calc.line_rules import check_lines
from contracts.calc.price_terms import PricedTerm
from contracts.charges import ChargeType, TermContext, charge_type
from contracts.models import Contract, ContractExample, ContractVersion, IndexSeries
from contracts.services._save import checked_save
from contracts.services.examples import lines_not_agreed, run_examples, version_before
from contracts.services.terms import must_be_draft
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.kernel.errors import Conflict, DomainError, Forbidden, Refused
from poweroptix.kernel.finding import Finding, Severity

State = ContractVersion.State
#: Whoever acts by name, or by a token that a person holds.
PEOPLE = ("user:", "token:")

#: Called with (contract, first day, now) after other versions hold from that local day on, in the
#: transaction.
held_anew: list[Callable[[Contract, date, datetime], None]] = []
#: Called with a version; each returns the settled months that its days reach, in words.
reached: list[Callable[[ContractVersion], list[str]]] = []


@transaction.atomic
def create_contract(*, actor: Actor, **fields: Any) -> Contract:
    """Write down a new contract. Refused when a field is wrong."""
    require(actor, "contracts.edit")
    contract = checked_save(Contract(**fields))
    record("contract.created", contract, actor=actor, after={"code": contract.code})
    return contract


@transaction.atomic
def new_version(
    contract: Contract,
    *,
    first_day: date,
    last_day: date | None = None,
    anchor_date: date | None = None,
    facts: Mapping[str, str] | None = None,
    note: str = "",
    copy_terms: bool = True,
    number: int | None = None,
    actor: Actor,
    now: datetime,
) -> ContractVersion:
    """Start a draft; by default with terms, facts and anchor of the latest version.

    Examples are not copied: their amounts were agreed for the old terms. `number` is the next one
    unless a document names it.
    """
    require(actor, "contracts.edit")
    if last_day is not None and last_day < first_day:
        raise Refused("contracts.dates", f"the last day {last_day} is before {first_day}")
    Contract.objects.select_for_update().get(pk=contract.pk)
    latest = contract.versions.order_by("-number").first()
    if number is None:
        number = (contract.versions.aggregate(top=Max("number"))["top"] or 0) + 1
    version = ContractVersion(
        contract=contract,
        number=number,
        valid=DateRange(first_day, None if last_day is None else last_day + timedelta(days=1)),
        anchor_date=anchor_date or (latest.anchor_date if latest else first_day),
        facts=dict(facts) if facts is not None else dict(latest.facts if latest else {}),
        note=note,
        created_at=now,
        created_by=str(actor),
        writers=[str(actor)],
    )
    checked_save(version)
    if copy_terms and latest is not None:
        for term in latest.terms.order_by("position"):
            term.pk, term.version, term._state.adding = None, version, True
            term.save()
    record("contract.version_drafted", version, actor=actor, after={"valid": version.valid_text()})
    return version


@transaction.atomic
def remove_draft(version: ContractVersion, *, actor: Actor) -> None:
    """Delete a draft with its terms and worked examples; the trail keeps what it was.

    Conflict when it is no draft, or when a desk-check was kept of it; Forbidden without the right.
    """
    require(actor, "contracts.edit")
    version = ContractVersion.objects.select_for_update().get(pk=version.pk)
    must_be_draft(version)
    before = {
        "number": version.number,
        "valid": version.valid_text(),
        "note": version.note,
        "terms": [f"{one.line_code} {one.label}" for one in version.terms.order_by("line_code")],
        "examples": [one.name for one in version.examples.order_by("name")],
    }
    record("contract.version_removed", version, actor=actor, before=before)
    try:
        version.delete()
    except ProtectedError as error:
        text = f"{version} was desk-checked, and a desk-check keeps its version; leave the draft"
        raise Conflict("contracts.draft_kept", f"{text} and write the next one.") from error


@transaction.atomic
def activate_version(
    version: ContractVersion, *, actor: Actor, now: datetime, supersede: bool = False
) -> ContractVersion:
    """Make a draft hold: its terms are sound, its examples pass, its days are free.

    Examples agree an amount for each line that an amendment adds or changes.
    An open-ended version that began earlier ends the day before. Any other overlap is refused,
    unless `supersede` says that the versions wholly inside the new days are replaced.
    Refused with all findings; Conflict when the version is not a draft; Forbidden without the
    right, and to everybody who wrote in the draft.
    """
    require(actor, "contracts.activate")
    Contract.objects.select_for_update().get(pk=version.contract_id)
    version = ContractVersion.objects.select_for_update().get(pk=version.pk)
    if version.state != State.DRAFT:
        raise Conflict(
            "contracts.not_draft", f"{version} is {version.get_state_display()}, not a draft"
        )
    own = own_draft(version, actor)
    if own:
        raise Forbidden("contracts.own_draft", own)
    findings = check_version(version)
    if not findings:
        findings = check_examples(version, now)
    if findings:
        text = f"{version} cannot be activated: {findings[0].message}"
        raise Refused("contracts.not_ready", text, findings=findings)
    make_room(version, supersede, actor)
    version.state = State.ACTIVE
    version.activated_at = now
    version.activated_by = str(actor)
    checked_save(version)
    record(
        "contract.version_activated",
        version,
        actor=actor,
        before={"state": State.DRAFT},
        after={"state": State.ACTIVE, "valid": version.valid_text()},
    )
    tell_held_anew(version.contract, version.first_date, now)
    return version


def tell_held_anew(contract: Contract, first_day: date, now: datetime) -> None:
    """Tell who rests on the terms of a contract that other versions hold from a local day on."""
    for tell in held_anew:
        tell(contract, first_day, now)


def months_reached(version: ContractVersion) -> list[str]:
    """Return the settled months that the days of a version reach, in words, the oldest first."""
    return [month for ask in reached for month in ask(version)]


def own_draft(version: ContractVersion, actor: Actor) -> str:
    """Return why this actor is no second person for a draft, in words; empty when it is one.

    What no person wrote, such as a document that was applied, any person or the system activates.
    """
    writers = {version.created_by, *version.writers}
    if str(actor) in writers and actor.kind != "system":
        return f"You wrote in {version}; somebody else activates it."
    by_people = any(one.startswith(PEOPLE) for one in writers)
    if by_people and actor.kind != "user":
        return f"A person wrote {version}; another person activates it."
    return ""


@transaction.atomic
def supersede_version(version: ContractVersion, *, actor: Actor, now: datetime) -> ContractVersion:
    """Take an active version out of force whole: history that a document brings along.

    Conflict when it is not active; Forbidden without the right.
    """
    require(actor, "contracts.activate")
    version = ContractVersion.objects.select_for_update().get(pk=version.pk)
    if version.state != State.ACTIVE:
        raise Conflict("contracts.not_active", f"{version} is {version.get_state_display()}.")
    version.state = State.SUPERSEDED
    version.save(update_fields=["state"])
    before, after = {"state": State.ACTIVE}, {"state": State.SUPERSEDED}
    record("contract.version_ended", version, actor=actor, before=before, after=after)
    tell_held_anew(version.contract, version.first_date, now)
    return version


def check_version(version: ContractVersion) -> list[Finding]:
    """Everything that keeps the terms of a version from being priced."""
    rows = queries.terms(version)
    if not rows:
        return [Finding("contracts.no_term", "the version has no term", where=str(version))]
    findings: list[Finding] = []
    for term in rows:
        findings += check_term(term, version)
    return findings + check_lines(rows)


def check_term(term: PricedTerm, version: ContractVersion) -> list[Finding]:
    """Return what is wrong with a term: parameters, calendars, series, life of the price."""
    where = f"line {term.line_code}"
    try:
        kind = charge_type(term.charge_type)
        found = parameter_findings(kind, kind.parse(term.parameters), version)
    except DomainError as error:
        return [Finding(error.code, f"{where}: {error.message}", where=where)]
    return [Finding(one.code, f"{where}: {one.message}", where=where, fix=one.fix) for one in found]


def parameter_findings(
    kind: ChargeType, parameters: Any, version: ContractVersion
) -> list[Finding]:
    """Return what keeps parameters from being priced on the days of a version, by parameter."""
    needs = kind.needs(parameters)
    known = queries.calendars(needs.calendars)
    findings = [
        Finding("contracts.calendar_unknown", f"there is no calendar '{code}'", where="calendar")
        for code in needs.calendars
        if code not in known
    ]
    wanted = (*needs.index_codes, *needs.histories)
    have = set(IndexSeries.objects.filter(code__in=wanted).values_list("code", flat=True))
    findings += [
        Finding("contracts.index_unknown", f"there is no index series '{code}'", where="index")
        for code in wanted
        if code not in have
    ]
    context = TermContext(
        first_date=version.first_date,
        last_date=version.last_date,
        anchor_date=version.anchor_date,
        calendars=known,
    )
    checked = kind.check(parameters, context)
    return findings + [found for found in checked if found.severity == Severity.BLOCK]


def check_examples(version: ContractVersion, now: datetime) -> list[Finding]:
    """At least one worked example, every one passes, and they cover an amendment."""
    if not ContractExample.objects.filter(version=version).exists():
        return [
            Finding(
                "contracts.no_example",
                "no worked example; add one that both parties agreed to",
                where=str(version),
                fix="Enter inputs of a month and the agreed amount of each line.",
            )
        ]
    failed = [
        Finding("contracts.example_failed", f"example '{verdict.name}': {text}", where=verdict.name)
        for verdict in run_examples(version, now=now)
        if not verdict.passed
        for text in verdict.messages
    ]
    return failed or check_agreed(version)


def check_agreed(version: ContractVersion) -> list[Finding]:
    """Every line that an amendment adds or changes has an amount in a worked example.

    A first version has nothing to be held against; the workspace says which of its lines no
    example agrees on.
    """
    lines = lines_not_agreed(version)
    if not lines or version_before(version) is None:
        return []
    text = f"no worked example agrees an amount for {said(lines)}: add one"
    fix = "Enter inputs of a month and the agreed amount of each of these lines."
    return [Finding("contracts.line_not_agreed", text, where=str(version), fix=fix)]


def make_room(version: ContractVersion, supersede: bool, actor: Actor) -> None:
    """Shorten or supersede active versions that hold on days of this one, or refuse."""
    for other in version.contract.versions.filter(
        state=State.ACTIVE, valid__overlap=version.valid
    ).select_for_update():
        before = {"valid": other.valid_text(), "state": other.state}
        if other.valid.upper is None and other.valid.lower < version.valid.lower:
            other.valid = DateRange(other.valid.lower, version.valid.lower)
        elif supersede and covers(version.valid, other.valid):
            other.state = State.SUPERSEDED
        else:
            raise Refused(
                "contracts.overlap",
                f"{version} ({version.valid_text()}) overlaps version {other.number} "
                f"({other.valid_text()})",
                other=other.number,
            )
        other.save(update_fields=["valid", "state"])
        after = {"valid": other.valid_text(), "state": other.state}
        record("contract.version_ended", other, actor=actor, before=before, after=after)


def covers(outer: DateRange, inner: DateRange) -> bool:
    """Return True when every day of `inner` is one of `outer`."""
    if inner.lower < outer.lower:
        return False
    return outer.upper is None or (inner.upper is not None and inner.upper <= outer.upper)
