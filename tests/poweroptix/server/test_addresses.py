"""Ports and host names."""

import socket

import pytest

from poweroptix.kernel.errors import Refused
from poweroptix.server.addresses import free_port, own_hosts, visitor_host
from poweroptix.server.management.commands.up import answers, web

EVERYWHERE = "0.0.0.0"  # noqa: S104 - never bound here


@pytest.fixture
def taken():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_taken_port_is_refused_when_it_was_asked_for(taken):
    with pytest.raises(Refused, match=f"Port {taken} on 127.0.0.1 is taken"):
        free_port("127.0.0.1", taken)


def test_otherwise_the_next_free_one_is_used(taken, monkeypatch):
    monkeypatch.setattr("poweroptix.server.addresses.FIRST_PORT", taken)
    assert free_port("127.0.0.1", None) > taken


@pytest.mark.parametrize(
    ("bind", "host"),
    [
        ("127.0.0.1", "127.0.0.1"),
        (EVERYWHERE, "127.0.0.1"),
        ("::", "[::1]"),
        ("localhost", "localhost"),
        ("192.0.2.7", "192.0.2.7"),
    ],
)
def test_what_a_browser_here_uses(bind, host):
    assert visitor_host(bind) == host


def test_a_wrong_address_is_no_address():
    with pytest.raises(ValueError, match="does not appear to be an IPv4 or IPv6 address"):
        visitor_host("nonsense")


def test_hosts_are_our_own_and_never_everything():
    assert own_hosts("127.0.0.1") == ["localhost", "127.0.0.1", "[::1]"]
    open_hosts = own_hosts(EVERYWHERE)
    assert socket.gethostname() in open_hosts
    assert "*" not in open_hosts


def test_the_web_server_uses_the_web_login_and_never_starts_the_database():
    child = web("::1", 8123)
    assert child.environment["POWEROPTIX_PROCESS"] == "web"
    assert child.environment["POWEROPTIX_ATTACH_ONLY"] == "1"
    assert "[::1]:8123" in child.command


def test_nothing_answers_on_a_closed_port(taken):
    assert not answers("http://127.0.0.1:9/healthz")
