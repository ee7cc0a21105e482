"""folder@1: what is whole is taken, everything else is left with a reason."""

import io
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from meters.sources import (
    Item,
    NotKeptError,
    NotReadyError,
    Surroundings,
    UnreachableError,
    connectors,
)
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.parameters import parse

NOW = datetime(2026, 4, 2, 12, tzinfo=UTC)
FOLDER = connectors.get("folder@1")


class Looking:
    """A folder and a clock that goes a minute between looks."""

    def __init__(self, path: Path, **parameters) -> None:
        self.path, self.now, self.memory = path, NOW, {}
        self.parameters = parse(FOLDER.Parameters, {"path": str(path)} | parameters)

    def look(self, minutes: int = 1):
        """Return names of items, reasons by name, and the items."""
        self.now += timedelta(minutes=minutes)
        about = Surroundings(self.now, memory=self.memory, inboxes=(self.path.parent,))
        with FOLDER.open(self.parameters, about) as inbox:
            items, passed = inbox.look()
        self.memory, self.inbox = inbox.memory, inbox
        return [item.name for item in items], {one.name: one.why for one in passed}, items


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "in"
    path.mkdir()
    return Looking(path)


def write(folder, name="m.csv", content="a,b\n", seconds=0):
    path = folder.path / name
    path.write_text(content)
    stamp = (NOW + timedelta(seconds=seconds)).timestamp()
    os.utime(path, (stamp, stamp))
    return path


def test_a_file_is_taken_when_two_looks_found_it_the_same(folder):
    write(folder)
    names, why, _ = folder.look()
    assert names == []
    assert why == {"m.csv": "is new or has changed; it is taken when it stays as it is"}
    assert folder.look()[0] == ["m.csv"]


def test_a_file_that_grows_is_left_until_it_stops(folder):
    for size in range(1, 5):
        write(folder, content="x" * size)
        assert folder.look()[0] == []
    assert folder.look()[0] == ["m.csv"]


def test_the_same_size_with_another_time_stamp_is_a_change(folder):
    write(folder)
    folder.look()
    write(folder, seconds=5)
    assert folder.look()[0] == []


def test_two_looks_in_a_row_are_too_close(folder):
    write(folder)
    folder.look()
    names, why, _ = folder.look(minutes=0)
    assert names == []
    assert why == {"m.csv": "has been the same for 0 s only"}


def test_a_marker_says_at_once_that_a_file_is_whole(folder):
    write(folder)
    write(folder, "m.csv.done", "")
    assert folder.look()[0] == ["m.csv"]


def test_a_source_that_needs_markers_waits_for_them(tmp_path):
    (tmp_path / "in").mkdir()
    folder = Looking(tmp_path / "in", needs_marker=True)
    write(folder)
    folder.look()
    names, why, _ = folder.look()
    assert (names, why) == ([], {"m.csv": "waits for its marker m.csv.done"})


def test_what_is_no_file_has_a_reason(folder):
    target = write(folder, "real.csv")
    (folder.path / "link.csv").symlink_to(target)
    (folder.path / "sub").mkdir()
    os.mkfifo(folder.path / "pipe")
    write(folder, "zero.csv", "")
    write(folder, "half.csv.part")
    write(folder, ".hidden")
    write(folder, "bad\nname.csv")
    folder.look()
    names, why, _ = folder.look()
    assert names == ["real.csv"]
    assert why == {
        "link.csv": "is a symbolic link, which is never followed",
        "sub": "is a subfolder, into which we do not look",
        "pipe": "is no regular file",
        "zero.csv": "is empty",
        "half.csv.part": "has the name of a file that is still being written",
        "bad\\nname.csv": "has a name with characters that cannot be shown; rename it",
    }


def test_an_empty_file_with_a_marker_is_told(folder):
    write(folder, "zero.csv", "")
    write(folder, "zero.csv.done", "")
    assert folder.look()[1] == {"zero.csv": "is empty although its marker says that it is finished"}


