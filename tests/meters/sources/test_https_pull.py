"""https_pull@1 against a server of this process that misbehaves on request."""

import io
import socket
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from meters.sources import (
    NotKeptError,
    NotReadyError,
    Surroundings,
    UnreachableError,
    _network,
    connectors,
)
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.parameters import parse
from tests.meters.sources.servers import Website, body

NOW = datetime(2026, 4, 2, 12, tzinfo=UTC)
PULL = connectors.get("https_pull@1")
SECRET = "tok-3141592653"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Website(tmp_path_factory.mktemp("site")).running() as running:
        yield running


def parameters(site, path="/m.csv", **more):
    url = path if path.startswith("https:") else site.url(path)
    said = {"url": url, "allow_private": True, "ca_pem": site.pem} | more
    return parse(PULL.Parameters, said)


def pull(asked, *, memory=None, secret="", now=NOW, at=0):
    """Look and fetch one item; return whether it is new, its bytes and the inbox."""
    with PULL.open(asked, Surroundings(now, secret=secret, memory=memory or {})) as inbox:
        items, _ = inbox.look()
        into = io.BytesIO()
        is_new = inbox.fetch(items[at], into)
        inbox.received(items[at])
    return is_new, into.getvalue(), inbox


def test_the_body_comes_whole_under_the_name_of_the_address(site):
    site.answers["/a/m%20x.csv"] = body(b"a,b\n")
    asked = parameters(site, "/a/m%20x.csv")
    assert pull(asked)[:2] == (True, b"a,b\n")
    with PULL.open(asked, Surroundings(NOW)) as inbox:
        assert inbox.look()[0][0].name == "m x.csv"


def test_what_did_not_change_is_not_sent_again(site):
    def once(handler):
        if handler.headers.get("If-None-Match") == '"v1"':
            handler.send_response(304)
            handler.end_headers()
        else:
            body(b"a,b\n", ETag='"v1"')(handler)

    site.answers["/etag.csv"] = once
    asked = parameters(site, "/etag.csv")
    is_new, _, inbox = pull(asked)
    assert is_new
    assert pull(asked, memory=inbox.memory)[:2] == (False, b"")


def test_the_validators_of_an_answer_count_only_once_it_was_received(site):
    site.answers["/etag.csv"] = body(
        b"a,b\n", ETag='"v1"', Last_Modified="Thu, 02 Apr 2026 11:00:00 GMT"
    )
    with PULL.open(parameters(site, "/etag.csv"), Surroundings(NOW)) as inbox:
        items, _ = inbox.look()
        inbox.fetch(items[0], io.BytesIO())
        assert inbox.memory == {}
        inbox.received(items[0])
        assert inbox.memory == {
            site.url("/etag.csv"): {
                "ETag": '"v1"', "Last-Modified": "Thu, 02 Apr 2026 11:00:00 GMT",
            }
        }  # fmt: skip


def test_days_stand_in_the_address(site):
    asked = parameters(
        site, "/m_{day:%Y%m%d}.csv?for={day}", first_day=-2, last_day=-1, zone="Asia/Tokyo"
    )
    with PULL.open(asked, Surroundings(datetime(2026, 4, 2, 16, tzinfo=UTC))) as inbox:
        assert [item.place for item in inbox.look()[0]] == [
            site.url("/m_20260401.csv?for=2026-04-01"),
            site.url("/m_20260402.csv?for=2026-04-02"),
        ]


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ("bearer", "Authorization", f"Bearer {SECRET}"),
        ("basic", "Authorization", "Basic dG9rLTMxNDE1OTI2NTM="),
        ("header", "X-Api-Key", SECRET),
    ],
)
def test_the_secret_is_sent_as_asked(site, auth, header, value):
    site.answers["/m.csv"] = body(b"x\n")
    pull(parameters(site, auth=auth), secret=SECRET)
    assert site.asked[-1][1][header] == value


def test_a_source_without_its_secret_asks_nobody(site):
    before = len(site.asked)
    with pytest.raises(Refused, match=r"auth 'bearer' needs a secret"):
        pull(parameters(site, auth="bearer"))
    assert len(site.asked) == before


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (404, r"/wrong.csv answered 404 Not Found; check the address\."),
        (401, r"answered 401 Unauthorized; check the secret\."),
        (410, r"answered 410 Gone; ask whoever runs it\."),
    ],
)
def test_an_answer_that_needs_a_person(site, status, said):
    site.answers["/wrong.csv"] = body(b"<html>", status=status)
    with pytest.raises(Refused, match=said):
        pull(parameters(site, "/wrong.csv"))


@pytest.mark.parametrize("status", [500, 503, 429])
def test_an_answer_that_may_pass(site, status):
    site.answers["/wrong.csv"] = body(b"oops", status=status)
    with pytest.raises(UnreachableError, match=rf"answered {status} .*; it may pass"):
        pull(parameters(site, "/wrong.csv"))


