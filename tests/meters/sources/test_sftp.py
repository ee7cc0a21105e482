"""sftp@1 against a server of this process."""

import io
import os
import re
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paramiko
import pytest

from meters.sources import NotKeptError, NotReadyError, Surroundings, UnreachableError, connectors
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.parameters import parse
from tests.meters.sources.servers import PASSWORD, Inbox, new_client_key, new_key

NOW = datetime(2026, 4, 2, 12, tzinfo=UTC)
SFTP = connectors.get("sftp@1")


@pytest.fixture
def server(tmp_path):
    root = tmp_path / "remote"
    root.mkdir()
    with Inbox(root).running() as running:
        yield running


def parameters(server, **more):
    said = {
        "host": "127.0.0.1",
        "port": server.port,
        "username": "meters",
        "host_keys": [server.host_line],
        "auth": "password",
        "allow_private": True,
    }
    return parse(SFTP.Parameters, said | more)


def write(server, name="m.csv", content="a,b\n"):
    path = server.root / name
    path.write_text(content)
    os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    return path


class Session:
    """Looks a minute apart, with what was remembered between them."""

    def __init__(self, server, secret=PASSWORD, **more):
        self.parameters, self.secret = parameters(server, **more), secret
        self.now, self.memory = NOW, {}

    def open(self):
        self.now += timedelta(minutes=1)
        return SFTP.open(self.parameters, Surroundings(self.now, self.secret, self.memory))

    def look(self):
        with self.open() as inbox:
            items, passed = inbox.look()
            self.memory = inbox.memory
        return [item.name for item in items], {one.name: one.why for one in passed}


def test_a_steady_file_comes_whole(server):
    content = "a,b\n" + "1,2\n" * 100_000
    write(server, content=content)
    session = Session(server)
    assert session.look()[0] == []
    with session.open() as inbox:
        items, _ = inbox.look()
        into = io.BytesIO()
        assert inbox.fetch(items[0], into) is True
    assert into.getvalue() == content.encode()


def test_a_key_logs_in_as_well(server):
    write(server)
    write(server, "m.csv.done", "")
    assert Session(server, server.client_pem, auth="key").look()[0] == ["m.csv"]


def test_what_is_no_file_has_a_reason(server):
    write(server, "real.csv")
    (server.root / "link.csv").symlink_to(server.root / "real.csv")
    (server.root / "sub").mkdir()
    write(server, "zero.csv", "")
    session = Session(server)
    session.look()
    names, why = session.look()
    assert names == ["real.csv"]
    assert why == {
        "link.csv": "is a symbolic link, which is never followed",
        "sub": "is a subfolder, into which we do not look",
        "zero.csv": "is empty",
    }


def test_a_wrong_password_is_told_without_it(server):
    with pytest.raises(
        Refused, match=r"127.0.0.1 refuses the log-in of meters; check the password"
    ) as no:
        Session(server, "wrong-battery").look()
    assert "battery" not in str(no.value)


def test_a_wrong_key_is_told(server):
    with pytest.raises(Refused, match=r"refuses the log-in of meters; check the key"):
        Session(server, new_client_key()[1], auth="key").look()


def test_a_secret_that_is_no_key_is_told_without_it(server):
    with pytest.raises(Refused, match=r"is no private key without a passphrase") as refusal:
        Session(server, "hunter2", auth="key").look()
    assert "hunter2" not in str(refusal.value)


def test_no_secret(server):
    with pytest.raises(Refused, match=r"names no secret to log in with"):
        Session(server, "").look()


def test_a_wrong_host_key_ends_before_the_password_is_sent(server, monkeypatch):
    other = new_key()
    line = f"{other.get_name()} {other.get_base64()}"
    tried = []
    monkeypatch.setattr(
        "tests.meters.sources.servers.Account.check_auth_password",
        lambda *_args: tried.append(1),
    )
    with pytest.raises(Refused, match=r"shows the host key SHA256:.*somebody stands between"):
        Session(server, host_keys=[line]).look()
    assert tried == []


def test_a_host_key_of_another_kind_is_refused(server):
    line = (
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBJ7Gx"
        "0Jc2c0jRZ4s3lBBK0b5jz2Cq0q0q0q0q0q0q0q0q0q0q0q0q0q0q0q0q0q0q0q0q0q0q0q0q0q0q0q0q0q0q0o="
    )
    with pytest.raises(Refused, match=r"no host key of a kind that the source knows"):
        Session(server, host_keys=[line]).look()


def ready(session):
    session.look()
    session.now += timedelta(minutes=1)
    return session.open()


def test_received_files_are_moved_and_never_overwrite(server):
    session = Session(server, after="move", settle_seconds=1)
    for content in ("first\n", "second\n"):
        write(server, content=content)
        write(server, "m.csv.done", "")
        with session.open() as inbox:
            items, _ = inbox.look()
            inbox.received(items[0])
            inbox.received(items[0])  # again, as after a crash
    taken = server.root / "taken"
    assert {one.name: one.read_text() for one in taken.iterdir()} == {
        "m.csv": "first\n", "2-m.csv": "second\n",
    }  # fmt: skip
    assert {one.name for one in server.root.iterdir()} == {"taken"}


def test_received_files_are_removed_when_asked(server):
    write(server)
    with ready(Session(server, after="remove")) as inbox:
        inbox.received(inbox.look()[0][0])
    assert list(server.root.iterdir()) == []


def test_received_files_stay_by_default(server):
    path = write(server)
    with ready(Session(server)) as inbox:
        inbox.received(inbox.look()[0][0])
    assert path.exists()


