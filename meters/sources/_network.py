"""Finding and reaching a host: only the addresses that a source may have, and never for ever."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from meters.sources._base import UnreachableError
from poweroptix.kernel.errors import Refused


def addresses(host: str, port: int, *, allow_private: bool) -> list[str]:
    """Return the addresses of a host; Refused when one of them is not on the public internet.

    Whoever connects must use these addresses and not ask again, so that an answer that changes
    between the check and the connection changes nothing.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as fault:
        text = f"The name {host} is not known to the name server; check it, or the network."
        raise UnreachableError(text) from fault
    unique = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    inside = [text for text in unique if not _is_public(text)]
    if inside and not allow_private:
        raise Refused(
            "source.private",
            f"{host} is {inside[0]}, an address inside a network. If that is meant, set "
            "allow_private of the source.",
        )
    return unique


def connect(host: str, port: int, *, allow_private: bool, seconds: int) -> socket.socket:
    """Return a connection to the first address that answers."""
    last: OSError | None = None
    for address in addresses(host, port, allow_private=allow_private):
        try:
            return socket.create_connection((address, port), timeout=seconds)
        except OSError as fault:
            last = fault
    raise UnreachableError(f"{host}:{port} {_why(last, seconds)}") from last


@contextmanager
def ends_after(seconds: int, end: Callable[[], None]) -> Iterator[threading.Event]:
    """Call `end` from another thread when the block takes longer; the event tells whether it was.

    A limit for each read is not enough: who sends one byte a second keeps every one of them.
    """
    ended = threading.Event()

    def strike() -> None:
        ended.set()
        end()

    timer = threading.Timer(seconds, strike)
    timer.daemon = True
    timer.start()
    try:
        yield ended
    finally:
        timer.cancel()


def cut(connection: socket.socket | None) -> None:
    """Break a connection, so that whoever waits on it goes on."""
    if connection is None:
        return
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:  # it was broken already, which is what is wanted
        connection.close()


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_global and not address.is_multicast


def _why(fault: OSError | None, seconds: int) -> str:
    if isinstance(fault, ConnectionRefusedError):
        return "refused the connection; is the server running?"
    if isinstance(fault, TimeoutError):
        return f"did not answer within {seconds} s."
    return f"cannot be reached: {fault.strerror or fault}." if fault else "has no address."
