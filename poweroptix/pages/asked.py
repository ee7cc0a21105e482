"""Reading what an address or a form asks for; what cannot be read is refused in words."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

from django.http import Http404

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.period import Period, local_to_utc
from poweroptix.kernel.plain import plain_decimal
from poweroptix.pages.templatetags.po import moment_text

FIRST_YEAR, LAST_YEAR = 1990, 2100
WALL_CLOCK = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d)\s*([A-Za-z]\S*)?")


def read_instant(text: str) -> datetime:
    """Return an instant from ISO text with offset; Refused otherwise."""
    try:
        found = datetime.fromisoformat(text.strip().replace(" ", "+"))
    except ValueError as fault:
        raise Refused("time.read", f"'{text[:40]}' is not an instant with offset.") from fault
    if found.tzinfo is None or not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise Refused(
            "time.read", f"'{text[:40]}' is not an instant with offset from 1990 to 2100."
        )
    return found.astimezone(UTC)


def read_local(text: str, zone: str) -> datetime:
    """Return an instant from the local time of a zone as pages show it, or with an offset.

    A name behind the time, such as `CST`, says which of two equal wall clock times is meant.
    Refused for anything else, for a time that the clock jumps over, and for one that it shows
    twice when no name or offset says which.

    >>> read_local("2026-10-05 10:00", "America/Chicago").hour
    15
    >>> read_local("2026-11-01 01:30 CST", "America/Chicago").hour
    7
    """
    said = text.strip()
    clock = WALL_CLOCK.fullmatch(said)
    if clock is None or clock[3] == "Z":
        try:
            return read_instant(said)
        except Refused as fault:
            raise Refused("time.read", _unread(said, zone)) from fault
    try:
        naive = datetime.fromisoformat(f"{clock[1]}T{clock[2]}")
    except ValueError as fault:
        raise Refused("time.read", _unread(said, zone)) from fault
    if not FIRST_YEAR <= naive.year <= LAST_YEAR:
        raise Refused("time.read", f"'{said[:40]}' is not a time from 1990 to 2100.")
    if not clock[3]:
        return local_to_utc(naive, zone)
    for fold in (0, 1):
        found = local_to_utc(naive, zone, fold=fold)
        if moment_text(found, zone).endswith(f" {clock[3].upper()}"):
            return found
    raise Refused("time.read", f"'{said[:40]}' is not a time of {zone}: leave out {clock[3][:10]}.")


def _unread(said: str, zone: str) -> str:
    return f"'{said[:40]}' is not a time; write it as 2026-03-14 10:15, local time of {zone}."


def read_day(text: str) -> date:
    """Return a date from `2026-03-14`; Refused otherwise."""
    try:
        found = date.fromisoformat(text.strip())
    except ValueError as fault:
        raise Refused("day.read", f"'{text[:40]}' is not a day such as 2026-03-14.") from fault
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise Refused("day.read", f"'{text[:40]}' is not a day from 1990 to 2100.")
    return found


def read_month(text: str, zone: str) -> Period:
    """Return a local month from `2026-03`; Refused otherwise."""
    period = Period.month(zone, text.strip())
    if not FIRST_YEAR <= period.first_date.year < LAST_YEAR:
        raise Refused("month.read", f"'{text[:40]}' is not a month from 1990 to 2099.")
    return period


def read_number(text: str) -> Decimal | None:
    """Return a plain number, None for an empty field; Refused otherwise."""
    if not text.strip():
        return None
    number = plain_decimal(text)
    if number is None:
        raise Refused("number.read", f"'{text[:40]}' is not a plain number such as 1250.5.")
    return number


class NumberFields:
    """Reads the numbers of a form and gathers every field that is none, by its label.

    A field that cannot be read gives None; call `check` before anything of the form is used.

    >>> form = NumberFields({"load": "abc", "price": "80,00", "fee": "5"})
    >>> form.read("load", "Loads"), form.read("price", "10 Energy, price"), form.read("fee", "Fee")
    (None, None, Decimal('5'))
    >>> [wrong.message for wrong in form.wrong]  # doctest: +NORMALIZE_WHITESPACE
    ["Loads: 'abc' is not a plain number such as 1250.5.",
     "10 Energy, price: '80,00' is not a plain number such as 1250.5."]
    """

    def __init__(self, said: Mapping[str, str]) -> None:
        self._said = said
        self.wrong: list[Finding] = []

    def read(self, name: str, label: str) -> Decimal | None:
        """Return the number of a field; None where it is empty or no number."""
        try:
            return read_number(self._said.get(name, ""))
        except Refused as fault:
            found = Finding(fault.code, f"{label}: {fault.message}", where=name)
            self.wrong.append(found)
            return None

    def check(self) -> None:
        """Refuse the form with all that is wrong, one finding a field."""
        if len(self.wrong) == 1:
            raise Refused("number.read", self.wrong[0].message, findings=self.wrong)
        if self.wrong:
            text = f"{len(self.wrong)} fields are not plain numbers."
            raise Refused("number.read", text, findings=self.wrong)


def read_pk(text: str | None) -> int:
    """Return the key that a form sends; anything else is not found."""
    if text and text.isascii() and text.isdecimal() and len(text) < 19:
        return int(text)
    raise Http404
