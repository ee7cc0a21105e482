"""Orders, command, page and job: what is read, what is refused and how it is said."""

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow.parquet as pq
import pytest
from django.core.management.base import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from meters.documents import export_files
from meters.models import Channel
from meters.pages import exports
from meters.queries.export import ExportOrder, prepare
from meters.services import edit_readings
from poweroptix.accounts.models import Tenant
from poweroptix.accounts.services import create_user
from poweroptix.audit.actor import Actor
from poweroptix.jobs.models import Job
from poweroptix.jobs.services import drain
from poweroptix.kernel.errors import NotFoundError, Refused
from tests.meters import builders
from tests.meters.builders import NOW, make_campus, make_channel
from tests.meters.commands.test_commands import run
from tests.meters.exports.sheets import read_back
from tests.meters.queries.test_series import loaded
from tests.meters.services.test_editing import WHY

pytestmark = pytest.mark.django_db
DAY, NEXT = date(2026, 3, 3), date(2026, 3, 4)
ALFA, BRAVO = "TEN-ALFA/DEL_KWH", "TEN-BRAVO/DEL_KWH"


def order(*codes, first=DAY, last=NEXT, key="csv_long@1", **more):
    return ExportOrder(codes or (ALFA,), first, last, key, **more)


def content(*args, **more):
    return b"".join(prepare(order(*args, **more), now=NOW).content())


def person(client, role="analyst"):
    client.force_login(create_user(role, None, role=role, actor=Actor.system("test")))
    return client


@pytest.fixture
def alfa():
    return loaded(ALFA, "1.5")


@pytest.fixture
def bravo():
    return loaded(BRAVO, "7", minutes=60)


def body(answer):
    return b"".join(answer.streaming_content)


class TestReading:
    def test_final_readings_of_local_days(self, alfa, bravo):
        found = read_back("csv_long@1", content(ALFA, BRAVO))

        assert {code: len(rows) for code, rows in found.items()} == {ALFA: 192, BRAVO: 48}
        assert min(found[ALFA]) == datetime(2026, 3, 3, 6, tzinfo=UTC)
        assert {value for value, _s, _m in found[ALFA].values()} == {1_500_000}

    def test_the_channels_come_in_order_of_code_and_once(self, alfa, bravo):
        assert content(BRAVO, ALFA, BRAVO) == content(ALFA, BRAVO)

    def test_days_without_readings_are_written_as_missing(self, alfa):
        rows = list(csv.DictReader(io.StringIO(content(last=date(2026, 3, 5)).decode())))

        assert [row["status"] for row in rows] == ["V"] * 192 + ["N"] * 96
        assert {row["value"] for row in rows[192:]} == {""}

    def test_days_are_days_of_the_zone_that_is_named(self, alfa):
        found = read_back(
            "nem12@1", content(last=DAY, key="nem12@1", zone="Etc/GMT+7"), zone="Etc/GMT+7"
        )

        assert min(found[ALFA]) == datetime(2026, 3, 3, 7, tzinfo=UTC)
        assert len(found[ALFA]) == 96

    def test_raw_readings_are_as_received(self, alfa):
        rows = pq.read_table(io.BytesIO(content(key="parquet@1", layer="raw"))).to_pylist()

        assert {row["status"] for row in rows} == {"RAW"}

    def test_parquet_names_the_version_that_was_read(self, alfa):
        start = datetime(2026, 3, 3, 12, tzinfo=UTC)
        edit_readings(
            alfa,
            start,
            start + timedelta(minutes=15),
            "SET",
            operand=Decimal("1.6"),
            actor=builders.person("ann"),
            **WHY,
        )

        rows = pq.read_table(io.BytesIO(content(key="parquet@1"))).to_pylist()

        edited = [row for row in rows if row["status"] == "EDITED"]
        assert [row["interval_start"] for row in edited] == [start]
        assert edited[0]["version"] > 1
        assert {row["version"] for row in rows if row["interval_start"].day == 5} == {1}

    def test_long_orders_are_read_in_portions(self, alfa, bravo, monkeypatch):
        whole = {key: content(ALFA, BRAVO, key=key) for key in ("csv_long@1", "espi@1")}
        monkeypatch.setattr("meters.queries.export.PART_INTERVALS", 100)
        told = []

        export = prepare(order(ALFA, BRAVO), now=NOW)

        assert b"".join(export.content(told.append)) == whole["csv_long@1"]
        assert told == [96, 192, 240]
        assert export.intervals == 240
        assert content(ALFA, BRAVO, key="espi@1") == whole["espi@1"]

    def test_many_channels_take_few_queries(self, alfa):
        for number in range(4):
            loaded(f"M{number}/DEL_KWH", "1")
        codes = tuple(Channel.objects.values_list("code", flat=True))
        with CaptureQueriesContext(connection) as queries:
            content(*codes)

        assert len(queries) <= 4


