"""The terms of a contract in plain words, with the names of what they point to."""

from collections.abc import Iterable
from datetime import date

from django.db.models import QuerySet

from contracts.charges import TermContext, charge_type
from contracts.charges._base import Calendar
from contracts.models import IndexSeries, Term, TouCalendar
from poweroptix.kernel.calendar import TouSchedule
from poweroptix.kernel.errors import DomainError


def sentences(terms: Iterable[Term]) -> dict[int, str]:
    """Return each term in words by its key; at most four queries when versions are at hand.

    A draft's term that cannot be read yet says what is wrong with it.
    """
    rows = list(terms)
    calendars = _codes(rows, "calendar")
    indices = _codes(rows, "index") | _codes(rows, "gas_index")
    named = list(_calendars(calendars)) if calendars else []
    titles = {row.code: row.name for row in named}
    if indices:
        titles |= dict(IndexSeries.objects.filter(code__in=indices).values_list("code", "name"))
    known = {
        row.code: Calendar(TouSchedule.from_json({**row.schedule, "zone": row.zone}))
        for row in named
    }
    days = {row.code: holidays_of(row) for row in named}
    return {row.pk: sentence(row, known, titles, days) for row in rows}


def holidays_of(calendar: TouCalendar) -> dict[date, str]:
    """Return the dates that a calendar treats as holidays, in order, with their names."""
    rows = calendar.holidays.holidays.all() if calendar.holidays else ()
    return {row.date: row.name for row in sorted(rows, key=lambda one: one.date)}


def _calendars(codes: set[str]) -> QuerySet[TouCalendar]:
    rows = TouCalendar.objects.filter(code__in=codes).select_related("holidays")
    return rows.prefetch_related("holidays__holidays")


def sentence(
    term: Term,
    calendars: dict[str, Calendar] | None = None,
    titles: dict[str, str] | None = None,
    holidays: dict[str, dict[date, str]] | None = None,
) -> str:
    """Return one term in words, or what keeps it from being read; asks no calendar by itself."""
    version = term.version
    context = TermContext(
        first_date=version.first_date,
        last_date=version.last_date,
        anchor_date=version.anchor_date,
        calendars=calendars or {},
        titles=titles or {},
        holidays=holidays or {},
        quantity_name=term.quantity_name,
    )
    try:
        kind = charge_type(term.charge_type)
        return kind.sentence(kind.parse(term.parameters), context)
    except DomainError as error:
        return f"cannot be read: {error.message}"


def _codes(terms: list[Term], field: str) -> set[str]:
    return {code for term in terms if isinstance(code := term.parameters.get(field), str) and code}
