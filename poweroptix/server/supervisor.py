"""A small supervisor: keeps web server, worker and embedded database running together.

Each child has a session of its own, so Ctrl-C reaches the supervisor alone, which then asks the
children to finish what they are doing, waits, and stops the database last.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from poweroptix.kernel.errors import Refused
from poweroptix.server.embedded import Server
from poweroptix.server.home import no_follow

STOP_SECONDS_MAX = 60
STEADY_SECONDS = 60
PAUSE_SECONDS_MAX = 30
LOG_BYTES_MAX = 20_000_000
_TICK_SECONDS = 0.2
_DATABASE_LOOK_SECONDS = 5

Say = Callable[[str], None]


def pause_seconds(deaths: int) -> int:
    """Return how long to wait before a child that keeps dying is started again.

    >>> [pause_seconds(n) for n in (1, 2, 3, 6, 50)]
    [1, 2, 4, 30, 30]
    """
    return min(2 ** min(deaths - 1, 10), PAUSE_SECONDS_MAX)


@dataclass
class Child:
    """One program that is kept running."""

    name: str
    command: Sequence[str]
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    deaths: int = 0
    started_at: float = 0.0
    start_after: float = 0.0

    def start(self) -> None:
        """Start it, with its output in the log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES_MAX:
            self.log.replace(self.log.with_suffix(".old.log"))
        with open(self.log, "ab", opener=no_follow) as file:
            self.process = subprocess.Popen(  # noqa: S603 - commands of our own
                list(self.command),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )
        self.started_at = time.monotonic()

    def is_running(self) -> bool:
        """Whether the process lives."""
        return self.process is not None and self.process.poll() is None

    def watch(self, say: Say) -> None:
        """Start it again when it has ended, later each time it keeps ending."""
        now = time.monotonic()
        if self.is_running():
            if self.deaths and now - self.started_at > STEADY_SECONDS:
                self.deaths = 0
            return
        if self.process is not None:
            self.deaths += 1
            self.start_after = now + pause_seconds(self.deaths)
            say(
                f"{self.name} ended with code {self.process.returncode}; starting it again in "
                f"{pause_seconds(self.deaths)} s (log: {self.log})"
            )
            self.process = None
        if now >= self.start_after:
            self.start()

    def signal(self, number: int, *, group: bool = False) -> None:
        """Signal the main process, or everything it started."""
        if self.process is None or (not group and not self.is_running()):
            return
        try:
            (os.killpg if group else os.kill)(self.process.pid, number)
        except ProcessLookupError:
            return  # it ended by itself just now, which is what was wanted


class Supervisor:
    """Runs children until a signal, then stops everything in order."""

    def __init__(self, children: Sequence[Child], server: Server | None, say: Say) -> None:
        self.children = children
        self.server = server
        self.say = say
        self.signals = 0

    def start(self) -> None:
        """Start the children; from now on signals are ours."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        for child in self.children:
            child.start()

    def wait_for(self, ready: Callable[[], bool], seconds: float) -> bool:
        """Wait until `ready()`; stop waiting on a signal or when time is up."""
        deadline = time.monotonic() + seconds
        while not self.signals and time.monotonic() < deadline:
            if ready():
                return True
            if not all(child.is_running() for child in self.children):
                return False
            time.sleep(_TICK_SECONDS)
        return False

    def run(self) -> None:
        """Keep everything running until somebody asks to stop."""
        look_at = 0.0
        while not self.signals:
            for child in self.children:
                child.watch(self.say)
            if self.server is not None and time.monotonic() >= look_at:
                look_at = time.monotonic() + _DATABASE_LOOK_SECONDS
                self._keep_database(self.server)
            time.sleep(_TICK_SECONDS)

    def stop(self) -> None:
        """Ask the children to finish, wait, kill what is left, stop the database."""
        for child in self.children:
            child.signal(signal.SIGTERM)
        asked = self.signals
        deadline = time.monotonic() + STOP_SECONDS_MAX
        while any(child.is_running() for child in self.children):
            if time.monotonic() > deadline or self.signals > asked:
                break
            time.sleep(_TICK_SECONDS)
        for child in self.children:
            child.signal(signal.SIGKILL, group=True)
        if self.server is not None:
            self.server.stop()

    def _keep_database(self, server: Server) -> None:
        try:
            if not server.is_listening() and server.start():
                self.say("the database had ended and was started again")
        except Refused as error:
            self.say(str(error))

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.signals += 1
