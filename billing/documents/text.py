"""How figures, dates and instants are written on paper. Input is decimal text or Decimal."""

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
    """Return a date in words.

    >>> day("2026-04-03")
    '3 April 2026'
    """
    value = date.fromisoformat(value) if isinstance(value, str) else value
    return f"{value.day} {MONTHS[value.month - 1]} {value.year}"


def short_day(value: date | str) -> str:
    """Return a date without its year.

    >>> short_day("2026-03-08")
    'Mar 8'
    """
    value = date.fromisoformat(value) if isinstance(value, str) else value
    return f"{MONTHS[value.month - 1][:3]} {value.day}"


def instant(value: datetime | str) -> datetime:
    """Return an aware UTC instant from canonical text."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value.replace("Z", "+00:00"))
    return value.astimezone(UTC)


def moment(value: datetime | str, zone: str) -> str:
    """Return an instant in the zone of the site, with its offset.

    >>> moment("2026-03-12T20:15:00Z", "America/Chicago")
    '12 March 2026 15:15 (UTC−05:00)'
    """
    local = instant(value).astimezone(ZoneInfo(zone))
    offset = local.strftime("%z")
    sign = MINUS if offset.startswith("-") else "+"
    return f"{day(local.date())} {local:%H:%M} (UTC{sign}{offset[1:3]}:{offset[3:5]})"