def test_a_name_that_is_not_utf_8_is_told(folder):
    raw = os.fsencode(folder.path) + b"/caf\xe9.csv"
    Path(os.fsdecode(raw)).write_text("x")
    assert "cannot be shown" in folder.look()[1]["caf\\udce9.csv"]


def test_only_names_that_match_are_taken(tmp_path):
    (tmp_path / "in").mkdir()
    folder = Looking(tmp_path / "in", pattern="*.csv")
    write(folder, "m.csv")
    write(folder, "m.pdf")
    folder.look()
    names, why, _ = folder.look()
    assert (names, why) == (["m.csv"], {"m.pdf": "does not match *.csv"})


def test_the_oldest_comes_first(folder):
    write(folder, "b.csv", seconds=-60)
    write(folder, "a.csv", seconds=0)
    folder.look()
    assert folder.look()[0] == ["b.csv", "a.csv"]


def ready(folder):
    folder.look()
    return folder.look()[2][0]


def test_the_bytes_come_whole(folder):
    write(folder, content="a,b\n1,2\n")
    item, into = ready(folder), io.BytesIO()
    assert folder.inbox.fetch(item, into) is True
    assert into.getvalue() == b"a,b\n1,2\n"


def test_a_file_that_changes_after_the_look_is_left(folder):
    write(folder)
    item = ready(folder)
    write(folder, content="longer than before\n")
    with pytest.raises(NotReadyError, match=r"changed after it was listed"):
        folder.inbox.fetch(item, io.BytesIO())


def test_a_file_that_changes_while_it_is_read_is_left(folder):
    path = write(folder)
    item = ready(folder)

    class Meddling(io.BytesIO):
        def write(self, part):
            path.write_text("something else altogether\n")
            return super().write(part)

    with pytest.raises(NotReadyError, match=r"changed while it was read"):
        folder.inbox.fetch(item, Meddling())


def test_a_file_that_went_away_is_left(folder):
    path = write(folder)
    item = ready(folder)
    path.unlink()
    with pytest.raises(NotReadyError, match=r"went away"):
        folder.inbox.fetch(item, io.BytesIO())


def test_a_link_put_in_the_place_of_a_file_is_not_followed(folder, tmp_path):
    path = write(folder)
    item = ready(folder)
    path.unlink()
    (tmp_path / "secret").write_text("x")
    path.symlink_to(tmp_path / "secret")
    with pytest.raises(Refused, match=r"cannot be read"):
        folder.inbox.fetch(item, io.BytesIO())


def test_a_file_that_may_not_be_read_is_told(folder, monkeypatch):
    write(folder)
    item = ready(folder)

    def denied(*_args, **_more):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(Refused, match=r"m.csv cannot be read: Permission denied. Give it to the"):
        folder.inbox.fetch(item, io.BytesIO())


def test_a_file_above_the_limit_is_refused_unread(tmp_path):
    (tmp_path / "in").mkdir()
    folder = Looking(tmp_path / "in", limit_mb=1)
    with (folder.path / "big.csv").open("wb") as sparse:
        sparse.truncate(1_000_001)
    item = ready(folder)
    with pytest.raises(Refused, match=r"big.csv is larger than 1 MB; raise limit_mb"):
        folder.inbox.fetch(item, io.BytesIO())


def test_received_files_are_moved_and_never_overwrite(tmp_path):
    (tmp_path / "in").mkdir()
    folder = Looking(tmp_path / "in", after="move")
    for content in ("first\n", "second\n"):
        write(folder, content=content)
        write(folder, "m.csv.done", "")
        item = folder.look()[2][0]
        folder.inbox.received(item)
    taken = folder.path / "taken"
    assert (taken / "m.csv").read_text() == "first\n"
    assert (taken / "2-m.csv").read_text() == "second\n"
    assert folder.look()[:2] == ([], {})
    folder.inbox.received(item)  # again, as after a crash


