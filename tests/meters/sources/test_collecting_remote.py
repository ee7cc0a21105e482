"""Looks over the network as jobs: nothing lost, nothing doubled, no secret anywhere."""

import hashlib
import os
import socket
import time
from datetime import timedelta
from email.utils import format_datetime

import pytest
from django.db import connection

from meters.models import ImportFile, SourceRun
from poweroptix.audit.models import AuditEvent
from poweroptix.clock import now
from poweroptix.jobs.models import Job
from poweroptix.jobs.services import drain
from tests.meters.services.test_jobs import Killed, expire_leases, kill_at
from tests.meters.sources.looks import (
    DAY_FILE,
    SECRET,
    counts,
    due_look,
    folder_source,
    looked,
    make_source,
    page,
    put,
)
from tests.meters.sources.servers import Inbox, body


def pulling(site, **more):
    said = {"url": site.url("/m.csv"), "allow_private": True, "ca_pem": site.pem, "read_seconds": 1}
    return make_source("https_pull@1", **(said | more))


@pytest.mark.django_db
class TestWeb:
    def test_the_same_answer_twice_is_one_file(self, site):
        site.answers["/m.csv"] = body(DAY_FILE.encode())
        source = pulling(site)
        assert counts(looked(source)) == (1, 1, 0, 0, 0)
        assert counts(looked(source, 1)) == (1, 0, 1, 0, 0)
        assert ImportFile.objects.count() == 1
        assert not AuditEvent.objects.filter(action="file.duplicate").exists()

    def test_another_content_under_the_same_name_is_another_file(self, site, staff):
        source = pulling(site)
        for number, content in enumerate((DAY_FILE, DAY_FILE.replace("10", "11"), DAY_FILE)):
            site.answers["/m.csv"] = body(content.encode())
            looked(source, number)
        assert ImportFile.objects.count() == 2
        assert [run.taken for run in source.runs.order_by("id")] == [1, 1, 0]
        assert Job.objects.filter(kind="ingest_file").count() == 2

    def test_a_file_that_is_dated_ahead_is_taken_and_flagged(self, site, staff):
        ahead = format_datetime(now() + timedelta(hours=5), usegmt=True)
        site.answers["/m.csv"] = body(DAY_FILE.encode(), Last_Modified=ahead)
        source = pulling(site)
        assert looked(source).taken == 1
        assert "Clocks differ. A time stamp at the source is" in page(staff, source)
        site.answers["/m.csv"] = body(DAY_FILE.replace("10", "11").encode())
        assert looked(source, 1).taken == 1
        assert "If-Modified-Since" not in site.asked[-1][1]

    def test_validators_are_remembered_between_looks(self, site):
        site.answers["/m.csv"] = body(DAY_FILE.encode(), ETag='"v1"')
        source = pulling(site)
        looked(source)
        looked(source, 1)
        assert [asked[1].get("If-None-Match") for asked in site.asked] == [None, '"v1"']

    def test_the_secret_is_sent_and_stands_nowhere(self, site, staff, monkeypatch, caplog):
        monkeypatch.setenv("POWEROPTIX_SOURCE_KEY", SECRET)
        site.answers["/m.csv"] = body(b"", status=401)
        source = pulling(site, auth="bearer", secret_place="env:POWEROPTIX_SOURCE_KEY")
        run = looked(source)
        assert site.asked[-1][1]["Authorization"] == f"Bearer {SECRET}"
        assert run.outcome == "FAILED"
        with connection.cursor() as cursor:
            for table in ("meters_source", "meters_sourcerun", "jobs_job", "audit_auditevent"):
                cursor.execute(
                    f"SELECT count(*) FROM {table} t WHERE t::text LIKE %s",  # noqa: S608
                    [f"%{SECRET}%"],
                )
                assert cursor.fetchone()[0] == 0, table
        shown = page(staff, source)
        assert "answered 401 Unauthorized; check the secret." in shown
        assert "kept in env:POWEROPTIX_SOURCE_KEY" in shown
        assert SECRET not in shown + caplog.text

    @pytest.mark.parametrize(
        ("answer", "more", "said"),
        [
            (body(b"", status=404), {}, "answered 404 Not Found; check the address."),
            (body(b"", status=500), {}, "answered 500 Internal Server Error; it may pass."),
            (
                body(b"", status=302, Location="https://evil.example/"), {},
                "leads to another host, evil.example.",
            ),
            (body(b"x" * 1_000_001), {"limit_mb": 1}, "m.csv is larger than 1 MB"),
            (
                lambda _handler: time.sleep(3), {},
                "sent nothing for 1 s; nothing of it was taken.",
            ),
            (
                body(DAY_FILE.encode()), {"ca_pem": ""},
                "is not accepted: self-signed certificate. Nothing was sent to it; let its owner",
            ),
        ],
        ids=["404", "500", "redirect", "oversize", "silent", "certificate"],
    )  # fmt: skip
    def test_the_page_says_what_went_wrong(self, site, staff, answer, more, said):
        site.answers["/m.csv"] = answer
        source = pulling(site, **more)
        run = looked(source)
        assert (run.outcome, run.taken) == ("FAILED", 0)
        assert ImportFile.objects.count() == 0
        shown = page(staff, source)
        assert said in shown
        assert "failing Scheduled download (HTTPS)" in shown

    def test_an_endless_answer_ends_and_is_told(self, site, staff):
        def drip(handler):
            handler.send_response(200)
            handler.end_headers()
            while not site.stopping.wait(0.05):
                handler.wfile.write(b"0")

        site.answers["/m.csv"] = drip
        source = pulling(site, total_seconds=1, read_seconds=5)
        looked(source)
        assert "was not finished after 1 s; nothing of it was taken." in page(staff, source)
        assert ImportFile.objects.count() == 0