def test_a_file_replaced_meanwhile_stays(server):
    path = write(server)
    with ready(Session(server, after="remove")) as inbox:
        item = inbox.look()[0][0]
        write(server, content="new version\n")
        inbox.received(item)
    assert path.read_text() == "new version\n"


def test_a_file_that_changes_while_it_is_read_is_left(server):
    write(server)
    with ready(Session(server)) as inbox:
        item = inbox.look()[0][0]
        write(server, content="a longer version\n")
        with pytest.raises(NotReadyError, match=r"changed while it was read"):
            inbox.fetch(item, io.BytesIO())


def test_a_file_that_went_away_is_left(server):
    path = write(server)
    with ready(Session(server)) as inbox:
        item = inbox.look()[0][0]
        path.unlink()
        with pytest.raises(NotReadyError, match=r"went away"):
            inbox.fetch(item, io.BytesIO())


def test_a_file_above_the_limit_is_refused_unread(server):
    with (server.root / "big.csv").open("wb") as sparse:
        sparse.truncate(1_000_001)
    with ready(Session(server, limit_mb=1)) as inbox:
        item = inbox.look()[0][0]
        with pytest.raises(Refused, match=r"big.csv is larger than 1 MB"):
            inbox.fetch(item, io.BytesIO())


def test_a_folder_that_is_not_there(server):
    with pytest.raises(Refused, match=r"The folder drop of 127.0.0.1 cannot be read"):
        Session(server, folder="drop").look()


def test_an_address_inside_takes_permission(server):
    with pytest.raises(Refused, match=r"an address inside a network"):
        Session(server, allow_private=False).look()


def test_nobody_listens(server):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(UnreachableError, match=rf"127.0.0.1:{port} refused the connection"):
        Session(server, port=port).look()


def test_a_server_that_says_nothing(server):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        begun = time.monotonic()
        with pytest.raises(UnreachableError, match=r"broke off|was not finished"):
            Session(server, port=port, connect_seconds=1, total_seconds=3).look()
    assert time.monotonic() - begun < 8


def test_a_connection_that_breaks_in_the_middle(server):
    write(server)
    session = Session(server)
    session.look()

    def lose():
        with session.open() as inbox:
            items, _ = inbox.look()
            for transport in server._transports:
                transport.close()
            time.sleep(0.1)
            inbox.fetch(items[0], io.BytesIO())

    with pytest.raises(UnreachableError, match=rf"127.0.0.1:{server.port} broke off"):
        lose()


def test_a_session_that_never_ends_is_cut(server, monkeypatch):
    monkeypatch.setattr(
        "tests.meters.sources.servers.Files.list_folder", lambda *_args: time.sleep(4) or []
    )
    with pytest.raises(UnreachableError, match=r"was not finished after 1 s"):
        Session(server, total_seconds=1).look()


@pytest.mark.parametrize(
    ("code", "fault", "said"),
    [
        (paramiko.SFTP_FAILURE, UnreachableError, "broke off (Failure); what was not received is"),
        (paramiko.SFTP_PERMISSION_DENIED, Refused, "m.csv cannot be read: Permission denied."),
        (paramiko.SFTP_NO_SUCH_FILE, NotReadyError, "went away before it was read"),
    ],
    ids=["failure", "denied", "gone"],
)
def test_a_file_that_the_server_does_not_give_is_told(tmp_path, code, fault, said):
    (tmp_path / "remote").mkdir()
    with Inbox(tmp_path / "remote", on_open=code).running() as server:
        write(server)
        session = Session(server)
        session.look()

        def fetch():
            with session.open() as inbox:
                inbox.fetch(inbox.look()[0][0], io.BytesIO())

        with pytest.raises(fault, match=re.escape(said)):
            fetch()


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "in/m.csv"])
def test_a_name_that_leads_elsewhere_is_told_and_left(tmp_path, name):
    (tmp_path / "remote").mkdir()
    with Inbox(tmp_path / "remote", also_listed=name).running() as server:
        session = Session(server)
        for _look in range(2):
            why = "has a name that leads out of the folder; it is never followed"
            assert session.look() == ([], {name: why})
        assert session.memory == {}


def test_a_time_stamp_of_tomorrow_is_noted(server):
    path = write(server)
    ahead = (NOW + timedelta(days=1)).timestamp()
    os.utime(path, (ahead, ahead))
    session = Session(server)
    session.look()
    with session.open() as inbox:
        assert [item.name for item in inbox.look()[0]] == ["m.csv"]
        assert inbox.ahead_seconds == 86_400 - 120


def test_a_full_disk_here_is_told_as_ours(server):
    write(server, content="x" * 100_000)
    session = Session(server)
    session.look()
    with (
        session.open() as inbox,
        Path("/dev/full").open("wb", buffering=0) as full,
        pytest.raises(NotKeptError, match=r"No space left on device"),
    ):
        inbox.fetch(inbox.look()[0][0], full)


def test_a_fault_of_ours_is_not_blamed_on_the_server(server):
    def fail():
        with Session(server).open():
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match=r"No space left"):
        fail()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"host_keys": []}, "name at least one"),
        ({"host_keys": ["ssh-ed25519 nonsense!"]}, "is no line such as"),
        ({"host_keys": ["ssh-rsa AAAAC3NzaC1lZDI1NTE5"]}, "is no line such as"),
        ({"taken_folder": "a/b"}, "is not the name of one subfolder"),
        ({"auth": "agent"}, "is not one of key, password"),
        ({"password": "x"}, "unknown field"),
    ],
)
def test_wrong_parameters_are_told(server, wrong, said):
    with pytest.raises(Refused, match=said):
        parameters(server, **wrong)
