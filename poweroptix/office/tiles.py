"""What waits today, one tile for each kind of work; a tile that fails does not take the others.

The number on a tile is the number of rows on the page that it opens.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Min, Q, Sum
from django.utils.functional import cached_property

from billing.models import Invoice
from billing.queries import runs_to_bill
from contracts.services.workspace import due_entries
from meters.models import (
    EditProposal,
    FileState,
    Finding,
    FindingState,
    Health,
    ImportFile,
    ProposalState,
    QuarantinedRecord,
    RecordState,
)
from meters.queries import holds_month, late_channels, with_problems
from meters.queries.quarantine import UNKNOWN
from meters.queries.sources import sources_needing_attention
from poweroptix.jobs.queries import OLDEST_SECONDS_MAX, oldest_waiting_seconds
from poweroptix.kernel.words import counted
from poweroptix.office.queries import jobs_for_a_person
from poweroptix.pages.templatetags.po import day, money
from settlement.models import SettlementRun
from settlement.queries.runs import waiting_for

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tile:
    """One thing that may wait: how many, how bad, and where to go."""

    label: str
    count: int | None
    url: str
    said: str
    tone: str


class Asked:
    """What several tiles ask of one table, asked once and only when the first of them needs it."""

    def __init__(self, now: datetime, actor_name: str) -> None:
        self.now = now
        self.actor_name = actor_name

    @cached_property
    def runs(self) -> dict[str, Any]:
        """Count and sum runs: to approve, of them one's own, corrected, without an invoice."""
        every = SettlementRun.objects.all()
        open_run = Q(pk__in=waiting_for("approval", every).values("pk"))
        corrected = Q(pk__in=waiting_for("correction", every).values("pk"))
        unbilled = Q(pk__in=runs_to_bill().values("pk"))
        return every.aggregate(
            approve=Count("pk", filter=open_run),
            approve_usd=Sum("total_usd", filter=open_run),
            mine=Count("pk", filter=open_run & Q(created_by=self.actor_name)),
            corrected=Count("pk", filter=corrected),
            unbilled=Count("pk", filter=unbilled),
            unbilled_usd=Sum("total_usd", filter=unbilled),
        )

    @cached_property
    def invoices(self) -> dict[str, Any]:
        """Count and sum invoices: drafts, and issued ones past their due date."""
        draft, past = Q(state="DRAFT"), Q(state="ISSUED", due_date__lt=self.now.date())
        return Invoice.objects.aggregate(
            drafts=Count("pk", filter=draft),
            drafts_usd=Sum("total_usd", filter=draft),
            past=Count("pk", filter=past),
            past_usd=Sum("total_usd", filter=past),
            oldest=Min("due_date", filter=past),
        )


def today(now: datetime, actor_name: str) -> list[Tile]:
    """Return what needs somebody now; a zero is shown as calm, not hidden."""
    asked = Asked(now, actor_name)
    questions: tuple[tuple[str, str, Callable[[Asked], Tile]], ...] = (
        ("Late channels", "/office/channels/", late),
        ("Sources in trouble", "/office/sources/", feeds),
        ("Files with problems", "/office/imports/", files),
        ("Records in quarantine", "/office/quarantine/", quarantined),
        ("Open exceptions", "/office/findings/", findings),
        ("Edits to confirm", "/office/edits/", proposals),
        ("Corrections waiting", "/office/settlement/", corrections),
        ("Runs to approve", "/office/settlement/", approvals),
        ("Runs to bill", "/office/invoices/", unbilled),
        ("Drafts to issue", "/office/invoices/", drafts),
        ("Due before today", "/office/invoices/", overdue),
        ("Contract dates near", "/office/diary/", diary),
        ("Jobs that need a person", "/office/jobs/", jobs),
    )
    point = transaction.savepoint() if transaction.get_connection().in_atomic_block else None
    return [_alone(label, url, lambda ask=ask: ask(asked), point) for label, url, ask in questions]


def _alone(label: str, url: str, ask: Callable[[], Tile], point: str | None) -> Tile:
    """Return the tile, or one that says that it could not be computed and under which reference.

    A failed query leaves the transaction unusable; going back to the savepoint mends it.
    """
    try:
        return ask()
    except Exception:
        if settings.TESTING:
            raise
        reference = uuid4().hex
        log.exception("Tile '%s' of Today could not be computed (reference %s)", label, reference)
        if point is not None:
            transaction.savepoint_rollback(point)
        return Tile(label, None, url, f"could not be computed; reference {reference}", "bad")


def _tile(
    label: str, count: int, url: str, said: str, bad: bool = False, calm: str = "nothing waits"
) -> Tile:
    tone = "calm" if count == 0 else "bad" if bad else "todo"
    return Tile(label, count, url, said if count else calm, tone)


def late(asked: Asked) -> Tile:
    """Count the channels with missing intervals in days that are over for longer than agreed."""
    rows = late_channels(asked.now)
    said = calm = "no day past its grace lacks intervals"
    if rows:
        first = rows[0]
        ago = "" if first.hours_late is None else f", {_hours(first.hours_late)} past due"
        said = f"intervals are missing; the oldest of {day(first.oldest)}{ago}"
    url = "/office/channels/?late=yes&sort=-hours_late"
    return _tile("Late channels", len(rows), url, said, calm=calm)