def sftp_source(server, **more):
    said = {
        "host": "127.0.0.1", "port": server.port, "username": "meters", "auth": "password",
        "host_keys": [server.host_line], "allow_private": True,
    }  # fmt: skip
    return make_source("sftp@1", secret_place="env:POWEROPTIX_SOURCE_SFTP", **(said | more))


@pytest.mark.django_db
class TestSftp:
    def test_a_file_is_taken_and_moved_after_its_receipt(self, server, staff):
        put(server.root)
        source = sftp_source(server, after="move")
        assert counts(looked(source)) == (1, 1, 0, 0, 0)
        assert (server.root / "taken" / "m.csv").exists()
        assert ImportFile.objects.get().sha256 == sha256_of(server.root / "taken" / "m.csv")

    def test_the_same_content_under_another_name_is_a_duplicate(self, server, staff):
        source = sftp_source(server, after="move")
        put(server.root)
        looked(source)
        put(server.root, "copy.csv")
        assert counts(looked(source, 1)) == (1, 0, 1, 0, 0)
        assert "copy.csv duplicate has the content of file #" in page(staff, source)
        assert sorted(path.name for path in (server.root / "taken").iterdir()) == [
            "copy.csv", "m.csv"
        ]  # fmt: skip
        assert ImportFile.objects.count() == 1

    def test_another_content_under_the_same_name_is_another_file(self, server):
        """Even with the same size and, by SFTP's whole seconds, the same time stamp."""
        source = sftp_source(server, after="move")
        for number, content in enumerate((DAY_FILE, DAY_FILE.replace("10", "11"))):
            put(server.root, content=content)
            os.utime(server.root / "m.csv", (1.7e9, 1.7e9))
            assert looked(source, number).taken == 1
        assert ImportFile.objects.count() == 2
        assert (server.root / "taken" / "2-m.csv").read_text() == content

    def test_half_written_is_left_and_told(self, server, staff):
        (server.root / "m.csv.part").write_text(DAY_FILE[:100])
        (server.root / "n.csv").write_text(DAY_FILE[:100])
        source = sftp_source(server)
        assert counts(looked(source)) == (2, 0, 0, 0, 2)
        shown = page(staff, source)
        assert "m.csv.part left has the name of a file that is still being written" in shown
        assert "n.csv left is new or has changed; it is taken when it stays as it is" in shown
        assert not ImportFile.objects.exists()

    def test_a_server_that_is_down_is_told_and_the_files_come_later(self, server, staff):
        put(server.root)
        source = sftp_source(server)
        gone = source.parameters | {"port": free_port()}
        type(source).objects.filter(pk=source.pk).update(parameters=gone)
        assert looked(source).outcome == "FAILED"
        said = f"127.0.0.1:{gone['port']} refused the connection; is the server running?"
        assert said in page(staff, source)
        type(source).objects.filter(pk=source.pk).update(parameters=source.parameters)
        assert looked(source, 1).taken == 1
        assert said not in page(staff, source).split("Looks")[0]

    def test_a_wrong_password(self, server, staff, monkeypatch):
        monkeypatch.setenv("POWEROPTIX_SOURCE_SFTP", "wrong-battery")
        source = sftp_source(server)
        looked(source)
        shown = page(staff, source)
        assert "127.0.0.1 refuses the log-in of meters; check the password" in shown
        assert "wrong-battery" not in shown

    def test_a_wrong_host_key(self, server, staff, tmp_path):
        source = sftp_source(server, host_keys=[Inbox(tmp_path).host_line])
        looked(source)
        assert "which the source does not know; nothing was sent to it" in page(staff, source)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def sha256_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", ["after_claim", "after_effect", "after_commit", "before_done"])
