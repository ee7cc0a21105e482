"""Looks at a folder as jobs: what is taken, what is left, what fails, and what the page says."""

import os
import resource
import socket
import zipfile
from datetime import timedelta

import pytest

from meters.models import ImportFile, Source, SourceItem
from meters.queries.sources import sources_needing_attention
from meters.services.arriving import files as files_module
from meters.services.collecting.sources import look_now
from poweroptix.clock import now
from poweroptix.jobs.models import Job
from poweroptix.jobs.services import drain, run_now
from poweroptix.kernel.errors import Refused
from tests.meters.builders import make_channel
from tests.meters.sources.looks import (
    ACTOR,
    DAY_FILE,
    counts,
    due_look,
    folder_source,
    looked,
    make_source,
    page,
    put,
)


@pytest.mark.django_db
class TestTaking:
    def test_a_file_is_received_read_and_shown(self, inbox, staff):
        make_channel()
        put(inbox)
        source = folder_source(inbox)
        run = looked(source)
        assert (run.outcome, counts(run)) == ("DONE", (1, 1, 0, 0, 0))
        drain(30)
        file = ImportFile.objects.get()
        assert (file.source, file.name, file.state) == ("ami", "m.csv", "ACCEPTED")
        shown = page(staff, source)
        assert "good Watched folder" in shown
        assert "1 file taken" in shown
        assert "1 file in thirty days" in shown

    def test_the_same_file_is_taken_once(self, inbox):
        put(inbox)
        source = folder_source(inbox)
        looked(source)
        again = looked(source, 1)
        assert (again.outcome, counts(again)) == ("DONE", (1, 0, 0, 0, 0))
        assert ImportFile.objects.count() == 1

    def test_the_same_content_under_another_name_is_a_duplicate(self, inbox, staff):
        source = folder_source(inbox)
        put(inbox)
        looked(source)
        put(inbox, "copy.csv")
        run = looked(source, 1)
        assert counts(run)[1:3] == (0, 1)
        assert ImportFile.objects.count() == 1
        shown = page(staff, source)
        assert "1 known already" in shown
        assert "copy.csv duplicate has the content of file #" in shown
        assert Job.objects.filter(kind="ingest_file").count() == 1

    def test_a_new_version_of_a_file_is_taken(self, inbox):
        source = folder_source(inbox)
        put(inbox)
        looked(source)
        put(inbox, content=DAY_FILE.replace("10", "11"))
        assert looked(source, 1).taken == 1
        assert ImportFile.objects.count() == 2

    def test_half_written_is_left_and_told(self, inbox, staff):
        (inbox / "half.csv").write_text(DAY_FILE[:50])
        source = folder_source(inbox)
        run = looked(source)
        assert (run.outcome, counts(run)) == ("DONE", (1, 0, 0, 0, 1))
        assert ImportFile.objects.count() == 0
        assert "half.csv left is new or has changed; it is taken when it stays" in page(
            staff, source
        )

    def test_every_member_of_an_archive_is_received(self, inbox):
        with zipfile.ZipFile(inbox / "all.zip", "w") as archive:
            archive.writestr("a.csv", DAY_FILE)
            archive.writestr("b.csv", DAY_FILE.replace("10", "11"))
        (inbox / "all.zip.done").touch()
        run = looked(folder_source(inbox))
        assert run.taken == 1
        assert len(SourceItem.objects.get().file_ids) == 2

    def test_an_archive_that_leads_out_of_its_folder_is_refused_whole(self, inbox, staff):
        with zipfile.ZipFile(inbox / "all.zip", "w") as archive:
            archive.writestr("a.csv", DAY_FILE)
            archive.writestr("../../evil.csv", DAY_FILE.replace("10", "11"))
        (inbox / "all.zip.done").touch()
        source = folder_source(inbox)
        assert counts(looked(source)) == (1, 0, 0, 1, 0)
        said = (
            "all.zip refused The archive has a file with the unsafe name '../../evil.csv'; rename"
        )
        assert said in page(staff, source)
        assert not ImportFile.objects.exists()
        assert not list(inbox.parent.rglob("evil.csv"))

    def test_a_link_in_the_folder_is_left_and_told(self, inbox, staff, tmp_path):
        (tmp_path / "secret.csv").write_text(DAY_FILE)
        (inbox / "m.csv").symlink_to(tmp_path / "secret.csv")
        (inbox / "m.csv.done").touch()
        source = folder_source(inbox)
        assert counts(looked(source)) == (1, 0, 0, 0, 1)
        said = "m.csv left is a symbolic link, which is never followed"
        assert said in page(staff, source)
        assert not ImportFile.objects.exists()

    def test_a_file_that_is_refused_holds_the_attention_until_it_goes(self, inbox, staff):
        put(inbox, "page.csv", "<html>502 Bad Gateway</html>\n")
        put(inbox)
        source = folder_source(inbox)
        run = looked(source)
        assert (run.outcome, counts(run)) == ("DONE", (2, 1, 0, 1, 0))
        said = "page.csv looks like none of our formats"
        assert said in page(staff, source)
        assert "failing Watched folder" in page(staff, source)
        assert list(sources_needing_attention(run.started_at)) == [source]
        again = looked(source, 1)
        assert counts(again) == (2, 0, 0, 1, 0), "refused again without being read again"
        (inbox / "page.csv").unlink()
        looked(source, 2)
        assert "failing" not in page(staff, source)

    def test_looking_now_tries_a_refused_file_again(self, inbox, monkeypatch):
        put(inbox)
        source = folder_source(inbox)
        with monkeypatch.context() as broken:
            broken.setattr(files_module, "sniff", refuse)
            assert looked(source).refused == 1
        assert looked(source, 1).refused == 1
        job = run_now(look_now(source, actor=ACTOR, now=now()))
        assert (job.result["taken"], job.result["refused"]) == (1, 0)
        source.refresh_from_db()
        assert source.last_error == ""

    def test_a_clock_that_goes_ahead_is_flagged_on_the_page(self, inbox, staff):
        put(inbox)
        ahead = (now() + timedelta(hours=5)).timestamp()
        os.utime(inbox / "m.csv", (ahead, ahead))
        source = folder_source(inbox)
        run = looked(source)
        assert run.taken == 1
        assert 4 * 3600 < run.ahead_seconds <= 5 * 3600
        assert "Clocks differ. A time stamp at the source is 4 hours ahead of our clock" in page(
            staff, source
        )


