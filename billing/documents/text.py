"""How figures, dates and instants are written on paper. Input is decimal text or Decimal."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from poweroptix.kernel.rounding import to_places

MINUS = "−"
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "CAD": "C$", "AUD": "A$"}


def figure(value: Decimal | str | None, places: int | None = None, least: int = 0) -> str:
    """Return a number with thousands separators and a real minus sign; '–' when it is unknown.

    With `places` it is rounded for display; without, all its digits are shown and trailing zeros
    beyond `least` decimals are dropped.

    >>> figure("-1513704.8450", 2)
    '−1,513,704.85'
    >>> figure("60000.000", least=0), figure("9.8500", least=2)
    ('60,000', '9.85')
    """
    if value is None or value == "":
        return "–"
    number = Decimal(value)
    if places is not None:
        number = to_places(number, places)
        text = f"{abs(number):,.{places}f}"
    else:
        whole, _, fraction = f"{abs(number):,f}".partition(".")
        fraction = fraction.rstrip("0").ljust(least, "0")
        text = f"{whole}.{fraction}" if fraction else whole
    return (MINUS if number < 0 else "") + text


def money(value: Decimal | str | None, currency: str = "", places: int = 2) -> str:
    """Return money to the cent, with the sign of the currency when one is given.

    >>> money("-12.5", "USD")
    '−$12.50'
    """
    text = figure(value, places)
    if not currency or text == "–":
        return text
    sign = SIGNS.get(currency, currency + " ")
    return f"{MINUS}{sign}{text[1:]}" if text.startswith(MINUS) else sign + text


def percent(ratio: Decimal | str | None, places: int = 1) -> str:
    """Return a ratio as per cent; more than nothing never prints as nothing.

    >>> percent("0.004"), percent("0.00001"), percent("0"), percent("0.9999")
    ('0.4 %', 'under 0.1 %', '0 %', 'over 99.9 %')
    """
    if ratio is None:
        return "–"
    value = Decimal(ratio) * 100
    if value in {0, 100}:
        return f"{int(value)} %"
    rounded = to_places(value, places)
    step = Decimal(1).scaleb(-places)
    if rounded == 0:
        return f"under {step} %"
    if rounded == 100:
        return f"over {100 - step} %"
    return f"{figure(rounded)} %"


def day(value: date | str) -> str:
    """Return a date as it is written everywhere: ISO 8601.

    >>> day(date(2026, 4, 3))
    '2026-04-03'
    """
    value = date.fromisoformat(value) if isinstance(value, str) else value
    return value.isoformat()


def short_day(value: date | str) -> str:
    """Return a date without its year, for the axis of a chart.

    >>> short_day("2026-03-08")
    '03-08'
    """
    return day(value)[5:]


def instant(value: datetime | str) -> datetime:
    """Return an aware UTC instant from canonical text."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value.replace("Z", "+00:00"))
    return value.astimezone(UTC)


def moment(value: datetime | str, zone: str) -> str:
    """Return an instant as the clock of the site showed it, with the name of its time.

    >>> moment("2026-03-12T20:15:00Z", "America/Chicago"), moment("2026-03-12T20:15:00Z", "UTC")
    ('2026-03-12 15:15 CDT', '2026-03-12 20:15 UTC')
    """
    return f"{instant(value).astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M %Z}"


def amount_of(value: Decimal | str | None, unit: str) -> str:
    """Return a quantity with its unit; what is counted prints as a whole number without one.

    >>> amount_of("1.000", "count"), amount_of("60000.000", "kW"), amount_of("0.5", "count")
    ('1', '60,000 kW', '0.5')
    """
    if value is None or value == "":
        return "–"
    return f"{figure(value)} {'' if unit == 'count' else unit}".strip()


def rate(text: str) -> str:
    """Return a rate in money with its unit: thousands grouped, cents at least.

    >>> rate("12500.00 USD/month"), rate("78.4 USD/MWh"), rate("-5 EUR/MWh"), rate("")
    ('$12,500.00/month', '$78.40/MWh', '−€5.00/MWh', '')
    """
    found = re.fullmatch(r"(-?\d+(?:\.\d+)?) ([A-Z]{3})/(.+)", text)
    if found is None:
        return text
    number, currency, unit = found.groups()
    shown = figure(number, least=2)
    sign = SIGNS.get(currency, currency + " ")
    minus = MINUS if shown.startswith(MINUS) else ""
    return f"{minus}{sign}{shown.removeprefix(MINUS)}/{unit}"