class TestRefusals:
    def test_an_unknown_channel(self, alfa):
        with pytest.raises(NotFoundError, match=r"There is no channel NO/SUCH\."):
            prepare(order(ALFA, "NO/SUCH"), now=NOW)

    def test_no_channel(self):
        with pytest.raises(Refused, match=r"Choose at least one channel\."):
            prepare(ExportOrder((), DAY, NEXT, "csv_long@1"), now=NOW)

    def test_an_empty_period(self, alfa):
        text = r"The period is empty: its last day 2026-03-03 is before its first 2026-03-04\."
        with pytest.raises(Refused, match=text):
            prepare(order(first=NEXT, last=DAY), now=NOW)

    def test_a_period_without_readings(self, alfa):
        text = rf"There are no final readings of {ALFA} from 2027-01-01 to 2027-01-02\."
        with pytest.raises(NotFoundError, match=text):
            prepare(order(first=date(2027, 1, 1), last=date(2027, 1, 2)), now=NOW)

    def test_too_many_days(self, alfa):
        with pytest.raises(Refused, match=r"5,480 days are too many for one file; .* 3,660 at"):
            prepare(order(first=date(2015, 1, 1), last=date(2030, 1, 1)), now=NOW)

    def test_too_many_intervals(self, alfa, monkeypatch):
        monkeypatch.setattr("meters.queries.export.MOST_INTERVALS", 100)
        with pytest.raises(Refused, match=r"192 intervals are too many for one file, at most 100"):
            prepare(order(), now=NOW)

    def test_an_unknown_layer(self, alfa):
        with pytest.raises(Refused, match=r"The layer is final or raw, not 'best'\."):
            prepare(order(layer="best"), now=NOW)

    def test_an_unknown_zone(self, alfa):
        with pytest.raises(Refused, match=r"Mars"):
            prepare(order(zone="Mars/Base"), now=NOW)

    def test_channels_of_two_campuses(self, alfa):
        make_channel("X/DEL_KWH", campus=make_campus("OTHER"))
        with pytest.raises(Refused, match=r"The channels are of CAP and OTHER; export each campus"):
            prepare(order(ALFA, "X/DEL_KWH"), now=NOW)

    def test_a_local_midnight_off_the_grid(self, bravo):
        with pytest.raises(Refused, match=r"is not the start of a 60-minute interval"):
            content(BRAVO, zone="Asia/Kolkata")


class TestCommand:
    def test_it_writes_the_file_and_says_so(self, alfa, tmp_path, capsys):
        target = tmp_path / "a.csv"

        code, said = run(
            capsys, "export_readings", "--campus", "CAP", "--from", "2026-03-03",
            "--to", "2026-03-04", "--output", target, "--json",
        )  # fmt: skip

        assert code == 0
        assert json.loads(said) == {
            "file": str(target),
            "bytes": target.stat().st_size,
            "channels": 1,
            "intervals": 192,
        }
        assert len(read_back("csv_long@1", target.read_bytes())[ALFA]) == 192

    def test_a_refusal_leaves_no_file(self, alfa, tmp_path, capsys):
        folder = tmp_path / "out"
        folder.mkdir()

        code, said = run(
            capsys, "export_readings", "--channel", ALFA, "--from", "2026-03-03",
            "--format", "nem12@1", "--output", folder / "a.csv",
        )  # fmt: skip

        assert code == 1
        assert said.startswith("refused: America/Chicago changes its clock and NEM12 days always")
        assert list(folder.iterdir()) == []

    def test_a_file_begun_is_removed_and_an_older_one_stays(
        self, alfa, tmp_path, capsys, monkeypatch
    ):
        folder = tmp_path / "out"
        folder.mkdir()
        (folder / "a.csv").write_text("of yesterday")
        monkeypatch.setattr("meters.exports._base.MOST_MICRO", 1)

        code, said = run(
            capsys, "export_readings", "--channel", ALFA, "--from", "2026-03-03",
            "--output", folder / "a.csv", "--json",
        )  # fmt: skip

        assert code == 1
        assert json.loads(said)["code"] == "export.inexact"
        assert [path.read_text() for path in folder.iterdir()] == ["of yesterday"]

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("--from", "2026-03-03", "--output", "x"), "Name a --campus or a --channel."),
            (
                ("--channel", ALFA, "--from", "soon", "--output", "x"),
                "soon is no day such as 2026-03-01.",
            ),
        ],
    )
    def test_wrong_usage(self, capsys, arguments, said):
        with pytest.raises(CommandError, match=said) as fault:
            run(capsys, "export_readings", *arguments)
        assert fault.value.returncode == 2

    def test_a_place_that_cannot_be_written_is_wrong_usage(self, alfa, tmp_path, capsys):
        with pytest.raises(CommandError, match=r"cannot be written: .*No such file"):
            run(
                capsys, "export_readings", "--channel", ALFA, "--from", "2026-03-03",
                "--output", tmp_path / "no" / "a.csv",
            )  # fmt: skip


