"""Children are kept running, and stopped in order."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from poweroptix.server.supervisor import Child, Supervisor

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('up', flush=True); time.sleep(60)",
]


@pytest.fixture(autouse=True)
def _own_signals():
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def child(tmp_path, command=SLEEP, name="child"):
    return Child(name, command, tmp_path / "log" / f"{name}.log")


class FakeServer:
    def __init__(self, children):
        self.children, self.stopped_with = children, None

    def is_listening(self):
        return True

    def stop(self):
        self.stopped_with = [child.is_running() for child in self.children]


def test_a_signal_stops_children_first_and_the_database_last(tmp_path):
    children = [child(tmp_path, name="a"), child(tmp_path, name="b")]
    server, said = FakeServer(children), []
    supervisor = Supervisor(children, server, said.append)
    supervisor.start()
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    supervisor.run()
    supervisor.stop()
    assert server.stopped_with == [False, False]
    assert said == []


def test_children_have_sessions_of_their_own(tmp_path):
    one = child(tmp_path)
    one.start()
    try:
        assert os.getsid(one.process.pid) != os.getsid(0)
    finally:
        one.signal(signal.SIGKILL)


def test_a_child_that_ends_is_started_again_later_each_time(tmp_path):
    said = []
    one = child(tmp_path, [sys.executable, "-c", "raise SystemExit(3)"])
    one.start()
    one.process.wait()
    one.watch(said.append)
    assert said[0].startswith("child ended with code 3; starting it again in 1 s")
    assert one.start_after > time.monotonic()
    one.start_after = 0
    one.watch(said.append)
    one.process.wait()
    one.watch(said.append)
    assert "in 2 s" in said[1]


def test_a_child_that_ran_steadily_is_forgiven(tmp_path):
    one = child(tmp_path)
    one.deaths = 5
    one.start()
    one.started_at -= 61
    one.watch(lambda _text: None)
    one.signal(signal.SIGKILL)
    assert one.deaths == 0


def test_a_second_signal_kills_what_does_not_end(tmp_path):
    one = child(tmp_path, STUBBORN)
    supervisor = Supervisor([one], None, lambda _text: None)
    supervisor.start()
    assert supervisor.wait_for(lambda: "up" in one.log.read_text(), 10)
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM)).start()
    began = time.monotonic()
    supervisor.stop()
    assert one.process.wait(timeout=10) == -signal.SIGKILL
    assert time.monotonic() - began < 20


def test_waiting_ends_when_a_child_ends(tmp_path):
    one = child(tmp_path, [sys.executable, "-c", "pass"])
    supervisor = Supervisor([one], None, lambda _text: None)
    supervisor.start()
    assert not supervisor.wait_for(lambda: False, 20)


def test_a_long_log_is_put_aside(tmp_path, monkeypatch):
    monkeypatch.setattr("poweroptix.server.supervisor.LOG_BYTES_MAX", 3)
    one = child(tmp_path, [sys.executable, "-c", "print('fresh')"])
    one.log.parent.mkdir()
    one.log.write_text("old text")
    one.start()
    one.process.wait()
    assert one.log.read_text() == "fresh\n"
    assert one.log.with_suffix(".old.log").read_text() == "old text"


def test_signalling_a_finished_child_is_harmless(tmp_path):
    one = child(tmp_path, [sys.executable, "-c", "pass"])
    one.signal(signal.SIGTERM)
    one.start()
    one.process.wait()
    one.signal(signal.SIGTERM)
    one.signal(signal.SIGKILL, group=True)
    assert isinstance(one.process, subprocess.Popen)
    assert not one.is_running()
