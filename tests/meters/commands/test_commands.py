"""The commands: folders, archives, JSON, exit codes."""

import gzip
import json
import zipfile
from datetime import UTC, datetime

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from meters.models import ImportFile, ReadingBlock
from tests.meters.builders import long_csv, make_channel

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 3, 6, tzinfo=UTC)


def run(capsys, *args):
    """Return (exit code, output) of a command."""
    code = 0
    try:
        call_command(*map(str, args))
    except SystemExit as stop:
        code = stop.code
    said = capsys.readouterr()
    return code, said.out + said.err


@pytest.fixture
def day():
    make_channel()
    return long_csv("TEN-ALFA/DEL_KWH", START, ["100"] * 96)


def test_folder_zip_and_gzip_are_read_once(tmp_path, capsys, day):
    (tmp_path / "a.csv").write_text(day)
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(day.replace("100", "101").encode()))
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("in/same.csv", day)
        archive.writestr("in/next.csv", day.replace("2026-03-0", "2026-02-0"))
    (tmp_path / ".hidden").write_text("no")
    code, said = run(capsys, "ingest", tmp_path)
    assert code == 0
    lines = [line for line in said.splitlines() if not line.startswith("    ")]
    assert [line[:2] for line in lines] == ["✓ ", "✓ ", "= ", "✓ "]
    assert "same.csv: already imported as #" in said
    assert "96 replaced" in said
    assert ImportFile.objects.count() == 3


def test_json_tells_everything_and_vee_follows(tmp_path, capsys, day):
    (tmp_path / "a.csv").write_text(day)
    code, said = run(capsys, "ingest", tmp_path / "a.csv", "--json", "--vee", "--source", "mdm")
    (result,) = json.loads(said)
    assert (code, result["outcome"], result["receipt"]["intervals"]) == (0, "accepted", 96)
    assert result["vee"][0]["blocks"] == 2
    assert ImportFile.objects.get().source == "mdm"
    assert ReadingBlock.objects.filter(layer=2).count() == 2


def test_refused_file_does_not_stop_the_others(tmp_path, capsys, day):
    (tmp_path / "a.csv").write_text(day[:-20])
    (tmp_path / "b.csv").write_text(day)
    (tmp_path / "c.txt").write_text("hello\n")
    code, said = run(capsys, "ingest", tmp_path)
    assert code == 1
    assert "✗ a.csv: refused." in said
    assert "✓ b.csv" in said
    assert "✗ c.txt: refused. c.txt looks like none of our formats" in said
    code, said = run(capsys, "ingest", tmp_path / "a.csv")
    assert (code, "refused" in said) == (1, True)


def test_quarantine_gives_exit_code_one(tmp_path, capsys, day):
    (tmp_path / "a.csv").write_text(day.replace("TEN-ALFA", "TEN-OMEGA"))
    code, said = run(capsys, "ingest", tmp_path / "a.csv")
    assert code == 1
    assert "! lines 2-97: There is no channel 'TEN-OMEGA/DEL_KWH'" in said


def test_time_of_receipt_decides_what_is_future(tmp_path, capsys, day):
    (tmp_path / "a.csv").write_text(day)
    code, said = run(capsys, "ingest", tmp_path, "--received-at", "2026-03-03T12:00:00-06:00")
    assert code == 1
    assert "lie after the receipt" in said


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["ingest", "/no/such/path"], "There is no file or folder"),
        (["ingest", ".", "--received-at", "2026-03-03T12:00"], "needs an offset"),
        (["ingest", ".", "--received-at", "noon"], "is no time"),
        (["vee", "--from", "2026-13-01", "--campus", "X"], "is no day"),
        (["vee", "--from", "2026-03-01"], "Name a --campus or a --channel"),
    ],
)
def test_wrong_usage_is_two(args, message):
    with pytest.raises(CommandError, match=message) as fault:
        call_command(*args)
    assert fault.value.returncode == 2


def test_vee_tells_what_waits(tmp_path, capsys, day):
    (tmp_path / "a.csv").write_text("\n".join(day.splitlines()[:50]) + "\n")
    run(capsys, "ingest", tmp_path)
    code, said = run(capsys, "vee", "--campus", "CAP", "--from", "2026-03-03")
    assert code == 1
    assert (
        "1 channels, 1 days: 1 day blocks written, 0 intervals estimated, 1 findings wait." in said
    )
    assert "V01 TEN-ALFA/DEL_KWH 2026-03-03 18:15 UTC: 47 intervals of 15 minutes missing." in said
    code, said = run(
        capsys, "vee", "--channel", "TEN-ALFA/DEL_KWH", "--from", "2026-03-03", "--json"
    )
    assert json.loads(said)["open"][0]["rule"] == "V01"
    code, said = run(capsys, "vee", "--campus", "NOPE", "--from", "2026-03-03")
    assert (code, said.strip()) == (1, "refused: There is no campus NOPE.")
