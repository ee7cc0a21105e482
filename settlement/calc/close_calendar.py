"""The dates of a settlement month: each step so many business or calendar days after another.

A business day is Monday to Friday and no holiday of the list. Counting begins on the day after the
base, so a step of 3 business days after a month that ends on Monday, 31 August falls on Thursday,
3 September. A calendar-day step stays where it falls, on a weekend too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Finding

BUSINESS, CALENDAR = "BUSINESS", "CALENDAR"
PERIOD_END = "PERIOD_END"
SATURDAY = 5
DAYS_MAX = 1500
#: Steps that the product knows, in order, and what each is called.
STEPS = {
    "preliminary": "Preliminary run",
    "meter_data_final": "Meter data final",
    "final": "Final run approved",
    "due": "Payment due",
    "true_up": "True-up",
    "dispute_until": "Disputes until",
    "last_true_up": "Last true-up",
}
#: What a calendar has when it is new: case C07 of the reference.
USUAL = [
    {"step": "preliminary", "after": PERIOD_END, "days": 3, "count": BUSINESS},
    {"step": "meter_data_final", "after": PERIOD_END, "days": 7, "count": BUSINESS},
    {"step": "final", "after": PERIOD_END, "days": 10, "count": BUSINESS},
    {"step": "due", "after": "final", "days": 20, "count": CALENDAR},
    {"step": "true_up", "after": PERIOD_END, "days": 55, "count": CALENDAR},
    {"step": "dispute_until", "after": "final", "days": 60, "count": CALENDAR},
    {"step": "last_true_up", "after": PERIOD_END, "days": 180, "count": CALENDAR},
]


@dataclass(frozen=True)
class Offset:
    """One step: `days` (business or calendar) after the end of the month or another step."""

    step: str
    after: str
    days: int
    count: str

    def words(self) -> str:
        """Return the rule in words: 10 business days after the end of the month."""
        base = "the end of the month" if self.after == PERIOD_END else STEPS[self.after].lower()
        return f"{self.days} {self.count.lower()} day{'s' * (self.days != 1)} after {base}"


def usual_steps() -> list[dict[str, Any]]:
    """Return the steps of a new calendar."""
    return [dict(one) for one in USUAL]


def read_steps(rows: Any) -> tuple[Offset, ...]:
    """Return the steps of a calendar; Refused with a finding per row that cannot be used."""
    if not isinstance(rows, list) or not rows:
        raise Refused("settlement.close_calendar", "Name at least one step of the month.")
    found, findings = [], []
    for at, row in enumerate(rows, 1):
        wrong = _wrong(row, {one.step for one in found})
        if wrong:
            findings.append(Finding("settlement.close_step", f"Step {at}: {wrong}"))
        else:
            found.append(Offset(row["step"], row["after"], row["days"], row["count"]))
    if findings:
        text = " ".join(one.message for one in findings)
        raise Refused("settlement.close_calendar", text, findings=findings)
    return tuple(found)


def due_dates(
    last_day: date, steps: Sequence[Offset], holidays: Collection[date] = ()
) -> dict[str, date]:
    """Return the date of each step of a month that ends on `last_day`, in order of the steps.

    >>> from datetime import date
    >>> holidays = {date(2026, 9, 7)}
    >>> found = due_dates(date(2026, 8, 31), read_steps(usual_steps()), holidays)
    >>> found["preliminary"].isoformat(), found["final"].isoformat(), found["due"].isoformat()
    ('2026-09-03', '2026-09-15', '2026-10-05')
    """
    found: dict[str, date] = {}
    for one in steps:
        base = last_day if one.after == PERIOD_END else found[one.after]
        found[one.step] = _later(base, one, frozenset(holidays))
    return found


def is_business_day(day: date, holidays: Collection[date] = ()) -> bool:
    """Say whether a day is Monday to Friday and no holiday."""
    return day.weekday() < SATURDAY and day not in holidays


def _later(base: date, one: Offset, holidays: frozenset[date]) -> date:
    if one.count == CALENDAR:
        return base + timedelta(days=one.days)
    day, left = base, one.days
    while left:
        day += timedelta(days=1)
        left -= is_business_day(day, holidays)
    return day


def _wrong(row: Any, known: set[str]) -> str:
    """Return what is wrong with a row, and what to write; empty when nothing is."""
    fields = {"step", "after", "days", "count"}
    if not isinstance(row, Mapping) or set(row) != fields:
        return f"it needs exactly {', '.join(sorted(fields))}."
    if row["step"] not in STEPS:
        return f"there is no step {row['step']!r}; known: {', '.join(STEPS)}."
    if row["step"] in known:
        return f"'{row['step']}' stands there twice."
    if row["after"] != PERIOD_END and row["after"] not in known:
        return f"'{row['step']}' counts from {row['after']!r}, which is no step before it."
    if row["count"] not in (BUSINESS, CALENDAR):
        return f"count is {row['count']!r}; use {BUSINESS} or {CALENDAR}."
    days = row["days"]
    if isinstance(days, bool) or not isinstance(days, int) or not 0 <= days <= DAYS_MAX:
        return f"days is {days!r}; use a whole number from 0 to {DAYS_MAX}."
    return ""
