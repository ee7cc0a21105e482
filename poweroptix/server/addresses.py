"""Ports and host names of the web server."""

import socket
from ipaddress import ip_address

import psutil

from poweroptix.kernel.errors import Refused

FIRST_PORT, PORTS_TRIED = 8000, 100
LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "[::1]"]


def free_port(bind: str, wanted: int | None) -> int:
    """Return the wanted port, or the first free one from 8000.

    Raises Refused when the wanted port, or all of them, are taken or not ours to take.
    """
    ports = [wanted] if wanted else range(FIRST_PORT, FIRST_PORT + PORTS_TRIED)
    for port in ports:
        if _is_free(bind, port):
            return port
    raise Refused("server.port", f"Port {ports[0]} on {bind} is taken; choose another with --port.")


def _is_free(bind: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except PermissionError as fault:
            raise Refused(
                "server.port",
                f"Port {port} is for root alone; choose one from 1024 on with --port, or put a "
                "proxy in front.",
            ) from fault
        except OSError:
            return False
    return True


def is_loopback(bind: str) -> bool:
    """Whether only this machine can connect.

    >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0")
    (True, False)
    """
    return bind == "localhost" or ip_address(bind).is_loopback


def bracketed(host: str) -> str:
    """Return the host as it stands in an address.

    >>> bracketed("::1")
    '[::1]'
    """
    return f"[{host}]" if ":" in host else host


def visitor_host(bind: str) -> str:
    """Return the host that a browser on this machine uses."""
    if bind == "localhost" or not ip_address(bind).is_unspecified:
        return bracketed(bind)
    return "[::1]" if ":" in bind else "127.0.0.1"


def own_hosts(bind: str) -> list[str]:
    """Return the names under which this machine may be asked: its own and no invented ones."""
    if is_loopback(bind):
        return LOOPBACK_HOSTS
    addresses = [
        bracketed(address.address.partition("%")[0])
        for interface in psutil.net_if_addrs().values()
        for address in interface
        if address.family in (socket.AF_INET, socket.AF_INET6)
    ]
    return [*LOOPBACK_HOSTS, socket.gethostname(), socket.getfqdn(), *addresses]