def test_not_there_yet(site):
    site.answers["/wrong.csv"] = body(b"", status=404)
    with pytest.raises(NotReadyError, match=r"is not there yet"):
        pull(parameters(site, "/wrong.csv", missing_is_early=True))


def test_a_redirect_on_the_same_host_is_followed(site):
    site.answers["/old.csv"] = body(b"", status=302, Location="/new.csv")
    site.answers["/new.csv"] = body(b"here\n")
    assert pull(parameters(site, "/old.csv"))[1] == b"here\n"


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("https://evil.example/m.csv", "leads to another host, evil.example"),
        ("https://localhost:1/m.csv", "leads to another host, localhost"),
        ("http://localhost/m.csv", "leads to http://localhost/m.csv, which is not https"),
        ("file:///etc/passwd", "which is not https"),
        ("", "which is not https|leads on and on"),
    ],
)
def test_a_redirect_elsewhere_is_refused_and_the_secret_stays(site, where, said):
    site.answers["/old.csv"] = body(b"", status=302, Location=where)
    with pytest.raises(Refused, match=said) as refusal:
        pull(parameters(site, "/old.csv", auth="bearer"), secret=SECRET)
    assert SECRET not in str(refusal.value)


def test_a_redirect_to_an_address_inside_reaches_nobody(site, tmp_path):
    with Website(tmp_path).running() as inside:
        inside.answers["/latest/meta-data"] = body(b"role credentials")
        leads = f"https://127.0.0.1:{inside.port}/latest/meta-data"
        site.answers["/old.csv"] = body(b"", status=302, Location=leads)
        with pytest.raises(Refused, match=r"leads to another host, 127\.0\.0\.1"):
            pull(parameters(site, "/old.csv", auth="bearer"), secret=SECRET)
        assert inside.asked == []


def test_redirects_in_a_circle_end(site):
    site.answers["/old.csv"] = body(b"", status=302, Location="/old.csv")
    with pytest.raises(Refused, match=r"leads on and on"):
        pull(parameters(site, "/old.csv"))


def test_too_large_is_refused_by_what_it_says(site):
    def boast(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "2000000")
        handler.end_headers()

    site.answers["/big.csv"] = boast
    with pytest.raises(Refused, match=r"big.csv is larger than 1 MB"):
        pull(parameters(site, "/big.csv", limit_mb=1))


def endless(handler):
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"0" * 65_536)


def test_an_endless_body_ends_at_the_limit(site):
    site.answers["/big.csv"] = endless
    into = io.BytesIO()
    with PULL.open(parameters(site, "/big.csv", limit_mb=1), Surroundings(NOW)) as inbox:
        items, _ = inbox.look()
        with pytest.raises(Refused, match=r"larger than 1 MB"):
            inbox.fetch(items[0], into)
    assert len(into.getvalue()) <= 1_000_000


def dripping(site, head=False):
    def drip(handler):
        if not head:
            handler.send_response(200)
            handler.end_headers()
        else:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-A: ")
        while not site.stopping.wait(0.1):
            handler.wfile.write(b"0")

    return drip


@pytest.mark.parametrize("head", [False, True], ids=["body", "head"])
def test_a_byte_now_and_then_does_not_hold_us(site, head):
    site.answers["/slow.csv"] = dripping(site, head)
    begun = time.monotonic()
    with pytest.raises(UnreachableError, match=r"slow.csv was not finished after 1 s"):
        pull(parameters(site, "/slow.csv", total_seconds=1))
    assert time.monotonic() - begun < 5


def test_silence_ends(site):
    site.answers["/silent.csv"] = lambda _handler: site.stopping.wait(30)
    with pytest.raises(UnreachableError, match=r"sent nothing for 1 s"):
        pull(parameters(site, "/silent.csv", read_seconds=1))


def test_a_body_that_breaks_off_is_not_taken(site):
    def short(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"only this\n")

    site.answers["/short.csv"] = short
    with pytest.raises(UnreachableError, match=r"broke off in the middle; nothing of it was taken"):
        pull(parameters(site, "/short.csv"))


def test_a_body_without_length_that_is_cut_is_not_taken(site):
    def cut(handler):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(b"1,2\n3,")
        handler.wfile.flush()
        socket.socket(fileno=handler.connection.detach()).close()

    site.answers["/cut.csv"] = cut
    with pytest.raises(UnreachableError, match=r"cut.csv broke"):
        pull(parameters(site, "/cut.csv"))


def test_a_compressed_body_is_refused(site):
    site.answers["/m.csv.gz"] = body(b"\x1f\x8b", Content_Encoding="gzip")
    with pytest.raises(Refused, match=r"compressed body although none was asked for"):
        pull(parameters(site, "/m.csv.gz"))