class TestPage:
    def ask(self, client, **said):
        fields = {"channel": ALFA, "first": "2026-03-03", "last": "2026-03-04"}
        return client.post(
            reverse("office-export"), fields | {"format": "csv_long@1", "layer": "final"} | said
        )

    def test_the_channel_page_offers_its_month(self, client, alfa):
        address = reverse("office-channel", args=[ALFA])
        page = person(client).get(f"{address}?month=2026-03").content.decode()

        assert f'action="{reverse("office-export")}"' in page
        assert 'name="first" value="2026-03-01"' in page
        assert 'name="last" value="2026-03-31"' in page
        assert '<option value="parquet@1">' in page

    def test_the_list_of_channels_leads_to_the_form(self, client, alfa):
        page = person(client).get(reverse("office-channels")).content.decode()

        assert f'href="{reverse("office-export")}"' in page

    def test_a_short_export_is_the_answer(self, client, alfa):
        answer = self.ask(person(client))

        assert answer["Content-Disposition"] == (
            'attachment; filename="poweroptix_readings_TEN-ALFA_DEL_KWH_2026-03-03_2026-03-04.csv"'
        )
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert body(answer) == content()

    def test_all_channels_of_a_campus(self, client, alfa, bravo):
        answer = self.ask(person(client), channel=[], campus="CAP", layer="raw")

        assert "poweroptix_readings_CAP_2026-03-03_2026-03-04_raw.csv" in str(
            answer["Content-Disposition"]
        )
        assert set(read_back("csv_long@1", body(answer))) == {ALFA, BRAVO}

    def test_a_refusal_stands_above_the_filled_form(self, client, alfa):
        answer = self.ask(person(client), format="nem12@1")

        page = answer.content.decode()
        assert answer.status_code == 400
        assert "America/Chicago changes its clock" in page
        assert 'value="2026-03-04"' in page
        assert f'value="{ALFA}" checked' in page
        assert '<option value="nem12@1" selected>' in page

    @pytest.mark.parametrize(
        ("said", "told"),
        [
            ({"channel": []}, "Choose at least one channel."),
            ({"channel": ["NO/SUCH"]}, "There is no channel NO/SUCH."),
            ({"first": "2026-03-05"}, "The period is empty"),
            ({"first": "x"}, "is not a day such as 2026-03-14."),
            ({"format": "mdef@1"}, "known: csv_long@1, espi@1, nem12@1, parquet@1."),
        ],
    )
    def test_what_is_wrong_is_said(self, client, alfa, said, told):
        answer = self.ask(person(client), **said)

        assert answer.status_code == 400
        assert told in answer.content.decode()

    def test_the_form_takes_few_queries(self, client, alfa, bravo, django_assert_max_num_queries):
        person(client)
        client.get(reverse("office-export"))
        with django_assert_max_num_queries(12):
            assert client.get(reverse("office-export")).status_code == 200

    def test_a_tenant_finds_nothing_there(self, client, alfa):
        tenant = Tenant.objects.create(code="alfa", name="Alfa", created_at=NOW)
        user = create_user("tom", None, role="energy", tenant=tenant, actor=Actor.system("test"))
        client.force_login(user)

        assert client.get(reverse("office-export")).status_code == 404
        assert self.ask(client).status_code == 404
        assert client.get(reverse("office-export-file", args=[1])).status_code == 404


class TestJob:
    @pytest.fixture
    def job(self, client, alfa, monkeypatch):
        monkeypatch.setattr(exports, "AT_ONCE_INTERVALS", 100)
        answer = TestPage().ask(person(client))
        job = Job.objects.get(kind="export_readings")
        assert answer.url == reverse("office-job", args=[job.pk])
        return job

    def test_a_long_export_is_a_job_with_its_file_at_the_end(self, client, job):
        early = client.get(reverse("office-export-file", args=[job.pk]))
        assert early.status_code == 409
        assert f"Job {job.pk} is queued; it has no file." in early.content.decode()
        drain(60)
        job.refresh_from_db()
        page = client.get(reverse("office-job", args=[job.pk])).content.decode()
        address = reverse("office-export-file", args=[job.pk])

        assert (job.state, job.progress_done, job.progress_total) == ("done", 192, 192)
        assert f'href="{address}"' in page
        answer = client.get(address)
        assert "TEN-ALFA_DEL_KWH_2026-03-03" in answer["Content-Disposition"]
        assert body(answer) == content()
        assert job.result["bytes"] == len(content())

    def test_files_go_after_a_week(self, client, job):
        drain(60)
        export_files.prune(datetime(2100, 1, 1, tzinfo=UTC))

        answer = client.get(reverse("office-export-file", args=[job.pk]))
        assert answer.status_code == 404
        assert f"The file of job {job.pk} is not there; it is kept for 7 days." in (
            answer.content.decode()
        )

    def test_a_reading_that_cannot_be_written_fails_the_job_and_leaves_nothing(
        self, client, job, monkeypatch
    ):
        monkeypatch.setattr("meters.exports._base.MOST_MICRO", 1)
        drain(60)
        job.refresh_from_db()

        assert job.state == "failed"
        assert job.error.startswith(f"The reading of {ALFA} at 2026-03-03T06:00:00Z cannot be")
        assert list(export_files.folder().iterdir()) == []