def test_a_file_replaced_meanwhile_is_not_moved(tmp_path):
    (tmp_path / "in").mkdir()
    folder = Looking(tmp_path / "in", after="move")
    path = write(folder)
    item = ready(folder)
    write(folder, content="new version\n")
    folder.inbox.received(item)
    assert path.read_text() == "new version\n"


def test_a_file_that_cannot_be_moved_is_told(tmp_path):
    (tmp_path / "in").mkdir()
    folder = Looking(tmp_path / "in", after="move")
    write(folder)
    item = ready(folder)
    (folder.path / "taken").write_text("in the way")
    with pytest.raises(Refused, match=r"m.csv was received but cannot be moved"):
        folder.inbox.received(item)


def test_a_time_stamp_of_tomorrow_is_noted(folder):
    write(folder, seconds=86_400)
    item = ready(folder)
    assert item.modified_at == NOW + timedelta(days=1)
    assert folder.inbox.ahead_seconds == 86_400 - 120


def test_a_folder_that_is_away_may_come_back(tmp_path):
    with pytest.raises(UnreachableError, match=r"is the share mounted"):
        Looking(tmp_path / "gone").look()


def test_a_path_that_cannot_be_followed_is_told(tmp_path):
    with pytest.raises(Refused, match=r"cannot be read: File name too long\. Open it to the w"):
        Looking(tmp_path / ("x" * 300)).look()


def test_a_disk_that_fails_while_a_file_is_read_may_come_back():
    """The memory of a process cannot be read from its beginning: a true fault of reading."""
    path = Path("/proc/self")
    parameters = parse(FOLDER.Parameters, {"path": str(path)})
    with FOLDER.open(parameters, Surroundings(NOW, inboxes=(Path("/proc"),))) as inbox:
        facts = (path / "mem").stat()
        item = Item("mem", f"mem|{facts.st_size}|{facts.st_mtime_ns}", "mem", 0)
        with pytest.raises(UnreachableError, match=r"mem broke off \(Input/output error\); is the"):
            inbox.fetch(item, io.BytesIO())


def test_a_full_disk_here_is_told_as_ours(folder):
    write(folder, content="x" * 100_000)
    item = ready(folder)
    with (
        Path("/dev/full").open("wb", buffering=0) as full,
        pytest.raises(NotKeptError, match=r"No space left on device"),
    ):
        folder.inbox.fetch(item, full)


def test_a_folder_outside_the_inboxes_is_refused(tmp_path):
    parameters = parse(FOLDER.Parameters, {"path": str(tmp_path)})
    about = Surroundings(NOW, inboxes=(tmp_path / "allowed",))
    with (
        pytest.raises(Refused, match=r"lies in none of the inbox folders"),
        FOLDER.open(parameters, about),
    ):
        raise AssertionError("it was opened")


def test_a_link_out_of_the_inboxes_is_refused(tmp_path):
    (tmp_path / "allowed").mkdir()
    (tmp_path / "else").mkdir()
    (tmp_path / "allowed" / "in").symlink_to(tmp_path / "else")
    parameters = parse(FOLDER.Parameters, {"path": str(tmp_path / "allowed" / "in")})
    with (
        pytest.raises(Refused, match=r"lies in none"),
        FOLDER.open(parameters, Surroundings(NOW, inboxes=(tmp_path / "allowed",))),
    ):
        raise AssertionError("it was opened")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"path": "in"}, "does not begin with '/'"),
        ({"path": "/in", "taken_folder": "../out"}, "is not the name of one subfolder"),
        ({"path": "/in", "after": "eat"}, "'eat' is not one of leave, move"),
        ({"path": "/in", "settle_seconds": 0}, "below the smallest"),
        ({"path": "/in", "colour": "red"}, "unknown field"),
    ],
)
def test_wrong_parameters_are_told(wrong, said):
    with pytest.raises(Refused, match=said):
        parse(FOLDER.Parameters, wrong)