def test_a_certificate_that_nobody_vouches_for(site):
    with pytest.raises(
        Refused, match=r"certificate of .* is not accepted: self-signed certificate"
    ):
        pull(parameters(site, ca_pem=""))


def test_a_certificate_of_another_name(tmp_path):
    with Website(tmp_path, name="other.example").running() as site:
        site.answers["/m.csv"] = body(b"x")
        with pytest.raises(Refused, match=r"not accepted: Hostname mismatch"):
            pull(parameters(site))
        assert site.asked == []


def test_a_full_disk_here_is_not_blamed_on_the_server(site):
    site.answers["/m.csv"] = body(b"x" * 100_000)
    asked = parameters(site)
    with (
        PULL.open(asked, Surroundings(NOW)) as inbox,
        Path("/dev/full").open("wb", buffering=0) as full,
    ):
        items, _ = inbox.look()
        with pytest.raises(NotKeptError, match=r"No space left on device"):
            inbox.fetch(items[0], full)


def test_a_server_that_talks_no_tls():
    with socket.create_server(("127.0.0.1", 0)) as plain:
        port = plain.getsockname()[1]
        url = f"https://localhost:{port}/m.csv"
        asked = parse(PULL.Parameters, {"url": url, "allow_private": True, "read_seconds": 1})
        with pytest.raises(UnreachableError, match=r"sent nothing for 1 s"):
            pull(asked)


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"https://localhost:{port}/m.csv"
    asked = parse(PULL.Parameters, {"url": url, "allow_private": True})
    with pytest.raises(UnreachableError, match=rf"localhost:{port} refused the connection"):
        pull(asked)


def test_a_name_that_is_not_known(monkeypatch):
    def unknown(*_args, **_more):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    asked = parse(PULL.Parameters, {"url": "https://nowhere.example/m.csv"})
    with pytest.raises(UnreachableError, match=r"The name nowhere.example is not known"):
        pull(asked)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "192.168.0.9", "172.16.5.5", "169.254.169.254", "0.0.0.0"),  # noqa: S104
        *("100.64.0.1", "::1", "fe80::1", "fd00::1", "::ffff:10.0.0.1", "224.0.0.1"),
    ],
)
def test_an_address_inside_is_refused_before_anything_is_sent(monkeypatch, address):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_m: [(0, 0, 0, "", (address, 443))])
    monkeypatch.setattr(socket, "create_connection", lambda *_a, **_m: pytest.fail("connected"))
    asked = parse(PULL.Parameters, {"url": "https://inside.example/m.csv"})
    with pytest.raises(Refused, match=r"an address inside a network.*allow_private"):
        pull(asked)


def test_one_address_inside_among_others_is_refused(monkeypatch):
    found = [(0, 0, 0, "", ("8.8.8.8", 443)), (0, 0, 0, "", ("10.0.0.1", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_m: found)
    with pytest.raises(Refused, match=r"is 10\.0\.0\.1"):
        _network.addresses("both.example", 443, allow_private=False)


def test_the_name_is_asked_for_once(monkeypatch, site):
    """An answer that changes after the check would lead inside."""
    site.answers["/m.csv"] = body(b"x\n")
    asked, real = [], socket.getaddrinfo

    def counting(host, *args, **more):
        asked.append(host)
        return real(host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", counting)
    pull(parameters(site))
    assert asked.count("localhost") == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"url": "http://data.example/m.csv"}, "does not begin with https://"),
        ({"url": "https://ann:pw@data.example/"}, "holds a user or password"),
        ({"url": "https://data.example/{days}.csv"}, "holds a brace that is no day"),
        ({"url": "https://data.example/{day:%c}.csv"}, "holds a brace that is no day"),
        ({"url": "https://data.example/m x.csv"}, "holds a space"),
        ({"url": "https://data.example:99999/"}, "url: Port out of range"),
        ({"url": "https://data.example/", "first_day": 0, "last_day": -1}, "before first_day"),
        ({"url": "https://data.example/", "zone": "Mars/Base"}, "Mars/Base"),
        ({"url": "https://data.example/", "header_name": "X: y"}, "header_name"),
        ({"url": "https://data.example/", "ca_file": "/etc/x"}, "unknown field"),
    ],
)
def test_wrong_parameters_are_told(wrong, said):
    with pytest.raises(Refused, match=said) as refusal:
        parse(PULL.Parameters, wrong)
    assert "pw" not in str(refusal.value)


def test_an_authority_that_is_none(site):
    with pytest.raises(Refused, match=r"ca_pem: is no certificate"):
        pull(parameters(site, ca_pem="-----BEGIN NONSENSE-----"))
