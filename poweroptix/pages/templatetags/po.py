"""How figures look on screen: money, energy, quantities, moments, states.

Templates never format a number by hand; these filters are the only place.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django import template
from django.utils.html import format_html

from poweroptix.kernel import rounding
from poweroptix.kernel import words as words_of
from poweroptix.kernel.worksheet import rate_span, rounding_words
from poweroptix.pages import deeds

register = template.Library()
ABSENT, MINUS = "—", "−"
LONG_FIGURE = re.compile(
    r"(?<![\w.,:/#-])\d{4,}(?:\.\d+(?![\d.]|-\d)|(?= (?:[kM]?(?:Wh?|VArh?|VAh?)|MMBtu|k?g|USD)\b))"
)
_TONES = {
    "good": {
        "APPROVED",
        "ISSUED",
        "ACCEPTED",
        "DONE",
        "ACTIVE",
        "LOCKED",
        "INVOICED",
        "PAID",
        "CLOSED",
        "PASS",
        "REPLAYED",
        "GOOD",
        "TAKEN",
    },
    "warn": {
        "DRAFT",
        "CALCULATED",
        "REVIEW",
        "OPEN",
        "HOLD",
        "WARN",
        "QUEUED",
        "RUNNING",
        "RECEIVED",
        "READING",
        "ESTIMATE",
        "PRELIMINARY",
        "LATE",
        "INTERRUPTED",
    },
    "bad": {
        "REFUSED",
        "FAILED",
        "DEAD",
        "REJECTED",
        "VOID",
        "REJECT",
        "BLOCK",
        "OVERDUE",
        "FAIL",
        "FAILING",
    },
}


def _grouped(value, places: int) -> str:
    if value is None or value == "":
        return ABSENT
    return f"{rounding.display(Decimal(str(value)), places):,}".replace("-", MINUS)


@register.filter
def money(value, currency: str = "USD") -> str:
    """Format an amount: `1234.5` becomes `$1,234.50`; absent is a dash, never zero."""
    text = _grouped(value, 2)
    if text == ABSENT:
        return text
    sign, digits = (MINUS, text[1:]) if text.startswith(MINUS) else ("", text)
    return f"{sign}${digits}" if currency == "USD" else f"{sign}{digits} {currency}"


@register.filter
def quantity(value, places: int = 3) -> str:
    """Format a quantity with `places` decimals and grouped thousands."""
    return _grouped(value, int(places))


@register.filter
def change(value, places: int = 3) -> str:
    """Format a difference with its sign: `120` becomes `+120.000`."""
    text = _grouped(value, int(places)).replace("-", "−")
    return f"+{text}" if text[0].isdigit() and Decimal(str(value)) else text


@register.filter
def amount(value, unit: str = "") -> str:
    """Format a quantity with its unit; what is counted is a number alone: `1.000 count` is `1`."""
    if value is None or value == "":
        return ABSENT
    return f"{short(value)} {'' if unit == 'count' else unit}".strip()


@register.filter
def price(text) -> str:
    """Group a rate as it is kept: `12500.00 USD/month` becomes `12,500.00 USD/month`."""
    number, _space, unit = str(text or "").partition(" ")
    return f"{exact(number)} {unit}".strip() if number else ""


@register.filter
def rates(worksheet) -> str:
    """Say the rates of a line that has several: `2 rates, 4.20 to 5.10 USD/kW-month`."""
    count, least, most = rate_span(worksheet)
    told = words_of.counted(count, "rate")
    if not least:
        return told if count else ABSENT
    return f"{told}, {exact(least.partition(' ')[0])} to {price(most)}"


@register.filter
def energy(kwh) -> str:
    """Format energy: MWh with one decimal from 10 MWh up, kWh with three below."""
    if kwh is None or kwh == "":
        return ABSENT
    value = Decimal(str(kwh))
    if abs(value) >= 10_000:
        return f"{_grouped(value / 1000, 1)} MWh"
    return f"{_grouped(value, 3)} kWh"


@register.filter
def plain(value) -> str:
    """Say nested data in words: `[{"due_date": "2026-01-30"}]` becomes `due date 2026-01-30`."""
    if isinstance(value, Mapping):
        return ", ".join(f"{words(name)} {plain(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(plain(one) for one in value) or ABSENT
    return exact(value)


@register.filter
def percent(ratio, places: int = 1) -> str:
    """Format a ratio as per cent."""
    return ABSENT if ratio is None else f"{_grouped(Decimal(str(ratio)) * 100, int(places))} %"


@register.filter
def machine(value) -> str:
    """Write a number for an attribute that a program reads: four decimals, no grouping."""
    return f"{rounding.display(Decimal(str(value)), 4)}"


@register.filter
def exact(value) -> str:
    """Group the thousands of a number and keep every decimal it has; other text stays."""
    if value is None or value == "":
        return ABSENT
    text = format(value, "f") if isinstance(value, Decimal) else str(value)
    digits, point, decimals = text.partition(".")
    sign, digits = ("−", digits[1:]) if digits.startswith("-") else ("", digits)
    if not digits.isdecimal() or (point and not decimals.isdecimal()):
        return text
    return f"{sign}{int(digits):,}{point}{decimals}"


@register.filter
def setting(value, unit: str = "") -> str:
    """Say a parameter as people read it, with its unit; a `share` is said in per cent.

    >>> setting(False), setting("14000", "kWh"), setting("0.02", "share"), setting({})
    ('no', '14,000 kWh', '2 %', 'none')
    """
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {words(each)}" for name, each in value.items()) or "none"
    if value in ("True", "False") or isinstance(value, bool):
        return "yes" if str(value) == "True" else "no"
    if unit == "share":
        return f"{short(Decimal(str(value)) * 100)} %"
    return f"{exact(value)} {unit}".strip()


@register.filter
def sentence(text) -> str:
    """Group the figures of a composed sentence: those with decimals, and those with a unit.

    Serial numbers, files and other names stay as they are.
    """
    return LONG_FIGURE.sub(lambda hit: exact(hit[0]), str(text or ""))


@register.filter
def short(value) -> str:
    """Group a number and drop the zeros at its end: `4.000` becomes `4`."""
    text = exact(value)
    return text.rstrip("0").rstrip(".") if "." in text else text


@register.filter
def day(value) -> str:
    """Show a date: `2026-09-17`; takes ISO text and instants as well (their date in UTC)."""
    if isinstance(value, str) and value:
        value = date.fromisoformat(value[:10])
    return f"{value:%Y-%m-%d}" if isinstance(value, date) else ABSENT


@register.filter
def weekday(value) -> str:
    """Show a date behind its weekday: `Thu 2026-09-17`."""
    return f"{value:%a %Y-%m-%d}" if isinstance(value, date) else ABSENT


@register.filter
def counted(count, noun: str) -> str:
    """Say a count with its noun: `1 record`, `2 records`; `entry,entries` names the plural."""
    one, _comma, many = noun.partition(",")
    return words_of.counted(int(count), one, many)


@register.filter
def named(error, label: str) -> str:
    """Say an error with the field that it is about, once: most of them begin with it."""
    return str(error) if str(error).startswith(str(label)) else f"{label}: {error}"


@register.filter
def person(actor) -> str:
    """Name an actor in words: `user:ann` becomes `ann`, `job:settle_month/...` a job."""
    kind, _, name = str(actor or "").partition(":")
    if kind == "job":
        return f"job {words(name.partition('/')[0])}"
    return name or kind or ABSENT


@register.filter
def deed(action) -> str:
    """Say an action of the audit trail in words."""
    return deeds.deed(str(action))


@register.filter
def cents(mode) -> str:
    """Say how cents are made: `HALF_UP` becomes `rounded half up to the cent`."""
    return rounding.in_words(rounding.Mode(str(mode)), cents=True)


@register.filter
def rounded(mode, line_per: str = "CHARGE") -> str:
    """Say how a worksheet was rounded: `HALF_UP` becomes `rounded half up to the cent, once`."""
    return rounding_words(str(mode), line_per)


@register.filter
def words(code) -> str:
    """Turn a code into words: `AVG_LIKE_DAY` becomes `avg like day`."""
    return str(code or "").replace("_", " ").lower()


def moment_text(instant: datetime, zone: str = "UTC") -> str:
    """Return an instant as local time with the abbreviation of its zone: `2026-09-17 14:15 CDT`.

    >>> from datetime import UTC
    >>> moment_text(datetime(2026, 9, 17, 19, 15, tzinfo=UTC), "America/Chicago")
    '2026-09-17 14:15 CDT'
    >>> moment_text(datetime(2026, 9, 17, 19, 15, tzinfo=UTC), "Etc/GMT-10")
    '2026-09-18 05:15 UTC+10'
    """
    local = instant.astimezone(ZoneInfo(str(zone)))
    return f"{local:%Y-%m-%d %H:%M} {_zone_name(local)}"


def span_text(start: datetime, end: datetime, zone: str = "UTC") -> str:
    """Return a half-open range as local time, the day and the zone said once where they agree.

    >>> from datetime import UTC
    >>> start = datetime(2026, 9, 17, 19, 15, tzinfo=UTC)
    >>> span_text(start, datetime(2026, 9, 17, 20, tzinfo=UTC), "America/Chicago")
    '2026-09-17 14:15 to 15:00 CDT'
    >>> span_text(start, datetime(2026, 9, 18, 5, tzinfo=UTC), "America/Chicago")
    '2026-09-17 14:15 to 24:00 CDT'
    >>> span_text(start, datetime(2026, 9, 19, 5, tzinfo=UTC), "America/Chicago")
    '2026-09-17 14:15 CDT to 2026-09-19 00:00 CDT'
    """
    place = ZoneInfo(str(zone))
    first, last = start.astimezone(place), end.astimezone(place)
    name = _zone_name(first)
    if name == _zone_name(last):
        if first.date() == last.date():
            return f"{first:%Y-%m-%d %H:%M} to {last:%H:%M} {name}"
        if last.date() == first.date() + timedelta(days=1) and f"{last:%H:%M}" == "00:00":
            return f"{first:%Y-%m-%d %H:%M} to 24:00 {name}"
    return f"{moment_text(start, zone)} to {moment_text(end, zone)}"


def _zone_name(local: datetime) -> str:
    """Return the abbreviation of a local time's zone, or its offset where it has none."""
    name = local.strftime("%Z")
    return name if name[:1].isalpha() else f"UTC{name}"


@register.filter
def moment(instant, zone: str = "UTC"):
    """Show an instant in a zone inside a `<time>` element; UTC where no zone is given."""
    if not isinstance(instant, datetime):
        return ABSENT
    return format_html(
        '<time datetime="{}" class="nowrap">{}</time>',
        instant.isoformat(),
        moment_text(instant, zone),
    )


@register.filter
def state(value) -> str:
    """Show a state as a badge whose tone does not carry the meaning alone."""
    text = str(value or "")
    tone = next((tone for tone, words in _TONES.items() if text.upper() in words), "")
    return format_html('<span class="badge {}">{}</span>', tone, text.replace("_", " ").lower())


@register.simple_tag(takes_context=True)
def query(context, **changes) -> str:
    """Return the current query string with some parameters replaced (None removes one)."""
    params = context["request"].GET.copy()
    for name, value in changes.items():
        params.pop(name, None)
        if value is not None:
            params[name] = value
    return "?" + params.urlencode()
