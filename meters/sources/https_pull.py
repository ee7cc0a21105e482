"""A web address that is asked by schedule: TLS verified, bounded in size and time."""

from __future__ import annotations

import base64
import http.client
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import BinaryIO
from urllib.parse import urljoin

from meters.sources import _network, _url
from meters.sources._base import (
    MEGABYTE,
    Inbox,
    Item,
    NotReadyError,
    Passed,
    Surroundings,
    UnreachableError,
    connectors,
    copy,
    too_large,
)
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.parameters import param
from poweroptix.kernel.period import zone_of

REDIRECTS = (301, 302, 303, 307, 308)
REDIRECTS_MOST = 3
DAYS_MOST = 62
#: Answers that may be different in a minute.
PASSING = (408, 425, 429, 500, 502, 503, 504)
#: What the address did last time, to be sent back: a header of the answer and one of the question.
VALIDATORS = (("ETag", "If-None-Match"), ("Last-Modified", "If-Modified-Since"))
#: A file changed that recently may change again under the same Last-Modified (RFC 9110, 8.8.2.2).
STEADY = timedelta(seconds=60)


@dataclass(frozen=True)
class PullParameters:
    """The address, who we are, and how much and how long."""

    url: str = param(help="https address; {day} or {day:%Y%m%d} stands for a day.")
    zone: str = param("UTC", help="Where today begins, for {day}.")
    first_day: int = param(-1, unit="days", minimum=-400, maximum=7, help="-1 is yesterday.")
    last_day: int = param(-1, unit="days", minimum=-400, maximum=7)
    missing_is_early: bool = param(False, help="Answer 404 means: not there yet.")
    auth: str = param("none", choices=("none", "bearer", "basic", "header"))
    header_name: str = param("X-Api-Key", help="For auth 'header': which one holds the secret.")
    allow_private: bool = param(False, help="The host may be inside our own networks.")
    ca_pem: str = param("", help="Certificate of a private authority, instead of the public ones.")
    connect_seconds: int = param(15, unit="s", minimum=1, maximum=120)
    read_seconds: int = param(30, unit="s", minimum=1, maximum=300)
    total_seconds: int = param(300, unit="s", minimum=1, maximum=600)
    limit_mb: int = param(200, unit="MB", minimum=1, maximum=10_000)

    def __post_init__(self) -> None:
        """Refuse an address that is none, and days in the wrong order."""
        zone_of(self.zone)
        if not 0 <= self.last_day - self.first_day < DAYS_MOST:
            text = f"last_day: is before first_day, or more than {DAYS_MOST} days after it."
            raise Refused("source.days", text)
        _url.checked(_url.filled(self.url, UNIX_DAY))
        if not self.header_name.replace("-", "").isalnum() or not self.header_name.isascii():
            raise Refused("source.header", f"header_name: '{self.header_name}' is none.")


UNIX_DAY = parsedate_to_datetime("Thu, 01 Jan 1970 00:00:00 GMT").date()


@connectors.register("https_pull@1")
class HttpsPull:
    """A web address asked by schedule."""

    title = "Scheduled download (HTTPS)"
    polls = True
    takes_secret = True
    Parameters = PullParameters

    @staticmethod
    @contextmanager
    def open(parameters: PullParameters, surroundings: Surroundings) -> Iterator[Inbox]:
        """Make ready to ask; the connections are made for each address."""
        if parameters.auth != "none" and not surroundings.secret:
            text = f"auth '{parameters.auth}' needs a secret; name where it is kept."
            raise Refused("source.secret", text)
        yield _PullInbox(parameters, surroundings)


