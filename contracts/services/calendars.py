"""Holidays: given by hand or made by the NERC rule."""

from collections.abc import Iterable
from datetime import date

from django.db import transaction

from contracts.calc.holidays import nerc_years
from contracts.models import Holiday, HolidayCalendar
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record


@transaction.atomic
def add_holidays(
    calendar: HolidayCalendar, days: Iterable[tuple[date, str]], *, actor: Actor
) -> int:
    """Add dates with their names; dates that are there keep their name. Returns the new ones."""
    require(actor, "contracts.edit")
    known = set(calendar.holidays.values_list("date", flat=True))
    fresh = {day: name for day, name in days if day not in known}
    Holiday.objects.bulk_create(
        [Holiday(calendar=calendar, date=day, name=name) for day, name in sorted(fresh.items())]
    )
    if fresh:
        added = [day.isoformat() for day in sorted(fresh)]
        record("calendar.holidays_added", calendar, actor=actor, after={"dates": added})
    return len(fresh)


def add_nerc_holidays(calendar: HolidayCalendar, years: Iterable[int], *, actor: Actor) -> int:
    """Add the six NERC days of each year (one on a Sunday is observed on Monday)."""
    return add_holidays(calendar, nerc_years(years), actor=actor)
