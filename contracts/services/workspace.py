"""What the workspace of a contract shows: versions in words, what they read, what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import DateField, ExpressionWrapper, F, QuerySet

from contracts.calc.agreed_lines import said
from contracts.calc.differences import SaidTerm
from contracts.calc.price_terms import needs_of
from contracts.models import Contract, ContractExample, ContractVersion, DiaryEntry, Term
from contracts.queries import priced_term
from contracts.services.examples import lines_not_agreed, version_before
from contracts.services.sentences import sentences
from poweroptix.kernel.errors import DomainError

DRAFT, ACTIVE = ContractVersion.State.DRAFT, ContractVersion.State.ACTIVE


@dataclass(frozen=True)
class ReadTerm:
    """A term with its sentence and what its price is made from."""

    term: Term
    sentence: str
    reads: tuple[tuple[str, tuple[str, ...]], ...]

    def said(self) -> SaidTerm:
        """Return the term as a comparison takes it."""
        names = ("line_code", "label", "charge_type", "quantity_name")
        clause = (self.term.clause_number, self.term.clause_text)
        fields = [getattr(self.term, name) for name in names]
        return SaidTerm(*fields, *clause, self.term.parameters, self.sentence)


@dataclass(frozen=True)
class Sheet:
    """One version as a term sheet: its terms in words and its worked examples."""

    version: ContractVersion
    terms: tuple[ReadTerm, ...]
    examples: tuple[ContractExample, ...]

    @property
    def is_draft(self) -> bool:
        """Whether it can still be written."""
        return self.version.state == DRAFT


@dataclass(frozen=True)
class Step:
    """One thing that can be done next: in words, the verb it takes, and where it is done."""

    text: str
    verb: str
    place: str
    label: str
    number: int | None = None


def sheets(contract: Contract) -> list[Sheet]:
    """Return every version of a contract, newest first, in at most seven queries."""
    held = list(contract.versions.prefetch_related("terms", "examples").order_by("-number"))
    for version in held:
        for term in version.terms.all():
            term.version = version
    said = sentences(term for version in held for term in version.terms.all())
    return [
        Sheet(
            version,
            tuple(
                ReadTerm(term, said[term.pk], reads_of(term))
                for term in sorted(
                    version.terms.all(), key=lambda one: (one.line_code, one.position)
                )
            ),
            tuple(sorted(version.examples.all(), key=lambda one: one.name)),
        )
        for version in held
    ]


def reads_of(term: Term) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return what pricing a term reads, by kind; nothing when its parameters cannot be read."""
    try:
        needs = needs_of([priced_term(term)])
    except DomainError:
        return ()
    kinds = (
        ("quantity", needs.series),
        ("prices", needs.prices),
        ("calendar", needs.calendars),
        ("numbers of contract or month", needs.facts),
        ("peaks of", needs.systems),
    )
    return tuple((name, codes) for name, codes in kinds if codes)


def sheet_in_force(held: Sequence[Sheet], day: date) -> Sheet | None:
    """Return the active version of a day; else the newest one."""
    for one in held:
        if one.version.state == ACTIVE and day in one.version.valid:
            return one
    return held[0] if held else None


def due_entries(day: date) -> QuerySet[DiaryEntry]:
    """Return the dates of all contracts that want attention on a day, the most urgent first."""
    from_day = ExpressionWrapper(F("due_date") - F("lead_days"), output_field=DateField())
    return (
        DiaryEntry.objects.filter(done_at=None)
        .annotate(from_day=from_day)
        .filter(from_day__lte=day)
        .select_related("contract")
        .order_by("due_date", "pk")
    )


def next_steps(
    contract: Contract, held: Sequence[Sheet], *, has_points: bool, waiting: Sequence, day: date
) -> list[Step]:
    """Return what comes next for a contract, in the order in which it has to be done.

    `waiting` are opening balances that nobody has approved.
    """
    steps: list[Step] = []
    if not held:
        text = "No version is written yet."
        return [Step(text, "contracts.edit", "version-new", "Write the first version")]
    draft = open_draft(held)
    if draft is not None:
        steps += _draft_steps(draft)
    for balance in waiting:
        text = f"The opening balance of {balance.period} waits for a second person."
        steps.append(Step(text, "contracts.activate", "take-over", "Look and approve"))
    if not has_points:
        text = "No delivery point serves the contract, so nothing can be settled."
        steps.append(Step(text, "contracts.edit", "set-up", "Give it a point"))
    if contract.last_day is not None:
        text = f"The contract ends on {contract.last_day}: settle the last month in parts."
        steps.append(Step(text, "settlement.run", "final", "See the final account"))
    elif draft is None:
        last = max((one.version.valid.upper or date.max for one in held), default=date.max)
        if last < day + timedelta(days=180):
            text = f"The last version ends on {last - timedelta(days=1)}."
            steps.append(Step(text, "contracts.edit", "version-new", "Write its successor"))
    return steps


def open_draft(held: Sequence[Sheet]) -> Sheet | None:
    """Return the newest draft that is younger than every active version, or None.

    An older one was passed over: it stays among the versions, and nothing is asked for it.
    """
    active = max((one.version.number for one in held if one.version.state == ACTIVE), default=0)
    drafts = [one for one in held if one.is_draft and one.version.number > active]
    return max(drafts, key=lambda one: one.version.number, default=None)


def _draft_steps(draft: Sheet) -> list[Step]:
    number = draft.version.number
    name = f"Version {number} is a draft"
    if not draft.terms:
        return [Step(f"{name} without a term.", "contracts.edit", "term-new", "Add a term", number)]
    verdicts = {one.last_verdict for one in draft.examples}
    if not draft.examples:
        text, place, label = f"{name} without a worked example.", "example-new", "Add an example"
        first = Step(text, "contracts.edit", place, label, number)
    elif "FAIL" in verdicts:
        text = f"A worked example of version {number} fails."
        first = Step(text, "contracts.edit", "version", "See why", number)
    elif verdicts == {"PASS"}:
        return [*_proved_steps(draft), _desk_check_step(number)]
    else:
        text = f"{name}; its worked examples were not run."
        first = Step(text, "contracts.view", "examples", "Run the examples", number)
    return [first, _desk_check_step(number)]


def _desk_check_step(number: int) -> Step:
    text = f"Version {number} can be held against past months before it is signed."
    return Step(text, "settlement.run", "desk-check", "Desk-check", number)


def _proved_steps(draft: Sheet) -> list[Step]:
    """Return what comes next where every example passes: the lines that none of them prices.

    An amendment cannot be activated without them; a first version can.
    """
    number = draft.version.number
    text = f"Every worked example of version {number} passes"
    activate = Step(f"{text}.", "contracts.activate", "activate", "Activate", number)
    try:
        lines = lines_not_agreed(draft.version)
    except DomainError:
        return [activate]
    if not lines:
        return [activate]
    missing = f"{text}, but none agrees an amount for {said(lines)}."
    add = Step(missing, "contracts.edit", "example-new", "Add an example", number)
    return [add] if version_before(draft.version) is not None else [add, activate]