def _hours(hours: int) -> str:
    return f"{hours} h" if hours < 48 else counted(hours // 24, "day")


def feeds(asked: Asked) -> Tile:
    """Count the sources that fail or of which nothing new came in time."""
    counts = sources_needing_attention(asked.now).aggregate(
        all=Count("pk"), failing=Count("pk", filter=Q(health=Health.FAILING))
    )
    failing = counts["failing"]
    said = f"{failing} failing, {counts['all'] - failing} late by their schedule"
    calm = "none fails or is late by its schedule"
    url = "/office/sources/?needs=attention"
    return _tile("Sources in trouble", counts["all"], url, said, bad=failing > 0, calm=calm)


def files(_asked: Asked) -> Tile:
    """Count the files that were refused, or of which records wait in quarantine."""
    counts = with_problems(ImportFile.objects.all()).aggregate(
        all=Count("pk"), refused=Count("pk", filter=Q(state=FileState.REFUSED))
    )
    rest = counts["all"] - counts["refused"]
    said = f"{counts['refused']} refused, {rest} with records in quarantine"
    return _tile("Files with problems", counts["all"], "/office/imports/?problem=any", said)


def quarantined(_asked: Asked) -> Tile:
    """Count the records that nobody has mapped or dismissed, and the unknown names among them."""
    counts = QuarantinedRecord.objects.filter(state=RecordState.OPEN).aggregate(
        all=Count("pk"), unknown=Count("channel_text", filter=Q(code=UNKNOWN), distinct=True)
    )
    said = f"{counted(counts['unknown'], 'unknown channel')} among them"
    return _tile("Records in quarantine", counts["all"], "/office/quarantine/?state=OPEN", said)


def findings(_asked: Asked) -> Tile:
    """Count the findings that nobody has decided, and those that hold a month back."""
    counts = Finding.objects.filter(state=FindingState.OPEN).aggregate(
        all=Count("pk"), holding=Count("pk", filter=holds_month())
    )
    holding = counts["holding"]
    said = f"{holding or 'none'} {'hold' if holding > 1 else 'holds'} a month back"
    url = "/office/findings/?state=OPEN"
    return _tile("Open exceptions", counts["all"], url, said, bad=holding > 0)


def proposals(asked: Asked) -> Tile:
    """Count the edits that wait for a second person, and those that this person proposed."""
    counts = EditProposal.objects.filter(state=ProposalState.PROPOSED).aggregate(
        all=Count("pk"), mine=Count("pk", filter=Q(proposed_by=asked.actor_name))
    )
    said = "proposed, counted once a second person confirms"
    if counts["mine"]:
        said = f"{counts['mine']} yours, somebody else confirms"
    url = f"/office/edits/?state={ProposalState.PROPOSED}"
    return _tile("Edits to confirm", counts["all"], url, said)


def corrections(asked: Asked) -> Tile:
    """Count the settled runs that rest on what changed after they read it."""
    url = "/office/settlement/?waits=correction"
    said = "readings, prices, events or terms changed after a run"
    return _tile("Corrections waiting", asked.runs["corrected"], url, said)


def approvals(asked: Asked) -> Tile:
    """Count the runs that wait for approval, and those that this person may not approve."""
    counts, url = asked.runs, "/office/settlement/?waits=approval"
    mine = f"; {counts['mine']} yours, somebody else approves" if counts["mine"] else ""
    said = f"{money(counts['approve_usd'] or 0)}{mine}"
    return _tile("Runs to approve", counts["approve"], url, said)


def unbilled(asked: Asked) -> Tile:
    """Count the approved runs without an invoice."""
    said = f"{money(asked.runs['unbilled_usd'] or 0)} approved, without an invoice"
    return _tile("Runs to bill", asked.runs["unbilled"], "/office/invoices/#to-bill", said)


def drafts(asked: Asked) -> Tile:
    """Count the drafts that nobody has issued."""
    counts, url = asked.invoices, "/office/invoices/?state=DRAFT"
    said = f"{money(counts['drafts_usd'] or 0)} drafted"
    return _tile("Drafts to issue", counts["drafts"], url, said)


def overdue(asked: Asked) -> Tile:
    """Count the issued invoices whose due date is past."""
    counts, url = asked.invoices, "/office/invoices/?due=past&sort=due_date"
    since = f", the oldest since {day(counts['oldest'])}" if counts["oldest"] else ""
    said = f"{money(counts['past_usd'] or 0)}{since}; payments are not recorded here yet"
    return _tile("Due before today", counts["past"], url, said)


def diary(asked: Asked) -> Tile:
    """Count the dates of contracts that want attention, and those that are past."""
    at = asked.now.date()
    counts = due_entries(at).aggregate(
        all=Count("pk"), past=Count("pk", filter=Q(due_date__lt=at)), first=Min("due_date")
    )
    said = f"the first on {day(counts['first'])}, {counts['past'] or 'none'} past"
    label, url = "Contract dates near", "/office/diary/"
    return _tile(label, counts["all"], url, said, bad=counts["past"] > 0)


def jobs(_asked: Asked) -> Tile:
    """Count the jobs that ended without doing their work; bad as well when the queue stands."""
    stuck, waiting = jobs_for_a_person().count(), oldest_waiting_seconds()
    label, url = "Jobs that need a person", "/office/jobs/?needs=person"
    if waiting <= OLDEST_SECONDS_MAX:
        return _tile(label, stuck, url, "failed or given up", bad=True)
    return Tile(label, stuck, url, f"a job has waited {waiting:,} s; is the worker running?", "bad")