def refuse(_head, name):
    raise Refused("F009", f"{name} looks like none of our formats.")


@pytest.mark.django_db
class TestFailing:
    def test_a_refused_connection_is_tried_again_and_then_told(self, staff):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        source = make_source(
            "https_pull@1", url=f"https://localhost:{port}/m.csv", allow_private=True
        )
        job = run_now(due_look(source))
        assert (job.state, job.attempts) == ("queued", 1)
        assert "refused the connection" in job.error
        assert source.runs.get().outcome == "RUNNING"
        run = looked(source)
        assert (run.outcome, source.runs.count()) == ("FAILED", 1)
        shown = page(staff, source)
        assert "Failing since" in shown
        assert f"localhost:{port} refused the connection; is the server running?" in shown

    def test_a_name_that_is_not_known(self, staff, monkeypatch):
        source = make_source("https_pull@1", url="https://nowhere.example/m.csv")

        def unknown(*_args, **_more):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        with monkeypatch.context() as offline:
            offline.setattr("meters.sources._network.socket.getaddrinfo", unknown)
            looked(source)
        assert "The name nowhere.example is not known to the name server" in page(staff, source)

    def test_a_storage_that_is_not_there_loses_nothing(self, inbox, staff, settings, tmp_path):
        put(inbox)
        (tmp_path / "storage").write_text("in the way")
        settings.MEDIA_ROOT, good = str(tmp_path / "storage"), settings.MEDIA_ROOT
        source = folder_source(inbox, after="move")
        job = run_now(due_look(source))
        assert (job.state, job.attempts) == ("queued", 1), "tried again"
        run = looked(source)
        assert (run.outcome, run.taken) == ("FAILED", 0)
        shown = page(staff, source)
        assert "This machine could not keep what came (Not a directory)." in shown
        assert f"in {tmp_path / 'storage'} and" in shown
        assert (inbox / "m.csv").exists()
        assert not ImportFile.objects.exists()
        settings.MEDIA_ROOT = good
        assert looked(source, 1).taken == 1
        assert (inbox / "taken" / "m.csv").exists()
        assert ImportFile.objects.count() == 1

    def test_a_disk_that_is_full_loses_nothing(self, inbox, staff):
        """The kernel refuses to write beyond 4 kB, as it would on a full disk."""
        put(inbox, content=DAY_FILE * 5)
        source = folder_source(inbox, after="move")
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        job = due_look(source)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
            for _attempt in range(3):
                job = run_now(job)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert job.state == "done", job.error
        assert "This machine could not keep what came (File too large)." in page(staff, source)
        assert (inbox / "m.csv").exists()
        assert not ImportFile.objects.exists()
        assert looked(source, 1).outcome == "DONE"
        assert ImportFile.objects.count() == 1

    def test_a_secret_that_is_not_there_is_named_by_its_place(self, staff):
        source = make_source(
            "https_pull@1", secret_place="env:POWEROPTIX_SOURCE_GONE",
            url="https://data.example/m.csv", auth="bearer",
        )  # fmt: skip
        assert looked(source).outcome == "FAILED"
        assert "The variable POWEROPTIX_SOURCE_GONE is not set where the worker runs" in page(
            staff, source
        )

    def test_failing_since_is_the_first_failure_and_ends_with_a_good_look(self, inbox):
        source = folder_source(inbox)
        inbox.rmdir()
        looked(source)
        source.refresh_from_db()
        since = source.failing_since
        assert since is not None
        looked(source, 1)
        source.refresh_from_db()
        assert source.failing_since == since
        inbox.mkdir()
        looked(source, 2)
        source.refresh_from_db()
        assert (source.failing_since, source.last_error) == (None, "")
        assert source.last_seen_at is not None

    def test_parameters_that_no_longer_fit_are_told(self, inbox, staff):
        source = folder_source(inbox)
        Source.objects.filter(pk=source.pk).update(parameters={"path": str(inbox), "old": 1})
        assert "old: unknown field" in looked(source).error
