"""Addresses with dates in them, and what may stand in an address at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from urllib.parse import SplitResult, unquote, urlsplit

from meters.sources._listing import shown
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import zone_of

#: `{day}` or `{day:%Y%m%d}`; the directives are those of strftime that make sense in a name.
_SLOT = re.compile(r"\{day(?::((?:%[YmdyjHM]|[-_./])+))?\}")
_SPACES = re.compile(r"[\s\x00-\x1f\x7f]")


def checked(url: str) -> SplitResult:
    """Return the parts of an https address; Refused for what may not stand in it.

    >>> checked("https://data.example/m.csv").hostname
    'data.example'
    """
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise Refused(
            "source.url", f"url: '{_bare(parts)}' does not begin with https:// and a host."
        )
    if parts.username is not None or parts.password is not None:
        raise Refused("source.url", "url: holds a user or password; name the secret instead.")
    if parts.fragment or _SPACES.search(url):
        raise Refused("source.url", "url: holds a space or a '#'.")
    try:
        port = parts.port
    except ValueError as fault:
        raise Refused("source.url", f"url: {fault}.") from fault
    if port == 0:
        raise Refused("source.url", "url: there is no port 0.")
    return parts


def filled(url: str, day: date) -> str:
    """Return the address for a day.

    >>> filled("https://data.example/m_{day:%Y%m%d}.csv?for={day}", date(2026, 3, 2))
    'https://data.example/m_20260302.csv?for=2026-03-02'
    """
    text = _SLOT.sub(lambda found: day.strftime(found[1] or "%Y-%m-%d"), url)
    if "{" in text or "}" in text:
        raise Refused(
            "source.url",
            "url: holds a brace that is no day; write {day} or, for example, {day:%Y%m%d}.",
        )
    return text


def days(now: datetime, zone: str, first: int, last: int) -> Iterator[date]:
    """Yield the days from `first` to `last`, counted from today in a zone (-1 is yesterday)."""
    today = now.astimezone(zone_of(zone)).date()
    for back in range(first, last + 1):
        yield today + timedelta(days=back)


def told(url: str) -> str:
    """Return an address as it may be shown: without its query, which may hold a key.

    >>> told("https://data.example/m.csv?key=secret")
    'https://data.example/m.csv'
    """
    return _bare(urlsplit(url))


def file_name(url: str) -> str:
    """Return the name under which a response is received.

    >>> file_name("https://data.example/a/m%20x.csv?z=1"), file_name("https://data.example/")
    ('m x.csv', 'data.example')
    """
    parts = urlsplit(url)
    last = unquote(parts.path.rsplit("/", 1)[-1]).replace("/", "_")
    return shown(last)[:255] or (parts.hostname or "response")


def _bare(parts: SplitResult) -> str:
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"[:200]