class _Connection(http.client.HTTPSConnection):
    """A connection to the address that was checked, with the name in the certificate."""

    def __init__(self, host: str, port: int, parameters: PullParameters) -> None:
        self._context_of_source = _tls(parameters)
        super().__init__(host, port, timeout=parameters.read_seconds)
        self._parameters = parameters
        #: The library forgets its socket while a body is still being read.
        self.held: ssl.SSLSocket | None = None

    def connect(self) -> None:
        """Reach the host, then talk TLS with it."""
        plain = _network.connect(
            self.host,
            self.port,
            allow_private=self._parameters.allow_private,
            seconds=self._parameters.connect_seconds,
        )
        plain.settimeout(self._parameters.read_seconds)
        # An end without goodbye is a body that was cut off, not one that ended.
        self.sock = self.held = self._context_of_source.wrap_socket(
            plain,
            server_hostname=self.host,
            suppress_ragged_eofs=False,
            do_handshake_on_connect=False,
        )
        self.sock.do_handshake()


class _PullInbox(Inbox):
    """The addresses of the asked days; `memory` holds the validators of each."""

    def __init__(self, parameters: PullParameters, surroundings: Surroundings) -> None:
        super().__init__(surroundings)
        self._parameters, self._secret = parameters, surroundings.secret
        self._answered: dict[str, dict[str, str]] = {}

    def look(self) -> tuple[list[Item], list[Passed]]:
        """Return one item for each address; whether it is new is known when it is fetched."""
        chosen = self._parameters
        asked = _url.days(self.now, chosen.zone, chosen.first_day, chosen.last_day)
        urls = list(dict.fromkeys(_url.filled(chosen.url, day) for day in asked))
        self.memory = {url: kept for url, kept in self.memory.items() if url in urls}
        return [Item(_url.file_name(url), place=url) for url in urls], []

    def fetch(self, item: Item, into: BinaryIO) -> bool:
        """Ask the address, following at most three redirects on the same host."""
        url = item.place
        for _hop in range(REDIRECTS_MOST + 1):
            parts = _url.checked(url)
            connection = _Connection(parts.hostname or "", parts.port or 443, self._parameters)
            seconds = self._parameters.total_seconds
            with _network.ends_after(seconds, lambda c=connection: _network.cut(c.held)) as ended:
                try:
                    onward = self._exchange(connection, url, item, into)
                except (OSError, http.client.HTTPException) as fault:
                    raise _unreachable(fault, url, self._parameters, ended.is_set()) from fault
                finally:
                    connection.close()
            if ended.is_set():
                raise UnreachableError(_took_too_long(url, seconds))
            if isinstance(onward, bool):
                return onward
            url = onward
        raise Refused("source.redirects", f"{_url.told(url)} leads on and on; nothing was taken.")

    def received(self, item: Item) -> None:
        """Remember the validators of the answer: the same need not be sent again."""
        if item.place in self._answered:
            self.memory[item.place] = self._answered.pop(item.place)

    def _exchange(
        self, connection: _Connection, url: str, item: Item, into: BinaryIO
    ) -> bool | str:
        """Ask once; return whether there is something new, or where to ask instead."""
        parts = _url.checked(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", target, headers=self._headers(item))
        response = connection.getresponse()
        self._note_clock(response)
        if response.status == 304:
            return False
        if response.status in REDIRECTS:
            return _onward(url, response.headers.get("Location", ""))
        if response.status != 200:
            self._refuse(response.status, url)
        _read(response, into, self._parameters, url)
        self._answered[item.place] = self._validators(response)
        return True

    def _validators(self, response: http.client.HTTPResponse) -> dict[str, str]:
        """Return what to send back when the address is asked again.

        A Last-Modified that is not well in the past, by the server's clock and by ours, is left
        out: a later file with a true stamp would count as older, and never be sent.
        """
        kept = {name: response.headers[name] for name, _ in VALIDATORS if name in response.headers}
        changed, sent = _stamp(response, "Last-Modified"), _stamp(response, "Date") or self.now
        if changed is None or changed > min(sent, self.now) - STEADY:
            kept.pop("Last-Modified", None)
        return kept

    def _headers(self, item: Item) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity", "User-Agent": "PowerOptix", "Accept": "*/*"}
        known = self.memory.get(item.place, {})
        headers |= {asks: known[name] for name, asks in VALIDATORS if name in known}
        auth, secret = self._parameters.auth, self._secret
        if auth == "bearer":
            headers["Authorization"] = f"Bearer {secret}"
        elif auth == "basic":
            headers["Authorization"] = f"Basic {base64.b64encode(secret.encode()).decode()}"
        elif auth == "header":
            headers[self._parameters.header_name] = secret
        return headers

    def _note_clock(self, response: http.client.HTTPResponse) -> None:
        for name in ("Date", "Last-Modified"):
            stamp = _stamp(response, name)
            if stamp is not None:
                self.compare_clock(stamp)

    def _refuse(self, status: int, url: str) -> None:
        words = http.client.responses.get(status, "")
        said = f"{_url.told(url)} answered {status} {words}".strip()
        if status in PASSING:
            raise UnreachableError(f"{said}; it may pass.")
        if status == 404 and self._parameters.missing_is_early:
            raise NotReadyError("is not there yet (404)")
        hints = {401: "check the secret", 403: "check the secret", 404: "check the address"}
        hint = hints.get(status, "ask whoever runs it")
        raise Refused("source.answer", f"{said}; {hint}.")


def _stamp(response: http.client.HTTPResponse, name: str) -> datetime | None:
    """Return the time in a header; None without one, or for one that is no time."""
    try:
        stamp = parsedate_to_datetime(response.headers.get(name, ""))
    except ValueError:
        return None
    return stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)


def _tls(parameters: PullParameters) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cadata=parameters.ca_pem or None)
    except (ssl.SSLError, ValueError) as fault:
        raise Refused("source.ca", "ca_pem: is no certificate in PEM form.") from fault
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _onward(url: str, location: str) -> str:
    """Return where a redirect leads; Refused unless it stays on the same host over https."""
    target = urljoin(url, location)
    before, after = _url.checked(url), target.partition(":")[0]
    if not location or after != "https":
        text = f"{_url.told(url)} leads to {_url.told(target)}, which is not https."
        raise Refused("source.redirect", text)
    parts = _url.checked(target)
    if (parts.hostname, parts.port or 443) != (before.hostname, before.port or 443):
        text = (
            f"{_url.told(url)} leads to another host, {parts.hostname}. Name that address in the "
            "source if it is the right one."
        )
        raise Refused("source.redirect", text)
    return target


def _read(
    response: http.client.HTTPResponse, into: BinaryIO, parameters: PullParameters, url: str
) -> None:
    """Copy the body, whole and within the limit."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        text = f"{_url.told(url)} sends a compressed body although none was asked for."
        raise Refused("source.encoding", text)
    name, expected = _url.file_name(url), response.length
    if expected is not None and expected > parameters.limit_mb * MEGABYTE:
        raise too_large(name, parameters.limit_mb)
    copied = copy(response.read, into, name, parameters.limit_mb)
    if expected is not None and copied != expected:
        raise http.client.IncompleteRead(b"", expected - copied)


def _took_too_long(url: str, seconds: int) -> str:
    return f"{_url.told(url)} was not finished after {seconds} s; nothing of it was taken."


def _unreachable(fault: Exception, url: str, parameters: PullParameters, ended: bool) -> Exception:
    """Return what to raise for a broken exchange, in words."""
    told = _url.told(url)
    if ended:
        return UnreachableError(_took_too_long(url, parameters.total_seconds))
    if isinstance(fault, ssl.SSLCertVerificationError):
        text = (
            f"The certificate of {told} is not accepted: {fault.verify_message}. Nothing was sent "
            "to it; let its owner renew it, or name its private authority in ca_pem."
        )
        return Refused("source.certificate", text)
    if isinstance(fault, http.client.IncompleteRead | ssl.SSLEOFError):
        return UnreachableError(f"{told} broke off in the middle; nothing of it was taken.")
    if isinstance(fault, ssl.SSLError):
        return UnreachableError(f"{told} does not talk TLS as it should ({fault.reason}).")
    if isinstance(fault, TimeoutError):
        text = f"{told} sent nothing for {parameters.read_seconds} s; nothing of it was taken."
        return UnreachableError(text)
    return UnreachableError(f"{told} broke the connection ({type(fault).__name__}).")