@pytest.mark.parametrize("times", [1, 2, 3, 4])
def test_a_killed_worker_loses_and_doubles_nothing(server, point, times):
    put(server.root, "a.csv")
    put(server.root, "b.csv", DAY_FILE.replace("10", "11"))
    source = sftp_source(server, after="remove")
    job = due_look(source)
    try:
        drain(30, at_point=kill_at(point, times))
    except Killed:
        connection.close()
        expire_leases()
    drain(30)
    job.refresh_from_db()
    assert job.state == "done", job.error
    assert sorted(ImportFile.objects.values_list("name", flat=True)) == ["a.csv", "b.csv"]
    assert list(server.root.iterdir()) == []
    run = source.runs.get()
    assert (run.outcome, run.taken, run.duplicates) == ("DONE", 2, 0)
    assert Job.objects.filter(kind="ingest_file").count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_between_fetch_and_receipt_fetches_again(server, monkeypatch):
    put(server.root)
    source = sftp_source(server, after="remove")
    with monkeypatch.context() as dying:
        dying.setattr("meters.services.collecting.collect.receive_files", die)
        due_look(source)
        with pytest.raises(Killed):
            drain(30)
        connection.close()
    assert (server.root / "m.csv").exists(), "removed before it was received"
    expire_leases()
    drain(30)
    assert ImportFile.objects.get().name == "m.csv"
    assert not (server.root / "m.csv").exists()


def die(*_args, **_more):
    raise Killed


@pytest.mark.django_db(transaction=True)
def test_a_look_whose_worker_is_gone_for_good_is_closed_by_the_next(inbox):
    put(inbox)
    source = folder_source(inbox)
    first = due_look(source)
    with pytest.raises(Killed):
        drain(30, at_point=kill_at("after_commit", 1))
    connection.close()
    Job.objects.filter(pk=first.pk).update(state="dead", finished_at=now())
    run = looked(source, 1)
    assert (run.outcome, run.taken) == ("DONE", 1)
    gone = SourceRun.objects.get(job_id=first.pk)
    assert gone.outcome == "INTERRUPTED"
    assert gone.error.startswith("The worker ended in the middle")
