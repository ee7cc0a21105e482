"""https_pull@1 where clocks differ: nothing is decided by the clock of a server alone."""

from datetime import timedelta

import pytest

from poweroptix.kernel.errors import Refused
from tests.meters.sources.servers import Website, body
from tests.meters.sources.test_https_pull import NOW, SECRET, parameters, pull


def stamped(content, changed, sent="Thu, 02 Apr 2026 12:00:00 GMT", **headers):
    """Return an answer with the times that a server says."""

    def send(handler):
        handler.send_response_only(200)
        said = {"Date": sent, "Last-Modified": changed, "Content-Length": str(len(content))}
        for name, value in (said | headers).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    return send


def test_a_clock_that_goes_before_ours_is_noted(site):
    site.answers["/m.csv"] = stamped(b"x", "", "Thu, 02 Apr 2026 13:00:00 GMT")
    assert pull(parameters(site))[2].ahead_seconds == 3600
    assert pull(parameters(site), now=NOW + timedelta(hours=1))[2].ahead_seconds == 0


@pytest.mark.parametrize(
    ("changed", "sent", "kept"),
    [
        ("Thu, 02 Apr 2026 11:58:00 GMT", "Thu, 02 Apr 2026 12:00:00 GMT", True),
        ("Thu, 02 Apr 2026 11:59:30 GMT", "Thu, 02 Apr 2026 12:00:00 GMT", False),
        ("Thu, 02 Apr 2026 17:00:00 GMT", "Thu, 02 Apr 2026 12:00:00 GMT", False),
        ("Thu, 02 Apr 2026 17:00:00 GMT", "Thu, 02 Apr 2026 18:00:00 GMT", False),
        ("Thu, 02 Apr 2026 11:00:00 GMT", "Thu, 02 Apr 2026 10:00:00 GMT", False),
        ("yesterday", "Thu, 02 Apr 2026 12:00:00 GMT", False),
    ],
    ids=["steady", "just changed", "ahead", "both ahead", "after it was sent", "no time"],
)
def test_only_a_stamp_well_in_the_past_is_sent_back(site, changed, sent, kept):
    site.answers["/m.csv"] = stamped(b"x", changed, sent)
    memory = pull(parameters(site))[2].memory
    assert memory == {site.url("/m.csv"): {"Last-Modified": changed} if kept else {}}


def test_a_file_that_a_server_dated_ahead_is_not_the_last_that_it_gives(site):
    """Asked with the stamp of tomorrow it would answer 304 for a day."""
    first = stamped(b"old\n", "Fri, 03 Apr 2026 12:00:00 GMT")
    then = stamped(b"new\n", "Thu, 02 Apr 2026 12:30:00 GMT", "Thu, 02 Apr 2026 13:00:00 GMT")

    def by_stamp(handler):
        asked = handler.headers.get("If-Modified-Since", "")
        if asked.startswith("Fri, 03 Apr"):
            handler.send_response(304)
            handler.end_headers()
        else:
            then(handler)

    site.answers["/m.csv"] = first
    inbox = pull(parameters(site))[2]
    assert inbox.ahead_seconds == 86_400
    site.answers["/m.csv"] = by_stamp
    later = pull(parameters(site), memory=inbox.memory, now=NOW + timedelta(hours=1))
    assert later[:2] == (True, b"new\n")


def test_an_etag_tells_versions_apart_whatever_the_clock(site):
    ahead = "Fri, 03 Apr 2026 12:00:00 GMT"
    site.answers["/m.csv"] = stamped(b"x", ahead, ETag='"v1"')
    assert pull(parameters(site))[2].memory[site.url("/m.csv")] == {"ETag": '"v1"'}


@pytest.mark.parametrize(
    ("days", "said"),
    [((-30, -1), "certificate has expired"), ((1, 30), "certificate is not yet valid")],
)
def test_a_certificate_of_another_time(tmp_path, days, said):
    with Website(tmp_path, days=days).running() as site:
        site.answers["/m.csv"] = body(b"x")
        with pytest.raises(Refused, match=rf"{said}\. Nothing was sent to it; let its owner"):
            pull(parameters(site, auth="bearer"), secret=SECRET)
        assert site.asked == []
